#pragma once
// The clocks of a GPU while it works, from NVIDIA's management library where that is installed.
#include <string>

namespace carnot::cuda {

/// "SM 1980 of 1980 MHz, memory 3201 MHz", and what holds the clocks down if something does. Empty:
/// nobody knows. `bus_id`: of the driver.
std::string clocks_text(const char* bus_id);

}  // namespace carnot::cuda
