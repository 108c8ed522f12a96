#pragma once
// Text of scalar programs inside larger texts. Grammar:
//   program = {temp '=' value ';'} value {',' value}
//   value   = '$' integer | temp | constant | 'cast' '(' value ')' ':' dtype
//           | word '(' [value {',' value}] ')'
//   constant = number ':' dtype | 'true' | 'false'
//   temp    = any identifier: t0, t1 ... when printed
#include "base/text.h"
#include "carnot/scalar.h"

namespace carnot {

/// `inputs` as in parse_scalar_program(). Reads as much as belongs to the program.

Result<ScalarProgram> parse_scalar_program(Scanner& scanner, int32_t inputs = -1);

}  // namespace carnot
