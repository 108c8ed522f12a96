#pragma once
// ContractionProblem: a kernel's contraction with every access as strides over its axes. What the
// cost model, the packer and the emitter share. Axes of size 1 are dropped.
#include <optional>
#include <vector>

#include "codegen/access.h"
#include "kernel/kernel.h"

namespace carnot {

/// offset = base + sum of coefficient * index. Coefficients are parallel to the problem's lists of
/// axes and hold no axis themselves.
struct AxisMap {
  Dim base;
  Dims batch, rows, inner;
  Dim column;
  bool operator==(const AxisMap&) const = default;
};

struct MappedAccess {
  int buffer = 0;  ///< or kExpression: the map is the value
  DType dtype = DType::kF32;
  AxisMap map;
};

struct MappedGuard {
  AxisMap index;
  Dim lower, upper;
};

struct ContractionProblem {
  Dims batch, rows, inner;  ///< sizes; inner in the order of summation, the innermost last
  Dim columns = 1;
  MappedAccess a, b;
  std::vector<MappedGuard> guards;  ///< of A
  double otherwise = 0;
  bool padding_adds_nothing = false;  ///< A is 0 where a guard fails, and B is finite
  ScalarProgram epilogue;             ///< inputs: the loads, then the sum
  std::vector<MappedAccess> loads, stores;
  std::vector<int> results;  ///< of each store

  Dim row_count() const { return product(rows); }
  Dim inner_count() const { return product(inner); }
  /// The stride between flattened rows, where the map has one.
  std::optional<Dim> row_stride(const AxisMap& map) const;
  /// How many of the last inner axes can be one loop: A (and B, unless packed) has one stride over
  /// them and, unless guards are ignored, no guard depends on them.
  size_t run_axes(bool ignore_guards, bool b_packed) const;
};

Result<ContractionProblem> contraction_problem(const Kernel& kernel, const ContractionView& view);

}  // namespace carnot
