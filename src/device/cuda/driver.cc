#include "device/cuda/driver.h"

#include <dlfcn.h>

#include <string>

namespace carnot::cuda {
namespace {

constexpr int kVersionMin = 12000;  // kernels as nodes of graphs, launches with attributes

std::string version_text(int version) {
  return cat(version / 1000, ".", version % 1000 / 10);
}

Status open(Driver& out) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return error(Code::kUnsupported,
                 "there is no CUDA driver (libcuda.so.1) on this machine; install NVIDIA's driver");
  }
  const char* missing = nullptr;
#define CARNOT_CUDA(name, symbol, arguments)                               \
  out.name = reinterpret_cast<decltype(out.name)>(dlsym(library, symbol)); \
  if (!out.name && !missing) missing = symbol;
#include "device/cuda/driver.def"
#undef CARNOT_CUDA
  out.graph_edges =
      reinterpret_cast<decltype(out.graph_edges)>(dlsym(library, "cuGraphAddDependencies_v2"));
  out.edges_of = reinterpret_cast<decltype(out.edges_of)>(dlsym(library, "cuGraphGetEdges_v2"));
  if (out.version) out.version(&out.api_version);
  if (missing || out.api_version < kVersionMin) {
    return error(Code::kUnsupported, "the CUDA driver is for CUDA ", version_text(out.api_version),
                 missing ? cat(" and lacks ", missing) : std::string(), "; CUDA ",
                 version_text(kVersionMin), " or later is needed: update NVIDIA's driver");
  }
  const Code_t code = out.init(0);
  if (code == kNoDevice) {
    return error(Code::kUnsupported,
                 "no CUDA device: the driver sees no NVIDIA GPU (CUDA_VISIBLE_DEVICES can hide "
                 "them)");
  }
  return out.status(code, "initialising the CUDA driver");
}

struct Opened {
  Driver driver;
  Status status = open(driver);
};

}  // namespace

Status Driver::status(Code_t code, const char* what) const {
  if (code == kSuccess) return {};
  const char *name = nullptr, *words = nullptr;
  if (error_name(code, &name) != kSuccess || !name) name = "unknown error";
  if (error_string(code, &words) != kSuccess || !words) words = "";
  return error(code == kOutOfMemoryCode ? Code::kOutOfMemory : Code::kDevice, what, ": ", name,
               " (", code, "): ", words);
}

Result<const Driver*> driver() {
  // Never closed: GPU objects of static life time may outlive everything else.
  static const Opened* const opened = new Opened;
  if (!opened->status.ok()) return opened->status;
  return &opened->driver;
}

}  // namespace carnot::cuda
