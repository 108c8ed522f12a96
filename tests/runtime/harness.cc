#include "tests/runtime/harness.h"

#include <cstring>

#include "plan/separate_memory.h"

namespace carnot {
namespace {

void add(void* const* buffers, const int64_t*, int64_t begin, int64_t end, void*) {
  const auto* a = static_cast<const float*>(buffers[0]);
  const auto* b = static_cast<const float*>(buffers[1]);
  auto* out = static_cast<float*>(buffers[2]);
  for (int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
}

void twice(void* const* buffers, const int64_t*, int64_t begin, int64_t end, void*) {
  const auto* in = static_cast<const float*>(buffers[0]);
  auto* out = static_cast<float*>(buffers[1]);
  for (int64_t i = begin; i < end; ++i) out[i] = 2 * in[i];
}

void reverse(void* const* buffers, const int64_t* params, int64_t begin, int64_t end, void*) {
  const auto* in = static_cast<const float*>(buffers[0]);
  auto* out = static_cast<float*>(buffers[1]);
  for (int64_t i = begin; i < end; ++i) out[i] = in[params[0] - 1 - i];
}

void through_scratch(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                     void* scratch) {
  const auto* in = static_cast<const float*>(buffers[0]);
  auto* out = static_cast<float*>(buffers[1]);
  std::memset(scratch, 0, static_cast<size_t>(params[0]));
  auto* own = static_cast<float*>(scratch);
  for (int64_t i = begin; i < end; ++i) {
    own[0] = in[i];
    out[i] = own[0] * 2;
  }
}

void iota(void* const* buffers, const int64_t*, int64_t begin, int64_t end, void*) {
  auto* out = static_cast<float*>(buffers[0]);
  for (int64_t i = begin; i < end; ++i) out[i] = static_cast<float>(i);
}

struct Named {
  const char* name;
  KernelFunction function;
  KernelSignature signature;
};
constexpr Named kFunctions[] = {{"add", add, {3, 0}},
                                {"double", twice, {2, 0}},
                                {"reverse", reverse, {2, 1}},
                                {"scratch", through_scratch, {2, 1}},
                                {"iota", iota, {1, 0}}};

// Entry offsets count the functions.
class Functions : public LoadedCode {
 public:
  const void* entry(size_t offset) const override {
    return reinterpret_cast<const void*>(kFunctions[offset].function);
  }
  std::string why_not_callable(size_t offset, size_t buffers, size_t params) const override {
    const KernelSignature& takes = kFunctions[offset].signature;
    return buffers >= takes.buffers && params >= takes.params ? "" : "it takes more";
  }
};

}  // namespace

EnginePtr engine_of(const std::string& plan, std::vector<Tensor> weights) {
  EngineFile file;
  auto parsed = parse_plan(plan);
  EXPECT_TRUE(parsed.ok()) << to_string(parsed.status());
  if (!parsed.ok()) return nullptr;
  file.plan = std::move(*parsed);
#if CARNOT_SEPARATE_MEMORY
  if (file.plan.device == Plan().device) {
    file.plan.device = "cpu isa=x86-64 features=own_memory";
    separate_memory(file.plan);
  }
#endif
  file.weights = std::move(weights);
  file.code.bytes.resize(std::size(kFunctions));
  for (size_t i = 0; i < std::size(kFunctions); ++i) {
    file.code.entries.emplace_back(kFunctions[i].name, i);
  }
  auto engine = make_engine(std::move(file), std::make_unique<Functions>());
  EXPECT_TRUE(engine.ok()) << to_string(engine.status());
  return engine.ok() ? std::move(*engine) : nullptr;
}

Context context_of(const EnginePtr& engine, int threads) {
#if CARNOT_SEPARATE_MEMORY
  auto context = make_context(*engine, separate_device(threads), {});
#else
  auto context = engine->make_context({.threads = threads});
#endif
  EXPECT_TRUE(context.ok()) << to_string(context.status());
  return std::move(*context);
}

KernelSignature signature_of(const void* entry) {
  for (const Named& each : kFunctions) {
    if (reinterpret_cast<const void*>(each.function) == entry) return each.signature;
  }
  ADD_FAILURE() << "an unknown kernel";
  return {};
}

SeparateDevice& separate_device(int threads) {
  static std::map<int, std::unique_ptr<SeparateDevice>> devices;
  std::unique_ptr<SeparateDevice>& device = devices[threads];
  if (!device) device = make_separate_device(threads, signature_of);
  return *device;
}

std::vector<Tensor> run_all(Context& context, std::vector<Tensor> inputs) {
  auto results = context.run(inputs);
  EXPECT_TRUE(results.ok()) << to_string(results.status());
  return results.ok() ? std::move(*results)
                      : std::vector<Tensor>(16, Tensor::zeros(DType::kF32, {0}));
}

Tensor boolean(bool value) {
  Tensor out = Tensor::zeros(DType::kBool, {});
  out.set_int(0, value);
  return out;
}

Tensor counting(Shape shape) {
  Tensor out = Tensor::zeros(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < out.elements(); ++i) out.set(i, static_cast<double>(i));
  return out;
}

}  // namespace carnot
