#pragma once
// Nest: a Kernel prepared for loop code. Index maps are flattened to element offsets, axes are
// ordered as the output lies in memory, and neighbours that every access steps over alike are one.
#include <string>
#include <vector>

#include "codegen/access.h"
#include "kernel/kernel.h"

namespace carnot {

struct NestAccess {
  int buffer = 0;  ///< or kExpression: the offset is the value
  DType dtype = DType::kF32;
  Dim offset;  ///< in elements, over axis symbols, load symbols and sizes
  std::vector<Guard> guards;
  double otherwise = 0;
  std::optional<Dim> within;  ///< as the load's
};

struct NestAxis {
  std::string symbol;  ///< one of the kernel's axis symbols
  Dim size;
  int64_t likely = 1;  ///< the size to be fast for
};

struct NestStage {
  std::vector<NestAxis> inner;
  std::vector<NestAccess> loads, stores;
  ScalarProgram body;        ///< as the kernel's; inputs are loads, then folded values
  std::vector<DType> types;  ///< of the body's values
  std::vector<int> results;  ///< value ids: of each store, or the one that is folded
  Combiner combiner = Combiner::kNone;
  DType accumulator = DType::kF32;
  bool keep = false;  ///< the folded stage's values are also written to scratch: reuse.h

  bool folds() const { return combiner != Combiner::kNone; }
  bool is_arg() const { return combiner == Combiner::kArgMax || combiner == Combiner::kArgMin; }
  /// Of the folded value.
  DType folded_type() const { return is_arg() ? DType::kI64 : accumulator; }
};

struct Nest {
  std::vector<NestAxis> axes;  ///< outermost first
  std::vector<NestStage> stages;
};

/// `likely` gives values to size symbols; those missing are taken as 64. Not for attention.
Result<Nest> make_nest(const Kernel& kernel, const Symbols& likely);

/// How an access moves with one axis.
struct AxisStep {
  enum Kind : uint8_t { kNone, kUnit, kStrided, kComputed } kind = kNone;
  Dim stride;  ///< of kUnit and kStrided
  bool guarded = false;
};
AxisStep step_of(const NestAccess& access, const std::string& symbol);

/// Axis and load symbols ("#0", "$1") of an expression; sizes are left out.
std::vector<std::string> index_symbols(const Dim& expression);
bool uses_loads(const Dim& expression);

/// The likely value of a size expression.
int64_t likely_value(const Dim& size, const Symbols& likely);

}  // namespace carnot
