#pragma once
// Frame: one Program being run, with its memory: the outermost plan of a Context, or a region's.
// Not thread-safe. After a run with some shapes, a run with the same shapes allocates nothing
// (where the plan is static and has no host steps).
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "carnot/custom.h"
#include "runtime/memory.h"
#include "runtime/program.h"

namespace carnot {

/// What the frames of one Context share.
struct RunState {
  Device& device;
  Stream* stream;  ///< where all work goes
  /// run() leaves the work of the outermost frame under way: the stream is the caller's.
  bool async;
  bool any_index;  ///< ContextOptions::any_index
  /// Where the device has the weights; empty where it shares the host's memory.
  std::span<void* const> weights;
  Budget& budget;                   ///< bytes
  MemorySource* source;             ///< of the device's memory; null: the device
  const std::atomic<bool>& cancel;  ///< looked at between launches and iterations
  std::vector<Memory> scratch;      ///< of each thread
  std::vector<void*> scratch_data;
  /// Of each custom step of the plan and its regions.
  std::map<const Step*, std::unique_ptr<CustomBody>> customs;
  Status reserve_scratch(int64_t bytes);
};

/// Everything that follows from the sizes of one phase.
struct Prepared {
  struct Patch {
    size_t slot = 0;  ///< in `pointers`
    int root = 0;
    int64_t offset = 0;  ///< bytes
  };
  std::vector<int64_t> key;     ///< the symbols' values
  std::vector<int64_t> values;  ///< the shape program's, of this phase
  struct Arena {
    std::vector<int64_t> offsets;  ///< of the phase's arena buffers
    int64_t bytes = 0;
  };
  std::array<Arena, kSides> arenas;
  int64_t scratch_bytes = 0;
  std::vector<Launch> launches;  ///< one for each step of the phase
  std::vector<void*> pointers;
  std::vector<Patch> patches;
  std::vector<int64_t> params;
  /// Of each piece of the phase; made by its first run, by a device that records.
  struct Recorded {
    std::unique_ptr<Recording> recording;
    bool tried = false;
  };
  std::vector<Recorded> recordings;
  std::vector<std::optional<Op>> ops;  ///< of host steps with symbols, with numbers instead
  uint64_t patched = 0;                ///< the generation of addresses that `pointers` holds
  uint64_t used = 0;                   ///< when it was last wanted
};

class Frame {
 public:
  /// `nested`: of a region, whose results the host reads at once.
  Frame(const Program& program, RunState& state, bool nested = false);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// Binds an input; the bytes stay the caller's and must be there during run(). The type is
  /// checked here, the shape in run().
  Status set_input(size_t i, Tensor value);
  Status set_input(size_t i, const void* data, Shape shape);
  const TensorType& input_type(size_t i) const { return buffer(plan().inputs[i].buffer).type; }
  /// Where the output shall be written; null: to memory of the frame.
  Status set_output(size_t i, void* memory, int64_t bytes_max);
  Status set_output(size_t i, OutputMemory source);
  /// Symbols that an outer frame knows; by their number there.
  Status run(std::span<const int64_t> outer_symbols = {});
  /// The output of the last run: a view of the frame's or the caller's memory.
  Result<Tensor> output(size_t i) const;
  /// Output `i` stays on the device, if that is where it is computed.
  void keep_on_device(size_t i);
  bool is_kept(size_t i) const;
  /// Exchanges the memory that output `i` lies in: the caller keeps what the last run wrote.
  void exchange_output(size_t i, Memory& memory);
  /// The shape of output `i`, where it follows from the inputs' shapes as they are bound now.
  Result<Shape> output_shape(size_t i);

  /// Of the device's memory, for a run with the inputs as they are bound; of the first phase.
  Result<int64_t> memory_bytes();
  void release_memory();

  /// After a run: microseconds of one more on the device alone, without copies from or to the
  /// caller, as one of `queued` that wait for one another. Where the steps need the host between
  /// them it is refused.
  Result<double> device_time_us(int queued);

  /// Where not empty, run() adds to each step's time. Parallel to the plan's steps.
  std::span<int64_t> step_ns;

 private:
  struct Target {
    void* memory = nullptr;
    int64_t bytes_max = 0;
    Reach reach;
    OutputMemory source;  ///< gives `memory` in each run
    bool asked = false;   ///< in this run
    bool kept = false;    ///< where there is none: in memory of the device
    bool given() const { return memory || source; }
  };
  struct Pending {
    int buffer = 0;
    Tensor value;
  };

  const Plan& plan() const { return *program_.plan; }
  Memory memory_for(bool host) const;
  const Step& step(int i) const { return plan().steps[static_cast<size_t>(i)]; }
  const BufferLayout& layout(int b) const { return program_.buffers[static_cast<size_t>(b)]; }
  const PlanBuffer& buffer(int b) const { return plan().buffers[static_cast<size_t>(b)]; }
  int64_t value(int v) const { return values_[static_cast<size_t>(v)]; }

