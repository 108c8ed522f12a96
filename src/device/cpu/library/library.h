#pragma once
// Library kernels: written in C++ for what the Kernel language cannot say, compiled into the
// runtime for each vector width. A plan calls them by name, with the arguments of generated code.
#include <span>
#include <string_view>
#include <utility>

namespace carnot::cpu {

/// Name and address of each, for the CPU of this process.
std::span<const std::pair<std::string_view, const void*>> library_entries();

}  // namespace carnot::cpu
