#pragma once
// What the tactics of the CPU share. Private to src/tactics.
#include "codegen/cpu/window.h"
#include "tactics/cpu/sink.h"

namespace carnot::cpu {

#define CARNOT_TACTIC(T) extern const Tactic k##T;
#include "tactics/cpu/tactics.def"

/// A problem's kernel with its constants turned for the lanes (see relayout()).
struct Turned {
  Kernel kernel;
  std::vector<Relayout> layouts;
};
Turned turn_constants(const Problem& problem);
/// Packs the turned constants and puts them into the call.
Status pack_turned(const Problem& problem, const Turned& turned, GeneratedKernel& call);

}  // namespace carnot::cpu
