// devices(): what engines can be built for and run on here.
#include "base/text.h"
#include "carnot/builder.h"
#include "device/cuda/cuda.h"
#include "device/device.h"

namespace carnot {

std::vector<std::pair<std::string, std::string>> devices() {
  std::vector<std::pair<std::string, std::string>> out = {{"cpu", to_string(describe_cpu())}};
  const auto gpus = list_gpus();
  for (size_t i = 0; gpus.ok() && i < gpus->size(); ++i) {
    const GpuListing& gpu = (*gpus)[i];
    out.emplace_back(cat("cuda:", i), cat(gpu.name, ", ", to_string(gpu.description)));
  }
  return out;
}

}  // namespace carnot
