#pragma once
// Loops, conditionals and attention: groups of layers with a boundary.

namespace trt {

class Loop {};
class Conditional {};
class Attention {};

}  // namespace trt
