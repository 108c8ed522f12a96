// slice: every step-th element of a range along each axis.
#include <algorithm>

#include "base/checked.h"
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/rules.h"

namespace carnot {
namespace {

struct Span {
  int64_t start = 0, size = 0;
};

// ONNX's start and end, negative ones counted from the end of the axis, cut to it.
Span clamp(int64_t start, int64_t end, int64_t step, int64_t extent) {
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? extent : extent - 1;
  start = std::clamp(start, std::min<int64_t>(lowest + (step < 0), highest), highest);
  end = std::clamp(end, lowest, std::max(lowest, highest));
  const int64_t length = step > 0 ? end - start : start - end;
  if (length <= 0) return {};
  // -(step + 1) is the magnitude less one of every negative step, the lowest included.
  const int64_t stride_less_one = step > 0 ? step - 1 : -(step + 1);
  return {start, stride_less_one >= length ? 1 : (length - 1) / (stride_less_one + 1) + 1};
}

// Every x[start + i * step] with i < size exists, for a size of at least 1.
bool is_inside(int64_t start, int64_t size, int64_t step, int64_t extent) {
  if (start < 0 || start >= extent) return false;
  const auto way = checked_mul(size - 1, step);
  const auto last = way ? checked_add(start, *way) : std::nullopt;
  return last && *last >= 0 && *last < extent;
}

Result<std::vector<Span>> spans_of(const op::Slice& op, Tensors in) {
  const Shape& extents = in[0].shape();
  std::vector<Span> spans;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (in.size() > 1) {
      const auto rank = static_cast<int64_t>(extents.size()), axis = static_cast<int64_t>(i);
      spans.push_back(
          clamp(in[1].get_int(axis), in[1].get_int(rank + axis), op.steps[i], extents[i]));
      if (op.sizes[i].is_constant() && op.sizes[i].value() != spans[i].size) {
        return error(Code::kInvalidArgument, op.kName, ": axis ", i, " has ", spans[i].size,
                     " elements in this run, not ", op.sizes[i].value());
      }
      continue;
    }
    for (const Dim& dim : {op.starts[i], op.sizes[i]}) {
      if (!dim.is_constant()) {
        return error(Code::kInvalidArgument, op.kName, ": the size ", to_string(dim),
                     " is not known in this run");
      }
    }
    spans.push_back({op.starts[i].value(), op.sizes[i].value()});
  }
  return spans;
}

Status check_axis(const op::Slice& op, size_t i, const TensorType& x) {
  const Dim &start = op.starts[i], &size = op.sizes[i];
  if (start.is_constant() && start.value() < 0) {
    return invalid(op, "axis ", i, " starts at ", start.value());
  }
  const bool is_known = start.is_constant() && size.is_constant() && x.dims[i].is_constant();
  if (is_known && size.value() > 0 &&
      !is_inside(start.value(), size.value(), op.steps[i], x.dims[i].value())) {
    return invalid(op, size.value(), " elements from ", start.value(), " with step ", op.steps[i],
                   " are not inside axis ", i, " of ", to_string(x));
  }
  return {};
}

}  // namespace

Result<std::vector<Info>> infer(const op::Slice& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  const size_t rank = x.dims.size();
  if (op.starts.size() != rank || op.sizes.size() != rank || op.steps.size() != rank) {
    return invalid(op, "starts, sizes and steps must have ", rank,
                   " entries, one for each axis of ", to_string(x));
  }
  for (size_t i = 0; i < rank; ++i) {
    if (op.steps[i] == 0) return invalid(op, "the step of axis ", i, " is 0");
    if (in.size() == 1) CARNOT_RETURN_IF_ERROR(check_axis(op, i, x));
  }
  if (in.size() > 1) {
    const TensorType& target = in[1].type;
    const bool fits = target.dtype == DType::kI64 && target.rank() == 2 &&
                      may_equal(target.dims[0], Dim(2)) && may_equal(target.dims[1], Dim(x.rank()));
    if (!fits) return invalid(op, "the target must be i64[2, ", rank, "], is ", to_string(target));
  }
  return one_result(op.kName, x.dtype, op.sizes,
                    in.size() == 1 ? moved_elements(op, in) : std::nullopt);
}

Result<std::vector<Tensor>> reference(const op::Slice& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  CARNOT_ASSIGN(const std::vector<Span> spans, spans_of(op, in));
  const std::vector<int64_t> from = row_major_strides(in[0].shape());
  Shape shape;
  for (const Span& span : spans) shape.push_back(span.size);
  std::vector<int64_t> strides(shape.size(), 0);
  int64_t base = 0;
  if (volume(shape) > 0) {
    for (size_t i = 0; i < shape.size(); ++i) {
      base += spans[i].start * from[i];
      if (spans[i].size > 1) strides[i] = op.steps[i] * from[i];
    }
  }
  CARNOT_ASSIGN(Tensor out, copy_strided(in[0], std::move(shape), base, std::move(strides)));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