  // Sizes (prepare.cc).
  Status bind_inputs(std::span<const int64_t> outer_symbols);
  Status activate(int phase);
  Result<Prepared*> prepared_for(int phase);
  Status prepare(int phase, Prepared& out);
  Status check_shapes(const Phase& phase) const;
  Status check_buffers(const Phase& phase) const;
  Status lay_out(int phase, Prepared& out) const;
  Status make_launches(int phase, Prepared& out);
  void add_patch(int buffer, Prepared& out) const;
  Status kernel_launch(int step, Prepared& out, Launch& launch) const;
  Symbols known_symbols() const;
  Shape shape_of(int buffer) const;
  Shape sizes_of(int buffer) const;
  int64_t bytes_of(int buffer) const;
  int64_t offset_of(int buffer) const;  ///< bytes from the root's beginning

  // Running (frame.cc).
  Status run_all(std::span<const int64_t> outer_symbols);
  Status place_input(size_t i);
  bool is_usable(const Reach& reach, int root) const {
    return buffer(root).host ? reach.host : reach.device;
  }
  Status set_target(size_t i, Target target);
  Status take_target(size_t i, int64_t bytes);
  Status start_phase(int phase);
  Status place_outputs(int phase);
  void set_base(int root, void* address);
  Status run_phase(int phase);
  Status run_launches(size_t piece, Prepared& prepared);
  Status run_alone(int step);
  Status run_timed(const Piece& piece, std::span<const Launch> launches);
  Status finish();
  Status make_faults();
  Status take_faults() const;
  std::byte* address(int buffer) const;
  Result<Tensor> tensor_of(int buffer) const;
  static Status host(void* frame, int step);
  Status run_host(int step);
  Status deliver(int step, std::vector<Tensor> results);
  Status define(int step, const std::vector<Tensor>& results);
  Status write(int buffer, const Tensor& value);

  // Steps with regions (control.cc).
  Status run_control(int step);
  Frame& region(int step, size_t i);
  Status run_region(Frame& frame, int64_t iteration);
  Status take_state(int step, Frame& body, size_t first, std::vector<Tensor>& state);
  Result<std::vector<Tensor>> run_if(int step, std::span<const Tensor> operands);
  Result<std::vector<Tensor>> run_loop(int step, std::span<const Tensor> operands);
  Result<std::vector<Tensor>> run_scan(int step, std::span<const Tensor> operands);

  // The user's code (custom.cc).
  struct Custom;
  Status run_custom(int step);
  Status prepare_custom(int step, Custom& custom);

  const Program& program_;
  RunState& state_;
  bool nested_;
  std::vector<std::optional<Tensor>> inputs_;
  std::vector<Reach> input_reach_;
  std::vector<Memory> input_memory_;  ///< for what lies on the other side
  std::vector<Target> targets_;
  std::vector<Memory> output_memory_;  ///< of the host
  std::vector<Memory> output_device_;  ///< for those that go elsewhere from there
  std::vector<Shape> bound_shapes_;    ///< what symbols_ was bound from
  std::vector<int64_t> bound_outer_;
  bool bound_ = false;
  mutable bool complete_ = false;  ///< the last run succeeded, as far as is known
  int running_ = 0;                ///< the phase

  std::vector<int64_t> symbols_;  ///< kUnknown where not known
  std::vector<int64_t> values_;   ///< of the shape program, of the phases that are active
  std::vector<std::vector<std::unique_ptr<Prepared>>> cache_;  ///< of each phase
  std::vector<Prepared*> active_;                              ///< of each phase, may be null
  uint64_t clock_ = 0;
  std::array<std::vector<Memory>, kSides> arenas_;  ///< of each phase
  std::vector<void*> bases_;                        ///< of each root
  uint64_t generation_ = 1;                         ///< counts changes of bases_
  std::vector<int> faults_;                         ///< buffers where kernels tell of bad indices
  Memory fault_memory_;                             ///< theirs, the host's: read while others work
  std::vector<Tensor> strings_;                     ///< of each root that holds strings
  std::vector<Pending> pending_;  ///< results whose memory the next phase lays out
  std::vector<std::vector<std::unique_ptr<Frame>>> regions_;  ///< of each step, made when needed
  std::vector<std::vector<Memory>> carried_;                  ///< of each loop or scan
  std::vector<std::unique_ptr<Custom>> customs_;              ///< of each step, made when needed
};

/// A symbol that nothing has bound yet.
inline constexpr int64_t kUnknown = INT64_MIN;

}  // namespace carnot
