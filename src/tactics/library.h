#pragma once
// LibraryTactic: a way to run an operation that the Kernel language does not express, as kernels
// that are written by hand and run one after the other. What no such tactic takes is a step of the
// host.
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "tactics/tactic.h"

namespace carnot {

struct LibraryProblem {
  const Node& node;
  const DeviceDescription& device;
  const Symbols& likely;  ///< sizes to be fast for

  const TensorType& in(size_t i) const { return node.inputs[i]->type(); }
  const TensorType& out(size_t i) const { return node.outputs[i]->type(); }
};

/// Kernels in order. Their arguments: the node's inputs, its outputs, the temporaries, each by its
/// number; GeneratedKernel::kFault.
struct LibraryProgram {
  std::vector<TensorType> temporaries;
  std::vector<GeneratedKernel> kernels;
  /// Where the results' size is a symbol that the node defines: the temporary, i64[2], where the
  /// first `before_size` kernels have written its value and 0.
  int size = -1;
  size_t before_size = 0;
  /// Sizes that must be equal, of which types only say that they may be.
  std::vector<std::pair<Dim, Dim>> checks;
};

struct LibraryTactic {
  const char* name;  ///< "cuda.scatter": stable, engines store it
  WhyNot (*why_not)(const LibraryProblem&);
  Result<LibraryProgram> (*generate)(const LibraryProblem&, CodeSink& sink);
};

/// The device's tactic for the operation; null where it has none.
const LibraryTactic* library_of(const Op& op, const DeviceDescription& device);

}  // namespace carnot
