#pragma once
// What infer() functions share: errors that name the operation, axes, broadcasting, checked
// results.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"

namespace carnot {

using op::Ints;

/// "softmax: needs ...": the model is wrong.
template <class T, class... Args>
Status invalid(const T&, const Args&... args) {
  return error(Code::kInvalidModel, T::kName, ": ", args...);
}

/// The number of operands is one that the operation takes. Call it before looking at any.
Status check_arity(const char* op, int min, int max, size_t count);
template <class T, class In>
Status check_arity(const T&, const In& in) {
  return check_arity(T::kName, T::kMin, T::kMax, in.size());
}

/// 0 <= result < rank, from -rank <= axis < rank.
Result<int64_t> resolve_axis(const char* op, int64_t axis, int64_t rank);
/// Sorted; one that is named twice is an error.
Result<Ints> resolve_axes(const char* op, const Ints& axes, int64_t rank);

/// 0 <= result < size, from an index that data gave: negative ones count from the end.
template <class T>
Result<int64_t> resolve_index(const T&, int64_t index, int64_t size) {
  if (index < -size || index >= size) {
    return error(Code::kInvalidArgument, T::kName, ": index ", index,
                 " is out of range for an axis of ", size, " elements");
  }
  return index < 0 ? index + size : index;
}

/// One size that both sides can have by numpy's rules. A symbol against a number other than 1 gives
/// the number, and two sizes that differ as expressions give `a`: whether they agree (or one is 1)
/// is only known in a run, whose reference() or kernel compares the concrete shapes.
std::optional<Dim> broadcast(const Dim& a, const Dim& b);
Result<Dims> broadcast(const char* op, const Dims& a, const Dims& b);

/// Whether two sizes may be equal in some run.
bool may_equal(const Dim& a, const Dim& b);

/// An operation's results after a last look at their sizes: none negative, none beyond int64, and
/// the number of elements within kBytesMax where it is known.
Result<std::vector<Info>> checked_results(const char* op, std::vector<Info> infos);
Result<std::vector<Info>> one_result(const char* op, DType dtype, Dims dims,
                                     std::optional<Dims> elements = std::nullopt);

std::vector<Info> infos_of(Tensors in);
Result<std::vector<TensorType>> as_concrete(const char* op, const Result<std::vector<Info>>& infos);
/// The result types that infer() gives for concrete operands: the checks of reference() are
/// those of infer(). A size that is still symbolic is an error that names it.
template <class T>
Result<std::vector<TensorType>> concrete_types(const T& op, Tensors in) {
  return as_concrete(T::kName, infer(op, infos_of(in)));
}

/// Sizes without symbols as a shape.
Shape shape_of(const Dims& dims);
inline Dims dims_of(const Shape& shape) {
  return Dims(shape.begin(), shape.end());
}

/// An i64 or i32 vector of `length` elements (-1: any number), as far as known.
Status check_vector(const char* op, const char* operand, const TensorType& type, int64_t length);

}  // namespace carnot
