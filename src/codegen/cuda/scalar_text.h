#pragma once
// Scalar programs as CUDA C++ statements. What they call is in scalar.cuh, which the source
// must include. In registers f64 is double, every narrower float is float, integers have their
// width (i4 and u4: a byte), bool is bool. In memory floats narrower than f32 are the unsigned
// integers of their width, bool is a byte.
#include <string>
#include <string_view>
#include <vector>

#include "carnot/scalar.h"

namespace carnot::cuda {

/// C++ types of one element: "float", "u16".
const char* register_type(DType dtype);
const char* storage_type(DType dtype);
/// Conversions of a C++ expression. To memory rounds to nearest even, 8-bit floats saturate.
std::string from_memory(DType dtype, const std::string& value);
std::string to_memory(DType dtype, const std::string& value);
/// ONNX Cast between register values: float to integer truncates and saturates, integers wrap,
/// floats round to the type.
std::string cast_text(DType from, DType to, const std::string& value);
/// A literal of the register type: `real` for floats, `integer` for the others.
std::string literal(DType dtype, double real, int64_t integer);

/// One instruction as an expression; `types` are its operands'.
std::string instruction_text(const ScalarInst& inst, const std::vector<DType>& types,
                             const std::vector<std::string>& operands);

struct ScalarText {
  std::vector<std::string> statements;  ///< "const float t3 = a + b;", in order
  std::vector<std::string> values;      ///< what each value of the program is called, or a literal
};
/// `inputs` are expressions without side effects (names, best) of register type; `types` is
/// infer()'s answer. New names are `prefix` and the value's number.
ScalarText scalar_text(const ScalarProgram& program, const std::vector<DType>& types,
                       const std::vector<std::string>& inputs, std::string_view prefix);

}  // namespace carnot::cuda
