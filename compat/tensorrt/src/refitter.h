#pragma once
// Refitter: an IRefitter for engines that cannot be refitted, which says so.
#include "engine.h"

namespace trt {

IRefitter* make_refitter(CudaEngine& engine, ILogger& logger) noexcept;

}  // namespace trt
