#pragma once
// Where NVIDIA's libraries are on this machine: they are opened at run time, and never required.
#include <initializer_list>
#include <string>
#include <vector>

#include "base/status.h"

namespace carnot::cuda {

/// Folders to look in, best first: "" (the loader's own path), CUDA's, those of the Python packages
/// (nvidia-cublas, nvidia-cudnn-cu13, ...) near this program and of this machine's Pythons.
std::vector<std::string> library_folders();

/// Opens the first of these shared libraries that is found, for good; null where there is none.
/// `path` is the name under which it opened.
void* open_library(std::initializer_list<const char*> names, std::string& path);

/// Gets functions out of an open library, and says which it lacks.
class FunctionFinder {
 public:
  explicit FunctionFinder(void* library) : library_(library) {}
  template <class Function>
  void find(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(address_of(symbol));
  }
  /// The first symbol that was not there, or null.
  const char* missing() const { return missing_; }

 private:
  void* address_of(const char* symbol);
  void* library_;
  const char* missing_ = nullptr;
};

/// A library that engines can do without.
struct OptionalLibrary {
  std::initializer_list<const char*> names;
  size_t version_min;
  const char* missing;  ///< what is said where there is none: what to do
  const char* old;      ///< the same where it is not new enough
};

/// Opens `wanted` and finds all functions of `out`, a table with version() and the path.
template <class Functions>
Status open_functions(const OptionalLibrary& wanted, Functions& out,
                      void (*find_all)(Functions&, FunctionFinder&)) {
  void* const library = open_library(wanted.names, out.path);
  if (!library) return error(Code::kUnsupported, wanted.missing);
  FunctionFinder finder(library);
  find_all(out, finder);
  if (!finder.missing() && out.version() >= wanted.version_min) return {};
  return error(Code::kUnsupported, out.path,
               finder.missing() ? cat(" has no ", finder.missing()) : std::string(" is too old"),
               ": ", wanted.old);
}

/// The name under which one of them opens, or empty.
std::string find_library(std::initializer_list<const char*> names);

}  // namespace carnot::cuda
