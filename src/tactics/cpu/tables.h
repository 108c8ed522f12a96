#pragma once
// The tactics of the CPU, each in a file of its name. Private to src/tactics.
#include "tactics/cpu/sink.h"

namespace carnot::cpu {

extern const Tactic kContraction;
extern const Tactic kLoops;  ///< last: takes any verified kernel

}  // namespace carnot::cpu
