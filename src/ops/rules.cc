#include "ops/rules.h"

#include <algorithm>

#include "base/checked.h"

namespace carnot {

Status check_arity(const char* op, int min, int max, size_t count) {
  if (count >= static_cast<size_t>(min) && (max < 0 || count <= static_cast<size_t>(max))) {
    return {};
  }
  const std::string wanted = max < 0      ? cat("at least ", min)
                             : min == max ? cat(min)
                                          : cat(min, " to ", max);
  const bool one = max == 1 || (max < 0 && min == 1);
  return error(Code::kInvalidModel, op, ": takes ", wanted, one ? " input" : " inputs", ", got ",
               count);
}

Result<int64_t> resolve_axis(const char* op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    return error(Code::kInvalidModel, op, ": axis ", axis, " is out of range for rank ", rank);
  }
  return axis < 0 ? axis + rank : axis;
}

Result<Ints> resolve_axes(const char* op, const Ints& axes, int64_t rank) {
  Ints out;
  for (const int64_t axis : axes) {
    CARNOT_ASSIGN(const int64_t resolved, resolve_axis(op, axis, rank));
    if (std::find(out.begin(), out.end(), resolved) != out.end()) {
      return error(Code::kInvalidModel, op, ": axis ", axis, " is named twice");
    }
    out.push_back(resolved);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Dim> broadcast(const Dim& a, const Dim& b) {
  if (a == b || b.is(1)) return a;
  if (a.is(1)) return b;
  if (a.is_constant() && b.is_constant()) return std::nullopt;
  return b.is_constant() ? b : a;
}

Result<Dims> broadcast(const char* op, const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims out = longer;
  const size_t offset = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    const bool a_first = a.size() >= b.size();
    const std::optional<Dim> dim =
        a_first ? broadcast(out[offset + i], shorter[i]) : broadcast(shorter[i], out[offset + i]);
    if (!dim) {
      return error(Code::kInvalidModel, op, ": shapes ", to_string(a), " and ", to_string(b),
                   " do not broadcast");
    }
    out[offset + i] = *dim;
  }
  return out;
}

bool may_equal(const Dim& a, const Dim& b) {
  return a == b || !a.is_constant() || !b.is_constant();
}

Result<std::vector<Info>> checked_results(const char* op, std::vector<Info> infos) {
  for (const Info& info : infos) {
    Shape known;
    for (const Dim& dim : info.type.dims) {
      if (dim.overflowed()) {
        return error(Code::kResourceLimit, op,
                     ": a size of the result is beyond 64 bits or too complex");
      }
      if (dim.is_constant() && dim.value() < 0) {
        return error(Code::kInvalidModel, op,
                     ": the result would have a negative size: ", to_string(info.type.dims));
      }
      if (dim.is_constant()) known.push_back(dim.value());
    }
    // A symbolic size may be 0, so only a static shape can be too large.
    if (known.size() == info.type.dims.size()) {
      Result<int64_t> count = element_count(known);
      if (count.ok()) count = byte_size(*count, std::max(bits_of(info.type.dtype), 8));
      if (!count.ok()) {
        return error(Code::kResourceLimit, op, ": the result ", to_string(info.type),
                     " is too large");
      }
    }
  }
  return infos;
}

Result<std::vector<Info>> one_result(const char* op, DType dtype, Dims dims,
                                     std::optional<Dims> elements) {
  Info info;
  info.type.dtype = dtype;
  info.type.dims = std::move(dims);
  info.elements = std::move(elements);
  std::vector<Info> infos;
  infos.push_back(std::move(info));
  return checked_results(op, std::move(infos));
}

std::vector<Info> infos_of(Tensors in) {
  std::vector<Info> infos(in.size());
  for (size_t i = 0; i < in.size(); ++i) infos[i].type = in[i].type();
  return infos;
}

Result<std::vector<TensorType>> as_concrete(const char* op,
                                            const Result<std::vector<Info>>& infos) {
  if (!infos.ok()) return Status(infos.status());
  std::vector<TensorType> types;
  for (const Info& info : *infos) {
    for (const Dim& dim : info.type.dims) {
      if (!dim.is_constant()) {
        return error(Code::kInvalidArgument, op, ": the size ", to_string(dim),
                     " of its result is not known in this run");
      }
    }
    types.push_back(info.type);
  }
  return types;
}

Status check_vector(const char* op, const char* operand, const TensorType& type, int64_t length) {
  const bool fits = (type.dtype == DType::kI64 || type.dtype == DType::kI32) && type.rank() == 1 &&
                    (length < 0 || may_equal(type.dims[0], Dim(length)));
  if (fits) return {};
  return error(Code::kInvalidModel, op, ": ", operand, " must be an i64 vector",
               length < 0 ? std::string() : cat(" of ", length, " elements"), ", is ",
               to_string(type));
}

Shape shape_of(const Dims& dims) {
  Shape shape;
  for (const Dim& dim : dims) shape.push_back(dim.value());
  return shape;
}

}  // namespace carnot
