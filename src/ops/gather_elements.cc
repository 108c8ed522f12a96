// gather_elements and scatter_elements: an index for every element of a result or of the updates.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"
#include "ops/scatter.h"

namespace carnot {
namespace {

// The index tensor may be smaller than the data along every axis but `axis`, never larger.
template <class T>
Status check_indices(const T& op, const TensorType& data, const TensorType& indices, int64_t axis) {
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "the index", indices));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "the index", indices, data.rank()));
  for (size_t i = 0; i < data.dims.size(); ++i) {
    const Dim &have = data.dims[i], &want = indices.dims[i];
    if (static_cast<int64_t>(i) != axis && have.is_constant() && want.is_constant() &&
        want.value() > have.value()) {
      return invalid(op, "the index ", to_string(indices), " is larger than the data ",
                     to_string(data), " along axis ", i);
    }
  }
  return {};
}

// Calls visit(i, at): position i of the index tensor stands for element `at` of the data. Row by
// row of the last axis: what the rows before it add to `at` is the same for a whole row.
template <class T, class F>
Status for_each_index(const T& op, const Shape& data, const Tensor& indices, int64_t axis,
                      F&& visit) {
  if (indices.elements() == 0) return {};
  const std::vector<int64_t> strides = row_major_strides(data);
  // There is one for every element: read where they are, if they can be.
  const bool plain = indices.dtype() == DType::kI64 && !indices.is_splat();
  const std::vector<int64_t> where = plain ? std::vector<int64_t>() : ints_of(indices);
  const size_t last = data.size() - 1, chosen = static_cast<size_t>(axis);
  const int64_t size = data[chosen], width = indices.shape()[last];
  const Shape rows(indices.shape().begin(), indices.shape().end() - 1);
  std::vector<int64_t> index(last, 0);
  for (int64_t i = 0; i < indices.elements(); next_index(index, rows)) {
    int64_t base = 0;
    for (size_t k = 0; k < last; ++k) base += k == chosen ? 0 : index[k] * strides[k];
    for (int64_t j = 0; j < width; ++j, ++i) {
      int64_t picked =
          plain ? load_unaligned<int64_t>(indices.data(), i) : where[static_cast<size_t>(i)];
      if (picked < 0 || picked >= size) {
        CARNOT_ASSIGN(picked, resolve_index(op, picked, size));
      }
      visit(i, base + picked * strides[chosen] + (last == chosen ? 0 : j));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Info>> infer(const op::GatherElements& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &indices = in[1].type;
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  CARNOT_RETURN_IF_ERROR(check_indices(op, x, indices, axis));
  std::optional<Dims> elements;
  if (const std::optional<Tensor> known = constant_elements(in[1])) {
    elements = moved_elements(op, in.first(1), {*known});
  }
  return one_result(op.kName, x.dtype, indices.dims, std::move(elements));
}

Result<std::vector<Tensor>> reference(const op::GatherElements& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(in[0].dtype(), in[1].shape()));
  CARNOT_RETURN_IF_ERROR(for_each_index(op, in[0].shape(), in[1], axis, [&](int64_t i, int64_t at) {
    writer.copy(i, in[0], at, 1);
  }));
  return std::vector<Tensor>{std::move(writer).take()};
}

Result<std::vector<Info>> infer(const op::ScatterElements& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &indices = in[1].type, &updates = in[2].type;
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  CARNOT_RETURN_IF_ERROR(check_indices(op, x, indices, axis));
  CARNOT_RETURN_IF_ERROR(check_updates(op.kName, op.kind, x, updates, indices.dims));
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::ScatterElements& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  CARNOT_ASSIGN(Scatter scatter, Scatter::make(op.kind, in[0], in[2]));
  CARNOT_RETURN_IF_ERROR(for_each_index(op, in[0].shape(), in[1], axis,
                                        [&](int64_t i, int64_t at) { scatter.update(at, i, 1); }));
  return std::move(scatter).take();
}

}  // namespace carnot
