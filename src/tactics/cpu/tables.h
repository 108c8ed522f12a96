#pragma once
// The tactics of the CPU, each in a file of its name. Private to src/tactics.
#include "codegen/cpu/window.h"
#include "tactics/cpu/sink.h"

namespace carnot::cpu {

extern const Tactic kAttention;
extern const Tactic kContraction;
extern const Tactic kWindow;
extern const Tactic kTranspose;
extern const Tactic kLoops;  ///< last: takes any verified kernel

/// A problem's kernel with its constants turned for the lanes (see relayout()).
struct Turned {
  Kernel kernel;
  std::vector<Relayout> layouts;
};
Turned turn_constants(const Problem& problem);
/// Packs the turned constants and puts them into the call.
Status pack_turned(const Problem& problem, const Turned& turned, GeneratedKernel& call);

}  // namespace carnot::cpu
