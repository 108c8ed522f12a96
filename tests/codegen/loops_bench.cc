// Measures generated loop kernels: bytes per second as a share of what a plain copy of a buffer of
// the same size reaches, and attention as GFLOP/s.
//   loops_bench [--only TEXT] [--target TEXT] [--all] [--dump FILE] [FILE.kernel ...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/status.h"
#include "codegen/cpu/attention.h"
#include "codegen/cpu/emit.h"
#include "codegen/cpu/loops.h"
#include "codegen/cpu/transpose.h"
#include "tests/codegen/run_kernel.h"

namespace carnot::cpu {

namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  std::string only, target, dump;
  bool all = false;
  std::vector<std::string> files;
};

std::string pointwise(const char* type, int64_t n, const char* program, bool second = false) {
  const std::string t = cat(type, "[", n, "]");
  return cat("kernel k { input 0 : ", t, " ", second ? cat("input 1 : ", t, " ") : "", "output ",
             second ? 2 : 1, " : ", t, " axes #0 = ", n, " store { $0 = load 0[#0] ",
             second ? "$1 = load 1[#0] " : "", "by ", program, " result 0 -> ", second ? 2 : 1,
             "[#0] } }");
}

std::string transpose(const char* type, int64_t n, int64_t a, int64_t b) {
  return cat("kernel k { input 0 : ", type, "[", n, ", ", a, ", ", b, "] output 1 : ", type, "[", n,
             ", ", b, ", ", a, "] axes #0 = ", n, ", #1 = ", b, ", #2 = ", a,
             " store { $0 = load 0[#0, #2, #1] by $0 result 0 -> 1[#0, #1, #2] } }");
}

std::string softmax(int64_t rows, int64_t n) {
  const std::string inner = cat("inner #1 = ", n, " $0 = load 0[#0, #1] ");
  return cat("kernel k { input 0 : f32[", rows, ", ", n, "] output 1 : f32[", rows, ", ", n,
             "] axes #0 = ", rows, " fold max : f32 { ", inner, "by $0 } fold sum : f32 { ", inner,
             "by exp(sub($0, $1)) } store { ", inner,
             "by div(exp(sub($0, $1)), $2) result 0 -> 1[#0, #1] } }");
}

std::string layer_norm(int64_t rows, int64_t n) {
  const std::string inner = cat("inner #1 = ", n, " $0 = load 0[#0, #1] ");
  const std::string c = cat(n, ".0:f32");
  return cat("kernel k { input 0 : f32[", rows, ", ", n, "] input 1 : f32[", n, "] output 2 : f32[",
             rows, ", ", n, "] axes #0 = ", rows, " fold sum : f32 { ", inner,
             "by $0 } fold sum : f32 { ", inner, "by t0 = sub($0, div($1, ", c,
             ")); mul(t0, t0) } store { ", inner, "$1 = load 1[#1] by mul(div(sub($0, div($2, ", c,
             ")), sqrt(add(div($3, ", c, "), 1e-5:f32))), $1) result 0 -> 2[#0, #1] } }");
}

std::string mean_hw(int64_t hw, int64_t c) {
  return cat("kernel k { input 0 : f32[", hw, ", ", c, "] output 1 : f32[", c, "] axes #0 = ", c,
             " fold sum : f32 { inner #1 = ", hw,
             " $0 = load 0[#1, #0] by $0 } store { by div($0, ", hw,
             ".0:f32) result 0 -> 1[#0] } }");
}

/// Every row times one row: what follows a squeeze-and-excitation.
std::string scale(int64_t rows, int64_t c) {
  const std::string t = cat("f32[", rows, ", ", c, "]");
  return cat(
      "kernel k { input 0 : ", t, " input 1 : f32[", c, "] output 2 : ", t, " axes #0 = ", rows,
      ", #1 = ", c,
      " store { $0 = load 0[#0, #1] $1 = load 1[#1] by mul($0, $1) result 0 -> 2[#0, #1] } }");
}

