// Every case of tests/ops/*.txt as an engine for the GPU, in each float type that the operation
// takes, against the reference in f64. `--device cpu` does the same with engines for the CPU,
// `--device cuda/plain` with launches that tools can follow, `--every N` with one case of N,
// `--only NAME,...` with those of some operations, `--effort N` and `--threads N` with builds of
// that effort and so many at a time. `--kernels PREFIX` takes, where there are any, only candidates
// that are named so: with `--effort 5` 'cuda.attention[w' has the kernels that older GPUs have.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/thread_team.h"
#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cuda/cuda.h"
#include "ops/bind.h"
#include "tests/ops/op_case.h"

namespace carnot {
namespace {

std::string device = "cuda";
size_t every = 1;  ///< one of so many cases
constexpr size_t kGeneratedEvery = 7;
std::string only;                ///< names of operations; empty: all
int effort = 1;                  ///< of the builds
std::string kernels;             ///< how the candidates that may be used begin; empty: all
std::atomic<int> with_them = 0;  ///< kernels that had such
size_t threads = 0;              ///< that build and run; 0: all there are

struct Job {
  std::string where;  ///< "conv.txt:12"
  OpCase test;
  std::vector<Tensor> operands;
  std::vector<Tensor> expected;  ///< in f64 where the results are floats
  Products products = Products::kFull;
};

bool takes_part(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

Result<Tensor> converted(const Tensor& from, DType type) {
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(type, from.shape()));
  for (int64_t i = 0; i < from.elements(); ++i) out.set(i, from.get(i));
  return out;
}

// The case with its floats of another type; nothing where the operation does not take them.
std::optional<OpCase> with_floats(const OpCase& test, DType type) {
  OpCase out = test;
  for (OpCase::Operand& operand : out.operands) {
    if (!is_float(operand.type.dtype)) continue;
    if (!takes_part(operand.type.dtype)) return std::nullopt;
    operand.type.dtype = type;
    if (!operand.value) continue;
    auto value = converted(*operand.value, type);
    if (!value.ok()) return std::nullopt;
    operand.value = std::move(*value);
  }
  if (!infer(out.op, infos_of(out)).ok()) return std::nullopt;
  return out;
}

// What the operation gives for these very operands, in f64 where it can be had.
std::vector<Tensor> expected_of(const Op& op, const std::vector<Tensor>& operands) {
  std::vector<Tensor> wide;
  for (const Tensor& t : operands) {
    const bool widened = takes_part(t.dtype());
    wide.push_back(widened ? *converted(t, DType::kF64) : t);
  }
  const Result<std::vector<Tensor>> fine = reference(op, wide);
  const Result<std::vector<Tensor>> own = reference(op, operands);
  if (!own.ok()) return {};
  if (!fine.ok() || fine->size() != own->size()) return *own;
  std::vector<Tensor> out;
  for (size_t i = 0; i < own->size(); ++i) {
    const bool same = (*fine)[i].shape() == (*own)[i].shape() &&
                      is_float((*fine)[i].dtype()) == is_float((*own)[i].dtype());
    out.push_back(same ? (*fine)[i] : (*own)[i]);
  }
  return out;
}

// Sums of such numbers may leave the floats on the way: the order of their terms decides.
bool may_overflow(const std::vector<Tensor>& operands) {
  double sum = 0;
  for (const Tensor& t : operands) {
    for (int64_t i = 0; takes_part(t.dtype()) && i < t.elements(); ++i) {
      if (std::isfinite(t.get(i))) sum += std::abs(t.get(i));
    }
  }
  return sum > static_cast<double>(std::numeric_limits<float>::max());
}

// Sums of products of f32, which may be rounded to TF32.
bool takes_tf32(const Job& job) {
  const auto is_f32 = [](const Tensor& t) { return t.dtype() == DType::kF32; };
  return std::count_if(job.operands.begin(), job.operands.end(), is_f32) >= 2 &&
         tolerance(job.test.op, DType::kF32).scaled;
}

void add_jobs(const std::string& where, const OpCase& test, std::vector<Job>& out) {
  if (test.refused || runs_elsewhere(test.op)) return;
  const auto is_plain_float = [](const OpCase::Operand& o) { return takes_part(o.type.dtype); };
  const bool floats = std::any_of(test.operands.begin(), test.operands.end(), is_plain_float);
  std::vector<std::optional<OpCase>> variants = {test};
  if (floats) {
    variants.clear();
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
      variants.push_back(with_floats(test, type));
    }
  }
  for (std::optional<OpCase>& variant : variants) {
    if (!variant) continue;
    const Symbols sizes = choose_sizes(*variant, infos_of(*variant));
    auto operands = make_operands(*variant, sizes, Fill::kUniform);
    if (!operands.ok() || may_overflow(*operands)) continue;
    Job job{where, std::move(*variant), std::move(*operands), {}, Products::kFull};
    job.expected = expected_of(with_symbols(job.test.op, sizes), job.operands);
    // Sizes that no operand has are numbers in a network.
    std::vector<std::string> bound;
    for (const OpCase::Operand& o : job.test.operands) {
      for (const Dim& d : o.type.dims) d.collect_symbols(bound);
    }
    Symbols unbound = sizes;
    for (const std::string& name : bound) unbound.erase(name);
    const std::vector<std::string> defined = defined_symbols(job.test.op, infos_of(job.test));
    for (const std::string& name : defined) unbound.erase(name);
    bound.insert(bound.end(), defined.begin(), defined.end());
    job.test.op = with_symbols(job.test.op, unbound);
    std::vector<std::string> left;
    for_each_dim(job.test.op, [&](const Dim& dim) { dim.collect_symbols(left); });
    const bool known = std::all_of(left.begin(), left.end(), [&](const std::string& name) {
      return std::find(bound.begin(), bound.end(), name) != bound.end();
    });
    if (!known) continue;  // a size that follows from the result
    if (job.expected.empty()) continue;
    out.push_back(std::move(job));
    if (!takes_tf32(out.back())) continue;
    out.push_back(out.back());
    out.back().products = Products::kTF32;
  }
}

std::vector<Job> all_jobs() {
  std::vector<Job> out;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/ops")) {
    const std::string name = cat(',', entry.path().stem().string(), ',');
    const bool wanted = only.empty() || cat(',', only, ',').find(name) != std::string::npos;
    if (wanted && entry.path().extension() == ".txt" &&
        entry.path().filename() != "CMakeLists.txt") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream in(path);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const auto test = parse_op_case(line);
      if (!test.ok() || !*test) continue;
      add_jobs(path.filename().string() + ":" + std::to_string(number) + ": " + line, **test, out);
    }
  }
  return out;
}

