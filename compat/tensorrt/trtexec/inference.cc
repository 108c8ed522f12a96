#include "inference.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <random>
#include <thread>

namespace trtexec {

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

size_t bytes_of(DataType type) {
  switch (type) {
    case DataType::kINT64:
      return 8;
    case DataType::kFLOAT:
    case DataType::kINT32:
      return 4;
    case DataType::kHALF:
    case DataType::kBF16:
      return 2;
    default:
      return 1;
  }
}

/// Numbers that are harmless in every model: small reals, indices 0 and 1.
void randomize(std::vector<char>& buffer, DataType type) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> real(-1, 1);
  for (size_t i = 0; i + bytes_of(type) <= buffer.size(); i += bytes_of(type)) {
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
        std::memcpy(&buffer[i], &bit, bytes_of(type));  // little-endian
    }
  }
}

bool load(std::vector<char>& buffer, const std::string& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in && bytes.empty()) {
    say('E', "cannot read '" + path + "' for input '" + name + "'");
    return false;
  }
  if (bytes.size() != buffer.size()) {
    say('E', "'" + path + "' has " + std::to_string(bytes.size()) + " bytes, input '" + name +
                 "' needs " + std::to_string(buffer.size()));
    return false;
  }
  buffer = std::move(bytes);
  return true;
}

const Shape* find(const Shapes& shapes, const std::string& name) {
  for (const auto& [pattern, shape] : shapes) {
    const size_t star = pattern.find('*');
    const bool fits = star == std::string::npos
                          ? pattern == name
                          : name.compare(0, star, pattern, 0, star) == 0 &&
                                name.size() + 1 >= pattern.size() &&
                                name.substr(name.size() - (pattern.size() - star - 1)) ==
                                    pattern.substr(star + 1);
    if (fits) return &shape;
  }
  return nullptr;
}

bool set_shapes(nvinfer1::ICudaEngine& engine, Lane& lane, const Options& options) {
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* const name = engine.getIOTensorName(i);
    if (engine.getTensorIOMode(name) != nvinfer1::TensorIOMode::kINPUT) continue;
    const Shape* const wanted = find(options.shapes, name);
    nvinfer1::Dims dims = engine.getTensorShape(name);
    const bool dynamic = std::any_of(dims.d, dims.d + dims.nbDims, [](int64_t d) { return d < 0; });
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

bool bind(nvinfer1::ICudaEngine& engine, Lane& lane, const Options& options, bool first) {
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const std::string name = engine.getIOTensorName(i);
    const nvinfer1::Dims dims = lane.context->getTensorShape(name.c_str());
    const int64_t count = volume(dims);
    if (count < 0) {
      say('E', "the size of '" + name + "' follows from the data; trtexec has no memory for it");
      return false;
    }
    const DataType type = engine.getTensorDataType(name.c_str());
    std::vector<char>& buffer = lane.buffers[name];
    buffer.resize(static_cast<size_t>(count) * bytes_of(type));
    const bool input = engine.getTensorIOMode(name.c_str()) == nvinfer1::TensorIOMode::kINPUT;
    const auto file = options.load_inputs.find(name);
    if (input && file != options.load_inputs.end()) {
      if (!load(buffer, file->second, name)) return false;
    } else if (input) {
      if (first) say('I', "Using random values for input " + name);
      randomize(buffer, type);
    }
    if (first) {
      say('I', std::string(input ? "Input" : "Output") + " binding for " + name +
                   " with dimensions " + text_of(shape_of(dims)) + " is created.");
    }
    static char nothing;  // an empty tensor's address
    if (!lane.context->setTensorAddress(name.c_str(), buffer.empty() ? &nothing : buffer.data()))
      return false;
  }
  return true;
}

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

void pause(double ms) {
  if (ms > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
}

/// Until both the iterations and the duration are reached, after the warm-up.
void loop(Lane& lane, const Options& options, Clock::time_point start, std::atomic<bool>& failed) {
  int runs = 0;
  for (;;) {
    pause(options.sleep_ms);
    Trace t;
    t.begin = milliseconds(start, Clock::now());
    if (!lane.context->enqueueV3(nullptr)) failed = true;
    if (failed) return;
    t.end = t.enqueued = milliseconds(start, Clock::now());
    lane.traces.push_back(t);
    if (t.begin >= options.warm_up_ms) ++runs;
    const bool long_enough =
        options.duration_s >= 0 && t.end >= options.warm_up_ms + options.duration_s * 1000;
    if (long_enough && runs >= options.iterations) return;
    pause(options.idle_ms);
  }
}

bool profile(Lane& lane, const Options& options, std::vector<Layer>& layers) {
  Profiler profiler(layers);
  lane.context->setProfiler(&profiler);
  for (int i = 0; i < std::max(options.iterations, 1); ++i) {
    profiler.rewind();
    if (!lane.context->enqueueV3(nullptr)) return false;
  }
  lane.context->setProfiler(nullptr);
  return true;
}

void collect(const Options& options, Measured& out) {
  double last = 0;
  for (const Lane& lane : out.lanes) {
    for (const Trace& t : lane.traces) {
      if (t.begin < options.warm_up_ms) {
        ++out.warm_up_runs;
        out.warm_up_ms = std::max(out.warm_up_ms, t.end);
      } else {
        out.traces.push_back(t);
        last = std::max(last, t.end);
      }
    }
  }
  std::sort(out.traces.begin(), out.traces.end(),
            [](const Trace& a, const Trace& b) { return a.begin < b.begin; });
  if (!out.traces.empty()) out.wall_s = (last - out.traces.front().begin) / 1000;
}

}  // namespace

void say(char severity, const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%m/%d/%Y-%H:%M:%S", &local);
  std::printf("[%s] [%c] %s\n", stamp, severity, text.c_str());
}

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

bool measure(nvinfer1::ICudaEngine& engine, const Options& options, Measured& out) {
  for (int i = 0; i < options.streams; ++i) {
    Lane& lane = out.lanes.emplace_back();
    lane.context.reset(engine.createExecutionContext());
    if (!lane.context) return false;
    if (i == 0) say('I', "Created execution context with device memory size: 0 MiB");
    if (options.profile != 0 &&
        !lane.context->setOptimizationProfileAsync(options.profile, nullptr))
      return false;
    if (!set_shapes(engine, lane, options) || !bind(engine, lane, options, i == 0)) return false;
  }
  say('I', "Starting inference");
  std::atomic<bool> failed{false};
  const Clock::time_point start = Clock::now();
  std::vector<std::thread> threads;
  for (size_t i = 1; i < out.lanes.size(); ++i) {
    threads.emplace_back([&, i] { loop(out.lanes[i], options, start, failed); });
  }
  loop(out.lanes[0], options, start, failed);
  for (std::thread& t : threads) t.join();
  if (failed) return false;
  collect(options, out);
  const bool wanted = options.dump_profile || !options.export_profile.empty();
  return !wanted || profile(out.lanes[0], options, out.layers);
}

}  // namespace trtexec
