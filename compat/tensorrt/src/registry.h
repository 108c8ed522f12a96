#pragma once
// The process's plugin registry.
#include "report.h"

namespace trt {

IPluginRegistry& plugin_registry();

}  // namespace trt