Result<std::vector<int>> chosen(const KernelCandidates& all) {
  std::vector<int> wanted, every_one;
  for (size_t i = 0; i < all.candidates.size(); ++i) {
    every_one.push_back(static_cast<int>(i));
    if (all.candidates[i].tactic.starts_with(kernels)) wanted.push_back(static_cast<int>(i));
  }
  if (wanted.empty()) return every_one;
  ++with_them;
  return wanted;
}

Result<std::vector<std::byte>> built(const Job& job, const std::string& kind, int with_effort,
                                     int64_t scratch_bytes_max = -1) {
  Network network;
  std::vector<Network::Handle> handles;
  for (size_t i = 0; i < job.operands.size(); ++i) {
    const OpCase::Operand& operand = job.test.operands[i];
    const bool known = operand.value && !is_float(operand.type.dtype);
    handles.push_back(known ? network.add_constant(*operand.value)
                            : network.add_input(cat("x", i), operand.type));
  }
  CARNOT_ASSIGN(const auto results, network.add(Operation(job.test.op), handles));
  for (size_t i = 0; i < results.size(); ++i) network.mark_output(results[i], cat("y", i));
  BuilderOptions options;
  options.device = kind;
  options.effort = with_effort;
  options.scratch_bytes_max = scratch_bytes_max;
  options.tf32 = job.products == Products::kTF32;
  if (!kernels.empty() && kind != "cpu") options.choose = chosen;
  return build(std::move(network), options);
}

