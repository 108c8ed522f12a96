#pragma once
// Where NVIDIA's libraries are on this machine: they are opened at run time, and never required.
#include <initializer_list>
#include <string>
#include <vector>

namespace carnot::cuda {

/// Folders to look in, best first: "" (the loader's own path), CUDA's, those of the Python packages
/// (nvidia-cublas, nvidia-cudnn-cu13, ...) near this program and of this machine's Pythons.
std::vector<std::string> library_folders();

/// Opens the first of these shared libraries that is found, for good; null where there is none.
/// `path` is the name under which it opened.
void* open_library(std::initializer_list<const char*> names, std::string& path);

/// The name under which one of them opens, or empty.
std::string find_library(std::initializer_list<const char*> names);

}  // namespace carnot::cuda
