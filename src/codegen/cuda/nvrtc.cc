#include "codegen/cuda/nvrtc.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "codegen/cuda/embedded.h"
#include "device/cuda/find_library.h"

namespace carnot::cuda {

namespace {

using Program = void*;  // nvrtcProgram
constexpr int kSuccess = 0, kOutOfMemory = 1;
constexpr int kVersionMin = 12000;
constexpr const char* kLibraries[] = {"libnvrtc.so.13", "libnvrtc.so.12"};

constexpr const char* kInstall =
    "install CUDA 12 or newer, or `pip install nvidia-cuda-nvrtc` (13), or build for a CPU";

}  // namespace

struct Nvrtc::Functions {
  int (*version)(int*, int*);
  int (*create)(Program*, const char* source, const char* name, int headers,
                const char* const* texts, const char* const* names);
  int (*destroy)(Program*);
  int (*compile)(Program, int options, const char* const* option);
  int (*cubin_size)(Program, size_t*);
  int (*cubin)(Program, char*);
  int (*log_size)(Program, size_t*);
  int (*log)(Program, char*);
  const char* (*error_text)(int);
};

Result<const Nvrtc*> Nvrtc::load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return error(Code::kUnsupported, dlerror());
  auto functions = std::make_unique<Functions>();
  Status missing;
  const auto find = [&](auto& function, const char* name) {
    void* symbol = dlsym(library, name);
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
    if (symbol == nullptr) missing = error(Code::kUnsupported, path, " has no ", name);
  };
  find(functions->version, "nvrtcVersion");
  find(functions->create, "nvrtcCreateProgram");
  find(functions->destroy, "nvrtcDestroyProgram");
  find(functions->compile, "nvrtcCompileProgram");
  find(functions->cubin_size, "nvrtcGetCUBINSize");
  find(functions->cubin, "nvrtcGetCUBIN");
  find(functions->log_size, "nvrtcGetProgramLogSize");
  find(functions->log, "nvrtcGetProgramLog");
  find(functions->error_text, "nvrtcGetErrorString");
  int major = 0, minor = 0;
  if (missing.ok() && functions->version(&major, &minor) != kSuccess) major = 0;
  const int version = 1000 * major + 10 * minor;
  if (missing.ok() && version < kVersionMin) {
    missing = error(Code::kUnsupported, path, " is version ", major, ".", minor, ", too old");
  }
  if (!missing.ok()) {
    dlclose(library);
    return missing;
  }
  // Open until the process ends: compiled programs and its threads may outlive everyone here.
  return new Nvrtc(functions.release(), path, version);
}

Result<const Nvrtc*> Nvrtc::open(std::span<const std::string> folders) {
  static std::mutex mutex;
  static const Nvrtc* found = nullptr;
  static auto* const loaded_from = new std::map<std::string, const Nvrtc*>;
  const std::lock_guard lock(mutex);
  if (found != nullptr && folders.empty()) return found;
  std::vector<std::string> all(folders.begin(), folders.end());
  for (std::string& folder : library_folders()) all.push_back(std::move(folder));
  Status last;
  for (const char* library : kLibraries) {
    for (const std::string& folder : all) {
      std::error_code ignored;
      const std::string path = folder.empty() ? library : folder + "/" + library;
      if (!folder.empty() && !std::filesystem::exists(path, ignored)) continue;
      const Nvrtc*& known = (*loaded_from)[path];
      if (known != nullptr) return found = known;
      Result<const Nvrtc*> loaded = load(path);
      if (loaded.ok()) return found = known = *loaded;
      if (last.ok() || !folder.empty()) last = std::move(loaded).status();
    }
  }
  return error(Code::kUnsupported,
               "NVIDIA's run-time compiler (NVRTC) was not found: ", last.message(), "; ",
               kInstall);
}

Result<Cubin> Nvrtc::compile(const Source& source, const std::string& isa) const {
  std::vector<const char*> names, texts;
  for (const EmbeddedFile& file : embedded_files()) {
    names.push_back(file.name), texts.push_back(file.text);
  }
  Program program = nullptr;
  const Functions& f = *functions_;
  int code = f.create(&program, source.text.c_str(), "kernel.cu", static_cast<int>(names.size()),
                      texts.data(), names.data());
  const std::string architecture = "--gpu-architecture=" + isa;
  const char* options[] = {architecture.c_str(), "--std=c++17"};
  if (code == kSuccess) code = f.compile(program, std::size(options), options);
  size_t size = 0;
  Cubin cubin;
  std::string log;
  if (code == kSuccess) code = f.cubin_size(program, &size);
  if (code == kSuccess) {
    cubin.resize(size);
    code = f.cubin(program, reinterpret_cast<char*>(cubin.data()));
  } else if (program != nullptr && f.log_size(program, &size) == kSuccess && size > 1) {
    log.resize(size);
    if (f.log(program, log.data()) != kSuccess) log.clear();
    log.erase(std::min(log.find('\0'), log.size()));
  }
  if (program != nullptr) f.destroy(&program);
  if (code == kSuccess) return cubin;
  return error(code == kOutOfMemory ? Code::kOutOfMemory : Code::kInternal, "kernel ", source.name,
               ": NVRTC cannot compile it for ", isa, ": ", f.error_text(code),
               log.empty() ? "" : "\n", log);
}

Result<std::vector<Cubin>> Nvrtc::compile(std::span<const Source> sources, const std::string& isa,
                                          int threads) const {
  std::map<std::string_view, size_t> first;
  std::vector<size_t> unique;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (first.emplace(sources[i].text, i).second) unique.push_back(i);
  }
  std::vector<Result<Cubin>> made;
  for (size_t i = 0; i < sources.size(); ++i) made.emplace_back(Cubin{});
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < unique.size();) {
      made[unique[i]] = compile(sources[unique[i]], isa);
    }
  };
  std::vector<std::thread> team;
  const size_t helpers = std::min(static_cast<size_t>(std::max(threads, 1)), unique.size());
  for (size_t i = 1; i < helpers; ++i) team.emplace_back(work);
  work();
  for (std::thread& thread : team) thread.join();
  std::vector<Cubin> out;
  for (const Source& source : sources) {
    CARNOT_ASSIGN(Cubin cubin, made[first.at(source.text)]);
    out.push_back(std::move(cubin));
  }
  return out;
}

}  // namespace carnot::cuda