Status check(const Job& job) {
  auto bytes = built(job, device, effort);
  if (!bytes.ok()) {
    // What no engine can be built of is none of the GPU's affairs.
    return device != "cpu" && !built(job, "cpu", effort).ok() ? Status() : bytes.status();
  }
  CARNOT_ASSIGN(const EnginePtr engine, Engine::load(*bytes, {.device = device}));
  CARNOT_ASSIGN(Context context, engine->make_context());
  std::vector<Tensor> inputs;
  for (const TensorInfo& info : engine->inputs()) {
    inputs.push_back(job.operands[static_cast<size_t>(std::stoi(info.name.substr(1)))]);
  }
  CARNOT_ASSIGN(const std::vector<Tensor> got, context.run(inputs));
  for (size_t i = 0; i < got.size() && i < job.expected.size(); ++i) {
    Tensor want = job.expected[i];
    if (is_float(want.dtype()) && want.dtype() != got[i].dtype()) {
      CARNOT_ASSIGN(want, converted(want, got[i].dtype()));
    }
    const Tolerance allowed = tolerance(job.test.op, got[i].dtype(), job.products);
    const Difference difference = compare(got[i], want, allowed);
    if (!difference.ok) return error(Code::kWrongResult, "result ", i, ": ", difference.first);
  }
  return {};
}

std::string types_of(const Job& job) {
  std::string out;
  for (const Tensor& t : job.operands) out += (out.empty() ? "" : ", ") + to_string(t.type());
  return job.products == Products::kTF32 ? out + " by TF32" : out;
}

TEST(Ops, AreRightInEachType) {
  if (device != "cpu") {
    const auto gpus = list_gpus();
    if (!gpus.ok() || gpus->empty()) GTEST_SKIP() << "skipped: no CUDA device";
  }
  const std::vector<Job> jobs = all_jobs();
  ASSERT_FALSE(jobs.empty());
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::vector<std::thread> team;
  int failed = 0;
  const size_t team_size = threads ? threads : static_cast<size_t>(usable_cpus());
  for (size_t t = 0; t < team_size; ++t) {
    team.emplace_back([&] {
      for (size_t i; (i = every * next++) < jobs.size();) {
        const Status status = check(jobs[i]);
        if (status.ok()) continue;
        const std::lock_guard lock(mutex);
        ++failed;
        ADD_FAILURE() << jobs[i].where << "\n  on " << types_of(jobs[i]) << ": "
                      << status.message();
      }
    });
  }
  for (std::thread& thread : team) thread.join();
  std::printf("%zu engines, %d wrong\n", (jobs.size() + every - 1) / every, failed);
  if (kernels.empty()) return;
  std::printf("%d kernels had a candidate %s...\n", with_them.load(), kernels.c_str());
  EXPECT_GT(with_them, 0);
}

// Needs no GPU: what effort 5 would try is written out, as where a limit of scratch memory is set.
TEST(Ops, EachCandidateIsGenerated) {
  const std::vector<Job> jobs = all_jobs();
  std::string missing;
  for (size_t i = 0; i < jobs.size() && missing.empty(); i += kGeneratedEvery * every) {
    const auto bytes = built(jobs[i], "cuda:sm_90a", 5, std::numeric_limits<int64_t>::max());
    if (bytes.ok() || !built(jobs[i], "cpu", 0).ok()) continue;
    const bool no_compiler = bytes.status().message().find("NVRTC") != std::string::npos;
    if (no_compiler) missing = bytes.status().message();
    EXPECT_TRUE(no_compiler) << jobs[i].where << ": " << bytes.status().message();
  }
  if (!missing.empty()) GTEST_SKIP() << "skipped: " << missing;
}

}  // namespace
}  // namespace carnot

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i + 1 < argc; ++i) {
    const unsigned long number = std::strtoul(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--device") == 0) carnot::device = argv[i + 1];
    if (std::strcmp(argv[i], "--only") == 0) carnot::only = argv[i + 1];
    if (std::strcmp(argv[i], "--kernels") == 0) carnot::kernels = argv[i + 1];
    if (std::strcmp(argv[i], "--every") == 0) carnot::every = std::max(1UL, number);
    if (std::strcmp(argv[i], "--effort") == 0) carnot::effort = static_cast<int>(number);
    if (std::strcmp(argv[i], "--threads") == 0) carnot::threads = number;
  }
  return RUN_ALL_TESTS();
}
