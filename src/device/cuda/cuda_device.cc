// An NVIDIA GPU as a device. Work goes to streams; without one it goes to the device's own, one
// caller at a time. An error that the GPU has met while it worked shows at the next wait, and at
// every call from then on: whoever waits must give up.
#include <algorithm>
#include <chrono>
#include <mutex>

#include "device/cuda/clocks.h"
#include "device/cuda/cuda.h"
#include "device/cuda/libraries.h"
#include "device/cuda/objects.h"

namespace carnot {
namespace cuda {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kAlignment = 256;         // what the driver's own allocations have
constexpr uintptr_t kVectorAlignment = 16;  // the widest access of a kernel

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

DevicePointer pointer(const void* memory) {
  return reinterpret_cast<DevicePointer>(memory);
}

class CudaStream : public Stream {
 public:
  CudaStream(const Context& context, StreamObject* object, bool own)
      : context_(context), object_(object), own_(own) {}
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  ~CudaStream() override {
    const Current current = context_.current();
    for (EventObject* event : events_) context_.driver().event_destroy(event);
    if (own_) context_.driver().stream_destroy(object_);
  }

  StreamObject* object() const { return object_; }
  /// Only a caller's stream can be: what it is given becomes a part of a CUDA graph.
  bool is_captured() const {
    int status = kCaptureNone;
    return !own_ && context_.driver().stream_capturing(object_, &status) == kSuccess &&
           status != kCaptureNone;
  }
  void* native() const override { return object_; }
  Status wait() {
    if (is_captured()) {
      return error(Code::kUnsupported,
                   "the stream is being captured into a CUDA graph, but this run has to wait for "
                   "the GPU in between (steps on the host, sizes that only the data gives, or a "
                   "profile): run it outside of the capture");
    }
    return context_.status(context_.driver().stream_wait(object_), "the GPU at work");
  }
  Status reserve_events(size_t count) {
    while (events_.size() < count) {
      EventObject* event = nullptr;
      CARNOT_RETURN_IF_ERROR(
          context_.status(context_.driver().event_create(&event, 0), "making an event"));
      events_.push_back(event);
    }
    return {};
  }
  Status mark(size_t event) {
    return context_.status(context_.driver().event_record(events_[event], object_),
                           "recording an event");
  }
  Result<double> ms_between(size_t begin, size_t end) {
    float ms = 0;
    CARNOT_RETURN_IF_ERROR(
        context_.status(context_.driver().event_elapsed(&ms, events_[begin], events_[end]),
                        "the time between two events"));
    return static_cast<double>(ms);
  }

 private:
  const Context& context_;
  StreamObject* object_;
  bool own_;
  std::vector<EventObject*> events_;
};

class CudaDevice : public Device {
 public:
  CudaDevice(DeviceDescription description, std::unique_ptr<Context> context, bool plain)
      : description_(std::move(description)), context_(std::move(context)), plain_(plain) {}

  Status init() {
    CARNOT_ASSIGN(own_stream_, make_stream(nullptr));
    return {};
  }

  const DeviceDescription& description() const override { return description_; }
  bool shares_host_memory() const override { return false; }
  int64_t alignment() const override { return kAlignment; }
  int threads() const override { return 1; }
  Reach reach(const void* memory) const override;
  Result<void*> allocate(size_t bytes) override;
  void release(void* memory) override;
  Result<void*> allocate_host(size_t bytes) override;
  void release_host(void* memory) override;
  Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> code) override {
    return load_code(*context_, code);
  }
  Result<std::unique_ptr<Stream>> make_stream(void* native) override;
  Status copy(void* to, const void* from, size_t bytes, Stream* stream) override;
  Status set(void* memory, std::byte value, size_t bytes) override;
  Status wait(Stream* stream) override;
  Status wait_all() override;
  Status record_event(void* event, Stream* stream) override;
  Status run(std::span<const Launch> launches, std::span<void* const> scratch,
             const RunOptions& options) override;
  Result<std::unique_ptr<Recording>> record(std::span<const Launch> launches) override;
  Status replay(Recording& recording, std::span<void* const> scratch,
                const RunOptions& options) override;
  std::string state() override {
    char bus_id[32] = {};
    if (context_->driver().device_bus_id(bus_id, sizeof bus_id, context_->device()) != kSuccess) {
      return "";
    }
    return clocks_text(bus_id);
  }
  Result<double> time_us(const Launch& launch, std::span<void* const> scratch) override;

