#pragma once
// PlanBuilder: from a lowered Graph (fused groups, views, constants, host ops) to a Plan. It runs
// in two phases, so that all kernels of a model are tuned together: collect() lists the kernels,
// emit() makes the steps once each kernel has its Choice.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/symbols.h"
#include "plan/plan.h"
#include "tactics/library.h"
#include "tune/tune.h"

namespace carnot {

/// Shared by a plan and the plans nested in it.
struct PlanShared {
  const DeviceDescription* device = nullptr;
  Symbols likely;
  CodeSink* sink = nullptr;
  std::vector<Tensor> weights;
  /// One way to run a kernel: for first outputs of `from` elements or more.
  struct Way {
    const Choice* choice = nullptr;
    const Symbols* likely = nullptr;
    int64_t from = 0;
    std::unique_ptr<GeneratedKernel> generated;
    std::vector<int> packed;  ///< weights of `generated->packed`
  };
  /// Distinct kernels (equal text, equal constants), in order of first use.
  struct Entry {
    Kernel kernel;
    std::vector<const Tensor*> constants;
    std::string origin;
    int uses = 0;
    const Choice* choice = nullptr;  ///< for the likely sizes
    std::vector<Way> ways;           ///< by size; each up to where the next begins
  };
  std::vector<Entry> kernels;
  /// By kernel hash and constants: index into `kernels`.
  std::map<std::string, int> kernel_index;
  std::map<const std::byte*, int> weight_index;
  std::map<uint64_t, std::vector<int>> packed_index;  ///< by the hash of their bytes
  /// Repeated single elements written out: kernels and files want every element.
  std::map<const Tensor*, std::unique_ptr<Tensor>> dense;

  Tensor no_elements;  ///< what a tensor is filled with that has none, once it is needed

  int add_kernel(Kernel kernel, std::vector<const Tensor*> constants, const std::string& origin);
  int add_weight(const Tensor& tensor);
  /// The dense constant behind a value, or null where it is none.
  Result<const Tensor*> constant(const Value* v);
  /// Packed weights: equal ones are stored once.
  int add_packed(const Tensor& tensor);
  /// Generates a way's code, once.
  Result<const GeneratedKernel*> generate(Entry& entry, Way& way);
};

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, PlanShared& shared) : graph_(graph), shared_(shared) {}

  /// Decides where values live and which kernels there are.
  Status collect();
  /// Makes the plan; after each kernel in `shared` has its choice.
  Result<Plan> emit();

 private:
  /// Where a value lives; `strides` empty means contiguous.
  struct Slot {
    int buffer = -1;
    Dims strides;
  };

  int add_buffer(PlanBuffer buffer);
  int view(int root, const TensorType& type, const Dim& offset, const std::string& name);
  int new_arena(const Value* v);
  bool has_slot(const Value* v) const { return slots_.count(v) != 0; }
  Status place_outputs();
  void place_backwards(const Node& node);
  void place_concat(const Node& node);
  /// Has `x` computed where its user, a concat or a reshape of a piece, wants it, if it can be:
  /// `offset` elements into `whole`, with its strides.
  void place_piece(const Value* x, const Node& user, const Slot& whole, const Dim& offset);
  bool is_stored_transposed(const Node& node) const;
  void place_result_view(const Node& node);
  bool may_be_strided(const Value* v, const Node* user) const;
  bool is_known_with(const TensorType& whole, const TensorType& piece) const;
  int constant_buffer(const Value* v);
  /// A step reads this buffer: if it is a constant, it becomes a weight of the engine.
  Status need(int buffer);
  void drop_unused();
  /// The slot of a value that some step reads; constants get theirs here.
  Slot& slot(const Value* v);

  Status collect_node(Node* node);
  Status collect_fused(const Node& node);
  bool collect_operand_view(const Node& node);
  void make_dense(const Node& node, bool rows);
  Status collect_reshape(const Node& node);
  Status collect_concat(const Node& node);
  Status collect_nested(const Node& node);
  void collect_copy(const Value* v, const Slot& from, const Slot& to, const Origin& origin);
  void collect_host(const Node& node);
  /// Kernels of the device that are written by hand, where it has such (library_step.cc).
  bool collect_library(const Node& node);
  /// For people: why it is a step of the host.
  std::string why_on_host(const Node& node) const;
  void collect_custom(const Node& node);
  /// A step of the library kernel, where the node is what that does (recurrent_step.cc).
  Result<bool> collect_recurrent(const Node& node);
  void add_checks(const Node& node);
  void add_window_checks(const Node& node, const Origin& origin);

  struct Pending {
    Step step;
    int kernel = -1;
    std::vector<int> buffers;                ///< of the kernel, in its order
    const LibraryTactic* library = nullptr;  ///< for `node`, whose operands are the step's
    const Node* node = nullptr;
    std::vector<std::unique_ptr<PlanBuilder>> regions;
  };

  int fault_buffer();
  Status emit_kernel(const Pending& pending);
  Result<Step> kernel_step(const Pending& pending, const PlanShared::Entry& entry,
                           PlanShared::Way& way);
  Status emit_library(Pending& pending);
  Result<Step> size_step(const Step& of, int size);
  Status add_step(Step step);

  const Graph& graph_;
  PlanShared& shared_;
  Plan plan_;
  std::map<const Value*, Slot> slots_;
  SymbolSet late_;  ///< symbols that a run binds when it has come to their node
  std::map<int, const Value*> constants_;  ///< buffers of constants that no step reads yet
  std::vector<Pending> pending_;
};

/// Row-major strides.
Dims contiguous_strides(const Dims& dims);

}  // namespace carnot
