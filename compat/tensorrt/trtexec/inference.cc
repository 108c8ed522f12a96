#include "inference.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "build.h"

namespace trtexec {

/// Memory of the device for a result whose size only a run tells.
class Growing final : public nvinfer1::IOutputAllocator {
 public:
  Growing(Device& device, Binding& binding, bool managed)
      : device_(device), binding_(binding), managed_(managed) {}
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  void* reallocateOutput(char const*, void*, uint64_t size, uint64_t) noexcept override {
    if (size > binding_.host.size() || !binding_.device) {
      if (binding_.device) device_.release(binding_.device);
      binding_.device = device_.allocate(size, managed_);
      binding_.host.resize(size);
    }
    return binding_.device;
  }
  void notifyShape(char const*, nvinfer1::Dims const& dims) noexcept override {
    binding_.shape = shape_of(dims);
  }

 private:
  Device& device_;
  Binding& binding_;
  bool managed_;
};

Measured::Measured() = default;
Measured::~Measured() = default;

namespace {

using Clock = std::chrono::steady_clock;
using nvinfer1::DataType;

class Profiler final : public nvinfer1::IProfiler {
 public:
  explicit Profiler(std::vector<Layer>& layers) : layers_(layers) {}
  void reportLayerTime(char const* name, float ms) noexcept override {
    if (next_ == layers_.size()) layers_.push_back({name, {}});
    layers_[next_++].times.push_back(ms);
  }
  void rewind() { next_ = 0; }

 private:
  std::vector<Layer>& layers_;
  size_t next_ = 0;
};

/// Writes the tensors that --saveDebugTensors names, as they are.
class DebugFiles final : public nvinfer1::IDebugListener {
 public:
  DebugFiles(Device& device, const Pairs& files) : device_(device), files_(files) {}
  bool processDebugTensor(void const* address, nvinfer1::TensorLocation location, DataType type,
                          nvinfer1::Dims const& shape, char const* name,
                          cudaStream_t stream) override;

 private:
  Device& device_;
  const Pairs& files_;
};

/// Elements of half a byte, and how many bytes others have.
int64_t bytes_for(DataType type, int64_t count) {
  switch (type) {
    case DataType::kINT64:
      return count * 8;
    case DataType::kFLOAT:
    case DataType::kINT32:
      return count * 4;
    case DataType::kHALF:
    case DataType::kBF16:
      return count * 2;
    case DataType::kINT4:
    case DataType::kFP4:
      return (count + 1) / 2;
    default:
      return count;
  }
}

bool DebugFiles::processDebugTensor(void const* address, nvinfer1::TensorLocation location,
                                    DataType type, nvinfer1::Dims const& shape, char const* name,
                                    cudaStream_t stream) {
  for (const auto& [wanted, path] : files_) {
    if (wanted != name) continue;
    Bytes bytes(static_cast<size_t>(std::max<int64_t>(bytes_for(type, volume(shape)), 0)));
    if (location == nvinfer1::TensorLocation::kHOST) {
      std::memcpy(bytes.data(), address, bytes.size());
    } else if (!device_.copy_out(bytes.data(), address, bytes.size(), stream) ||
               !device_.wait(stream)) {
      return false;
    }
    if (!write_file(path, bytes.data(), bytes.size())) return false;
  }
  return true;
}

/// Numbers that are harmless in every model: small reals, indices 0 and 1.
void randomize(std::vector<char>& buffer, DataType type) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> real(-1, 1);
  const auto size = static_cast<size_t>(bytes_for(type, 2) / 2);
  for (size_t i = 0; size > 0 && i + size <= buffer.size(); i += size) {
    const float value = real(random);
    const int64_t bit = value > 0 ? 1 : 0;
    const auto half = static_cast<uint16_t>(0x3000 + random() % 0x800);  // f16 0.125 to 0.5
    switch (type) {
      case DataType::kFLOAT:
        std::memcpy(&buffer[i], &value, 4);
        break;
      case DataType::kHALF:
      case DataType::kBF16:
        std::memcpy(&buffer[i], &half, 2);
        break;
      default:
        std::memcpy(&buffer[i], &bit, size);  // little-endian
    }
  }
}

bool load(Binding& binding, const std::string& path) {
  Bytes bytes;
  if (!read_file(path, bytes) && !binding.host.empty()) {
    say('E', "cannot read '" + path + "' for input '" + binding.name + "'");
    return false;
  }
  if (bytes.size() != binding.host.size()) {
    say('E', "'" + path + "' has " + std::to_string(bytes.size()) + " bytes, input '" +
                 binding.name + "' needs " + std::to_string(binding.host.size()));
    return false;
  }
  binding.host = std::move(bytes);
  return true;
}

const Shape* find(const Shapes& shapes, const std::string& name) {
  for (const auto& [pattern, shape] : shapes) {
    if (fits(pattern, name)) return &shape;
  }
  return nullptr;
}

bool set_shapes(nvinfer1::ICudaEngine& engine, Lane& lane, const Options& options) {
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* const name = engine.getIOTensorName(i);
    if (engine.getTensorIOMode(name) != nvinfer1::TensorIOMode::kINPUT) continue;
    if (engine.isShapeInferenceIO(name)) continue;  // the numbers are its values
    const Shape* const wanted = find(options.shapes, name);
    nvinfer1::Dims dims = engine.getTensorShape(name);
    const bool dynamic =
        std::any_of(dims.d, dims.d + std::max(dims.nbDims, 0), [](int64_t d) { return d < 0; });
    if (wanted) {
      dims.nbDims =
          static_cast<int32_t>(std::min<size_t>(wanted->size(), nvinfer1::Dims::MAX_DIMS));
      std::copy_n(wanted->begin(), dims.nbDims, dims.d);
    } else if (dynamic) {
      dims = engine.getProfileShape(name, options.profile, nvinfer1::OptProfileSelector::kOPT);
    }
    if ((wanted || dynamic) && !lane.context->setInputShape(name, dims)) return false;
  }
  return true;
}

