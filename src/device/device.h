#pragma once
// Device: memory, code and execution, the same for a CPU, a GPU or nothing at all. The compiler
// asks a device what it is (DeviceDescription); the runtime gives it launches.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace carnot {

/// What selection may know of a device: text of one line, so that recorded descriptions stand in
/// for absent hardware: `cpu isa=avx512 threads=2 l1=49152 l2=2097152 l3=272629760 vector=64`.
struct DeviceDescription {
  std::string kind = "cpu";           ///< "cpu", "cuda", "null"
  std::string isa = "x86-64";         ///< "avx512", "avx2", "neon", "sm_90a"
  std::vector<std::string> features;  ///< "vnni", "bf16", "amx", sorted
  int threads = 1;
  int vector_bytes = 16;
  int vector_registers = 16;
  int64_t l1_bytes = 32768, l2_bytes = 1 << 20, l3_bytes = 8 << 20;
  double peak_gflops = 0, memory_gbps = 0;  ///< of one thread, f32; 0: unknown
  bool has(std::string_view feature) const;
  bool operator==(const DeviceDescription&) const = default;
};
std::string to_string(const DeviceDescription& device);
Result<DeviceDescription> parse_device(std::string_view text);

/// Machine code for one device, position-independent, with entries by name.
struct CodeBlob {
  std::vector<std::byte> bytes;
  std::vector<std::pair<std::string, size_t>> entries;  ///< name, offset
};

/// One kernel call, all addresses and sizes resolved. For a CPU: `entry(buffers, params, begin,
/// end, scratch)` for any partition of [0, tasks).
struct Launch {
  const void* entry = nullptr;
  void* const* buffers = nullptr;
  const int64_t* params = nullptr;
  int64_t tasks = 1;
  /// Predicted or measured, whole; a cheap launch is not split. 0: unknown.
  double cost_us = 0;
  /// A step that the host runs itself (no entry): called once, by one thread.
  Status (*host)(void* context, int step) = nullptr;
  void* host_context = nullptr;
  int host_step = 0;
};

/// Machine code made executable; unloaded on destruction.
class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
  virtual const void* entry(size_t offset) const = 0;
};

struct RunOptions {
  const std::atomic<bool>* cancel = nullptr;  ///< looked at between launches
  /// For each launch, when it had ended (steady clock); empty: nobody asks.
  std::span<int64_t> end_ns;
};

/// Thread-safe: several Contexts may share one.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceDescription& description() const = 0;
  /// 64-byte aligned memory that kernels may address.
  virtual Result<void*> allocate(size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> code) = 0;
  /// Runs launches in order, each seeing what the earlier ones wrote. `scratch[t]` is thread t's.
  /// Allocates nothing. A host step that fails ends the run with its status.
  virtual Status run(std::span<const Launch> launches, std::span<void* const> scratch,
                     const RunOptions& options) = 0;
  Status run(std::span<const Launch> launches, std::span<void* const> scratch) {
    return run(launches, scratch, {});
  }
  /// How many threads run() uses: the size of `scratch`.
  virtual int threads() const = 0;
};

/// The CPU of this process. `threads` 0: all that the process may use (affinity and cgroup).
Result<std::unique_ptr<Device>> make_cpu_device(int threads);
/// What this machine's CPU is, without starting threads.
DeviceDescription describe_cpu();
/// A device that is not there: it accepts launches, counts them and runs host steps only.
class NullDevice : public Device {
 public:
  virtual int64_t launches() const = 0;
};
std::unique_ptr<NullDevice> make_null_device(DeviceDescription description);

}  // namespace carnot
