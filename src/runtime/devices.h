#pragma once
// The process's CPU devices: one team of threads for each number of threads that Contexts ask for,
// so that engines side by side do not multiply threads.
#include "device/device.h"

namespace carnot {

/// Lives as long as anybody holds it.
Result<std::shared_ptr<Device>> shared_cpu_device(int threads);

}  // namespace carnot