/// Values of an input that shapes are computed from: those given as its sizes, else the profile's.
void set_values(nvinfer1::ICudaEngine& engine, const Options& options, Binding& b) {
  const Shape* const wanted = find(options.shapes, b.name);
  const int64_t* const values =
      wanted ? wanted->data()
             : engine.getProfileTensorValuesV2(b.name.c_str(), options.profile,
                                               nvinfer1::OptProfileSelector::kOPT);
  const auto size = static_cast<size_t>(bytes_for(b.type, 1));
  const size_t count = std::min(b.host.size() / size, wanted ? wanted->size() : SIZE_MAX);
  for (size_t i = 0; values && i < count; ++i) std::memcpy(&b.host[i * size], &values[i], size);
}

/// Fills an input's memory on the host.
bool fill(nvinfer1::ICudaEngine& engine, const Options& options, Binding& b, bool first) {
  const auto file = options.load_inputs.find(b.name);
  if (file != options.load_inputs.end()) return load(b, file->second);
  if (first) say('I', "Using random values for input " + b.name);
  randomize(b.host, b.type);
  if (engine.isShapeInferenceIO(b.name.c_str())) set_values(engine, options, b);
  return true;
}

bool give_memory(nvinfer1::ICudaEngine& engine, Device& device, Lane& lane, const Options& options,
                 Binding& b) {
  const bool on_host = engine.getTensorLocation(b.name.c_str()) == nvinfer1::TensorLocation::kHOST;
  static char nothing;  // an empty tensor's address
  void* memory = b.host.empty() ? &nothing : b.host.data();
  if (!device.is_host() && !on_host) {
    memory = b.device = device.allocate(b.host.size(), options.managed);
    device.pin(b.host.data(), b.host.size());
    if (!memory) {
      say('E', "the device has no " + std::to_string(b.host.size()) + " bytes for " + b.name);
      return false;
    }
    if (b.input && !device.copy_in(memory, b.host.data(), b.host.size(), lane.stream)) return false;
  }
  return lane.context->setTensorAddress(b.name.c_str(), memory);
}

