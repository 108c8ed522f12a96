// Parts of tensors: slice, split, concat, pad.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
constexpr int64_t kStepMax = int64_t{1} << 40;
// Bounds from here on mean "to the end" for an axis of unknown size: INT32_MAX, INT64_MAX and
// tf2onnx's 10^9 are what exporters write, and no axis is as long.
constexpr int64_t kBeyond = 1'000'000'000;

/// A bound counted from the front and cut to [lowest, highest].
Dim place(const Dim& bound, const Dim& size, const Dim& lowest, const Dim& highest) {
  if (bound.is_constant() && !size.is_constant()) {
    if (bound.value() >= kBeyond) return highest;
    if (bound.value() <= -kBeyond) return lowest;
  }
  // A symbolic bound is a size: never negative.
  const bool from_end = bound.is_constant() && bound.value() < 0;
  return smaller(larger(from_end ? size + bound : bound, lowest), highest);
}

struct Cut {
  Dim start, size;
};

/// x[start:end:step] along one axis, by ONNX's clamping.
Cut cut(const Dim& start, const Dim& end, int64_t step, const Dim& size) {
  const bool forward = step > 0;
  const Dim lowest = forward ? 0 : -1, highest = forward ? size : size - Dim(1);
  // A start beyond a symbolic end needs no cutting: there is nothing to read then.
  const bool plain = forward && start.is_constant() && start.value() >= 0 &&
                     start.value() < kBeyond && !size.is_constant();
  const Dim from = plain ? start : place(start, size, 0, highest);
  const Dim to = place(end, size, lowest, highest);
  const Dim length = larger(forward ? to - from : from - to, 0);
  if (length.is(0)) return {0, 0};
  const Dim stride = forward ? step : -step;
  return {from, ceil_div(length, stride)};
}

struct SliceOperands {
  Value *starts = nullptr, *ends = nullptr;  ///< of opset 10 and later
  std::optional<Dims> known_starts, known_ends;
  std::vector<int64_t> axes, steps;
};

SliceOperands slice_operands(NodeImport& n) {
  SliceOperands out;
  if (n.opset() < 10) {
    const auto starts = n.integers("starts"), ends = n.integers("ends");
    out.known_starts = Dims(starts.begin(), starts.end());
    out.known_ends = Dims(ends.begin(), ends.end());
    out.axes = n.integers("axes");
  } else {
    out.starts = n.in(1);
    out.ends = n.in(2);
    out.known_starts = n.elements(out.starts);
    out.known_ends = n.elements(out.ends);
    if (n.has_input(3)) out.axes = n.known_integers(3, "the axes");
    if (n.has_input(4)) out.steps = n.known_integers(4, "the steps");
  }
  size_t count = out.axes.size();
  if (out.known_starts) {
    count = out.known_starts->size();
  } else if (out.axes.empty()) {
    const TensorType& type = out.starts->type();
    if (type.rank() != 1 || !type.dims[0].is_constant()) {
      n.unsupported("the number of sliced axes is not known: the starts are ", to_string(type));
    }
    count = static_cast<size_t>(type.dims[0].value());
  }
  if (out.axes.empty()) {
    for (size_t i = 0; i < count; ++i) out.axes.push_back(static_cast<int64_t>(i));
  }
  if (out.steps.empty()) out.steps.assign(count, 1);
  if (out.axes.size() != count || out.steps.size() != count ||
      (out.known_ends && out.known_ends->size() != count)) {
    n.invalid("starts, ends, axes and steps differ in length");
  }
  out.axes = n.axes(out.axes, n.rank(0));
  for (int64_t& step : out.steps) {
    if (step == 0) n.invalid("a step is 0");
    // Longer steps than any axis take the same one element.
    step = std::clamp(step, -kStepMax, kStepMax);
  }
  return out;
}

/// i64 [2, rank]: starts, then ends, of all axes.
Value* slice_target(NodeImport& n, const SliceOperands& slice) {
  const auto rank = static_cast<size_t>(n.rank(0));
  Values starts(rank, nullptr), ends(rank, nullptr);
  Value* const given_starts = n.cast(slice.starts, DType::kI64);
  Value* const given_ends = n.cast(slice.ends, DType::kI64);
  for (size_t i = 0; i < slice.axes.size(); ++i) {
    const auto axis = static_cast<size_t>(slice.axes[i]);
    starts[axis] = n.slice(given_starts, 0, static_cast<int64_t>(i), 1);
    ends[axis] = n.slice(given_ends, 0, static_cast<int64_t>(i), 1);
  }
  for (Value*& start : starts) start = start ? start : n.vector_i64({0});
  for (Value*& end : ends) end = end ? end : n.vector_i64({kLargest});
  starts.insert(starts.end(), ends.begin(), ends.end());
  return n.reshape(n.concat(starts, 0), {2, static_cast<int64_t>(rank)});
}