/// One row times a matrix that is stored by output.
std::string gemv(int64_t k, int64_t n) {
  return cat(
      "kernel k { input 0 : f32[", k, "] input 1 : f32[", n, ", ", k, "] output 2 : f32[", n,
      "] axes #0 = ", n, " fold sum : f32 { inner #1 = ", k,
      " $0 = load 0[#1] $1 = load 1[#0, #1] by mul($0, $1) } store { by $0 result 0 -> 2[#0] "
      "} }");
}

std::string resize2(int64_t hw, int64_t c) {
  return cat("kernel k { input 0 : f32[", hw, ", ", hw, ", ", c, "] output 1 : f32[", 2 * hw, ", ",
             2 * hw, ", ", c, "] axes #0 = ", 2 * hw, ", #1 = ", 2 * hw, ", #2 = ", c,
             " store { $0 = load 0[(#0)//2, (#1)//2, #2] by $0 result 0 -> 1[#0, #1, #2] } }");
}

std::string pool(int64_t hw, int64_t c) {
  return cat("kernel k { input 0 : f32[", hw, ", ", hw, ", ", c, "] output 1 : f32[", hw / 2, ", ",
             hw / 2, ", ", c, "] axes #0 = ", hw / 2, ", #1 = ", hw / 2, ", #2 = ", c,
             " fold max : f32 { inner #3 = 3, #4 = 3 $0 = load 0[#0*2 + #3 - 1, #1*2 + #4 - 1, #2] "
             "if 0 <= #0*2 + #3 - 1 < ",
             hw, ", 0 <= #1*2 + #4 - 1 < ", hw,
             " else -inf by $0 } store { by $0 result 0 -> 1[#0, #1, #2] } }");
}

std::string attention(int64_t heads, int64_t s, int64_t t, int64_t d) {
  const auto type = [&](int64_t rows) { return cat("f32[1, ", rows, ", ", heads, ", ", d, "]"); };
  return cat("kernel k { input 0 : ", type(s), " input 1 : ", type(t), " input 2 : ", type(t),
             " output 3 : ", type(s), " attention {scale = 0.125, bsh = true} }");
}

struct Case {
  std::string name, text;
};
std::vector<Case> cases() {
  return {
      {"relu 800k", pointwise("f32", 802816, "max($0, 0.0:f32)")},
      {"relu 64k", pointwise("f32", 65536, "max($0, 0.0:f32)")},
      {"add 200k", pointwise("f32", 200704, "max(add($0, $1), 0.0:f32)", true)},
      {"hardswish 64k",
       pointwise("f32", 65536,
                 "mul($0, div(min(max(add($0, 3.0:f32), 0.0:f32), 6.0:f32), 6.0:f32))")},
      {"swish 64k", pointwise("f32", 65536, "mul($0, sigmoid($0))")},
      {"exp 64k", pointwise("f32", 65536, "exp($0)")},
      {"gelu 64k", pointwise("f32", 65536,
                             "mul(mul($0, 0.5:f32), add(erf(mul($0, 0.70710678:f32)), 1.0:f32))")},
      {"tanh 64k", pointwise("f32", 65536, "tanh($0)")},
      {"log 64k", pointwise("f32", 65536, "log($0)")},
      {"sin 64k", pointwise("f32", 65536, "sin($0)")},
      {"pow 64k", pointwise("f32", 65536, "pow($0, $1)", true)},
      {"cast f16 64k", pointwise("f16", 65536, "cast(mul(cast($0):f32, 2.0:f32)):f16")},
      {"u8 relu", pointwise("u8", 262144, "max($0, 7:u8)")},
      {"softmax 1536x128", softmax(1536, 128)},
      {"softmax 197x197", softmax(197, 197)},
      {"softmax 16x30522", softmax(16, 30522)},
      {"layer_norm 128x768", layer_norm(128, 768)},
      {"layer_norm 197x768", layer_norm(197, 768)},
      {"mean 49x2048", mean_hw(49, 2048)},
      {"mean 3136x24", mean_hw(3136, 24)},
      {"nhwc->nchw 12544x64", transpose("f32", 1, 12544, 64)},
      {"nchw->nhwc 64x12544", transpose("f32", 1, 64, 12544)},
      {"nchw->nhwc 255x1600", transpose("f32", 1, 255, 1600)},
      {"image c3->nhwc", transpose("f32", 1, 3, 50176)},
      {"image hwc->chw", transpose("f32", 1, 50176, 3)},
      {"bf16 transpose", transpose("bf16", 1, 256, 784)},
      {"u8 transpose", transpose("u8", 1, 256, 784)},
      {"scale 196x144", scale(196, 144)},
      {"scale 3136x16", scale(3136, 16)},
      {"gemv 1024x1000", gemv(1024, 1000)},
      {"heads 128x12x64",
       "kernel k { input 0 : f32[128, 12, 64] output 1 : f32[12, 128, 64] axes "
       "#0 = 12, #1 = 128, #2 = 64 store { $0 = load 0[#1, #0, #2] by $0 result "
       "0 -> 1[#0, #1, #2] } }"},
      {"resize 40x64", resize2(40, 64)},
      {"max pool 112x64", pool(112, 64)},
      {"attention 12x128x64", attention(12, 128, 128, 64)},
      {"attention 12x197x64", attention(12, 197, 197, 64)},
      {"attention 12x512x64", attention(12, 512, 512, 64)},
      {"attention 8x256x32", attention(8, 256, 256, 32)},
      {"attention 8x256x80", attention(8, 256, 256, 80)},
      {"attention 12x1x512", attention(12, 1, 512, 64)},
  };
}

