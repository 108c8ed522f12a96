#pragma once
// The CUDA of host memory (compat/cuda), where the program has it loaded: `carnot exec`.

#include <functional>

namespace trt {

/// True where the stream is being captured into a graph, so that nothing may run now.
bool is_captured(const void* stream);
/// Adds work to the graph that the stream is captured into; false where it is not.
bool add_to_capture(const void* stream, std::function<void()> work);

}  // namespace trt
