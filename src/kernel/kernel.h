#pragma once
// Kernel: how one fused step computes. A nest of parallel *axes* and, inside it, *stages*. A stage
// loads elements through index maps, runs a scalar program, and either folds the results over its
// own inner axes (a reduction) or stores them. Later stages see what earlier ones folded. So
//   pointwise   = axes, one storing stage
//   reduction   = axes, one folding stage, one storing stage
//   convolution = axes (n, h, w, k), a folding stage over (kh, kw, c) whose program is mul($0, $1),
//                 a storing stage that is the epilogue
//   softmax     = axes (rows), fold max, fold sum of exp, a storing stage with the inner axis
// Attention is the one core that does not fit: it is a kernel with `attention` set.
//
// Index maps are Dim expressions over axis symbols ("#0", "#1": position in `axes` or, from
// axes.size() on, in the stage's `inner`), size symbols, and "$i": the (integer) value of load i of
// the same stage, which must come earlier: this is gather.
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"

namespace carnot {

struct Buffer {
  TensorType type;
  bool output = false;
  /// Elements between neighbours along each axis; empty means contiguous row-major. An operand
  /// that is part of a larger buffer (a concat's piece) has strides; its start is the plan's.
  Dims strides;
  bool operator==(const Buffer&) const = default;
};

struct Axis {
  std::string name;  ///< for people: "h", "k"
  Dim size;
  bool operator==(const Axis&) const = default;
};

/// lower <= index < upper, or the load gives `otherwise` (and does not touch memory).
struct Guard {
  Dim index, lower, upper;
  bool operator==(const Guard&) const = default;
};

/// A load that reads no memory: its value is index[0] itself, an i64. This is how a scalar program
/// sees an index or a size (the divisor of a mean over symbolic sizes, the weights of a resize).
inline constexpr int kExpression = -1;

struct Load {
  int buffer = 0;  ///< or kExpression
  Dims index;      ///< one expression per axis of the buffer
  std::vector<Guard> guards;
  double otherwise = 0;
  /// The element is an index of an axis of this size: a negative one counts from the axis' end,
  /// and so does "$i" see it. Outside of [-within, within) it is the run's fault: nothing is read
  /// there, the results mean nothing, and whoever runs the kernel is told.
  std::optional<Dim> within = std::nullopt;
  bool operator==(const Load&) const = default;
};

struct Store {
  int buffer = 0;
  Dims index;
  int result = 0;  ///< which result of the stage's program
  bool operator==(const Store&) const = default;
};

enum class Combiner : uint8_t { kNone, kSum, kProduct, kMax, kMin, kArgMax, kArgMin };
const char* to_string(Combiner combiner);

struct Stage {
  std::vector<Axis> inner;
  std::vector<Load> loads;
  /// Inputs: the loads, then the folded values of all earlier stages in order.
  ScalarProgram body;
  Combiner combiner = Combiner::kNone;  ///< folds result 0; kNone stores
  /// The accumulator's type: f32 for f16 and bf16 operands, i32 for i8.
  DType accumulator = DType::kF32;
  std::vector<Store> stores;
  bool operator==(const Stage&) const = default;
};

/// buffers: q, k, v, [bias], output; see op::Attention.
struct AttentionCore {
  op::Attention op;
  bool has_bias = false;
  bool operator==(const AttentionCore&) const = default;
};

struct Kernel {
  std::string name;
  std::vector<Buffer> buffers;  ///< inputs first, then outputs
  std::vector<Axis> axes;
  std::vector<Stage> stages;
  std::optional<AttentionCore> attention;
  bool operator==(const Kernel&) const = default;
};

/// Whether a run may end in a fault: an index that the data says is out of range.
bool has_faults(const Kernel& kernel);

/// The symbol of axis i inside index maps.
Dim axis_symbol(int i);
Dim load_symbol(int i);

/// What a contraction looks like, if this kernel is one: a first stage that sums mul(A, B), where
/// B does not depend on the row axes and A does not depend on the column axis, then one storing
/// stage. Axes are classed by what uses them.
struct ContractionView {
  int a = 0, b = 1;          ///< which load of stage 0 is A (rows) and B (columns)
  std::vector<int> batch;    ///< axes in A, B and the output (groups, matmul batch)
  std::vector<int> rows;     ///< axes in A and the output only (n, h, w)
  std::vector<int> columns;  ///< axes in B and the output only (k)
  std::vector<int> inner;    ///< indices into stages[0].inner, all used by A and B
};
/// The view, or the reason why it is not a contraction.
Result<ContractionView> as_contraction(const Kernel& kernel);

/// Every broken invariant is an error: buffer and axis ranges, arities, types, index symbols.
Status verify(const Kernel& kernel);
std::string print(const Kernel& kernel);
Result<Kernel> parse_kernel(std::string_view text);
/// Over everything but the name.
uint64_t hash(const Kernel& kernel);

/// Runs the kernel plainly on dense tensors (inputs in buffer order), for tests of code generators.
Result<std::vector<Tensor>> interpret(const Kernel& kernel, Tensors inputs, const Symbols& symbols);

}  // namespace carnot
