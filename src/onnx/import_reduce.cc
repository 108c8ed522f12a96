// Reductions, softmax, and positions of extremes.
#include <numeric>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

using Kind = op::Reduce::Kind;

struct ReduceRow {
  std::string_view name, before;  ///< body applied to the elements
  Kind kind;
  std::string_view after;  ///< and to the result
  int64_t axes_input_since;
};
constexpr ReduceRow kReductions[] = {
    {"ReduceL1", "abs($0)", Kind::kSum, "", 18},
    {"ReduceL2", "mul($0, $0)", Kind::kSum, "sqrt($0)", 18},
    {"ReduceLogSum", "", Kind::kSum, "log($0)", 18},
    {"ReduceMax", "", Kind::kMaximum, "", 18},
    {"ReduceMean", "", Kind::kMean, "", 18},
    {"ReduceMin", "", Kind::kMinimum, "", 18},
    {"ReduceProd", "", Kind::kProduct, "", 18},
    {"ReduceSum", "", Kind::kSum, "", 13},
    {"ReduceSumSquare", "mul($0, $0)", Kind::kSum, "", 18},
};

std::vector<int64_t> all_axes(int64_t rank) {
  std::vector<int64_t> out(static_cast<size_t>(rank));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

/// The axes to reduce; empty where the node says that nothing is reduced.
std::vector<int64_t> reduce_axes(NodeImport& n, int64_t input_since) {
  const int64_t rank = n.rank(0);
  std::vector<int64_t> axes;
  if (n.opset() < input_since) {
    axes = n.integers("axes");
  } else if (n.has_input(1)) {
    axes = n.known_integers(1, "the axes");
  }
  if (!axes.empty()) return n.axes(axes, rank);
  if (n.opset() >= input_since && n.flag("noop_with_empty_axes", false)) return {};
  return all_axes(rank);
}

void reduce(NodeImport& n) {
  for (const ReduceRow& row : kReductions) {
    if (row.name != n.type()) continue;
    Value* x = n.in(0);
    const DType dtype = x->type().dtype;
    const std::vector<int64_t> axes = reduce_axes(n, row.axes_input_since);
    if (!row.before.empty()) x = n.map(row.before, {x});
    if (dtype == DType::kBool) x = n.cast(x, DType::kU8);  // extremes of bools
    x = n.reduce(row.kind, x, axes, n.flag("keepdims", true));
    x = n.cast(x, dtype);
    return n.out(row.after.empty() ? x : n.map(row.after, {x}));
  }
  n.unsupported("has no reduction");
}

/// log(sum(exp(x - m))) + m with m the maximum, or 0 where that is not finite.
void reduce_log_sum_exp(NodeImport& n) {
  Value* const x = n.in(0);
  const std::vector<int64_t> axes = reduce_axes(n, 18);
  if (axes.empty()) return n.out(n.map("log(exp($0))", {x}));
  Value* const most =
      n.map("select(is_inf($0), #0, $0)", {n.reduce(Kind::kMaximum, x, axes, true)});
  Value* const sum = n.reduce(Kind::kSum, n.map("exp(sub($0, $1))", {x, most}), axes, true);
  Value* const out = n.map("add(log($0), $1)", {sum, most});
  if (n.flag("keepdims", true)) return n.out(out);
  Dims dims;
  std::vector<bool> gone(out->type().dims.size(), false);
  for (const int64_t axis : axes) gone[static_cast<size_t>(axis)] = true;
  for (size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) dims.push_back(out->type().dims[i]);
  }
  n.out(n.reshape(out, dims));
}

void arg_reduce(NodeImport& n) {
  op::ArgReduce op;
  op.axis = n.axis(n.integer("axis", 0), n.rank(0));
  op.smallest = n.type() == "ArgMin";
  op.keep = n.flag("keepdims", true);
  op.last = n.flag("select_last_index", false);
  n.out(n.make(op, {n.in(0)}));
}

/// x as [axes before `axis`, the rest], as softmax and its like saw it before opset 13.
Value* as_rows(NodeImport& n, Value* x, int64_t axis) {
  const Dims& dims = x->type().dims;
  const auto at = dims.begin() + axis;
  return n.reshape(x, {product(Dims(dims.begin(), at)), product(Dims(at, dims.end()))});
}

void softmax(NodeImport& n) {
  Value* const x = n.in(0);
  const bool log = n.type() == "LogSoftmax";
  const int64_t rank = x->type().rank();
  const bool by_rows = n.opset() < 13;
  const int64_t axis = n.axis(n.integer("axis", by_rows ? 1 : -1), rank);
  if (!by_rows || axis == rank - 1) return n.out(n.softmax(x, axis, log));
  n.out(n.reshape(n.softmax(as_rows(n, x, axis), 1, log), x->type().dims));
}

/// 1 at the first maximum, else 0.
void hardmax(NodeImport& n) {
  Value* x = n.in(0);
  const Dims dims = x->type().dims;
  int64_t axis = n.axis(n.integer("axis", n.opset() < 13 ? 1 : -1), x->type().rank());
  if (n.opset() < 13) x = as_rows(n, x, axis), axis = 1;
  op::ArgReduce op;
  op.axis = axis;
  Value* const most = n.make(op, {x});
  Dims line(x->type().dims.size(), Dim(1));
  line[static_cast<size_t>(axis)] = x->type().dims[static_cast<size_t>(axis)];
  Value* const hit = n.binary(ScalarOp::kEq, most, n.iota(line, axis));
  n.out(n.reshape(n.cast(hit, x->type().dtype), dims));
}

constexpr ImportRow kRows[] = {
    {"ArgMax", 1, kNewest, 1, 1, 1, arg_reduce},
    {"ArgMin", 1, kNewest, 1, 1, 1, arg_reduce},
    {"Hardmax", 1, kNewest, 1, 1, 1, hardmax},
    {"LogSoftmax", 1, kNewest, 1, 1, 1, softmax},
    {"ReduceL1", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceL2", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceLogSum", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceLogSumExp", 1, kNewest, 1, 2, 1, reduce_log_sum_exp},
    {"ReduceMax", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceMean", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceMin", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceProd", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceSum", 1, kNewest, 1, 2, 1, reduce},
    {"ReduceSumSquare", 1, kNewest, 1, 2, 1, reduce},
    {"Softmax", 1, kNewest, 1, 1, 1, softmax},
};

}  // namespace

std::span<const ImportRow> reduce_rows() {
  return kRows;
}

}  // namespace carnot::onnx
