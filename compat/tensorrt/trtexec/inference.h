#pragma once
// Runs an engine again and again, and keeps what each run took.
#include <memory>

#include "NvInfer.h"
#include "options.h"

namespace trtexec {

/// One run, in milliseconds since the first.
struct Trace {
  double begin = 0, enqueued = 0, end = 0;
  double compute() const { return end - begin; }
};

/// A context with memory for every tensor.
struct Lane {
  std::unique_ptr<nvinfer1::IExecutionContext> context;
  std::map<std::string, std::vector<char>> buffers;
  std::vector<Trace> traces;
};

struct Layer {
  std::string name;
  std::vector<float> times;
};

struct Measured {
  std::vector<Lane> lanes;
  std::vector<Trace> traces;  ///< of all lanes, without the warm-up's
  size_t warm_up_runs = 0;
  double warm_up_ms = 0, wall_s = 0;
  std::vector<Layer> layers;
};

/// False, and messages, where a context cannot be made or a run fails.
bool measure(nvinfer1::ICudaEngine& engine, const Options& options, Measured& out);

/// "[11/21/2026-06:30:00] [I] text" on the standard output.
void say(char severity, const std::string& text);
Shape shape_of(const nvinfer1::Dims& dims);
int64_t volume(const nvinfer1::Dims& dims);

}  // namespace trtexec
