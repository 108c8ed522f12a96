// Sorting, selecting, counting, and tensors made of indices.
#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

void top_k(NodeImport& n) {
  Value* const x = n.in(0);
  op::TopK op;
  op.axis = n.axis(n.integer("axis", -1), x->type().rank());
  op.largest = n.flag("largest", true);
  op.sorted = n.flag("sorted", true);
  Values operands = {x};
  if (n.opset() < 10) {
    op.count = n.integer("k");
  } else if (const std::optional<Dims> count = n.elements(n.in(1)); count && count->size() == 1) {
    op.count = (*count)[0];
  } else {
    op.count = n.fresh_symbol(n.hint());
    operands.push_back(n.reshape(n.cast(n.in(1), DType::kI64), {1}));
  }
  Node* const node = n.add(std::move(op), operands);
  n.out(0, node->outputs[0]);
  n.out(1, node->outputs[1]);
}

void non_zero(NodeImport& n) {
  op::NonZero op;
  op.count = n.fresh_symbol(n.hint());
  n.out(n.make(std::move(op), {n.in(0)}));
}

void unique(NodeImport& n) {
  op::Unique op;
  op.flat = !n.has("axis");
  if (!op.flat) op.axis = n.axis(n.integer("axis"), n.rank(0));
  op.sorted = n.flag("sorted", true);
  op.count = n.fresh_symbol(n.hint());
  Node* const node = n.add(std::move(op), {n.in(0)});
  for (size_t i = 0; i < node->outputs.size(); ++i) n.out(i, node->outputs[i]);
}

void one_hot(NodeImport& n) {
  Value* const indices = n.cast(n.in(0), DType::kI64);
  op::OneHot op;
  const int64_t rank = indices->type().rank() + 1;
  op.axis = n.axis(n.integer("axis", -1), rank);
  Values operands = {indices, n.in(2)};
  Value* const depth = n.in(1);
  if (const auto number = n.known_number(depth)) {
    if (!(*number >= 0 && *number < 0x1p52)) n.invalid("the depth is ", *number);
    op.depth = static_cast<int64_t>(*number);
  } else if (const auto size = n.elements(depth); size && size->size() == 1) {
    op.depth = (*size)[0];
  } else {
    op.depth = n.fresh_symbol(n.hint());
    operands.push_back(n.reshape(n.cast(depth, DType::kI64), {}));
  }
  n.out(n.make(std::move(op), operands));
}

void cumulative(NodeImport& n) {
  const std::vector<int64_t> axis = n.known_integers(1, "the axis");
  if (axis.size() != 1) n.invalid("needs one axis");
  op::Cumulative op;
  op.axis = n.axis(axis[0], n.rank(0));
  op.product = n.type() == "CumProd";
  op.exclusive = n.flag("exclusive", false);
  op.reverse = n.flag("reverse", false);
  n.out(n.make(op, {n.in(0)}));
}

void trilu(NodeImport& n) {
  Value* const x = n.in(0);
  const Dims& dims = x->type().dims;
  const size_t rank = dims.size();
  if (rank < 2) n.invalid("needs a tensor of rank 2 or more");
  Value* const row = n.iota({dims[rank - 2], 1}, 0);
  Value* const column = n.iota({1, dims[rank - 1]}, 1);
  Value* const k = n.has_input(1) ? n.reshape(n.in(1), {}) : n.scalar_i64(0);
  const bool upper = n.flag("upper", true);
  Value* const keep =
      n.map(upper ? "ge($1, add($0, $2))" : "le($1, add($0, $2))", {row, column, k});
  Value* const nothing = n.constant(Tensor::zeros(x->type().dtype, {}));
  n.out(n.map("select($0, $1, $2)", {keep, x, nothing}));
}

void reverse_sequence(NodeImport& n) {
  op::ReverseSequence op;
  op.batch_axis = n.integer("batch_axis", 1);
  op.time_axis = n.integer("time_axis", 0);
  n.out(n.make(op, {n.in(0), n.cast(n.in(1), DType::kI64)}));
}

void non_max_suppression(NodeImport& n) {
  op::NonMaxSuppression op;
  op.center_point_box = n.flag("center_point_box", false);
  op.count = n.fresh_symbol(n.hint());
  Value* const most = n.has_input(2) ? n.reshape(n.in(2), {}) : n.scalar_i64(0);
  Value* const overlap = n.has_input(3) ? n.reshape(n.in(3), {}) : n.scalar(DType::kF32, 0);
  // Without a threshold every score is high enough.
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  Value* const score = n.has_input(4) ? n.reshape(n.in(4), {}) : n.scalar(DType::kF32, kLowest);
  n.out(n.make(std::move(op), {n.in(0), n.in(1), most, overlap, score}));
}

constexpr ImportRow kRows[] = {
    {"CumProd", 26, kNewest, 2, 2, 1, cumulative},
    {"CumSum", 11, kNewest, 2, 2, 1, cumulative},
    {"NonMaxSuppression", 10, kNewest, 2, 5, 1, non_max_suppression},
    {"NonZero", 9, kNewest, 1, 1, 1, non_zero},
    {"OneHot", 9, kNewest, 3, 3, 1, one_hot},
    {"ReverseSequence", 10, kNewest, 2, 2, 1, reverse_sequence},
    {"TopK", 1, kNewest, 1, 2, 2, top_k},
    {"Trilu", 14, kNewest, 1, 2, 1, trilu},
    {"Unique", 11, kNewest, 1, 1, 4, unique},
};

}  // namespace

std::span<const ImportRow> index_rows() {
  return kRows;
}

}  // namespace carnot::onnx
