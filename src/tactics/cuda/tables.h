#pragma once
// The tactics of NVIDIA GPUs, each in a file of its name. Private to src/tactics.
#include "tactics/cuda/sink.h"

namespace carnot::cuda {

extern const Tactic kLoops;  ///< last: takes any verified kernel

}  // namespace carnot::cuda
