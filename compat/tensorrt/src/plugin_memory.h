#pragma once
// Memory that plugins ask their context for, where the program has set no allocator of its own.
#include "NvInfer.h"

namespace trt {

/// The host's, or that of the GPU whose context the calling thread works in. Null where there is no
/// CUDA driver.
nvinfer1::IGpuAllocator* plugin_memory(bool host);

}  // namespace trt
