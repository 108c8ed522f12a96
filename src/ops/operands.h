#pragma once
// What operations on indices, boxes and coordinates share beyond rules.h, move.h and numbers.h:
// operand checks, an order of elements, picking elements whatever their type.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/op.h"
#include "ops/rules.h"

namespace carnot {

/// "top_k: ...": the numbers given to a run break the operation's contract.
template <class T, class... Args>
Status bad_value(const T&, const Args&... args) {
  return error(Code::kInvalidArgument, T::kName, ": ", args...);
}

Status expect_rank(const char* op, const char* operand, const TensorType& type, int64_t rank);
Status expect_float(const char* op, const char* operand, const TensorType& type);
Status expect_integer(const char* op, const char* operand, const TensorType& type);
/// Floats and integers, not bool or string.
Status expect_number(const char* op, const char* operand, const TensorType& type);
/// One element, as far as known.
Status expect_single(const char* op, const char* operand, const TensorType& type);
/// Not overflowed and, where constant, not negative.
Status expect_size(const char* op, const char* what, const Dim& size);
/// The sizes may be equal in some run.
Status expect_same(const char* op, const char* what, const Dim& got, const Dim& want);

/// floor(value) as an index clamped to [lowest, highest]; NaN gives `lowest`.
int64_t clamped_index(double value, int64_t lowest, int64_t highest);

/// A total order of a tensor's elements: NaN is above every number and equal to NaN.
class ElementOrder {
 public:
  explicit ElementOrder(const Tensor& x);
  /// Negative, zero or positive.
  int compare(int64_t i, int64_t j) const;

 private:
  const Tensor& x_;
  DTypeClass class_;
};

/// A tensor of `shape` whose element i is x's element source(i), bit by bit, whatever its type.
/// `source` is called for 0, 1, ... in order.
template <class F>
Result<Tensor> pick(const Tensor& x, Shape shape, F&& source) {
  if (x.dtype() == DType::kString) {
    std::vector<std::string> strings(static_cast<size_t>(volume(shape)));
    for (size_t i = 0; i < strings.size(); ++i) {
      strings[i] = x.get_string(source(static_cast<int64_t>(i)));
    }
    return Tensor::from_strings(std::move(shape), std::move(strings));
  }
  CARNOT_ASSIGN(const Tensor dense, x.dense());
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(x.dtype(), std::move(shape)));
  const int64_t count = out.elements();
  const auto move = [&](auto bits) {
    using Bits = decltype(bits);
    Bits* to = out.as<Bits>();
    for (int64_t i = 0; i < count; ++i) to[i] = load_unaligned<Bits>(dense.data(), source(i));
  };
  switch (bits_of(x.dtype())) {
    case 64:
      move(uint64_t{});
      break;
    case 32:
      move(uint32_t{});
      break;
    case 16:
      move(uint16_t{});
      break;
    case 8:
      move(uint8_t{});
      break;
    default: {
      // Four-bit elements share bytes; the last byte's unused half must not be left to chance.
      if (count > 0) std::memset(out.mutable_data(), 0, out.bytes());
      const bool real = is_float(x.dtype());
      for (int64_t i = 0; i < count; ++i) {
        const int64_t from = source(i);
        if (real) out.set(i, dense.get(from));
        if (!real) out.set_int(i, dense.get_int(from));
      }
    }
  }
  return out;
}

}  // namespace carnot
