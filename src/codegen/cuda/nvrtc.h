#pragma once
// NVRTC: CUDA C++ to cubins, by NVIDIA's run-time compiler, which is opened when it is needed.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace carnot::cuda {

struct Source {
  std::string name;  ///< of the kernel, for messages
  std::string text;
};

using Cubin = std::vector<std::byte>;

class Nvrtc {
 public:
  /// The compiler of this machine: the loader's, CUDA's, or that of the Python package
  /// nvidia-cuda-nvrtc near this program; `folders` are looked at first. An error says what to
  /// install. What was found stays open; with no `folders` later calls give the same.
  static Result<const Nvrtc*> open(std::span<const std::string> folders = {});

  /// 13000 for 13.0.
  int version() const { return version_; }
  const std::string& path() const { return path_; }
  /// For an architecture such as "sm_90a". Errors carry the compiler's log. Thread-safe.
  Result<Cubin> compile(const Source& source, const std::string& isa) const;
  /// Side by side on `threads` threads; equal texts are compiled once. The first error in order.
  Result<std::vector<Cubin>> compile(std::span<const Source> sources, const std::string& isa,
                                     int threads) const;

 private:
  struct Functions;
  explicit Nvrtc(const Functions* functions, std::string path, int version)
      : functions_(functions), path_(std::move(path)), version_(version) {}
  static Result<const Nvrtc*> load(const std::string& path);

  const Functions* functions_;
  std::string path_;
  int version_;
};

}  // namespace carnot::cuda
