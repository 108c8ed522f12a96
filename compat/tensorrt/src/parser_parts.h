#pragma once
// Which parts of a model the parser can take: runs of nodes that can be cut out of it.
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "carnot/import.h"

namespace trt {

struct ModelPart {
  bool supported = false;  ///< as far as the import came; else to be asked about again, by itself
  std::vector<int64_t> nodes;
};

struct ModelParts {
  std::vector<ModelPart> parts;
  /// Nodes that could be imported and are in no part, with why, in order.
  std::vector<std::pair<int64_t, std::string>> left_out;
};

/// What an import said of a model.
struct ImportVerdict {
  bool good = false;
  int64_t stopped_at = -1;    ///< the node; -1: the reason is not a node's
  std::set<int64_t> refused;  ///< it, and nodes that there is no importer for
};

/// All of a model, or the runs of it that can be parsed by themselves: what goes in and comes out
/// are tensors of TensorRT's types, and of what goes in the rank is told. A value that the model
/// says nothing of is taken for such a tensor.
ModelParts parts_of(const carnot::OnnxOutline& model, const std::vector<carnot::OnnxNode>& nodes,
                    const ImportVerdict& verdict);

/// Whether an engine of it would hold nothing but names. ONNX Runtime asks about branches by
/// themselves, and cannot make its graph of a branch around one that it may have: those that only
/// squeeze, or do nothing, are as well where they are.
bool is_without_work(const carnot::OnnxOutline& model, const std::vector<carnot::OnnxNode>& nodes);

}  // namespace trt
