#include "runtime/devices.h"

#include <map>
#include <mutex>

#include "base/thread_team.h"

namespace carnot {
namespace {

struct Shared {
  std::unique_ptr<Device> device;
  int shares = 0;
};
struct Registry {
  std::mutex mutex;
  std::map<int, Shared> devices;  // by the number of threads asked for
};

// Never destroyed: a Context in a static variable may outlive everything else.
Registry& registry() {
  static auto* const devices = new Registry;
  return *devices;
}

}  // namespace

DeviceShare::~DeviceShare() {
  if (!device_) return;
  std::unique_ptr<Device> last;  // its threads are joined outside the lock
  const std::lock_guard<std::mutex> lock(registry().mutex);
  const auto found = registry().devices.find(threads_);
  if (--found->second.shares > 0) return;
  last = std::move(found->second.device);
  registry().devices.erase(found);
}

Result<DeviceShare> share_cpu_device(int threads) {
  if (threads == 0) threads = usable_cpus();
  const std::lock_guard<std::mutex> lock(registry().mutex);
  auto& devices = registry().devices;
  auto found = devices.find(threads);
  if (found == devices.end()) {
    CARNOT_ASSIGN(std::unique_ptr<Device> device, make_cpu_device(threads));
    found = devices.emplace(threads, Shared{std::move(device), 0}).first;
  }
  ++found->second.shares;
  DeviceShare out;
  out.device_ = found->second.device.get();
  out.threads_ = threads;
  return out;
}

}  // namespace carnot