bool bind(nvinfer1::ICudaEngine& engine, Device& device, Lane& lane, const Options& options,
          bool first) {
  const int32_t count = engine.getNbIOTensors();
  lane.bindings.resize(static_cast<size_t>(count));  // allocators point into it
  for (int32_t i = 0; i < count; ++i) {
    Binding& b = lane.bindings[static_cast<size_t>(i)];
    b.name = engine.getIOTensorName(i);
    b.type = engine.getTensorDataType(b.name.c_str());
    b.input = engine.getTensorIOMode(b.name.c_str()) == nvinfer1::TensorIOMode::kINPUT;
    const nvinfer1::Dims dims = lane.context->getTensorShape(b.name.c_str());
    const int64_t elements = volume(dims);
    b.shape = shape_of(dims);
    if (first) {
      say('I', std::string(b.input ? "Input" : "Output") + " binding for " + b.name +
                   " with dimensions " + text_of(b.shape) + " is created.");
    }
    if (elements < 0 && !b.input) {
      lane.allocators.push_back(std::make_unique<Growing>(device, b, options.managed));
      lane.context->setOutputAllocator(b.name.c_str(), lane.allocators.back().get());
      continue;
    }
    b.host.resize(static_cast<size_t>(std::max<int64_t>(bytes_for(b.type, elements), 0)));
    if (b.input && !fill(engine, options, b, first)) return false;
    if (!give_memory(engine, device, lane, options, b)) return false;
  }
  return device.wait(lane.stream);
}

void pause(double ms) {
  if (ms > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
}

bool copy_results(Device& device, Lane& lane) {
  for (Binding& b : lane.bindings) {
    if (b.input || !b.device) continue;
    if (!device.copy_out(b.host.data(), b.device, b.host.size(), lane.stream_out)) return false;
  }
  return true;
}

/// One lane's runs: two are under way at a time, so that the device has no gaps.
class Loop {
 public:
  Loop(Device& device, Lane& lane, const Options& options, void* origin, Clock::time_point start)
      : device_(device), lane_(lane), options_(options), origin_(origin), start_(start) {
    for (Slot& slot : slots_) {
      for (void*& event : slot.events) event = device.make_event();
    }
  }

  /// Enqueues one more run; false where it fails.
  bool step() {
    Slot& slot = slots_[count_++ % (options_.expose_dma ? 1 : 2)];
    if (!finish(slot)) return false;
    pause(options_.sleep_ms);
    slot.trace.begin = now();
    const bool copies = !device_.is_host() && !options_.no_transfers;
    device_.record(slot.events[kIn], lane_.stream_in);
    for (const Binding& b : lane_.bindings) {
      if (!copies || !b.input || !b.device) continue;
      if (!device_.copy_in(b.device, b.host.data(), b.host.size(), lane_.stream_in)) return false;
    }
    device_.record(slot.events[kInEnd], lane_.stream_in);
    if (!follow(lane_.stream, lane_.stream_in, slot.events[kInEnd])) return false;
    device_.record(slot.events[kCompute], lane_.stream);
    const double before = now();
    const bool started = lane_.graph
                             ? device_.launch(lane_.graph, lane_.stream)
                             : lane_.context->enqueueV3(static_cast<cudaStream_t>(lane_.stream));
    slot.trace.enqueued = slot.trace.begin + now() - before;
    if (!started) return false;
    device_.record(slot.events[kComputeEnd], lane_.stream);
    if (!follow(lane_.stream_out, lane_.stream, slot.events[kComputeEnd])) return false;
    device_.record(slot.events[kOut], lane_.stream_out);
    if (copies && !copy_results(device_, lane_)) return false;
    device_.record(slot.events[kOutEnd], lane_.stream_out);
    slot.pending = true;
    if (device_.is_host() && !finish(slot)) return false;
    pause(options_.idle_ms);
    return true;
  }

  bool finish() { return finish(slots_[count_ % 2]) && finish(slots_[(count_ + 1) % 2]); }

  /// Both the iterations and the duration are reached.
  bool done() const {
    const double end = lane_.traces.empty() ? 0 : lane_.traces.back().d2h[1];
    return options_.duration_s >= 0 && runs_ >= options_.iterations &&
           end >= options_.warm_up_ms + options_.duration_s * 1000;
  }

 private:
  enum Event { kIn, kInEnd, kCompute, kComputeEnd, kOut, kOutEnd, kEvents };
  struct Slot {
    void* events[kEvents] = {};
    Trace trace;
    bool pending = false;
  };

  double now() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }
  /// Work of one stream waits for an event of another.
  bool follow(void* stream, const void* other, void* event) {
    return stream == other || device_.wait_in(stream, event);
  }
  bool finish(Slot& slot) {
    if (!slot.pending) return true;
    slot.pending = false;
    if (!device_.wait_event(slot.events[kOutEnd])) return false;
    double at[kEvents];
    for (int i = 0; i < kEvents; ++i) at[i] = device_.milliseconds(origin_, slot.events[i]);
    Trace& t = slot.trace;
    t.h2d[0] = at[kIn], t.h2d[1] = at[kInEnd];
    t.compute[0] = at[kCompute], t.compute[1] = at[kComputeEnd];
    t.d2h[0] = at[kOut], t.d2h[1] = at[kOutEnd];
    if (device_.is_host()) t.h2d[1] = t.h2d[0] = t.compute[0], t.d2h[1] = t.d2h[0];
    lane_.traces.push_back(t);
    if (t.compute[0] >= options_.warm_up_ms) ++runs_;
    return true;
  }

  Device& device_;
  Lane& lane_;
  const Options& options_;
  void* origin_;
  Clock::time_point start_;
  Slot slots_[2];
  size_t count_ = 0;
  int runs_ = 0;
};

