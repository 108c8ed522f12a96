// gather_nd and scatter_nd: each row of the index tensor names a slice of the data.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"
#include "ops/scatter.h"

namespace carnot {
namespace {

// How many axes of the data a row of the index tensor names; it must be a number.
template <class T>
Result<int64_t> row_length(const T& op, const TensorType& data, const TensorType& indices,
                           int64_t batch_dims) {
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "the index", indices));
  if (indices.rank() < 1 || !indices.dims.back().is_constant()) {
    return invalid(op, "the last size of the index ", to_string(indices), " must be a number");
  }
  const int64_t length = indices.dims.back().value();
  if (length < 0 || length > data.rank() - batch_dims) {
    return invalid(op, "rows of ", length, " indices into ", to_string(data), " after ", batch_dims,
                   " batch axes");
  }
  return length;
}

// Calls visit(row, at): row number `row` names the `slice` elements from `at` on.
template <class T, class F>
Status for_each_row(const T& op, const Shape& data, const Tensor& indices, int64_t batch_dims,
                    F&& visit) {
  const int64_t length = indices.shape().back();
  const std::vector<int64_t> strides = row_major_strides(data);
  const Shape rows(indices.shape().begin(), indices.shape().end() - 1);
  if (volume(rows) == 0) return {};
  const std::vector<int64_t> where = ints_of(indices);
  std::vector<int64_t> position(rows.size(), 0);
  int64_t row = 0;
  do {
    int64_t at = 0;
    for (int64_t i = 0; i < batch_dims; ++i) {
      at += position[static_cast<size_t>(i)] * strides[static_cast<size_t>(i)];
    }
    for (int64_t i = 0; i < length; ++i) {
      const auto axis = static_cast<size_t>(batch_dims + i);
      CARNOT_ASSIGN(const int64_t index,
                    resolve_index(op, where[static_cast<size_t>(row * length + i)], data[axis]));
      at += index * strides[axis];
    }
    visit(row++, at);
  } while (next_index(position, rows));
  return {};
}

}  // namespace

Result<std::vector<Info>> infer(const op::GatherNd& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &indices = in[1].type;
  if (op.batch_dims < 0 ||
      op.batch_dims >= std::max<int64_t>(1, std::min(x.rank(), indices.rank()))) {
    return invalid(op, "batch_dims ", op.batch_dims, " is out of range for ", to_string(x), " and ",
                   to_string(indices));
  }
  CARNOT_ASSIGN(const int64_t length, row_length(op, x, indices, op.batch_dims));
  for (size_t i = 0; i < static_cast<size_t>(op.batch_dims); ++i) {
    CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "a batch size", indices.dims[i], x.dims[i]));
  }
  Dims dims(indices.dims.begin(), indices.dims.end() - 1);
  dims.insert(dims.end(), x.dims.begin() + op.batch_dims + length, x.dims.end());
  std::optional<Dims> elements;
  if (const std::optional<Tensor> known = constant_elements(in[1])) {
    elements = moved_elements(op, in.first(1), {*known});
  }
  return one_result(op.kName, x.dtype, std::move(dims), std::move(elements));
}

Result<std::vector<Tensor>> reference(const op::GatherNd& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims);
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(in[0].dtype(), shape));
  if (volume(shape) > 0) {
    const Shape& indices = in[1].shape();
    const Shape slice(shape.begin() + static_cast<ptrdiff_t>(indices.size()) - 1, shape.end());
    const int64_t count = volume(slice);
    CARNOT_RETURN_IF_ERROR(
        for_each_row(op, in[0].shape(), in[1], op.batch_dims,
                     [&](int64_t row, int64_t at) { writer.copy(row * count, in[0], at, count); }));
  }
  return std::vector<Tensor>{std::move(writer).take()};
}

Result<std::vector<Info>> infer(const op::ScatterNd& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &indices = in[1].type;
  CARNOT_ASSIGN(const int64_t length, row_length(op, x, indices, 0));
  Dims dims(indices.dims.begin(), indices.dims.end() - 1);
  dims.insert(dims.end(), x.dims.begin() + length, x.dims.end());
  CARNOT_RETURN_IF_ERROR(check_updates(op.kName, op.kind, x, in[2].type, dims));
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::ScatterNd& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(Scatter scatter, Scatter::make(op.kind, in[0], in[2]));
  if (in[2].elements() > 0) {
    const Shape& data = in[0].shape();
    const Shape slice(data.begin() + in[1].shape().back(), data.end());
    const int64_t count = volume(slice);
    CARNOT_RETURN_IF_ERROR(for_each_row(op, data, in[1], 0, [&](int64_t row, int64_t at) {
      scatter.update(at, row * count, count);
    }));
  }
  return std::move(scatter).take();
}

}  // namespace carnot
