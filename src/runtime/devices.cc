#include "runtime/devices.h"

#include <map>
#include <mutex>

#include "base/thread_team.h"

namespace carnot {

Result<std::shared_ptr<Device>> shared_cpu_device(int threads) {
  static std::mutex mutex;
  static std::map<int, std::weak_ptr<Device>> devices;
  if (threads == 0) threads = usable_cpus();
  const std::lock_guard<std::mutex> lock(mutex);
  std::weak_ptr<Device>& known = devices[threads];
  if (std::shared_ptr<Device> device = known.lock()) return device;
  CARNOT_ASSIGN(std::unique_ptr<Device> device, make_cpu_device(threads));
  std::shared_ptr<Device> shared = std::move(device);
  known = shared;
  return shared;
}

}  // namespace carnot
