// Fuzzes scalar programs: text that is accepted prints and reads back as itself; a program that
// has types simplifies to one that computes the same.
#include <cmath>

#include "base/status.h"
#include "carnot/scalar.h"
#include "ops/scalar_eval.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const Result<ScalarProgram> program = parse_scalar_program(text);
  if (!program.ok()) return 0;
  const std::string printed = to_string(*program);
  const Result<ScalarProgram> back = parse_scalar_program(printed, program->inputs);
  CARNOT_CHECK(back.ok() && to_string(*back) == printed);
  for (const DType dtype : {DType::kF32, DType::kI8, DType::kBool}) {
    const std::vector<DType> types(static_cast<size_t>(program->inputs), dtype);
    auto before = ScalarEvaluator::create(*program, types);
    if (!before.ok()) continue;
    auto after = ScalarEvaluator::create(simplify(*program, types), types);
    CARNOT_CHECK(after.ok() && after->results() == before->results());
    std::vector<Scalar> in(types.size()), x(before->results().size()), y(x.size());
    for (size_t i = 0; i < in.size(); ++i) {
      if (is_float(dtype)) {
        in[i].real = static_cast<double>(i) - 1.5;
      } else {
        in[i].integer = static_cast<int64_t>(i % 2);
      }
    }
    before->run(in, x);
    after->run(in, y);
    for (size_t i = 0; i < x.size(); ++i) {
      const bool nan = is_float(before->results()[i]) && std::isnan(x[i].real);
      CARNOT_CHECK(x[i].integer == y[i].integer || (nan && std::isnan(y[i].real)));
    }
  }
  return 0;
}
