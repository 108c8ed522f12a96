#pragma once
// ONNX to Graph. The Graph holds canonical operations only; each ONNX operator is decomposed by a
// row of the import tables (import_table.h). Names of values are kept; every node knows the ONNX
// node that it came from.
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/budget.h"
#include "carnot/import.h"
#include "ir/graph.h"

namespace carnot {

struct ImportOptions {
  /// Pays for weights that must be copied or converted; its time and cancel flag are asked between
  /// nodes. May be null.
  Budget* budget = nullptr;
  /// Sizes for inputs by name. Symbols and unknown sizes of the model may be pinned or renamed
  /// (everywhere: the sizes that share a symbol stay equal); numbers of the model must agree.
  std::map<std::string, Dims> input_shapes;
  /// Inputs by name that become constants: what is known of every later run (the axes of a
  /// reduction, a target shape), which the graph then need not ask for.
  std::map<std::string, Tensor> input_values;
  /// Of a model in memory: where external data may lie, and initializers whose elements are here.
  std::string folder = {};
  std::map<std::string, std::span<const std::byte>, std::less<>> initializers = {};
  ImportProblem* problem = nullptr;     ///< told where the import failed; may be null
  decltype(OnnxImport::custom) custom;  ///< see there; may be empty
  bool custom_first = false;
  std::vector<std::string>* unnamed = nullptr;  ///< gets the nodes without a name, as described
  bool keep_identities = false;
  bool mix_doubles = false;
  OnnxTrace* trace = nullptr;  ///< gets what the model's own graph says
};

/// kInvalidModel where the model breaks ONNX's rules, kUnsupported where we lack something: each
/// message names the node, its operator, the reason and what to do.
Result<Graph> import_onnx(const std::filesystem::path& path, const ImportOptions& options = {});
/// A model in memory, whose external data (if any) lies in options.folder. Weights point into
/// `bytes`: they must outlive the graph, or `keep_alive` must own them.
Result<Graph> import_onnx(std::span<const std::byte> bytes, const ImportOptions& options = {},
                          std::shared_ptr<const void> keep_alive = nullptr);

/// Opsets of the standard domain that are understood.
inline constexpr int64_t kOpsetMin = 1, kOpsetMax = 27;

/// A row of the support matrix.
struct SupportedOp {
  std::string domain;  ///< "" is ai.onnx
  std::string name;
  int64_t since = 1, until = 0;  ///< first and last opset that has it; until 0: the newest
  std::string refused;           ///< why it is not supported; empty where it is
};
/// By domain, then name.
std::vector<SupportedOp> supported_ops();

}  // namespace carnot
