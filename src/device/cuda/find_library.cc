#include "device/cuda/find_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

namespace carnot::cuda {
namespace {

std::string folder_of_this_program() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&folder_of_this_program), &info) == 0) return {};
  std::error_code ignored;
  const auto path = std::filesystem::canonical(info.dli_fname, ignored);
  return ignored ? std::string() : path.parent_path().string();
}

/// Where the Python packages of CUDA 13 and 12 put libraries, below site-packages.
void add_python_folders(const std::filesystem::path& packages, std::vector<std::string>& out) {
  for (const char* folder :
       {"nvidia/cu13/lib", "nvidia/cuda_nvrtc/lib", "nvidia/cublas/lib", "nvidia/cudnn/lib"}) {
    std::error_code ignored;
    std::filesystem::path path = packages / folder;
    if (std::filesystem::is_directory(path, ignored)) out.push_back(path.string());
  }
}

/// Folders in which Pythons keep packages: <prefix>/lib/python3*/{site,dist}-packages.
void add_pythons_of(const std::filesystem::path& prefix, std::vector<std::string>& out) {
  std::error_code ignored;
  std::vector<std::filesystem::path> pythons;
  for (const auto& entry : std::filesystem::directory_iterator(prefix / "lib", ignored)) {
    if (entry.path().filename().string().rfind("python3", 0) == 0) pythons.push_back(entry.path());
  }
  std::sort(pythons.begin(), pythons.end());
  for (const auto& python : pythons) {
    add_python_folders(python / "site-packages", out);
    add_python_folders(python / "dist-packages", out);
  }
}

std::string path_in(const std::string& folder, const char* name) {
  return folder.empty() ? std::string(name) : folder + "/" + name;
}

}  // namespace

std::vector<std::string> library_folders() {
  std::vector<std::string> out = {"", "/usr/local/cuda/lib64"};
  std::filesystem::path up = folder_of_this_program();
  if (!up.empty()) {
    constexpr int kLevels = 4;  // <prefix>/lib/python3.11/site-packages/carnot
    for (int i = 0; i < kLevels && up.has_relative_path(); ++i, up = up.parent_path()) {
      add_python_folders(up, out);
      add_pythons_of(up, out);
    }
  }
  add_pythons_of("/usr/local", out);
  add_pythons_of("/usr", out);
  return out;
}

void* open_library(std::initializer_list<const char*> names, std::string& path) {
  const std::vector<std::string> folders = library_folders();
  for (const char* name : names) {
    for (const std::string& folder : folders) {
      path = path_in(folder, name);
      // What this process has loaded already counts as found wherever it came from.
      if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    }
  }
  path.clear();
  return nullptr;
}

void* FunctionFinder::address_of(const char* symbol) {
  void* const found = dlsym(library_, symbol);
  if (!found && !missing_) missing_ = symbol;
  return found;
}

std::string find_library(std::initializer_list<const char*> names) {
  std::string path;
  if (void* library = open_library(names, path)) dlclose(library);
  return path;
}

}  // namespace carnot::cuda
