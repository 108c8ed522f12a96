// Measures generated contractions: layers of ResNet-50, MobileNet and BERT on one and two threads,
// as GFLOP/s and as a share of the peak that the same core reached just before.
//   contraction_bench [--effort N] [--only TEXT] [--threads N] [--target TEXT] [--dump FILE]
//                     [--unroll N] [--prefetch BYTES]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "codegen/cpu/emit.h"
#include "tests/codegen/problems.h"

namespace carnot::cpu {

namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// GFLOP/s of independent multiply-adds: what the machine gives this very moment.
class Peak {
 public:
  static Result<Peak> make(const Target& target) {
    Peak peak;
    peak.lanes_ = target.lanes(32);
    CARNOT_ASSIGN(Module module, Module::create(target));
    Emitter e(module, "peak");
    auto* type = e.vector(e.f32(), peak.lanes_);
    peak.chains_ = target.vector_registers() * 3 / 4;
    std::vector<llvm::Value*> sums(static_cast<size_t>(peak.chains_), e.splat(0, type));
    llvm::Value* a = e.load(type, e.scratch());
    sums = e.loop(e.task_begin(), e.task_end(), e.i64(1), sums,
                  [&](llvm::Value*, llvm::ArrayRef<llvm::Value*> carried) {
                    std::vector<llvm::Value*> next;
                    for (llvm::Value* sum : carried) next.push_back(e.fma(a, a, sum));
                    return next;
                  });
    for (llvm::Value* sum : sums) {
      e.store(e.ir().CreateFAdd(sum, e.load(type, e.scratch())), e.scratch());
    }
    e.finish();
    CARNOT_ASSIGN(const ObjectBytes object, module.compile());
    CARNOT_ASSIGN(const CodeBlob blob, link(std::span(&object, 1)));
    CARNOT_ASSIGN(LoadedCode code, LoadedCode::load(blob));
    peak.code_.emplace(std::move(code));
    return peak;
  }

  double measure() const {
    alignas(64) char scratch[64] = {};
    const int64_t steps = 20000;
    double best = 0;
    for (int i = 0; i < 5; ++i) {
      const double start = seconds();
      code_->entry("peak")(nullptr, nullptr, 0, steps, scratch);
      const double flops = 2.0 * static_cast<double>(steps) * chains_ * lanes_;
      best = std::max(best, flops / (seconds() - start) * 1e-9);
    }
    return best;
  }