/// Best of many short runs.
template <class Run>
double best_time(const Run& run) {
  run();
  double best = 1e9;
  const double begin = seconds();
  for (int i = 0; i < 5 || (seconds() - begin < 0.06 && i < 4000); ++i) {
    const double start = seconds();
    run();
    best = std::min(best, seconds() - start);
  }
  return best;
}

struct Compiled {
  GeneratedFunction made;
  std::optional<LoadedCode> code;
  double compile_ms = 0;
  size_t bytes = 0;
};

Result<Compiled> compile(const Generate& generate, const Target& target, const Options& options) {
  Compiled out;
  const double start = seconds();
  CARNOT_ASSIGN(Module module, Module::create(target));
  CARNOT_ASSIGN(out.made, generate(module, "kernel"));
  CARNOT_ASSIGN(const ObjectBytes object, module.compile());
  CARNOT_ASSIGN(const CodeBlob blob, link(std::span(&object, 1)));
  out.compile_ms = (seconds() - start) * 1e3;
  out.bytes = blob.bytes.size();
  if (!options.dump.empty()) {
    std::ofstream file(options.dump, std::ios::binary);
    file.write(reinterpret_cast<const char*>(blob.bytes.data()),
               static_cast<std::streamsize>(blob.bytes.size()));
  }
  CARNOT_ASSIGN(LoadedCode code, LoadedCode::load(blob));
  out.code.emplace(std::move(code));
  return out;
}

int64_t value_of(const Dim& dim, const Symbols& symbols) {
  const Result<int64_t> value = evaluate(dim, symbols);
  CARNOT_CHECK(value.ok());
  return *value;
}

