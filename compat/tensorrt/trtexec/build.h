#pragma once
// From a model to an engine's bytes, as the flags say.
#include "NvInfer.h"
#include "options.h"

namespace trtexec {

using Bytes = std::vector<char>;

/// "[11/21/2026-06:30:00] [I] text" on the standard output.
void say(char severity, const std::string& text);
bool read_file(const std::string& path, Bytes& out);
bool write_file(const std::string& path, const char* data, size_t size);

/// False, and messages, where the model cannot be built.
bool build(const Options& options, nvinfer1::ILogger& logger, Bytes& plan);
/// The plan's weights replaced by those of --refitFromOnnx.
bool refit(const Options& options, nvinfer1::ILogger& logger, nvinfer1::ICudaEngine& engine);

}  // namespace trtexec
