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
  double peak_gflops = 0, memory_gbps = 0;  ///< of one thread (of a GPU whole), f32; 0: unknown
  // Of a GPU; 0 or empty: unknown.
  std::string name;          ///< "nvidia-h200"
  int sms = 0;               ///< multiprocessors
  int64_t shared_bytes = 0;  ///< that one block may have
  int clock_mhz = 0;         ///< the highest of the multiprocessors
  bool has(std::string_view feature) const;
  /// The host cannot address what its kernels do: a plan for it says where values are copied.
  bool has_own_memory() const { return kind == "cuda" || has("own_memory"); }
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
/// end, scratch)` for any partition of [0, tasks). For a GPU: a grid of `tasks` blocks.
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
  /// A copy (no entry): so many bytes from buffers[0] to buffers[1], each the host's or the
  /// device's. Negative: no copy.
  int64_t copy_bytes = -1;
};

/// An order of work on one device: what it is given is done one after the other. Streams of one
/// device may work at the same time; one stream is used by one thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  /// What the device's maker calls it (a CUstream); null where there is no such thing.
  virtual void* native() const { return nullptr; }
};

/// Launches that a device has made ready to start with little effort, all together.
class Recording {
 public:
  virtual ~Recording() = default;
};

/// Machine code made executable; unloaded on destruction.
class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
  virtual const void* entry(size_t offset) const = 0;
  /// Whether a kernel takes so many buffers and parameters; empty, or the reason why it does not.
  /// A device whose code cannot tell says nothing.
  virtual std::string why_not_callable(size_t /*offset*/, size_t /*buffers*/,
                                       size_t /*params*/) const {
    return "";
  }
};

struct RunOptions {
  const std::atomic<bool>* cancel = nullptr;  ///< looked at between launches
  /// For each launch, when it had ended (steady clock); empty: nobody asks. Else the run is over
  /// on return.
  std::span<int64_t> end_ns;
  /// Where the work is queued: it may go on when run() has returned. Null: it is done on return.
  Stream* stream = nullptr;
};

/// Who can use memory at an address as it is.
struct Reach {
  bool host = true, device = true;
};

/// Thread-safe: several Contexts may share one.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceDescription& description() const = 0;
  /// False: the host cannot address the memory of allocate(), nor kernels the host's.
  virtual bool shares_host_memory() const { return true; }
  /// What kernels may rely on for the beginning of each of the plan's buffers; a power of two.
  virtual int64_t alignment() const { return 64; }
  virtual Reach reach(const void*) const { return {}; }

  /// Memory that kernels may address, aligned.
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

  // What follows has an obvious form where the memory is the host's (device.cc).

  /// Memory of the host that copies are fast from and to.
  virtual Result<void*> allocate_host(size_t bytes) { return allocate(bytes); }
  virtual void release_host(void* memory) { release(memory); }
  /// `native`: a stream of the caller's that work is queued in (a CUstream), null for one's own.
  virtual Result<std::unique_ptr<Stream>> make_stream(void* native);
  /// Between any two of the host's and the device's memory, in the stream's order. The host's
  /// memory stays as it is until the stream has come there; without a stream that is at once.
  virtual Status copy(void* to, const void* from, size_t bytes, Stream* stream);
  /// Gives memory of the device the value, byte by byte, in the order of the work without a stream.
  virtual Status set(void* memory, std::byte value, size_t bytes);
  /// Until all that the stream was given is done. Null: all that had no stream.
  virtual Status wait(Stream*) { return {}; }
  /// Until all streams are done, those that are gone by now too.
  virtual Status wait_all() { return {}; }
  /// Records an event of the caller's (a CUevent) behind what the stream was given.
  virtual Status record_event(void*, Stream*) { return {}; }
  /// Null where the device has nothing to prepare: use run(). The launches stay where they are as
  /// long as the recording lives; what their `buffers` point to, and the scratch memory, may change
  /// between replays. Allocates; replay() does not.
  virtual Result<std::unique_ptr<Recording>> record(std::span<const Launch>) {
    return std::unique_ptr<Recording>();
  }
  virtual Status replay(Recording& recording, std::span<void* const> scratch,
                        const RunOptions& options);
  /// What its times depend on now, for people: clocks. Empty where nothing is known.
  virtual std::string state() { return ""; }
  /// How long one launch takes where it is one of many, in microseconds.
  virtual Result<double> time_us(const Launch& launch, std::span<void* const> scratch);
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
