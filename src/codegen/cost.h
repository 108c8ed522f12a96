#pragma once
// What scalar programs cost, in rough numbers that suit every device.
#include "carnot/scalar.h"

namespace carnot {

/// Roughly how many vector instructions the program is.
int cost_of(const ScalarProgram& program);

}  // namespace carnot
