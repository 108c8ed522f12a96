#pragma once
// The options as trtexec echoes them, under the headings that log parsers look for.
#include "options.h"

namespace trtexec {

void print_options(const Options& options);

}  // namespace trtexec
