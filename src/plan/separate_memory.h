#pragma once
// From a plan whose steps all share one memory to a plan for a device that has its own.
#include "plan/plan.h"

namespace carnot {

/// Says of each buffer whether it lies in the host's memory, and adds the copies: kernels work on
/// the device's memory, all other steps on the host's. A value is copied once, before its first
/// reader on the other side. Strings, and what only the host touches (shapes, trip counts), stay on
/// the host; a constant that both read is there twice. Regions are plans of the same kind. The plan
/// is otherwise valid, and has no copies yet.
void separate_memory(Plan& plan);

}  // namespace carnot
