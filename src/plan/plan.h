#pragma once
// Plan: steps, buffers, arena: what the engine file stores and the runtime executes. Sizes are
// expressions over symbols; a run binds the symbols from its input shapes (and, where a step
// *defines* one, from that step's concrete result) and evaluates them: the shape program.
#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace carnot {

/// Where a buffer lives. Arena offsets are not stored: they follow from sizes and life times, and
/// the memory planner computes them for each new set of shapes (plan/memory.h).
enum class Place : uint8_t {
  kArena,     ///< between two steps of one run
  kInput,     ///< bound by the caller; `index` into Plan::inputs
  kOutput,    ///< bound by the caller; `index` into Plan::outputs
  kConstant,  ///< `index` into the weights
  kDynamic,   ///< its size is known only when its step has run
  kFault,     ///< where a kernel tells of a bad index: i64[2], zeros while all is well
};

struct PlanBuffer {
  TensorType type;
  Place place = Place::kArena;
  int index = -1;
  /// Part of another buffer: it begins `offset` elements into `view_of` (a piece of a concat, a
  /// reshape). Views have no memory of their own: `place` and `index` say nothing.
  int view_of = -1;
  Dim offset;
  /// It lies in the host's memory, on a device that has its own. Of a view nothing is said.
  bool host = false;
  std::string name;  ///< of the value, for people
  bool operator==(const PlanBuffer&) const = default;
};

struct Plan;

struct Step {
  /// kCopy: between the host's memory and the device's, one buffer to another of the same type.
  /// kCustom: the user's code, which works where kernels do.
  enum Kind { kKernel, kHost, kIf, kLoop, kScan, kCopy, kCustom };
  static constexpr const char* kKindNames[] = {"kernel", "host", "if",    "loop",
                                               "scan",   "copy", "custom"};
  Kind kind = kKernel;
  std::string tactic;        ///< "cpu.contraction[8x3]", "host.reference"
  std::vector<int> inputs;   ///< buffers read
  std::vector<int> outputs;  ///< buffers written
  // kKernel
  int kernel = -1;             ///< index of the Kernel text in the engine, -1 if none
  std::string entry;           ///< name in the code section
  std::vector<int> arguments;  ///< buffers in the order of the generated function
  Dims params;                 ///< its integer arguments
  Dim tasks = 1;               ///< independent pieces of work
  Dim scratch_bytes = 0;       ///< per thread
  // the others
  Op op;                                       ///< kHost: run by reference(); others: attrs
  std::vector<std::unique_ptr<Plan>> regions;  ///< closed, as in the Graph
  std::vector<std::string> defines;            ///< symbols bound from this step's result shapes

  std::vector<std::string> origin;  ///< ONNX nodes
  double predicted_us = 0, measured_us = 0;
  std::string note;  ///< "best of 6", for people
};

/// Whether the host reads the values of an input: of a step with regions, what decides which of
/// them run. The others are only handed on, and may lie on either side.
bool is_read_by_host(const Step& step, size_t input);

/// Two expressions that must be equal for the plan to be right; asked for each new set of shapes.
struct ShapeCheck {
  Dim a, b;
  std::string what;  ///< "add_3 (Add): operands of equal width"
  bool operator==(const ShapeCheck&) const = default;
};

struct PlanOutput {
  std::string name;
  int buffer = -1;
  bool operator==(const PlanOutput&) const = default;
};

struct Plan {
  std::string name = "main";
  std::string device = "cpu";  ///< device description, one line
  std::vector<PlanOutput> inputs, outputs;
  std::vector<PlanBuffer> buffers;
  std::vector<ShapeCheck> checks;
  std::vector<Step> steps;
  /// True where every size follows from the input shapes and no step has regions: a run is then one
  /// parallel region with no allocation. Otherwise sizes are evaluated piece by piece.
  bool is_static() const;
  /// The buffer whose memory this one lies in; only in a verified plan.
  int root(int buffer) const;
};

/// Plans nest (regions of if, loop, scan) no deeper than this.
inline constexpr int kPlanNestingMax = 32;

/// Every broken invariant is an error: indices, views, uses before definition, symbols that nobody
/// binds, sizes that are negative, regions' signatures. `weights` is how many constants there are.
Status verify(const Plan& plan, int weights);
/// The grammar is in text.cc. print(parse_plan(t)) == t for every t that print() wrote.
std::string print(const Plan& plan);
Result<Plan> parse_plan(std::string_view text);

}  // namespace carnot
