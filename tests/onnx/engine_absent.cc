// engine_run.h where the engine is not built: only the reference executor can be tested.
#include "tests/onnx/engine_run.h"

namespace carnot {

bool has_engine() {
  return false;
}

Result<std::vector<Tensor>> run_engine(Graph, const std::vector<Tensor>&, int, const std::string&) {
  return error(Code::kUnsupported, "this build has no engine; use --device reference");
}

}  // namespace carnot
