// What a launch costs beyond its work: prints nanoseconds for each number of threads.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "device/device.h"

namespace carnot {
namespace {

void nothing(void* const*, const int64_t*, int64_t, int64_t, void*) {}

double ns_per_launch(Device& device, double cost_us) {
  constexpr int kRuns = 200;
  std::vector<Launch> launches(300);
  for (Launch& launch : launches) {
    launch.entry = reinterpret_cast<const void*>(&nothing);
    launch.tasks = 64;
    launch.cost_us = cost_us;
  }
  std::vector<void*> scratch(static_cast<size_t>(device.threads()), nullptr);
  double best = 1e300;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    if (!device.run(launches, scratch).ok()) std::abort();
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
    best = std::min(best, time.count() / static_cast<double>(launches.size()));
  }
  return best;
}

}  // namespace
}  // namespace carnot

int main() {
  for (const int threads : {1, 2, 3, 4}) {
    auto device = carnot::make_cpu_device(threads);
    if (!device.ok()) return 1;
    std::printf("%d threads: %.0f ns a split launch, %.0f ns a cheap one\n", threads,
                carnot::ns_per_launch(**device, 0), carnot::ns_per_launch(**device, 1));
  }
}
