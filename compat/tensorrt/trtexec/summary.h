#pragma once
// What trtexec says of a measurement: the summary's lines and the JSON files.
#include "inference.h"

namespace trtexec {

void print_performance(const Measured& measured, const Options& options, bool on_host);
void print_profile(const Measured& measured);
void print_outputs(const Lane& lane);
// Each is false, and gives a message, where a file cannot be written.
/// A file of raw bytes for each input and output.
bool dump_raw(const Lane& lane);
bool export_files(const Measured& measured, const Options& options);
bool write_text(const std::string& path, const std::string& text);

}  // namespace trtexec
