#pragma once
// What the tactics of NVIDIA GPUs share. Private to src/tactics.
#include "tactics/cuda/sink.h"

namespace carnot::cuda {

#define CARNOT_TACTIC(T) extern const Tactic k##T;
#include "tactics/cuda/tactics.def"

}  // namespace carnot::cuda