 private:
  int lanes_ = 0;
  int chains_ = 0;  ///< enough to hide the latency, few enough to stay in registers
  std::optional<LoadedCode> code_;
};

struct Options {
  int effort = 0, threads = 1, unroll = 0, prefetch = 0;
  std::string only, dump, target;
};

double time_call(PreparedCall& call, int threads) {
  std::vector<std::vector<char>> scratch(static_cast<size_t>(threads));
  for (auto& s : scratch) s.resize(static_cast<size_t>(call.scratch_bytes) + 128);
  const auto once = [&] {
    if (threads == 1) return call.run();
    std::vector<std::thread> team;
    for (int t = 0; t < threads; ++t) {
      team.emplace_back([&, t] {
        auto at = reinterpret_cast<uintptr_t>(scratch[static_cast<size_t>(t)].data());
        at = (at + 63) / 64 * 64;
        call.run(call.tasks * t / threads, call.tasks * (t + 1) / threads,
                 reinterpret_cast<void*>(at));
      });
    }
    for (std::thread& t : team) t.join();
  };
  once();
  double best = 1e9;
  const double begin = seconds();
  for (int i = 0; i < 5 || (seconds() - begin < 0.05 && i < 2000); ++i) {
    const double start = seconds();
    once();
    best = std::min(best, seconds() - start);
  }
  return best;
}

template <class Problem>
void measure(const Problem& problem, bool b_constant, const Target& target, const Peak& peak,
             const Options& options) {
  if (problem.name.find(options.only) == std::string::npos) return;
  const BuiltProblem built = build(problem);
  const ContractionQuery query{built.kernel, built.view, target, b_constant, b_constant};
  if (const Status status = why_not(query); !status.ok()) {
    std::printf("%-28s %s\n", problem.name.c_str(), to_string(status).c_str());
    return;
  }
  for (RankedTactic& ranked : candidates(query, built.symbols, options.effort)) {
    if (options.unroll > 0) ranked.tactic.unroll = options.unroll;
    if (options.prefetch > 0) ranked.tactic.prefetch = options.prefetch;
    Result<PreparedCall> call = PreparedCall::make(built, target, ranked.tactic, b_constant);
    if (!call.ok()) {
      std::printf("%-28s %s\n", problem.name.c_str(), to_string(call.status()).c_str());
      continue;
    }
    const double top = peak.measure() * options.threads;
    const double time = time_call(*call, options.threads);
    const double rate = problem.flops() / time * 1e-9;
    std::printf(
        "%-28s %8.1f us (model %7.1f) %6.1f GFLOP/s %5.1f%% of %5.1f  %-34s %4lld tasks "
        "%5.1f ms %6zu B\n",
        problem.name.c_str(), time * 1e6, ranked.predicted_us, rate, 100 * rate / top, top,
        to_string(ranked.tactic).c_str(), static_cast<long long>(call->tasks), call->compile_ms,
        call->blob.bytes.size());
    std::fflush(stdout);
    if (!options.dump.empty()) {
      std::ofstream file(options.dump, std::ios::binary);
      file.write(reinterpret_cast<const char*>(call->blob.bytes.data()),
                 static_cast<std::streamsize>(call->blob.bytes.size()));
    }
  }
}

int run(const Options& options) {
  Result<Target> target = options.target.empty() ? host_target() : parse_target(options.target);
  if (!target.ok()) return std::printf("%s\n", to_string(target.status()).c_str()), 1;
  std::printf("%s\n", to_string(*target).c_str());
  Result<Peak> peak = Peak::make(*target);
  if (!peak.ok()) return std::printf("%s\n", to_string(peak.status()).c_str()), 1;
  const auto conv = [&](const char* name, int64_t hw, int64_t c, int64_t k, int64_t kernel,
                        int64_t stride, bool residual = false, int64_t dilation = 1) {
    ConvProblem q;
    q.name = name;
    q.h = q.w = hw;
    q.c = c, q.k = k, q.kh = q.kw = kernel, q.stride = stride;
    q.dilation = dilation, q.pad = dilation * (kernel / 2), q.residual = residual;
    measure(q, true, *target, *peak, options);
  };
  conv("resnet.first 7x7s2", 224, 3, 64, 7, 2);
  conv("resnet.1 1x1 64>64", 56, 64, 64, 1, 1);
  conv("resnet.1 3x3 64", 56, 64, 64, 3, 1);
  conv("resnet.1 1x1 64>256+", 56, 64, 256, 1, 1, true);
  conv("resnet.1 1x1 256>64", 56, 256, 64, 1, 1);
  conv("resnet.2 3x3s2 128", 56, 128, 128, 3, 2);
  conv("resnet.2 1x1s2 256>512", 56, 256, 512, 1, 2);
  conv("resnet.2 3x3 128", 28, 128, 128, 3, 1);
  conv("resnet.2 1x1 128>512+", 28, 128, 512, 1, 1, true);
  conv("resnet.2 1x1 512>128", 28, 512, 128, 1, 1);
  conv("resnet.3 3x3 256", 14, 256, 256, 3, 1);
  conv("resnet.3 1x1 256>1024+", 14, 256, 1024, 1, 1, true);
  conv("resnet.3 1x1 1024>256", 14, 1024, 256, 1, 1);
  conv("resnet.4 3x3 512", 7, 512, 512, 3, 1);
  conv("resnet.4 1x1 512>2048+", 7, 512, 2048, 1, 1, true);
  conv("resnet.4 1x1 2048>512", 7, 2048, 512, 1, 1);
  conv("mobile.first 3x3s2", 224, 3, 32, 3, 2);
  conv("mobile 1x1 16>96", 112, 16, 96, 1, 1);
  conv("mobile 1x1 96>24", 56, 96, 24, 1, 1);
  conv("mobile 1x1 144>40", 28, 144, 40, 1, 1);
  conv("mobile 1x1 480>112", 14, 480, 112, 1, 1);
  conv("mobile 1x1 320>1280", 7, 320, 1280, 1, 1);
  conv("deeplab 3x3 d12 512", 64, 512, 256, 3, 1, false, 12);
  const auto matmul = [&](const char* name, int64_t batch, int64_t m, int64_t n, int64_t k,
                          bool constant, bool transposed = false) {
    MatMulProblem q;
    q.name = name;
    q.batch = batch, q.m = m, q.n = n, q.k = k, q.transposed = transposed, q.bias = constant;
    measure(q, constant, *target, *peak, options);
  };
  matmul("bert 128x768x768", 1, 128, 768, 768, true);
  matmul("bert 128x3072x768", 1, 128, 3072, 768, true);
  matmul("bert 128x768x3072", 1, 128, 768, 3072, true);
  matmul("bert qk 12x128x128x64", 12, 128, 128, 64, false, true);
  matmul("bert pv 12x128x64x128", 12, 128, 64, 128, false);
  matmul("square 512", 1, 512, 512, 512, true);
  matmul("gemv 1000x2048", 1, 1, 1000, 2048, true);
  matmul("gemv 768x768", 1, 1, 768, 768, true);
  return 0;
}

}  // namespace

}  // namespace carnot::cpu

int main(int argc, char** argv) {
  carnot::cpu::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i], value = argv[i + 1];
    if (flag == "--effort") options.effort = std::atoi(value.c_str());
    if (flag == "--threads") options.threads = std::atoi(value.c_str());
    if (flag == "--unroll") options.unroll = std::atoi(value.c_str());
    if (flag == "--prefetch") options.prefetch = std::atoi(value.c_str());
    if (flag == "--only") options.only = value;
    if (flag == "--dump") options.dump = value;
    if (flag == "--target") options.target = value;
  }
  return carnot::cpu::run(options);
}
