#pragma once
// ScalarProgram: what happens to one element. The body of every pointwise op, reduction and
// epilogue; the same program is interpreted by the reference and compiled by the code generators.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "carnot/types.h"

namespace carnot {

enum class ScalarOp : uint8_t {
#define CARNOT_SCALAR(name, text, operands, rule) name,
#include "carnot/scalar_ops.def"
};

/// One instruction. Operands are value ids: 0..inputs-1 are the program's inputs, inputs + i is
/// what instruction i computed. They refer backwards only.
struct ScalarInst {
  ScalarOp op = ScalarOp::kConst;
  std::array<int32_t, 3> args = {-1, -1, -1};
  DType type = DType::kF32;  ///< of kConst and kCast; the others follow from their operands
  double real = 0;           ///< kConst of a float type
  int64_t integer = 0;       ///< kConst of an integer or bool type (u64 by its bits)
  bool operator==(const ScalarInst&) const = default;
};

/// Straight-line code over `inputs` scalars. Text, used after `by`: instructions in nested form,
/// shared ones named first: `t0 = exp($0); div(t0, add(t0, 1.0:f32))`; several results are
/// separated by commas: `add($0, $1), sub($0, $1)`. Types of constants follow a colon, casts are
/// `cast($0):i64`.
struct ScalarProgram {
  int32_t inputs = 0;
  std::vector<ScalarInst> insts;
  std::vector<int32_t> results;  ///< value ids; at least one
  bool operator==(const ScalarProgram&) const = default;

  // Building: each returns the new value's id; equal instructions are shared.
  int32_t add(ScalarOp op, int32_t a, int32_t b = -1, int32_t c = -1);
  int32_t constant(DType type, double value);
  int32_t constant_int(DType type, int64_t value);
  int32_t cast(int32_t a, DType type);
  /// Appends `other` with its inputs bound to the given ids; returns its results' ids.
  std::vector<int32_t> append(const ScalarProgram& other, const std::vector<int32_t>& bind);
};

int operands_of(ScalarOp op);
const char* to_string(ScalarOp op);
std::string to_string(const ScalarProgram& program);
/// Parses the text form. `inputs` is one more than the largest $i unless given.
Result<ScalarProgram> parse_scalar_program(std::string_view text, int32_t inputs = -1);
/// The type of every value (inputs first), or which instruction has operands of wrong types.
Result<std::vector<DType>> infer(const ScalarProgram& program, const std::vector<DType>& inputs);
/// Removes unused instructions and folds those with constant operands.
ScalarProgram simplify(const ScalarProgram& program, const std::vector<DType>& inputs);

}  // namespace carnot
