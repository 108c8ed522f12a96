#pragma once
// Context: runs an Engine. One thread at a time; make one for each thread that runs.
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carnot/custom.h"
#include "carnot/tensor.h"

namespace carnot {

/// The caller's memory of a device, for what a Context needs beside inputs and outputs. Work that
/// is queued in the Context's stream may still use what release() is given.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// `bytes` at a multiple of `alignment`, a power of two. Null: the device's own shall be taken.
  virtual Result<void*> allocate(size_t bytes, size_t alignment) = 0;
  virtual void release(void* memory) = 0;
};

/// Where an output of this shape, so many bytes, shall be written; null where there is no memory.
using OutputMemory = std::function<void*(const Shape& shape, size_t bytes)>;

struct ContextOptions {
  /// Threads that one run uses, the caller among them; 0: all CPUs that the process may use.
  /// Contexts with the same number share their threads: their runs take turns.
  int threads = 0;
  /// For everything between inputs and outputs; beyond it a run fails with kResourceLimit.
  int64_t memory_bytes_max = std::numeric_limits<int64_t>::max();
  /// Of an engine for GPUs: "cuda:1"; empty: the first that runs it.
  std::string device = {};
  /// Of an engine for GPUs: the stream (cudaStream_t) that work is queued in. run() then returns
  /// while the GPU may still be at work: memory that was set must stay until the stream has come
  /// there, output() waits for it. Null: a stream of the Context's, and run() waits.
  void* stream = nullptr;
  /// Gives the code of the engine's custom operations; an engine that has some needs it.
  MakeCustomBody custom = {};
  /// An index from data that is outside of its axis ends a run with an error. With this it does
  /// not: a gather takes element 0 for it, a scatter leaves its update out.
  bool any_index = false;
};

/// What one step of the engine took.
struct StepTime {
  std::string tactic;
  std::vector<std::string> origin;  ///< ONNX nodes
  double median_us = 0;
};

class Context {
 public:
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  /// The bytes are used where they are: they must stay until the run is over (a Tensor keeps its
  /// own). Shapes may differ from run to run, as the engine's input types allow; a new set of
  /// shapes costs the next run some milliseconds at most, those of the last 16 sets are kept.
  Status set_input(std::string_view name, Tensor value);
  /// `data` holds elements of the input's type, row-major, at any alignment of the element. It may
  /// lie in a GPU's memory: an engine for that GPU uses it where it is (if aligned to 16 bytes).
  Status set_input(std::string_view name, const void* data, Shape shape);
  /// Results are written straight to the caller's memory of `bytes_max` bytes, the host's or the
  /// GPU's. Null: to memory of the Context (the default), which the host can read.
  Status set_output(std::string_view name, void* data, size_t bytes_max);
  /// Each run asks for the memory when the output's shape is known. Empty: as with null above.
  Status set_output(std::string_view name, OutputMemory memory);

  /// Runs with what is set. Errors say which input or step; the Context stays usable. After a run
  /// with some shapes, others with the same shapes allocate nothing and take no lock (but to share
  /// threads). A call while another thread runs this Context is refused.
  Status run();
  /// The result of the last run that succeeded: a view, until the next run or the end of the
  /// Context; of a GPU's memory where set_output() gave such.
  Result<Tensor> output(std::string_view name) const;
  /// Inputs in the engine's order; results are copies that belong to the caller.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs);

  /// As ContextOptions::stream, from the next run on. A CPU has no streams: it ignores it.
  Status set_stream(void* stream);
  /// Until all that runs have queued is done.
  Status wait();
  /// Records an event of the caller's (cudaEvent_t) behind what runs have queued. A CPU, where
  /// nothing is queued, ignores it.
  Status record_event(void* event);
  /// Of the device's memory, beside inputs, outputs and weights, for a run with the inputs as they
  /// are set; what only the run tells is not counted.
  Result<int64_t> memory_bytes();
  /// Gives back what memory_bytes() counts; the next run takes it from there, or from the device
  /// where it is null. Outlives the Context.
  Status set_memory(MemorySource* memory);

  /// The shape that an output will have, where that follows from the shapes of the inputs set.
  Result<Shape> output_shape(std::string_view name);
  /// From any thread: the run in progress, or else the next one, ends with kCancelled soon.
  void cancel();
  /// Runs `runs` times; the median time of each step, in the engine's order.
  Result<std::vector<StepTime>> profile(int runs);
  /// The median time in microseconds of a run on the device alone, without copies of inputs and
  /// outputs from or to the host: some runs are queued one behind another, `rounds` times. The last
  /// run() must have succeeded. kUnsupported where steps need the host between them.
  Result<double> device_time_us(int rounds);
  /// Threads that run() uses.
  int threads() const;

 private:
  struct Parts;
  friend struct ContextFactory;
  explicit Context(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace carnot
