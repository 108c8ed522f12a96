#include "runtime/devices.h"

#include <unistd.h>

#include <charconv>
#include <map>
#include <mutex>

#include "base/thread_team.h"
#include "carnot/device.h"
#include "engine/engine_file.h"

namespace carnot {
namespace {

constexpr std::string_view kCpu = "cpu:", kGpu = "cuda:";

struct Shared {
  std::unique_ptr<Device> device;
  int shares = 0;
};
struct Registry {
  std::mutex mutex;
  std::map<std::string, Shared> devices;  // "cpu:THREADS", "cuda:INDEX"
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
  const auto found = registry().devices.find(key_);
  if (--found->second.shares > 0) return;
  last = std::move(found->second.device);
  registry().devices.erase(found);
}

Result<DeviceShare> share(std::string key, const MakeDevice& make) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  auto& devices = registry().devices;
  auto found = devices.find(key);
  if (found == devices.end()) {
    CARNOT_ASSIGN(std::unique_ptr<Device> device, make());
    found = devices.emplace(key, Shared{std::move(device), 0}).first;
  }
  ++found->second.shares;
  DeviceShare out;
  out.device_ = found->second.device.get();
  out.key_ = std::move(key);
  return out;
}

Result<DeviceShare> share_cpu_device(int threads) {
  if (threads == 0) threads = usable_cpus();
  return share(cat(kCpu, threads), [&] { return make_cpu_device(threads); });
}

Result<DeviceShare> share_gpu(GpuName name) {
  return share(cat(kGpu, name.index, name.plain ? "/plain" : ""),
               [&] { return make_cuda_device(name); });
}

Result<GpuName> parse_gpu(std::string_view name) {
  if (const auto gpu = parse_gpu_name(name)) return *gpu;
  return error(Code::kInvalidArgument, "device '", name,
               "' is not one for an engine that was built for a GPU: use cuda, or cuda:1 for the "
               "second");
}

DeviceInfo cpu_device() {
  const DeviceDescription cpu = describe_cpu();
  DeviceInfo out;
  out.name = "cpu";
  out.description = to_string(cpu);
  out.memory_bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)};
  out.features = cpu.features;
  out.features.push_back(cpu.isa);
  return out;
}

Result<std::vector<DeviceInfo>> gpu_devices() {
  constexpr std::string_view kSm = "sm_";
  CARNOT_ASSIGN(const std::vector<GpuListing> gpus, list_gpus());
  std::vector<DeviceInfo> out;
  for (size_t i = 0; i < gpus.size(); ++i) {
    const GpuListing& gpu = gpus[i];
    out.push_back({cat(kGpu, i), gpu.name, to_string(gpu.description), 0, gpu.memory_bytes, {}});
    const std::string& isa = gpu.description.isa;
    std::from_chars(isa.data() + std::min(kSm.size(), isa.size()), isa.data() + isa.size(),
                    out.back().compute);
  }
  return out;
}

int current_gpu() {
  return std::max(gpu_of_thread(), 0);
}

Result<int> find_gpu(const DeviceDescription& target) {
  CARNOT_ASSIGN(const std::vector<GpuListing> gpus, list_gpus());
  std::string why;
  for (size_t i = 0; i < gpus.size(); ++i) {
    const std::string each = why_not_runnable(target, gpus[i].description);
    if (each.empty()) return static_cast<int>(i);
    why += cat(why.empty() ? "" : "; ", each);
  }
  return error(Code::kVersionMismatch, why.empty() ? "this machine has no GPU" : why);
}

}  // namespace carnot
