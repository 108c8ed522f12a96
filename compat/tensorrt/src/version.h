// The version that a program says it was compiled for.

#pragma once

#include <cstdint>
#include <string>

namespace trt {

/// Whether its headers have our binary interface: those of version 10, and our own for sources of
/// versions before it, whose patch is 99.
bool serves(int32_t version);

/// Why not, for a message.
std::string not_served(int32_t version);

}  // namespace trt
