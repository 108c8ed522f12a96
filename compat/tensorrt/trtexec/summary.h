#pragma once
// What trtexec says of a measurement: the summary's lines and the JSON files.
#include "inference.h"

namespace trtexec {

void print_performance(const Measured& measured, const Options& options);
void print_profile(const Measured& measured);
void print_outputs(nvinfer1::ICudaEngine& engine, const Lane& lane);
/// False, and a message, where a file cannot be written.
bool export_files(nvinfer1::ICudaEngine& engine, const Measured& measured, const Options& options);
bool write_text(const std::string& path, const std::string& text);

}  // namespace trtexec
