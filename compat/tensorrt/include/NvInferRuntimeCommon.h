// What the runtime and plugins share: the registry, loggers, allocators.

#pragma once

#include "nvinfer/registry.h"
#include "nvinfer/runtime_types.h"
