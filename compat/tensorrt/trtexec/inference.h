#pragma once
// Runs an engine again and again, and keeps what each run took.
#include <memory>

#include "NvInfer.h"
#include "device.h"
#include "options.h"

namespace trtexec {

/// One run, in milliseconds since the first began.
struct Trace {
  double begin = 0, enqueued = 0;  ///< on the host
  double h2d[2] = {}, compute[2] = {}, d2h[2] = {};
  double h2d_ms() const { return h2d[1] - h2d[0]; }
  double compute_ms() const { return compute[1] - compute[0]; }
  double d2h_ms() const { return d2h[1] - d2h[0]; }
  double latency_ms() const { return h2d_ms() + compute_ms() + d2h_ms(); }
};

/// Memory of one input or output: the host's, and the device's, which may be the same.
struct Binding {
  std::string name;
  nvinfer1::DataType type = nvinfer1::DataType::kFLOAT;
  bool input = false;
  Shape shape;
  std::vector<char> host;
  void* device = nullptr;
};

class Growing;

/// A context with memory for every tensor.
struct Lane {
  std::unique_ptr<nvinfer1::IExecutionContext> context;
  std::vector<Binding> bindings;
  std::vector<std::unique_ptr<Growing>> allocators;  ///< of outputs whose size the data gives
  std::vector<Trace> traces;
  void* stream = nullptr;  ///< of computation
  // Of copies to and from the device; the same one where they are not to overlap.
  void *stream_in = nullptr, *stream_out = nullptr;
  void* graph = nullptr;
};

struct Layer {
  std::string name;
  std::vector<float> times;
};

struct Measured {
  Measured();
  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;
  ~Measured();
  std::vector<Lane> lanes;
  std::vector<Trace> traces;  ///< of all lanes, without the warm-up's
  size_t warm_up_runs = 0;
  double warm_up_ms = 0, wall_s = 0;
  std::vector<Layer> layers;
};

/// False, and messages, where a context cannot be made or a run fails.
bool measure(nvinfer1::ICudaEngine& engine, Device& device, const Options& options, Measured& out);

Shape shape_of(const nvinfer1::Dims& dims);
int64_t volume(const nvinfer1::Dims& dims);

}  // namespace trtexec
