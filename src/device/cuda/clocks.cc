#include "device/cuda/clocks.h"

#include <dlfcn.h>

#include "base/status.h"

namespace carnot::cuda {
namespace {

struct Nvml {
#define CARNOT_LIBRARY(result, name, symbol, arguments) result(*name) arguments = nullptr;
#include "device/cuda/nvml.def"
#undef CARNOT_LIBRARY
};

constexpr int kSm = 1, kMemory = 2;

struct Reason {
  unsigned long long bit;
  const char* text;
};
// Waiting for work, and clocks that someone asked for, hold nothing down.
constexpr Reason kReasons[] = {{0x4, "the power limit"},
                               {0x8, "the hardware"},
                               {0x20, "its temperature"},
                               {0x40, "its temperature"},
                               {0x80, "the power supply"}};

const Nvml* nvml() {
  static const Nvml* const opened = []() -> const Nvml* {
    void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    static Nvml out;
    bool all = true;
#define CARNOT_LIBRARY(result, name, symbol, arguments)                    \
  out.name = reinterpret_cast<decltype(out.name)>(dlsym(library, symbol)); \
  all = all && out.name;
#include "device/cuda/nvml.def"
#undef CARNOT_LIBRARY
    return all && out.init() == 0 ? &out : nullptr;
  }();
  return opened;
}

}  // namespace

std::string clocks_text(const char* bus_id) {
  const Nvml* const library = nvml();
  void* device = nullptr;
  unsigned sm = 0, sm_max = 0, memory = 0;
  if (!library || library->device(bus_id, &device) != 0 || library->clock(device, kSm, &sm) != 0 ||
      library->clock_max(device, kSm, &sm_max) != 0 ||
      library->clock(device, kMemory, &memory) != 0) {
    return "";
  }
  std::string out = cat("SM ", sm, " of ", sm_max, " MHz, memory ", memory, " MHz");
  unsigned long long reasons = 0;
  if (library->reasons(device, &reasons) != 0) return out;
  for (const Reason& reason : kReasons) {
    if (reasons & reason.bit) out += cat(", held down by ", reason.text);
  }
  return out;
}

}  // namespace carnot::cuda
