// Gathers and scatters.
#include <algorithm>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

/// Refuses constant indices beyond the data. Index number i is along axis `axes[i % axes.size()]`.
void check_indices(NodeImport& n, const std::vector<int64_t>& axes) {
  const Tensor* const indices = n.known(n.in(1));
  if (!indices || !is_integer(indices->dtype()) || axes.empty()) return;
  const Dims& dims = n.type(0).dims;
  const auto period = static_cast<int64_t>(axes.size());
  const int64_t all = indices->elements();
  const int64_t count = indices->is_splat() ? std::min(period, all) : all;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t axis = axes[static_cast<size_t>(i % period)];
    const Dim& size = dims[static_cast<size_t>(axis)];
    if (!size.is_constant()) continue;
    const int64_t index = indices->get_int(i);
    if (index < -size.value() || index >= size.value()) {
      n.invalid("the index ", index, " is out of range for axis ", axis, " of ",
                to_string(n.type(0)));
    }
  }
}

/// The axes that one row of the indices of GatherND or ScatterND names.
std::vector<int64_t> row_axes(NodeImport& n, int64_t batch_dims) {
  const TensorType& indices = n.type(1);
  std::vector<int64_t> out;
  if (indices.rank() < 1 || !indices.dims.back().is_constant()) return out;
  const int64_t length = indices.dims.back().value();
  if (batch_dims < 0 || length > n.rank(0) - batch_dims) return out;  // refused by the operation
  for (int64_t i = 0; i < length; ++i) out.push_back(batch_dims + i);
  return out;
}

void gather(NodeImport& n) {
  const int64_t axis = n.axis(n.integer("axis", 0), n.rank(0));
  check_indices(n, {axis});
  n.out(n.gather(n.in(0), n.in(1), axis));
}

void gather_elements(NodeImport& n) {
  const int64_t axis = n.axis(n.integer("axis", 0), n.rank(0));
  check_indices(n, {axis});
  n.out(n.make(op::GatherElements{axis}, {n.in(0), n.in(1)}));
}

void gather_nd(NodeImport& n) {
  const int64_t batch_dims = n.integer("batch_dims", 0);
  check_indices(n, row_axes(n, batch_dims));
  n.out(n.make(op::GatherNd{batch_dims}, {n.in(0), n.in(1)}));
}

op::ScatterKind kind(NodeImport& n) {
  const std::string reduction = n.text("reduction", "none");
  if (reduction == "none") return op::ScatterKind::kAssign;
  if (reduction == "add") return op::ScatterKind::kAdd;
  if (reduction == "mul") return op::ScatterKind::kMul;
  if (reduction == "max") return op::ScatterKind::kMax;
  if (reduction == "min") return op::ScatterKind::kMin;
  n.invalid("the reduction ", quote(reduction), " is unknown");
}

void scatter_elements(NodeImport& n) {
  const int64_t axis = n.axis(n.integer("axis", 0), n.rank(0));
  check_indices(n, {axis});
  n.out(n.make(op::ScatterElements{axis, kind(n)}, {n.in(0), n.in(1), n.in(2)}));
}

void scatter_nd(NodeImport& n) {
  check_indices(n, row_axes(n, 0));
  n.out(n.make(op::ScatterNd{kind(n)}, {n.in(0), n.in(1), n.in(2)}));
}

/// Writes `update` into `past` along `axis`, each batch from its own index on (modulo the size for
/// the mode "circular").
void tensor_scatter(NodeImport& n) {
  Value *const past = n.in(0), *const update = n.in(1);
  const Dims& dims = update->type().dims;
  const int64_t rank = update->type().rank();
  const int64_t axis = n.axis(n.integer("axis", -2), rank);
  if (axis == 0) n.invalid("the axis is the batch axis");
  const std::string mode = n.text("mode", "linear");
  if (mode != "linear" && mode != "circular") n.invalid("the mode ", quote(mode), " is unknown");
  Dims line(dims.size(), Dim(1));
  line[static_cast<size_t>(axis)] = dims[static_cast<size_t>(axis)];
  Value* at = n.iota(line, axis);
  if (n.has_input(2)) at = n.add2(at, n.align(n.cast(n.in(2), DType::kI64), {0}, rank));
  if (mode == "circular") {
    Value* const size = n.reshape(n.size_of(past, axis), {});
    at = n.binary(ScalarOp::kMod, at, size);
  }
  n.out(n.make(op::ScatterElements{axis, op::ScatterKind::kAssign},
               {past, n.expand(at, dims), update}));
}

/// Positions where the condition holds, then a gather.
void compress(NodeImport& n) {
  Value* x = n.in(0);
  int64_t axis = 0;
  if (n.has("axis")) {
    axis = n.axis(n.integer("axis"), n.rank(0));
  } else {
    x = n.flatten(x);
  }
  if (n.rank(1) != 1) n.invalid("the condition must be a vector");
  op::NonZero found;
  found.count = n.fresh_symbol(n.hint());
  const Dim count = found.count;
  n.out(n.gather(x, n.reshape(n.make(std::move(found), {n.in(1)}), {count}), axis));
}

constexpr ImportRow kRows[] = {
    {"Compress", 9, kNewest, 2, 2, 1, compress},
    {"Gather", 1, kNewest, 2, 2, 1, gather},
    {"GatherElements", 11, kNewest, 2, 2, 1, gather_elements},
    {"GatherND", 11, kNewest, 2, 2, 1, gather_nd},
    {"Scatter", 9, 10, 3, 3, 1, scatter_elements},
    {"ScatterElements", 11, kNewest, 3, 3, 1, scatter_elements},
    {"ScatterND", 11, kNewest, 3, 3, 1, scatter_nd},
    {"TensorScatter", 24, kNewest, 2, 3, 1, tensor_scatter},
};

}  // namespace

std::span<const ImportRow> gather_rows() {
  return kRows;
}

}  // namespace carnot::onnx
