#pragma once
// The device code that generated sources include, carried in the binary for NVRTC.
#include <span>

namespace carnot::cuda {

struct EmbeddedFile {
  const char* name;  ///< as it is included: "codegen/cuda/scalar.cuh"
  const char* text;
};
std::span<const EmbeddedFile> embedded_files();

}  // namespace carnot::cuda
