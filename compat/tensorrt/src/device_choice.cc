#include "device_choice.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "report.h"

namespace trt {

namespace {

constexpr const char* kVariable = "CARNOT_DEVICE";

carnot::Status refuse(std::string_view value, const std::string& why) {
  return {carnot::Code::kInvalidArgument, cat(kVariable, " is '", value, "': ", why)};
}

}  // namespace

carnot::Result<carnot::DeviceInfo> choose_device() {
  constexpr std::string_view kNumbered = "cuda:";
  const char* const set = std::getenv(kVariable);
  const std::string_view value = set ? set : "";
  if (value == "cpu") return carnot::cpu_device();
  auto gpus = carnot::gpu_devices();
  if (value.empty()) {
    if (!gpus.ok() || gpus->empty()) return carnot::cpu_device();
    const auto current = static_cast<size_t>(carnot::current_gpu());
    return (*gpus)[current < gpus->size() ? current : 0];
  }
  size_t index = 0;
  if (value.substr(0, kNumbered.size()) == kNumbered) {
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data() + kNumbered.size(), end, index);
    if (read.ec != std::errc() || read.ptr != end) index = SIZE_MAX;
  } else if (value != "cuda") {
    index = SIZE_MAX;
  }
  if (index == SIZE_MAX) {
    return refuse(value, "use cpu, cuda (the first GPU) or cuda:1 (the second)");
  }
  if (!gpus.ok()) return refuse(value, gpus.status().message());
  if (index < gpus->size()) return (*gpus)[index];
  return refuse(value,
                cat("this machine has ", gpus->size(), gpus->size() == 1 ? " GPU" : " GPUs"));
}

}  // namespace trt