 private:
  CudaStream& stream_or_own(Stream* stream) const {
    return static_cast<CudaStream&>(stream ? *stream : *own_stream_);
  }
  std::unique_lock<std::mutex> lock_own(const Stream* stream) {
    return stream ? std::unique_lock<std::mutex>() : std::unique_lock(mutex_);
  }
  Status queue(const Launch& launch, void* scratch, CudaStream& stream);
  Status queue_all(std::span<const Launch> launches, void* scratch, CudaStream& stream,
                   const RunOptions& options);

  DeviceDescription description_;
  std::unique_ptr<Context> context_;  // before what lies in it
  bool plain_;                        // GpuName::plain
  std::unique_ptr<Stream> own_stream_;
  std::mutex mutex_;  // of own_stream_
};

Reach CudaDevice::reach(const void* memory) const {
  const Current current = context_->current();
  uint32_t type = 0;
  uint32_t managed = 0;
  int ordinal = -1;
  int attributes[] = {kPointerMemoryType, kPointerIsManaged, kPointerOrdinal};
  void* values[] = {&type, &managed, &ordinal};
  // Memory that the driver does not know is plain memory of the host.
  const Code_t code = context_->driver().pointer_attributes(3, attributes, values, pointer(memory));
  const bool device = code == kSuccess && (type == kMemoryTypeDevice || managed != 0);
  if (!device) return {.host = true, .device = false};
  const bool here = managed != 0 || ordinal == context_->device();
  return {.host = managed != 0,
          .device = here && reinterpret_cast<uintptr_t>(memory) % kVectorAlignment == 0};
}

Result<void*> CudaDevice::allocate(size_t bytes) {
  const Current current = context_->current();
  const DuringCapture allowed(context_->driver());
  DevicePointer out = 0;
  const Code_t code = context_->driver().allocate(&out, std::max<size_t>(bytes, 1));
  CARNOT_RETURN_IF_ERROR(
      context_->status(code, "allocating memory of the GPU").with(cat(bytes, " bytes")));
  return reinterpret_cast<void*>(out);
}

void CudaDevice::release(void* memory) {
  const Current current = context_->current();
  const DuringCapture allowed(context_->driver());
  context_->driver().release(pointer(memory));
}

Result<void*> CudaDevice::allocate_host(size_t bytes) {
  const Current current = context_->current();
  const DuringCapture allowed(context_->driver());
  void* out = nullptr;
  const Code_t code = context_->driver().allocate_host(&out, std::max<size_t>(bytes, 1), 0);
  CARNOT_RETURN_IF_ERROR(
      context_->status(code, "allocating page-locked memory").with(cat(bytes, " bytes")));
  return out;
}

void CudaDevice::release_host(void* memory) {
  const Current current = context_->current();
  const DuringCapture allowed(context_->driver());
  context_->driver().release_host(memory);
}

Result<std::unique_ptr<Stream>> CudaDevice::make_stream(void* native) {
  if (native) {
    return std::make_unique<CudaStream>(*context_, static_cast<StreamObject*>(native), false);
  }
  const Current current = context_->current();
  StreamObject* object = nullptr;
  CARNOT_RETURN_IF_ERROR(context_->status(
      context_->driver().stream_create(&object, kStreamNonBlocking), "making a stream"));
  return std::make_unique<CudaStream>(*context_, object, true);
}

Status CudaDevice::copy(void* to, const void* from, size_t bytes, Stream* stream) {
  if (bytes == 0) return {};
  const auto lock = lock_own(stream);
  const Current current = context_->current();
  CudaStream& used = stream_or_own(stream);
  CARNOT_RETURN_IF_ERROR(context_->status(
      context_->driver().copy(pointer(to), pointer(from), bytes, used.object()), "copying"));
  return stream ? Status() : used.wait();
}

Status CudaDevice::set(void* memory, std::byte value, size_t bytes) {
  if (bytes == 0) return {};
  const auto lock = lock_own(nullptr);
  const Current current = context_->current();
  CudaStream& used = stream_or_own(nullptr);
  CARNOT_RETURN_IF_ERROR(context_->status(
      context_->driver().set_bytes(pointer(memory), static_cast<unsigned char>(value), bytes,
                                   used.object()),
      "setting memory"));
  return used.wait();
}

Status CudaDevice::wait(Stream* stream) {
  const auto lock = lock_own(stream);
  const Current current = context_->current();
  return stream_or_own(stream).wait();
}

Status CudaDevice::wait_all() {
  const Current current = context_->current();
  return context_->status(context_->driver().context_wait(), "the GPU at work");
}

Status CudaDevice::record_event(void* event, Stream* stream) {
  const Current current = context_->current();
  return context_->status(context_->driver().event_record(static_cast<EventObject*>(event),
                                                          stream_or_own(stream).object()),
                          "recording the caller's event");
}

Status CudaDevice::queue(const Launch& launch, void* scratch, CudaStream& stream) {
  if (launch.host) {
    CARNOT_RETURN_IF_ERROR(stream.wait());  // it reads what was copied to the host
    return launch.host(launch.host_context, launch.host_step);
  }
  if (launch.copy_bytes < 0) {
    if (launch.tasks == 0) return {};
    LibraryCall* call = static_cast<const LoadedKernel*>(launch.entry)->call;
    return call ? call->queue(launch, scratch, stream.object())
                : queue_kernel(*context_, launch, scratch, stream.object(), !plain_);
  }
  if (launch.copy_bytes == 0) return {};
  return context_->status(
      context_->driver().copy(pointer(launch.buffers[1]), pointer(launch.buffers[0]),
                              static_cast<size_t>(launch.copy_bytes), stream.object()),
      "copying");
}

Status CudaDevice::queue_all(std::span<const Launch> launches, void* scratch, CudaStream& stream,
                             const RunOptions& options) {
  for (size_t i = 0; i < launches.size(); ++i) {
    if (options.cancel && options.cancel->load(std::memory_order_relaxed)) {
      return error(Code::kCancelled, "the run was cancelled");
    }
    CARNOT_RETURN_IF_ERROR(queue(launches[i], scratch, stream));
    if (!options.end_ns.empty()) CARNOT_RETURN_IF_ERROR(stream.mark(i + 1));
  }
  return {};
}

Status CudaDevice::run(std::span<const Launch> launches, std::span<void* const> scratch,
                       const RunOptions& options) {
  if (launches.empty()) return {};
  const auto lock = lock_own(options.stream);
  const Current current = context_->current();
  CudaStream& stream = stream_or_own(options.stream);
  const bool timed = !options.end_ns.empty();
  int64_t begin = 0;
  if (timed) {
    CARNOT_RETURN_IF_ERROR(stream.reserve_events(launches.size() + 1));
    CARNOT_RETURN_IF_ERROR(stream.wait());
    begin = now_ns();
    CARNOT_RETURN_IF_ERROR(stream.mark(0));
  }
  Status status = queue_all(launches, scratch[0], stream, options);
  if (!timed && options.stream) return status;
  // Nothing may be under way when the caller hears of an error.
  Status waited = stream.wait();
  if (status.ok()) status = std::move(waited);
  if (!status.ok() || !timed) return status;
  for (size_t i = 0; i < launches.size(); ++i) {
    CARNOT_ASSIGN(const double ms, stream.ms_between(0, i + 1));
    options.end_ns[i] = begin + static_cast<int64_t>(ms * 1e6);
  }
  return {};
}

Result<std::unique_ptr<Recording>> CudaDevice::record(std::span<const Launch> launches) {
  if (plain_) return std::unique_ptr<Recording>();
  const Current current = context_->current();
  const DuringCapture allowed(context_->driver());
  CARNOT_ASSIGN(std::unique_ptr<GraphRecording> out, GraphRecording::make(*context_, launches));
  return std::unique_ptr<Recording>(std::move(out));
}

Status CudaDevice::replay(Recording& recording, std::span<void* const> scratch,
                          const RunOptions& options) {
  auto& graphs = static_cast<GraphRecording&>(recording);
  if (!options.end_ns.empty()) return run(graphs.launches(), scratch, options);
  const auto lock = lock_own(options.stream);
  const Current current = context_->current();
  CudaStream& stream = stream_or_own(options.stream);
  const bool captured = stream.is_captured();
  for (GraphRecording::Part& part : graphs.parts()) {
    if (options.cancel && options.cancel->load(std::memory_order_relaxed)) {
      return error(Code::kCancelled, "the run was cancelled");
    }
    CARNOT_RETURN_IF_ERROR(
        part.together && !captured
            ? graphs.start(part, scratch[0], stream.object())
            : queue_all(graphs.launches().subspan(part.first, part.end - part.first), scratch[0],
                        stream, options));
  }
  return options.stream ? Status() : stream.wait();
}

// As one node of a graph among others of its kind: what a launch costs in a replayed plan.
Result<double> CudaDevice::time_us(const Launch& launch, std::span<void* const> scratch) {
  constexpr double kLongUs = 400;
  constexpr int kRepeats = 16, kRepeatsLong = 3;
  const auto lock = lock_own(nullptr);
  const Current current = context_->current();
  CudaStream& stream = stream_or_own(nullptr);
  CARNOT_RETURN_IF_ERROR(stream.reserve_events(2));
  const auto elapsed_us = [&](const auto& work) -> Result<double> {
    CARNOT_RETURN_IF_ERROR(stream.mark(0));
    CARNOT_RETURN_IF_ERROR(work());
    CARNOT_RETURN_IF_ERROR(stream.mark(1));
    CARNOT_RETURN_IF_ERROR(stream.wait());
    CARNOT_ASSIGN(const double ms, stream.ms_between(0, 1));
    return ms * 1e3;
  };
  CARNOT_ASSIGN(const double once, elapsed_us([&] { return queue(launch, scratch[0], stream); }));
  if (plain_) return once;
  const int repeats = std::clamp(static_cast<int>(kLongUs / once), kRepeatsLong, kRepeats);
  const std::vector<Launch> many(static_cast<size_t>(repeats), launch);
  CARNOT_ASSIGN(const auto recording, GraphRecording::make(*context_, many));
  const auto replay_all = [&]() -> Status {
    for (GraphRecording::Part& part : recording->parts()) {
      CARNOT_RETURN_IF_ERROR(part.together ? recording->start(part, scratch[0], stream.object())
                                           : queue_all(many, scratch[0], stream, {}));
    }
    return {};
  };
  if (repeats > kRepeatsLong) CARNOT_RETURN_IF_ERROR(replay_all());  // its first time takes longer
  CARNOT_ASSIGN(const double us, elapsed_us(replay_all));
  return us / repeats;
}

}  // namespace

Result<std::unique_ptr<Context>> Context::retain(int index) {
  CARNOT_ASSIGN(const Driver* driver, cuda::driver());
  int device = 0;
  CARNOT_RETURN_IF_ERROR(driver->status(driver->device_get(&device, index), "finding a GPU"));
  ContextObject* object = nullptr;
  CARNOT_RETURN_IF_ERROR(
      driver->status(driver->context_retain(&object, device), "opening the GPU"));
  return std::make_unique<Context>(*driver, device, object);
}

}  // namespace cuda

Result<std::unique_ptr<Device>> make_cuda_device(GpuName name) {
  CARNOT_ASSIGN(DeviceDescription description, describe_gpu(name.index));
  CARNOT_ASSIGN(auto context, cuda::Context::retain(name.index));
  auto device =
      std::make_unique<cuda::CudaDevice>(std::move(description), std::move(context), name.plain);
  CARNOT_RETURN_IF_ERROR(device->init());
  return std::unique_ptr<Device>(std::move(device));
}

}  // namespace carnot
