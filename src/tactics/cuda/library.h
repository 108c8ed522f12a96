#pragma once
// What the library kernels of NVIDIA GPUs share. Private to src/tactics.
#include "codegen/cuda/library_kernel.h"
#include "tactics/cuda/sink.h"
#include "tactics/library.h"

namespace carnot::cuda {

extern const LibraryTactic kCumulativeLibrary, kDimsLibrary, kGridSampleLibrary,
    kNonMaxSuppressionLibrary, kNonZeroLibrary, kOneHotLibrary, kRecurrentLibrary,
    kReverseSequenceLibrary, kRoiAlignLibrary, kScatterLibrary, kTopKLibrary;

/// Threads of a block whose threads do not work together.
inline constexpr int kLibraryThreads = 256;

/// Collects a program's kernels.
class LibraryWriter {
 public:
  LibraryWriter(const LibraryProblem& problem, CodeSink& sink)
      : problem_(problem), sink_(static_cast<CudaCodeSink&>(sink)) {}

  /// Arguments by what they are.
  int in(size_t i) const { return static_cast<int>(i); }
  int out(size_t i) const { return static_cast<int>(problem_.node.inputs.size() + i); }
  /// A new temporary.
  int temporary(DType dtype, Dims dims);
  /// Blocks of the kernel's threads; a thread each.
  void add(LibraryKernel& kernel, const Dim& blocks) { add(kernel.finish(blocks), kernel); }
  void add_for(LibraryKernel& kernel, const Dim& threads) {
    add(kernel.finish_for(threads), kernel);
  }
  /// What was added until now writes the results' size to this temporary.
  void size_is_in(int temporary);
  /// Refuses a run where they differ, or where the first is larger.
  void must_equal(const Dim& a, const Dim& b);
  void must_fit(const Dim& a, const Dim& b) { must_equal(min(a, b), a); }
  LibraryProgram take() { return std::move(program_); }

 private:
  void add(KernelSource source, const LibraryKernel& kernel);
  const LibraryProblem& problem_;
  CudaCodeSink& sink_;
  LibraryProgram program_;
};

/// Why elements of a type have no library kernels; empty where they have.
WhyNot why_not_element(DType dtype);
/// Sizes before an axis, and after it.
Dim outer_of(const Dims& dims, size_t axis);
Dim inner_of(const Dims& dims, size_t axis);
size_t resolved_axis(int64_t axis, const TensorType& type);
/// Its value for the likely sizes.
double likely_value(const Dim& dim, const Symbols& likely, double otherwise);

}  // namespace carnot::cuda