void slice(NodeImport& n) {
  Value* const x = n.in(0);
  const SliceOperands operands = slice_operands(n);
  op::Slice op;
  op.sizes = x->type().dims;
  op.starts.assign(op.sizes.size(), Dim(0));
  op.steps.assign(op.sizes.size(), 1);
  const bool known = operands.known_starts && operands.known_ends;
  for (size_t i = 0; i < operands.axes.size(); ++i) {
    const auto axis = static_cast<size_t>(operands.axes[i]);
    op.steps[axis] = operands.steps[i];
    if (known) {
      const Cut part = cut((*operands.known_starts)[i], (*operands.known_ends)[i],
                           operands.steps[i], op.sizes[axis]);
      op.starts[axis] = part.start;
      op.sizes[axis] = part.size;
    } else {
      op.sizes[axis] = n.fresh_symbol(n.hint());
    }
  }
  if (!known) return n.out(n.make(std::move(op), {x, slice_target(n, operands)}));
  const bool whole = op.sizes == x->type().dims && std::all_of(op.steps.begin(), op.steps.end(),
                                                               [](int64_t s) { return s == 1; });
  n.out(whole ? x : n.make(std::move(op), {x}));
}

void split(NodeImport& n) {
  Value* const x = n.in(0);
  const int64_t axis = n.axis(n.integer("axis", 0), n.rank(0));
  const Dim total = x->type().dims[static_cast<size_t>(axis)];
  const auto count = static_cast<int64_t>(n.output_count());
  Dims sizes;
  if (n.has("split")) {
    const std::vector<int64_t> given = n.integers("split");
    sizes.assign(given.begin(), given.end());
  } else if (n.has_input(1)) {
    const std::optional<Dims> given = n.elements(n.in(1));
    if (!given) n.unsupported("the sizes of the parts must be constant or computed from shapes");
    sizes = *given;
  } else {
    const int64_t parts = n.integer("num_outputs", count);
    if (parts != count) n.invalid("num_outputs is ", parts, ", but it has ", count, " outputs");
    // The last part is smaller where the size is no multiple (opset 18).
    const Dim chunk = ceil_div(total, parts);
    if (n.opset() < 18 && total.is_constant() && total.value() % parts != 0) {
      n.invalid("the size ", total.value(), " does not divide into ", parts, " parts");
    }
    sizes.assign(static_cast<size_t>(parts - 1), chunk);
    sizes.push_back(total - chunk * Dim(parts - 1));
  }
  if (static_cast<int64_t>(sizes.size()) != count) {
    n.invalid("has ", sizes.size(), " parts and ", count, " outputs");
  }
  Dim sum = 0, start = 0;
  for (const Dim& size : sizes) {
    if (size.is_constant() && size.value() < 0) n.invalid("a part has a negative size");
    sum = sum + size;
  }
  if (sum.is_constant() && total.is_constant() && !(sum == total)) {
    n.invalid("the parts sum to ", sum.value(), ", the axis has ", total.value());
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (n.wants(i)) n.out(i, n.slice(x, axis, start, sizes[i]));
    start = start + sizes[i];
  }
}

void concat(NodeImport& n) {
  const Values values = n.all_inputs();
  if (n.opset() >= 4) n.integer("axis");  // must be there
  const int64_t axis = n.axis(n.integer("axis", 1), values[0]->type().rank());
  n.out(n.concat(values, axis));
}

op::Pad::Mode pad_mode(NodeImport& n) {
  const std::string mode = n.text("mode", "constant");
  if (mode == "constant") return op::Pad::kConstant;
  if (mode == "edge") return op::Pad::kEdge;
  if (mode == "reflect") return op::Pad::kReflect;
  if (mode == "wrap") return op::Pad::kWrap;
  n.invalid("the mode ", quote(mode), " is unknown");
}

void pad(NodeImport& n) {
  Value* const x = n.in(0);
  const int64_t rank = x->type().rank();
  Dims pads;
  Value* fill = nullptr;
  if (n.opset() < 11) {
    const std::vector<int64_t> given = n.integers(n.opset() < 2 ? "paddings" : "pads");
    pads.assign(given.begin(), given.end());
    if (const double value = n.real("value", 0); value != 0) {
      fill = n.scalar(x->type().dtype, value);
    }
  } else {
    const std::optional<Dims> given = n.elements(n.in(1));
    if (!given) n.unsupported("the pads must be constant or computed from shapes");
    pads = *given;
    if (n.has_input(2)) fill = n.reshape(n.in(2), {});
  }
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (n.has_input(3)) axes = n.axes(n.known_integers(3, "the axes"), rank);
  if (pads.size() != 2 * axes.size()) {
    n.invalid("has ", pads.size(), " pads for ", axes.size(), " axes");
  }
  op::Pad op;
  op.mode = pad_mode(n);
  op.lo.assign(static_cast<size_t>(rank), Dim(0));
  op.hi = op.lo;
  for (size_t i = 0; i < axes.size(); ++i) {
    op.lo[static_cast<size_t>(axes[i])] = pads[i];
    op.hi[static_cast<size_t>(axes[i])] = pads[axes.size() + i];
  }
  if (op.mode == op::Pad::kConstant) return n.out(n.pad(x, op.lo, op.hi, fill));
  n.out(n.make(std::move(op), {x}));
}

constexpr ImportRow kRows[] = {
    {"Concat", 1, kNewest, 1, kAny, 1, concat},
    {"Pad", 1, kNewest, 1, 4, 1, pad},
    {"Slice", 1, kNewest, 1, 5, 1, slice},
    {"Split", 1, kNewest, 1, 2, kAny, split},
};

}  // namespace

std::span<const ImportRow> slice_rows() {
  return kRows;
}

}  // namespace carnot::onnx
