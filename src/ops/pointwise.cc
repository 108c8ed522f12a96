// pointwise: a scalar program on every element of broadcast operands.
#include <algorithm>

#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/rules.h"
#include "ops/scalar_eval.h"

namespace carnot {
namespace {

std::vector<DType> dtypes_of(Infos in) {
  std::vector<DType> out;
  for (const Info& info : in) out.push_back(info.type.dtype);
  return out;
}

// Each result's known elements, absent ones where not all can be told.
std::vector<std::optional<Dims>> elements_of(const ScalarProgram& body,
                                             const std::vector<DType>& types, Infos in,
                                             const TensorType& type) {
  std::vector<std::optional<Dims>> out(body.results.size());
  const bool any = in.empty() || std::any_of(in.begin(), in.end(), [](const Info& info) {
                     return info.elements.has_value();
                   });
  if (!any || !can_know_elements(type)) return out;
  const Shape shape = shape_of(type.dims);
  for (auto& elements : out) elements.emplace();
  std::vector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < volume(shape); ++i, next_index(index, shape)) {
    std::vector<std::optional<Dim>> operands;
    for (const Info& info : in) {
      operands.emplace_back();
      if (!info.elements || !can_know_elements(info.type)) continue;
      const Shape own = shape_of(info.type.dims);
      int64_t at = 0;
      for (size_t k = 0; k < own.size(); ++k) {
        at = at * own[k] + (own[k] == 1 ? 0 : index[shape.size() - own.size() + k]);
      }
      operands.back() = (*info.elements)[static_cast<size_t>(at)];
    }
    const std::vector<std::optional<Dim>> values = evaluate_known(body, types, operands);
    bool any_left = false;
    for (size_t r = 0; r < out.size(); ++r) {
      if (!values[r]) out[r].reset();
      if (out[r]) out[r]->push_back(*values[r]);
      any_left = any_left || out[r];
    }
    if (!any_left) break;
  }
  return out;
}

// Where the elements of an operand stand, for a row along the result's last axis.
struct Cursor {
  Tensor tensor;
  std::vector<int64_t> strides;  // along the result's axes; 0 where it repeats

  Cursor(const Tensor& operand, const Shape& shape) : tensor(operand), strides(shape.size(), 0) {
    const std::vector<int64_t> from = row_major_strides(operand.shape());
    const size_t lead = shape.size() - from.size();
    for (size_t i = 0; i < from.size(); ++i) {
      if (operand.shape()[i] != 1) strides[lead + i] = from[i];
    }
  }
};

// Axes that every operand walks like one (or none) become one: rows as long as possible.
void merge_axes(Shape& shape, std::vector<Cursor>& cursors) {
  for (size_t axis = shape.size(); axis-- > 1;) {
    const bool joins = std::all_of(cursors.begin(), cursors.end(), [&](const Cursor& c) {
      return c.strides[axis - 1] == c.strides[axis] * shape[axis];
    });
    if (!joins) continue;
    shape[axis - 1] *= shape[axis];
    shape.erase(shape.begin() + static_cast<ptrdiff_t>(axis));
    for (Cursor& c : cursors) {
      c.strides.erase(c.strides.begin() + static_cast<ptrdiff_t>(axis - 1));
    }
  }
}

void load_row(const Cursor& cursor, int64_t base, int64_t stride, int64_t count, Scalar* to) {
  if (stride == 0 || cursor.tensor.is_splat()) {
    std::fill_n(to, count, load_scalar(cursor.tensor, base));
  } else if (cursor.tensor.dtype() == DType::kF32) {
    for (int64_t i = 0; i < count; ++i) {
      to[i].real =
          static_cast<double>(load_unaligned<float>(cursor.tensor.data(), base + i * stride));
    }
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = load_scalar(cursor.tensor, base + i * stride);
  }
}

void store_row(Tensor& out, int64_t at, const Scalar* from, int64_t count) {
  if (out.dtype() == DType::kF32) {
    float* to = out.as<float>() + at;
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i].real);
  } else {
    for (int64_t i = 0; i < count; ++i) store_scalar(out, at + i, from[i]);
  }
}

void compute(ScalarEvaluator& evaluator, Shape shape, std::vector<Cursor> cursors,
             std::vector<Tensor>& out) {
  merge_axes(shape, cursors);
  const size_t outer = shape.empty() ? 0 : shape.size() - 1;
  const int64_t row = shape.empty() ? 1 : shape.back();
  shape.resize(outer);
  std::vector<int64_t> index(outer, 0);
  int64_t at = 0;
  do {
    for (int64_t start = 0; start < row; start += ScalarEvaluator::kBlock) {
      const int64_t count = std::min(ScalarEvaluator::kBlock, row - start);
      for (size_t i = 0; i < cursors.size(); ++i) {
        const std::vector<int64_t>& strides = cursors[i].strides;
        const int64_t stride = strides.empty() ? 0 : strides[outer];
        int64_t base = start * stride;
        for (size_t axis = 0; axis < outer; ++axis) base += index[axis] * strides[axis];
        load_row(cursors[i], base, stride, count, evaluator.input(static_cast<int>(i)));
      }
      evaluator.run_block(count);
      for (size_t r = 0; r < out.size(); ++r) {
        store_row(out[r], at, evaluator.result(static_cast<int>(r)), count);
      }
      at += count;
    }
  } while (next_index(index, shape));
}

}  // namespace

Result<std::vector<Info>> infer(const op::Pointwise& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  if (op.body.inputs != static_cast<int64_t>(in.size())) {
    return invalid(op, "the body takes ", op.body.inputs, " operands, there are ", in.size());
  }
  Result<std::vector<DType>> types = infer(op.body, dtypes_of(in));
  if (!types.ok()) return std::move(types).status().with(op.kName);
  if (op.body.results.empty()) return invalid(op, "the body has no result");
  TensorType type;
  for (const Info& info : in) {
    CARNOT_ASSIGN(type.dims, broadcast(op.kName, type.dims, info.type.dims));
  }
  std::vector<std::optional<Dims>> elements = elements_of(op.body, *types, in, type);
  std::vector<Info> infos;
  for (size_t r = 0; r < op.body.results.size(); ++r) {
    type.dtype = (*types)[static_cast<size_t>(op.body.results[r])];
    infos.push_back({type, std::move(elements[r])});
  }
  return checked_results(op.kName, std::move(infos));
}

Result<std::vector<Tensor>> reference(const op::Pointwise& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(ScalarEvaluator evaluator,
                ScalarEvaluator::create(op.body, dtypes_of(infos_of(in))));
  const Shape shape = shape_of(types[0].dims);
  std::vector<Tensor> out;
  for (const TensorType& type : types) {
    CARNOT_ASSIGN(Tensor tensor, Tensor::allocate(type.dtype, shape));
    out.push_back(std::move(tensor));
  }
  if (volume(shape) == 0) return out;
  std::vector<Cursor> cursors;
  for (const Tensor& tensor : in) cursors.emplace_back(tensor, shape);
  compute(evaluator, shape, std::move(cursors), out);
  return out;
}

}  // namespace carnot
