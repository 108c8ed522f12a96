// matmul: plain loops; sums in f64, or exactly in integers.
#include "ops/contraction.h"
#include "ops/move.h"

namespace carnot {
namespace {

Dims batch_of(const TensorType& type) {
  return Dims(type.dims.begin(), type.dims.end() - 2);
}

// The last two axes as they are used, rows first.
template <class D>
std::pair<D, D> matrix_of(const std::vector<D>& sizes, bool transpose) {
  const D &first = sizes[sizes.size() - 2], &second = sizes[sizes.size() - 1];
  return transpose ? std::pair(second, first) : std::pair(first, second);
}

// For each matrix of the result, which matrix of an operand with these batch axes it reads.
std::vector<int64_t> matrices_of(const Shape& operand, const Shape& result) {
  Shape own(operand.begin(), operand.end() - 2), batch(result.begin(), result.end() - 2);
  const std::vector<int64_t> from = row_major_strides(own);
  const size_t lead = batch.size() - own.size();
  std::vector<int64_t> out, index(batch.size(), 0);
  do {
    int64_t at = 0;
    for (size_t i = 0; i < own.size(); ++i) at += own[i] == 1 ? 0 : index[lead + i] * from[i];
    out.push_back(at);
  } while (next_index(index, batch));
  return out;
}

template <class T>
std::vector<T> as_rows(const T* matrix, int64_t rows, int64_t columns, bool transposed) {
  std::vector<T> out(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      out[static_cast<size_t>(i * columns + j)] =
          matrix[transposed ? j * rows + i : i * columns + j];
    }
  }
  return out;
}

template <class T>
void multiply(const std::vector<T>& a, const std::vector<T>& b, int64_t m, int64_t k, int64_t n,
              T* out) {
  for (int64_t i = 0; i < m; ++i, out += n) {
    for (int64_t p = 0; p < k; ++p) {
      const T factor = a[static_cast<size_t>(i * k + p)];
      const T* row = b.data() + p * n;
      for (int64_t j = 0; j < n; ++j) out[j] += factor * row[j];
    }
  }
}

}  // namespace

Result<std::vector<Info>> infer(const op::MatMul& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &a = in[0].type, &b = in[1].type;
  CARNOT_ASSIGN(const DType dtype, contraction_type(op.kName, a, b));
  if (a.rank() < 2 || b.rank() < 2) {
    return invalid(op, "operands ", to_string(a), " and ", to_string(b),
                   " must have at least 2 axes");
  }
  const auto [m, k] = matrix_of(a.dims, op.transpose_a);
  const auto [rows, n] = matrix_of(b.dims, op.transpose_b);
  if (!may_equal(k, rows)) {
    return invalid(op, "the inner sizes of ", to_string(a), " and ", to_string(b),
                   " differ: ", to_string(k), " and ", to_string(rows));
  }
  CARNOT_ASSIGN(Dims dims, broadcast(op.kName, batch_of(a), batch_of(b)));
  dims.push_back(m);
  dims.push_back(n);
  return one_result(op.kName, dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::MatMul& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims);
  const auto [m, k] = matrix_of(in[0].shape(), op.transpose_a);
  const int64_t n = shape.back();
  const auto compute = [&, m = m, k = k]<class T>(const std::vector<T>& a, const std::vector<T>& b,
                                                  const std::vector<T>&) {
    std::vector<T> out(static_cast<size_t>(volume(shape)), T(0));
    if (out.empty() || k == 0) return out;
    const std::vector<int64_t> of_a = matrices_of(in[0].shape(), shape);
    const std::vector<int64_t> of_b = matrices_of(in[1].shape(), shape);
    std::vector<T> rows_a, rows_b;
    for (size_t i = 0; i < of_a.size(); ++i) {
      // A matrix that all share is laid out once.
      if (i == 0 || of_a[i] != of_a[i - 1]) {
        rows_a = as_rows(a.data() + of_a[i] * m * k, m, k, op.transpose_a);
      }
      if (i == 0 || of_b[i] != of_b[i - 1]) {
        rows_b = as_rows(b.data() + of_b[i] * k * n, k, n, op.transpose_b);
      }
      multiply(rows_a, rows_b, m, k, n, out.data() + static_cast<int64_t>(i) * m * n);
    }
    return out;
  };
  CARNOT_ASSIGN(Tensor out, contract(types[0].dtype, shape, in, compute));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
