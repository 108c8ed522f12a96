#include "host_cuda.h"

#include <dlfcn.h>

#include <memory>

namespace trt {

namespace {

using Capture = int (*)(const void* stream, void (*run)(void*), void (*drop)(void*), void* work);

// Looked for at the first stream: whoever made it has loaded CUDA by then.
Capture capture() {
  static const auto found = [] {
    void* const library = dlopen("libcarnot_host_cuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    void* const function = library ? dlsym(library, "carnotHostCudaCapture") : nullptr;
    return reinterpret_cast<Capture>(function);
  }();
  return found;
}

}  // namespace

bool is_captured(const void* stream) {
  return stream && capture() && capture()(stream, nullptr, nullptr, nullptr);
}

bool add_to_capture(const void* stream, std::function<void()> work) {
  if (stream == nullptr || !capture()) return false;
  using Work = std::function<void()>;
  auto kept = std::make_unique<Work>(std::move(work));
  const auto run = [](void* w) { (*static_cast<Work*>(w))(); };
  const auto drop = [](void* w) { delete static_cast<Work*>(w); };
  if (!capture()(stream, run, drop, kept.get())) return false;
  kept.release();
  return true;
}

}  // namespace trt
