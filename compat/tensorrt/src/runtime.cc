#include "runtime.h"

#include <dlfcn.h>

#include "plan_parts.h"
#include "registry.h"

namespace trt {

namespace {

constexpr const char* kDeserialize = "IRuntime::deserializeCudaEngine";

/// Appends what `read(to, bytes)` gives, until it gives nothing or there are `end` bytes.
template <class Read>
carnot::Status read_to(std::vector<std::byte>& out, uint64_t end, Read&& read) {
  constexpr size_t kPiece = size_t{1} << 20;
  while (out.size() < end) {
    const size_t at = out.size();
    out.resize(at + std::min<uint64_t>(std::max(kPiece, at), end - at));
    const int64_t asked = static_cast<int64_t>(out.size() - at);
    const int64_t got = read(out.data() + at, asked);
    if (got < 0 || got > asked) {
      return {carnot::Code::kIo,
              cat("the stream reader gave ", got, " bytes where ", asked, " were asked for, after ",
                  at, "; read() returns how many bytes it wrote, 0 at the end")};
    }
    out.resize(at + static_cast<size_t>(got));
    if (got == 0) break;
  }
  return {};
}

/// A plan, and no byte behind it: programs rewind a stream whose end was not met. Of what is no
/// plan the beginning is enough: it may have no end.
template <class Read>
carnot::Result<std::vector<std::byte>> read_plan_of(Read&& read) {
  std::vector<std::byte> out;
  carnot::Status status = read_to(out, kPlanBeginning, read);
  constexpr uint64_t kForeignBytes = 64;
  if (status.ok()) status = read_to(out, bytes_of_plan(out).value_or(kForeignBytes), read);
  if (!status.ok()) return status;
  return out;
}

}  // namespace

ICudaEngine* Runtime::load(carnot::Result<std::vector<std::byte>> bytes) const {
  if (!bytes.ok()) return reporter_.error(kDeserialize, bytes.status()), nullptr;
  return load_plan(kDeserialize, reporter_, std::move(*bytes), device_, allocator_);
}

ICudaEngine* Runtime::deserializeCudaEngine(void const* blob, std::size_t size) noexcept {
  return reporter_.guard(kDeserialize, static_cast<ICudaEngine*>(nullptr), [&]() -> ICudaEngine* {
    if (!blob) {
      reporter_.misuse(kDeserialize, "the plan is null");
      return nullptr;
    }
    const auto* const bytes = static_cast<const std::byte*>(blob);
    return load(std::vector<std::byte>(bytes, bytes + size));
  });
}

ICudaEngine* Runtime::deserializeCudaEngine(IStreamReader& reader) noexcept {
  return reporter_.guard(kDeserialize, static_cast<ICudaEngine*>(nullptr), [&] {
    return load(read_plan_of([&](void* to, int64_t bytes) { return reader.read(to, bytes); }));
  });
}

ICudaEngine* Runtime::deserializeCudaEngineV2(IStreamReaderV2& reader) noexcept {
  return reporter_.guard(kDeserialize, static_cast<ICudaEngine*>(nullptr), [&] {
    return load(
        read_plan_of([&](void* to, int64_t bytes) { return reader.read(to, bytes, nullptr); }));
  });
}

void Runtime::setDLACore(int32_t core) noexcept {
  reporter_.misuse("IRuntime::setDLACore", cat("DLA core ", core, ": this device has none"));
}

bool Runtime::setMaxThreads(int32_t count) noexcept {
  if (count < 1) {
    reporter_.misuse("IRuntime::setMaxThreads", cat(count, " threads"));
    return false;
  }
  max_threads_ = count;
  return true;
}

void Runtime::setTemporaryDirectory(char const* path) noexcept {
  reporter_.guard("IRuntime::setTemporaryDirectory", [&] { temporary_ = path ? path : ""; });
}

IPluginRegistry& Runtime::getPluginRegistry() noexcept {
  return plugin_registry();
}

IRuntime* Runtime::loadRuntime(char const* path) noexcept {
  const char* const call = "IRuntime::loadRuntime";
  return reporter_.guard(call, static_cast<IRuntime*>(nullptr), [&]() -> IRuntime* {
    if (!path) return reporter_.misuse(call, "the path is null"), nullptr;
    void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);  // stays: its runtime is used
    if (!library) return reporter_.misuse(call, dlerror()), nullptr;
    using Create = void* (*)(void*, int32_t);
    const auto create = reinterpret_cast<Create>(dlsym(library, "createInferRuntime_INTERNAL"));
    if (!create) return reporter_.misuse(call, cat("'", path, "' makes no runtimes")), nullptr;
    return static_cast<IRuntime*>(create(reporter_.logger(), NV_TENSORRT_VERSION));
  });
}

}  // namespace trt