bool profile(Device& device, Lane& lane, const Options& options, std::vector<Layer>& layers) {
  Profiler profiler(layers);
  lane.context->setProfiler(&profiler);
  for (int i = 0; i < std::max(options.iterations, 1); ++i) {
    profiler.rewind();
    if (!lane.context->enqueueV3(static_cast<cudaStream_t>(lane.stream))) return false;
    if (!device.wait(lane.stream)) return false;
  }
  lane.context->setProfiler(nullptr);
  return true;
}

void collect(const Options& options, Measured& out) {
  double last = 0;
  for (const Lane& lane : out.lanes) {
    for (const Trace& t : lane.traces) {
      if (t.compute[0] < options.warm_up_ms) {
        ++out.warm_up_runs;
        out.warm_up_ms = std::max(out.warm_up_ms, t.d2h[1]);
      } else {
        out.traces.push_back(t);
        last = std::max(last, t.d2h[1]);
      }
    }
  }
  std::sort(out.traces.begin(), out.traces.end(),
            [](const Trace& a, const Trace& b) { return a.h2d[0] < b.h2d[0]; });
  if (!out.traces.empty()) out.wall_s = (last - out.traces.front().h2d[0]) / 1000;
}

/// A first run apart, since it may load code, then the same captured.
bool capture(Device& device, Lane& lane) {
  const auto stream = static_cast<cudaStream_t>(lane.stream);
  if (!lane.context->enqueueV3(stream) || !device.wait(lane.stream)) return false;
  if (device.is_host()) {
    say('W', "--useCudaGraph has no effect here: work runs on the host");
    return true;
  }
  if (!lane.allocators.empty()) {
    say('W', "a result's size follows from the data: runs are enqueued one by one");
    return true;
  }
  const bool begun = device.begin_capture(lane.stream);
  const bool enqueued = begun && lane.context->enqueueV3(stream);
  lane.graph = begun ? device.end_capture(lane.stream) : nullptr;
  if (!enqueued || !lane.graph) {
    lane.graph = nullptr;
    say('W', "the run cannot be captured as a graph: runs are enqueued one by one");
  }
  return true;
}

