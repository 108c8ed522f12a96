#pragma once
// Runs one case of the ONNX backend suite and compares what comes out.
#include <string>

#include "tests/onnx/cases.h"

namespace carnot {

enum class Verdict {
  kPassed,
  kWrong,    ///< ran, and an output differs
  kRefused,  ///< import, build or run ended with a Status
  kCrashed   ///< the process ended, or had to be ended
};
const char* to_string(Verdict verdict);

struct Outcome {
  Verdict verdict = Verdict::kRefused;
  double milliseconds = 0;
  std::string reason;  ///< one line; empty where passed
  /// The graph depends on operands (axes, pads, a target shape) that the case feeds as inputs: they
  /// were given at import, as constants.
  bool pinned = false;
};

enum class Device {
  kReference,  ///< the reference executor, on the imported graph as it is
  kCpu,        ///< the engine that a build for the CPU gives
  kCuda        ///< the same for the first GPU
};

struct RunOptions {
  Device device = Device::kReference;
  int effort = 0;  ///< of the build
};

Outcome run_case(const Case& c, const RunOptions& options);

}  // namespace carnot