void measure(const std::string& name, const StoredKernel& test, const std::string& variant,
             const Generate& generate, const Target& target, const Options& options) {
  const Result<Compiled> compiled = compile(generate, target, options);
  if (!compiled.ok()) {
    std::printf("%-22s %s\n", name.c_str(), to_string(compiled.status()).c_str());
    return;
  }
  const GeneratedFunction& made = compiled->made;
  std::vector<Tensor> tensors = test.inputs;
  std::vector<void*> buffers;
  std::vector<int64_t> params;
  size_t bytes = 0;
  for (const Buffer& buffer : test.kernel.buffers) {
    if (!buffer.output) continue;
    Shape shape;
    for (const Dim& dim : buffer.type.dims) shape.push_back(value_of(dim, test.symbols));
    tensors.push_back(Tensor::zeros(buffer.type.dtype, shape));
  }
  for (Tensor& tensor : tensors) {
    buffers.push_back(tensor.mutable_data());
    bytes += tensor.bytes();
  }
  for (const Dim& param : made.params) params.push_back(value_of(param, test.symbols));
  const int64_t tasks = value_of(made.tasks, test.symbols);
  const int64_t flops = value_of(made.flops, test.symbols);
  const Tensor scratch =
      Tensor::zeros(DType::kU8, {value_of(made.scratch_bytes, test.symbols) + 64});
  const KernelEntry entry = compiled->code->entry("kernel");
  void* where = const_cast<std::byte*>(scratch.data());
  const double time = best_time([&] { entry(buffers.data(), params.data(), 0, tasks, where); });
  // A copy that moves as many bytes, half of them in and half out.
  const Tensor from = Tensor::zeros(DType::kU8, {static_cast<int64_t>(bytes / 2)});
  Tensor to = Tensor::zeros(DType::kU8, {static_cast<int64_t>(bytes / 2)});
  const double copy = best_time([&] { std::memcpy(to.mutable_data(), from.data(), from.bytes()); });
  const auto gb = static_cast<double>(bytes) * 1e-9;
  std::printf("%-22s %-16s %8.1f us %6.1f GB/s, copy %6.1f, time / copy %5.2f", name.c_str(),
              variant.c_str(), time * 1e6, gb / time, gb / copy, time / copy);
  if (flops > 0) std::printf(" %6.1f GFLOP/s", static_cast<double>(flops) / time * 1e-9);
  std::printf(" %5lld tasks %5.1f ms %6zu B\n", static_cast<long long>(tasks), compiled->compile_ms,
              compiled->bytes);
  std::fflush(stdout);
}

void measure_all(const std::string& name, const StoredKernel& test, const Target& target,
                 const Options& options) {
  if (test.kernel.attention) {
    const AttentionTactic tactic = attention_tactic(test.kernel, target);
    const auto generate = [&](Module& module, const std::string& symbol) {
      return emit_attention(module, symbol, test.kernel, tactic);
    };
    measure(name, test, cat("b", tactic.key_block), generate, target, options);
    return;
  }
  if (why_not_transpose(test.kernel, target, test.symbols).ok()) {
    const auto generate = [&](Module& module, const std::string& symbol) {
      return emit_transpose(module, symbol, test.kernel, test.symbols);
    };
    measure(name, test, "transpose", generate, target, options);
    if (!options.all) return;
  }
  const auto choices = loop_choices(test.kernel, target, test.symbols);
  CARNOT_CHECK(choices.ok());
  for (const LoopChoice& choice : *choices) {
    const auto generate = [&](Module& module, const std::string& symbol) {
      return emit_loops(module, symbol, test.kernel, test.symbols, choice);
    };
    measure(name, test, cat("axis ", choice.axis, " x", choice.lanes, " u", choice.unroll),
            generate, target, options);
    if (!options.all) break;
  }
}

int run(const Options& options) {
  Result<Target> target = options.target.empty() ? host_target() : parse_target(options.target);
  if (!target.ok()) return std::printf("%s\n", to_string(target.status()).c_str()), 1;
  for (const std::string& path : options.files) {
    const Result<StoredKernel> test = read_stored_kernel(path);
    if (!test.ok()) return std::printf("%s\n", to_string(test.status()).c_str()), 1;
    measure_all(test->name, *test, *target, options);
  }
  if (!options.files.empty()) return 0;
  for (const Case& each : cases()) {
    if (each.name.find(options.only) == std::string::npos) continue;
    StoredKernel test;
    Result<Kernel> kernel = parse_kernel(each.text);
    if (!kernel.ok()) return std::printf("%s\n", to_string(kernel.status()).c_str()), 1;
    test.kernel = *kernel;
    Result<std::vector<Tensor>> inputs = make_inputs(test.kernel, {}, 1, false);
    CARNOT_CHECK(inputs.ok());
    test.inputs = *inputs;
    measure_all(each.name, test, *target, options);
  }
  return 0;
}

}  // namespace

}  // namespace carnot::cpu

int main(int argc, char** argv) {
  carnot::cpu::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (argument == "--only")
      options.only = value, ++i;
    else if (argument == "--target")
      options.target = value, ++i;
    else if (argument == "--dump")
      options.dump = value, ++i;
    else if (argument == "--all")
      options.all = true;
    else
      options.files.push_back(argument);
  }
  return carnot::cpu::run(options);
}