bool make_lane(nvinfer1::ICudaEngine& engine, Device& device, const Options& o, Lane& lane,
               bool first) {
  using Strategy = nvinfer1::ExecutionContextAllocationStrategy;
  // Whose memory it is makes no difference: a context has its own.
  const Strategy strategy =
      o.allocation == "profile" ? Strategy::kON_PROFILE_CHANGE : Strategy::kSTATIC;
  lane.context.reset(engine.createExecutionContext(strategy));
  lane.stream = device.make_stream();
  const bool overlaps = !o.expose_dma && !o.no_transfers && !device.is_host();
  lane.stream_in = overlaps ? device.make_stream() : lane.stream;
  lane.stream_out = overlaps ? device.make_stream() : lane.stream;
  if (!lane.context) return false;
  if (first) {
    say('I', "Created execution context with device memory size: " +
                 std::to_string(static_cast<double>(engine.getDeviceMemorySizeV2()) / 1048576) +
                 " MiB");
  }
  if (o.profile != 0 && !lane.context->setOptimizationProfileAsync(
                            o.profile, static_cast<cudaStream_t>(lane.stream))) {
    return false;
  }
  return set_shapes(engine, lane, o) && bind(engine, device, lane, o, first) &&
         (!o.graph || capture(device, lane));
}

/// In one thread, or one for each lane.
bool run(Device& device, const Options& options, Measured& out) {
  void* const origin = device.make_event();
  device.record(origin, out.lanes[0].stream);
  if (!device.wait(out.lanes[0].stream)) return false;
  const Clock::time_point start = Clock::now();
  std::vector<Loop> loops;
  loops.reserve(out.lanes.size());
  for (Lane& lane : out.lanes) loops.emplace_back(device, lane, options, origin, start);
  std::atomic<bool> failed{false};
  const auto work = [&](size_t from, size_t to) {
    device.enter();
    const auto some = [&] {
      for (size_t i = from; i < to; ++i) {
        if (!loops[i].done()) return true;
      }
      return false;
    };
    while (!failed && some()) {
      for (size_t i = from; i < to && !failed; ++i) failed = !loops[i].step();
    }
    for (size_t i = from; i < to && !failed; ++i) failed = !loops[i].finish();
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; options.threads && i < loops.size(); ++i) {
    threads.emplace_back([&work, i] { work(i, i + 1); });
  }
  work(0, options.threads ? 1 : loops.size());
  for (std::thread& t : threads) t.join();
  return !failed;
}

}  // namespace

Shape shape_of(const nvinfer1::Dims& dims) {
  return {dims.d, dims.d + std::clamp(dims.nbDims, 0, nvinfer1::Dims::MAX_DIMS)};
}

int64_t volume(const nvinfer1::Dims& dims) {
  int64_t out = dims.nbDims < 0 ? -1 : 1;
  for (const int64_t size : shape_of(dims)) {
    if (size < 0 || __builtin_mul_overflow(out, size, &out)) return -1;
  }
  return out;
}

bool measure(nvinfer1::ICudaEngine& engine, Device& device, const Options& options, Measured& out) {
  DebugFiles debug(device, options.save_debug);
  for (int i = 0; i < options.streams; ++i) {
    Lane& lane = out.lanes.emplace_back();
    if (!make_lane(engine, device, options, lane, i == 0)) return false;
  }
  Lane& first = out.lanes[0];
  if (!options.save_debug.empty()) {  // once, before what is measured
    first.context->setDebugListener(&debug);
    for (const auto& [name, path] : options.save_debug) {
      if (!first.context->setTensorDebugState(name.c_str(), true)) return false;
    }
    if (!first.context->enqueueV3(static_cast<cudaStream_t>(first.stream))) return false;
    if (!device.wait(first.stream)) return false;
    first.context->setDebugListener(nullptr);
  }
  say('I', "Starting inference");
  if (!run(device, options, out)) return false;
  // Results for the reports, wherever they were left.
  if (!copy_results(device, first) || !device.wait(first.stream_out)) return false;
  collect(options, out);
  const bool wanted = options.dump_profile || !options.export_profile.empty();
  return !wanted || profile(device, first, options, out.layers);
}

}  // namespace trtexec
