#pragma once
// Runs scalar programs plainly. Numbers of float types are doubles: an operation is computed in
// f64 whatever its type, and only casts (and whoever stores a result) round to the type. Integers
// are exact and wrap at their type's width; a division by zero, integer mod and rem included, is 0.
#include <span>
#include <vector>

#include "carnot/scalar.h"
#include "carnot/tensor.h"

namespace carnot {

/// A number of any type but string: `real` where the type is a float, else `integer` (bool 0 or 1,
/// u64 by its bits).
union Scalar {
  double real;
  int64_t integer;
};

/// One instruction on operands of type `type` (that of operand 1 for select).
Scalar apply(const ScalarInst& inst, DType type, Scalar a, Scalar b = {}, Scalar c = {});

Scalar load_scalar(const Tensor& tensor, int64_t i);
void store_scalar(Tensor& tensor, int64_t i, Scalar value);

/// A program with its types, ready to run on many elements.
class ScalarEvaluator {
 public:
  static Result<ScalarEvaluator> create(ScalarProgram program, const std::vector<DType>& inputs);

  /// The types of the results.
  const std::vector<DType>& results() const { return results_; }
  /// `out` has one place per result.
  void run(std::span<const Scalar> inputs, std::span<Scalar> out);

  /// Elements that run_block() takes at once.
  static constexpr int64_t kBlock = 256;
  /// Where input `i` of a block is to be written: kBlock elements.
  Scalar* input(int i) { return values_.data() + i * kBlock; }
  void run_block(int64_t count);
  const Scalar* result(int i) const {
    return values_.data() + program_.results[static_cast<size_t>(i)] * kBlock;
  }

 private:
  ScalarProgram program_;
  std::vector<DType> types_, results_;
  std::vector<Scalar> values_;  ///< [value][kBlock]
};

}  // namespace carnot
