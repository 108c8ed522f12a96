#include "tests/runtime/separate_device.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace carnot {
namespace {

// Added to the address of each piece of device memory: no process of this system has such ones.
constexpr uintptr_t kFar = uintptr_t{1} << 62;

bool is_far(const void* memory) {
  return (reinterpret_cast<uintptr_t>(memory) & kFar) != 0;
}
void* near(const void* memory) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(memory) & ~kFar);
}

// A launch or a copy with all that may change before it is done.
struct Work {
  Launch launch;
  std::vector<void*> buffers;
  std::vector<int64_t> params;
  std::vector<void*> scratch;
};

class LazyStream : public Stream {
 public:
  std::vector<Work> work;
};

class LaunchesAgain : public Recording {
 public:
  explicit LaunchesAgain(std::span<const Launch> all) : launches(all) {}
  std::span<const Launch> launches;
};

class Separate : public SeparateDevice {
 public:
  Separate(int threads, KernelSignature (*signature)(const void*))
      : inner_(std::move(*make_cpu_device(threads))), signature_(signature) {
    description_ = inner_->description();
    description_.features.emplace_back("own_memory");
  }

  const DeviceDescription& description() const override { return description_; }
  bool shares_host_memory() const override { return false; }
  int64_t alignment() const override { return 256; }
  int threads() const override { return inner_->threads(); }
  Reach reach(const void* memory) const override {
    return {.host = !is_far(memory), .device = is_far(memory)};
  }
  Result<void*> allocate(size_t bytes) override {
    ++allocations_;
    void* memory = std::aligned_alloc(256, (bytes + 511) / 256 * 256);
    if (!memory) return error(Code::kOutOfMemory, "no memory");
    std::memset(memory, 0xcd, bytes);
    return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(memory) | kFar);
  }
  void release(void* memory) override { std::free(near(memory)); }
  Result<void*> allocate_host(size_t bytes) override {
    ++allocations_;
    return std::aligned_alloc(64, (bytes + 127) / 64 * 64);
  }
  void release_host(void* memory) override { std::free(memory); }
  Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> code) override {
    return inner_->load(code);
  }
  Result<std::unique_ptr<Stream>> make_stream(void*) override {
    return std::make_unique<LazyStream>();
  }

  Status copy(void* to, const void* from, size_t bytes, Stream* stream) override {
    Work work;
    work.launch.copy_bytes = static_cast<int64_t>(bytes);
    work.buffers = {const_cast<void*>(from), to};
    if (!stream) return perform(work);
    static_cast<LazyStream*>(stream)->work.push_back(std::move(work));
    return {};
  }
  Status wait(Stream* stream) override {
    if (!stream) return {};
    std::vector<Work>& work = static_cast<LazyStream*>(stream)->work;
    for (const Work& each : work) {
      if (Status status = perform(each); !status.ok()) return work.clear(), status;
    }
    work.clear();
    return {};
  }
  Status run(std::span<const Launch> launches, std::span<void* const> scratch,
             const RunOptions& options) override {
    LazyStream own;
    LazyStream& stream = options.stream ? static_cast<LazyStream&>(*options.stream) : own;
    for (size_t i = 0; i < launches.size(); ++i) {
      const Launch& launch = launches[i];
      if (options.cancel && options.cancel->load()) {
        return error(Code::kCancelled, "the run was cancelled");
      }
      if (launch.host) {
        CARNOT_RETURN_IF_ERROR(wait(&stream));
        CARNOT_RETURN_IF_ERROR(launch.host(launch.host_context, launch.host_step));
      } else {
        stream.work.push_back(work_of(launch, scratch));
      }
      if (options.end_ns.empty()) continue;
      CARNOT_RETURN_IF_ERROR(wait(&stream));
      options.end_ns[i] = std::chrono::steady_clock::now().time_since_epoch().count();
    }
    return options.stream ? Status() : wait(&stream);
  }
  Result<std::unique_ptr<Recording>> record(std::span<const Launch> launches) override {
    return std::make_unique<LaunchesAgain>(launches);
  }
  Status replay(Recording& recording, std::span<void* const> scratch,
                const RunOptions& options) override {
    ++replays_;
    return run(static_cast<LaunchesAgain&>(recording).launches, scratch, options);
  }

  int64_t allocations() const override { return allocations_; }
  int64_t copied_bytes() const override { return copied_bytes_; }
  int64_t replays() const override { return replays_; }
  void break_down() override { broken_ = true; }

 private:
  Work work_of(const Launch& launch, std::span<void* const> scratch) const {
    Work out;
    out.launch = launch;
    const KernelSignature signature =
        launch.copy_bytes >= 0 ? KernelSignature{2, 0} : signature_(launch.entry);
    out.buffers.assign(launch.buffers, launch.buffers + signature.buffers);
    out.params.assign(launch.params, launch.params + signature.params);
    out.scratch.assign(scratch.begin(), scratch.end());
    return out;
  }

  Status perform(const Work& work) {
    if (broken_) return error(Code::kDevice, "the device at work: an illegal memory access");
    if (work.launch.copy_bytes >= 0) {
      const auto bytes = static_cast<size_t>(work.launch.copy_bytes);
      copied_bytes_ += work.launch.copy_bytes;
      if (bytes > 0) std::memmove(near(work.buffers[1]), near(work.buffers[0]), bytes);
      return {};
    }
    std::vector<void*> buffers, scratch;
    for (void* buffer : work.buffers) {
      CARNOT_CHECK(is_far(buffer));  // a kernel sees nothing else
      buffers.push_back(near(buffer));
    }
    for (void* piece : work.scratch) scratch.push_back(near(piece));
    Launch launch = work.launch;
    launch.buffers = buffers.data();
    launch.params = work.params.data();
    return inner_->run({&launch, 1}, scratch, {});
  }

  std::unique_ptr<Device> inner_;
  DeviceDescription description_;
  KernelSignature (*signature_)(const void*);
  std::atomic<int64_t> allocations_{0}, copied_bytes_{0}, replays_{0};
  std::atomic<bool> broken_{false};
};

}  // namespace

std::unique_ptr<SeparateDevice> make_separate_device(int threads,
                                                     KernelSignature (*signature)(const void*)) {
  return std::make_unique<Separate>(threads, signature);
}

}  // namespace carnot
