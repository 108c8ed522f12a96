#pragma once
// One line of tests/ops/*.txt: an operation on operands, and what is expected of it. Grammar:
//   case    = ['!'] op '(' [operand {',' operand}] ')' attributes ['->' operand {',' operand}]
//             ['# ' comment]
//   operand = type | tensor                 f32[?n, 3] or i64[2] {1, 2}
// Operands that are only types get numbers from a seed. After `->`, a type is what infer() must say
// and a tensor what reference() must compute. `!` expects infer() to refuse with the comment as its
// message. Empty lines and lines that begin with '#' are for people.
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"
#include "tensor/fill.h"

namespace carnot {

struct OpCase {
  struct Operand {
    TensorType type;
    std::optional<Tensor> value;
  };
  bool refused = false;
  Op op;
  std::vector<Operand> operands, results;
  std::string text;     ///< up to the results or the comment, without spaces at the end
  std::string comment;  ///< without "# "
  bool states_results = false;
};

/// Nothing for a line that is for people only.
Result<std::optional<OpCase>> parse_op_case(const std::string& line);

/// What infer() is told of the operands.
std::vector<Info> infos_of(const OpCase& test);
/// A number for every symbol that a run would know: small, distinct, none of them 1.
Symbols choose_sizes(const OpCase& test, const std::vector<Info>& infos);
Result<std::vector<Tensor>> make_operands(const OpCase& test, const Symbols& sizes, Fill kind);
/// By the executor, or by the user's code; not by reference().
bool runs_elsewhere(const Op& op);

/// Everything that the line asks for: infer(), text and back, reference() on several fills. An
/// error says what went wrong. `blessed` is the line as it should read.
Status run_op_case(const OpCase& test, std::string* blessed);

}  // namespace carnot
