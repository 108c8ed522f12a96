#include "kernel_module.h"

#include <dlfcn.h>

#include <algorithm>

#include "report.h"

namespace trt {

namespace {

constexpr int kSharedBytesMaxAttribute = 8;
constexpr unsigned kSharedBytesOfAll = 48 << 10;  // more is to be asked for
constexpr int kMissing = -1;
constexpr uint64_t kNothing[8] = {};

}  // namespace

struct KernelModule::Driver {
  int (*load)(void** module, const void* image) = nullptr;
  int (*unload)(void* module) = nullptr;
  int (*function)(void** function, void* module, const char* name) = nullptr;
  int (*set_attribute)(void* function, int attribute, int value) = nullptr;
  int (*launch)(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                unsigned bz, unsigned shared, void* stream, void** arguments,
                void** extra) = nullptr;
  int (*error_name)(int status, const char** name) = nullptr;
  int (*parameter)(void* function, size_t index, size_t* offset, size_t* size) = nullptr;

  std::string text(int status) const {
    const char* name = nullptr;
    return error_name && error_name(status, &name) == 0 && name ? name : cat("error ", status);
  }
};

const KernelModule::Driver* KernelModule::driver() {
  static const Driver* const found = []() -> const Driver* {
    void* const library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!library) return nullptr;
    static Driver out;
    const auto get = [&](auto& function, const char* symbol) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
    };
    get(out.load, "cuModuleLoadData");
    get(out.unload, "cuModuleUnload");
    get(out.function, "cuModuleGetFunction");
    get(out.set_attribute, "cuFuncSetAttribute");
    get(out.launch, "cuLaunchKernel");
    get(out.error_name, "cuGetErrorName");
    get(out.parameter, "cuFuncGetParamInfo");
    const bool whole = out.load && out.unload && out.function && out.set_attribute && out.launch;
    return whole ? &out : nullptr;
  }();
  return found;
}

KernelModule::~KernelModule() {
  if (module_) driver()->unload(module_);
}

std::string KernelModule::load(const std::string& name, const std::string& image) {
  const Driver* const d = driver();
  if (!d) return "its compiled kernel needs CUDA's driver, which is not here";
  int status = d->load(&module_, image.c_str());
  if (status != 0) {
    module_ = nullptr;
    return cat("its compiled kernel '", name, "' cannot be loaded: ", d->text(status),
               "; compile it for this GPU, or as PTX");
  }
  status = d->function(&function_, module_, name.c_str());
  if (status != 0) return cat("its compiled code has no kernel '", name, "': ", d->text(status));
  size_t offset = 0, size = 0;
  while (d->parameter && d->parameter(function_, parameters_, &offset, &size) == 0) ++parameters_;
  return "";
}

int KernelModule::launch(std::span<const unsigned> sizes, std::vector<const void*> arguments,
                         void* stream) {
  const Driver* const d = driver();
  if (!d || sizes.size() != 7) return kMissing;
  if (std::count(sizes.begin(), sizes.begin() + 6, 0u) > 0) return 0;  // nothing to compute
  const unsigned shared = sizes[6];
  if (shared > std::max(shared_, kSharedBytesOfAll)) {
    const int status =
        d->set_attribute(function_, kSharedBytesMaxAttribute, static_cast<int>(shared));
    if (status != 0) return status;
    shared_ = shared;
  }
  // Compilers add parameters of their own at the end (scratch memory), which may be null.
  while (arguments.size() < parameters_) arguments.push_back(&kNothing);
  return d->launch(function_, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], shared,
                   stream, const_cast<void**>(arguments.data()), nullptr);
}

}  // namespace trt
