#pragma once
// What scatter_elements and scatter_nd do with an update once they know where it goes.
#include <vector>

#include "ops/move.h"
#include "ops/rules.h"

namespace carnot {

/// The updates have the data's type and the given sizes, and the type can be combined so.
Status check_updates(const char* op, op::ScatterKind kind, const TensorType& data,
                     const TensorType& updates, const Dims& dims);

/// A copy of the data under updates. Sums and products of floats are kept in f64 and rounded once.
class Scatter {
 public:
  static Result<Scatter> make(op::ScatterKind kind, const Tensor& data, const Tensor& updates);
  /// Applies updates [from, from + count) to elements [at, at + count), in order.
  void update(int64_t at, int64_t from, int64_t count);
  Result<std::vector<Tensor>> take() &&;

 private:
  op::ScatterKind kind_ = op::ScatterKind::kAssign;
  DType dtype_ = DType::kF32;
  Shape shape_;
  ElementWriter writer_;  // of kAssign; the others work on numbers
  Tensor updates_;
  std::vector<double> reals_, real_updates_;
  std::vector<int64_t> ints_, int_updates_;
};

}  // namespace carnot
