#pragma once
// Text of sizes and tensor types, for every parser that meets one. Grammar:
//   type   = dtype dims                      f32[?n, 3, (?h + 1)//2]
//   dims   = '[' [sum {',' sum}] ']'
//   sum    = term {('+' | '-') term}
//   term   = factor {('*' | '//' | '%') factor}        left to right, as in Python
//   factor = '-' factor | integer | symbol | '(' sum ')' | ('min' | 'max') '(' sum ',' sum ')'
//   symbol = '?' name | '#' integer | '$' integer      '#' and '$' inside kernels
// `//` is a comment for the scanner, so no space may precede it here.
#include "base/text.h"
#include "carnot/types.h"

namespace carnot {

Result<Dim> parse_dim(Scanner& scanner);
Result<Dims> parse_dims(Scanner& scanner);
Result<DType> parse_dtype(Scanner& scanner);
Result<TensorType> parse_type(Scanner& scanner);
Result<TensorType> parse_type(std::string_view text);

}  // namespace carnot
