// The stock plugins.

#pragma once

#include "NvInfer.h"
#include "NvInferPluginUtils.h"

/// Registers the stock plugins under `libNamespace` ("" as a rule). `logger` is an ILogger or null.
/// May be called more than once.
extern "C" TENSORRTAPI bool initLibNvInferPlugins(void* logger, char const* libNamespace);
