#include "parser.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

#include "NvOnnxParser.h"
#include "imported.h"
#include "network.h"
#include "onnx_view.h"
#include "parser_parts.h"
#include "parser_plugins.h"

namespace trt {

namespace {

using nvonnxparser::IParser;
using nvonnxparser::IParserError;
using nvonnxparser::OnnxParserFlag;
using nvonnxparser::OnnxParserFlags;
using ParserCode = nvonnxparser::ErrorCode;
using Bytes = std::vector<std::byte>;

class ParserError final : public IParserError {
 public:
  ParserError(ParserCode code, std::string text, const carnot::ImportProblem& where)
      : code_(code), text_(std::move(text)), where_(where) {}
  /// Of an operator that is neither known nor a plugin: in the words that programs look for.
  explicit ParserError(const carnot::UnknownOnnxNode& node)
      : code_(ParserCode::kINVALID_NODE),
        text_(
            "creator && \"Plugin not found, are the plugin name, version, and namespace "
            "correct?\""),
        func_("checkFallbackPluginImporter"),
        where_{static_cast<int64_t>(node.index), node.name, node.op_type},
        calls_(node.calls) {
    for (const std::string& call : calls_) stack_.push_back(call.c_str());
  }
  ParserCode code() const override { return code_; }
  char const* desc() const override { return text_.c_str(); }
  char const* file() const override { return "carnot"; }
  int line() const override { return 0; }
  char const* func() const override { return func_; }
  int node() const override { return static_cast<int>(where_.node); }
  char const* nodeName() const override { return where_.name.c_str(); }
  char const* nodeOperator() const override { return where_.op_type.c_str(); }
  char const* const* localFunctionStack() const override {
    return stack_.empty() ? nullptr : stack_.data();
  }
  int32_t localFunctionStackSize() const override { return static_cast<int32_t>(stack_.size()); }

 private:
  ParserCode code_;
  std::string text_;
  const char* func_ = "import";
  carnot::ImportProblem where_;
  std::vector<std::string> calls_;
  std::vector<const char*> stack_;
};

ParserCode parser_code(const carnot::Status& status, bool at_node) {
  switch (status.code()) {
    case carnot::Code::kInvalidModel:
      return at_node ? ParserCode::kINVALID_NODE : ParserCode::kMODEL_DESERIALIZE_FAILED;
    case carnot::Code::kUnsupported:
      return at_node ? ParserCode::kUNSUPPORTED_NODE : ParserCode::kUNSUPPORTED_GRAPH;
    case carnot::Code::kOutOfMemory:
    case carnot::Code::kResourceLimit:
      return ParserCode::kMEM_ALLOC_FAILED;
    case carnot::Code::kInvalidArgument:
      return ParserCode::kINVALID_VALUE;
    case carnot::Code::kIo:
      return ParserCode::kMODEL_DESERIALIZE_FAILED;
    default:
      return ParserCode::kINTERNAL_ERROR;
  }
}

class Parser final : public IParser {
 public:
  Parser(Network& network, ILogger* logger) : network_(network), reporter_(logger) {}

  bool parse(void const* model, size_t size, char const* path) noexcept override;
  bool parseFromFile(char const* file, int verbosity) noexcept override;
  bool supportsModel(void const* model, size_t size, SubGraphCollection_t& subgraphs,
                     char const* path) noexcept override;
  // Weights may be addresses in other parsers; a model in memory is all of it here.
  bool parseWithWeightDescriptors(void const* model, size_t size) noexcept override {
    return parse(model, size, nullptr);
  }
  bool supportsOperator(char const* name) const noexcept override {
    return reporter_.guard("IParser::supportsOperator", false,
                           [&] { return name && carnot::supports_onnx_op(name); });
  }
  int getNbErrors() const noexcept override { return static_cast<int>(errors_.size()); }
  IParserError const* getError(int i) const noexcept override {
    return i >= 0 && i < getNbErrors() ? errors_[static_cast<size_t>(i)].get() : nullptr;
  }
  void clearErrors() noexcept override { errors_.clear(); }
  char const* const* getUsedVCPluginLibraries(int64_t& count) const noexcept override {
    count = 0;
    return nullptr;
  }
  void setFlags(OnnxParserFlags flags) noexcept override { flags_ = flags; }
  OnnxParserFlags getFlags() const noexcept override { return flags_; }
  void clearFlag(OnnxParserFlag flag) noexcept override { flags_ &= ~bit(flag); }
  void setFlag(OnnxParserFlag flag) noexcept override { flags_ |= bit(flag); }
  bool getFlag(OnnxParserFlag flag) const noexcept override { return (flags_ & bit(flag)) != 0; }
  ITensor const* getLayerOutputTensor(char const* name, int64_t i) noexcept override;
  bool supportsModelV2(void const* model, size_t size, char const* path) noexcept override;
  int64_t getNbSubgraphs() noexcept override { return static_cast<int64_t>(parts_.size()); }
  bool isSubgraphSupported(int64_t const i) noexcept override {
    return i >= 0 && i < getNbSubgraphs() && parts_[static_cast<size_t>(i)].supported;
  }
  int64_t* getSubgraphNodes(int64_t const i, int64_t& length) noexcept override;
  bool loadModelProto(void const* model, size_t size, char const* path) noexcept override;
  bool loadInitializer(char const* name, void const* data, size_t size) noexcept override;
  bool parseModelProto() noexcept override;
  bool setBuilderConfig(const IBuilderConfig* const config) noexcept override {
    return config != nullptr;
  }

 private:
  static uint32_t bit(OnnxParserFlag flag) { return 1u << (static_cast<uint32_t>(flag) & 31); }
  bool fail(const char* call, const carnot::Status& status,
            const carnot::ImportProblem& where = {});
  std::set<int64_t> fail_everywhere(const char* call, std::span<const std::byte> bytes,
                                    const carnot::Status& status,
                                    const carnot::ImportProblem& problem);
  bool load(const char* call, const carnot::OnnxModel& model);
  bool find_parts(const char* call, const carnot::OnnxModel& model);
  bool adopt(const char* call, const carnot::Network& model, const carnot::OnnxTrace& trace,
             ParsedPlugins& plugins, const std::vector<std::string>& unnamed);
  carnot::OnnxImport options(carnot::ImportProblem& problem, ParsedPlugins& plugins) const;
  const std::vector<carnot::OnnxNode>& nodes();

  Network& network_;
  Reporter reporter_;
  OnnxParserFlags flags_ = 1;  // kNATIVE_INSTANCENORM is what we do anyway
  std::vector<std::unique_ptr<ParserError>> errors_;
  std::vector<ModelPart> parts_;
  // What was parsed, for those who ask for its nodes.
  std::span<const std::byte> model_;
  std::string model_path_;
  std::optional<std::vector<carnot::OnnxNode>> nodes_;
  carnot::OnnxModel loaded_;  ///< by loadModelProto()
};

bool Parser::fail(const char* call, const carnot::Status& status,
                  const carnot::ImportProblem& where) {
  errors_.push_back(
      std::make_unique<ParserError>(parser_code(status, where.node >= 0), status.message(), where));
  reporter_.error(call, status);
  return false;
}

namespace {

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// Where a model of this path has its external data.
std::string folder_of(const char* path) {
  if (!path || !*path) return "";
  const std::string text = path;
  const size_t slash = text.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : text.substr(0, slash);
}

/// What neither the import nor a plugin's creator knows.
std::vector<carnot::UnknownOnnxNode> unknown_nodes(std::span<const std::byte> bytes) {
  auto all = carnot::unknown_onnx_nodes(bytes);
  if (!all.ok()) return {};
  all->erase(std::remove_if(all->begin(), all->end(), &ParsedPlugins::knows), all->end());
  return std::move(*all);
}

}  // namespace

/// An error for each node that no import would get past, those in functions and branches too; the
/// import's own where it stopped at another one. Gives the indices of those nodes.
std::set<int64_t> Parser::fail_everywhere(const char* call, std::span<const std::byte> bytes,
                                          const carnot::Status& status,
                                          const carnot::ImportProblem& problem) {
  std::set<int64_t> out;
  for (const carnot::UnknownOnnxNode& node : unknown_nodes(bytes)) {
    out.insert(static_cast<int64_t>(node.index));
    errors_.push_back(std::make_unique<ParserError>(node));
    std::string where = cat("node ", node.index, " '", node.name, "' (", node.op_type, ")");
    for (const std::string& function : node.calls) where += cat(" in ", function);
    reporter_.error(call, {carnot::Code::kUnsupported,
                           where + ": there is no importer for this operator, nor a creator of a "
                                   "plugin with this name, version and namespace: register one"});
  }
  if (out.count(problem.node) == 0) fail(call, status, problem);
  if (problem.node >= 0) out.insert(problem.node);
  return out;
}

// Operators that nobody else knows may be plugins.
carnot::OnnxImport Parser::options(carnot::ImportProblem& problem, ParsedPlugins& plugins) const {
  carnot::OnnxImport out;
  out.problem = &problem;
  out.custom = [&plugins](const carnot::OnnxCall& call) { return plugins.make(call); };
  out.keep_identities = true;
  out.mix_doubles = true;  // doubles are floats in TensorRT: models mix them
  out.custom_first = getFlag(OnnxParserFlag::kENABLE_PLUGIN_OVERRIDE);
  return out;
}

bool Parser::adopt(const char* call, const carnot::Network& model, const carnot::OnnxTrace& trace,
                   ParsedPlugins& plugins, const std::vector<std::string>& unnamed) {
  for (const carnot::TensorSpec& spec : model.inputs()) {
    if (data_type_of(spec.type.dtype) || spec.type.dtype == carnot::DType::kF64) continue;
    return fail(call,
                {carnot::Code::kUnsupported,
                 cat("input '", spec.name, "' is ", carnot::to_string(spec.type),
                     ", a type that TensorRT's interface cannot describe: cast it in the model")});
  }
  const std::vector<NetTensor*> outputs = OnnxView(network_, model, trace, plugins, unnamed).show();
  const std::vector<carnot::TensorSpec> specs = model.outputs();
  for (size_t i = 0; i < outputs.size(); ++i) network_.mark_named(*outputs[i], specs[i]);
  return true;
}

bool Parser::load(const char* call, const carnot::OnnxModel& model) {
  model_ = model.bytes;
  nodes_.reset();
  carnot::ImportProblem problem;
  ParsedPlugins plugins(network_);
  std::vector<std::string> unnamed;
  carnot::OnnxImport how = options(problem, plugins);
  how.unnamed = &unnamed;
  carnot::OnnxTrace trace;
  how.trace = &trace;
  const auto network = carnot::import_onnx_model(model, how);
  if (!network.ok()) {
    fail_everywhere(call, model.bytes, network.status(), problem);
    return false;
  }
  return adopt(call, *network, trace, plugins, unnamed);
}

bool Parser::parse(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::parse";
  return reporter_.guard(call, false, [&] {
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const auto* const begin = static_cast<const std::byte*>(model);
    return load(call, {network_.keep_bytes({begin, begin + size}), folder_of(path)});
  });
}

bool Parser::parseFromFile(char const* file, int) noexcept {
  const char* const call = "IParser::parseFromFile";
  return reporter_.guard(call, false, [&] {
    if (!file) return fail(call, {carnot::Code::kInvalidArgument, "the file's name is null"});
    model_ = {}, model_path_ = file;
    nodes_.reset();
    carnot::ImportProblem problem;
    ParsedPlugins plugins(network_);
    std::vector<std::string> unnamed;
    carnot::OnnxImport how = options(problem, plugins);
    how.unnamed = &unnamed;
    carnot::OnnxTrace trace;
    how.trace = &trace;
    const auto network = carnot::import_onnx_model(std::string(file), how);
    if (network.ok()) return adopt(call, *network, trace, plugins, unnamed);
    if (problem.node < 0) return fail(call, network.status(), problem);
    fail_everywhere(call, read_file(file), network.status(), problem);
    return false;
  });
}

bool Parser::supportsModelV2(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::supportsModelV2";
  return reporter_.guard(call, false, [&] {
    parts_.clear();
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(model), size);
    return find_parts(call, {bytes, folder_of(path)});
  });
}

bool Parser::find_parts(const char* call, const carnot::OnnxModel& model) {
  const auto nodes = carnot::onnx_nodes(model.bytes);
  const auto outline = carnot::onnx_outline(model.bytes);
  if (!nodes.ok() || !outline.ok()) {
    return fail(call, nodes.ok() ? outline.status() : nodes.status());
  }
  if (is_without_work(*outline, *nodes)) return false;
  carnot::ImportProblem problem;
  ParsedPlugins plugins(network_);
  const auto network = carnot::import_onnx_model(model, options(problem, plugins));
  std::set<int64_t> refused;
  if (!network.ok()) refused = fail_everywhere(call, model.bytes, network.status(), problem);
  const ImportVerdict verdict{network.ok(), problem.node, std::move(refused)};
  ModelParts found = parts_of(*outline, *nodes, verdict);
  parts_ = std::move(found.parts);
  for (const auto& [index, why] : found.left_out) {
    const carnot::OnnxNode& node = (*nodes)[static_cast<size_t>(index)];
    fail(call,
         {carnot::Code::kUnsupported,
          cat("node ", index, " '", node.name, "' (", node.op_type, "): ", why)},
         {index, node.name, node.op_type});
  }
  return network.ok() && found.left_out.empty();
}

bool Parser::supportsModel(void const* model, size_t size, SubGraphCollection_t& subgraphs,
                           char const* path) noexcept {
  const bool good = supportsModelV2(model, size, path);
  reporter_.guard("IParser::supportsModel", [&] {
    subgraphs.clear();
    for (const ModelPart& part : parts_) {
      subgraphs.push_back({{part.nodes.begin(), part.nodes.end()}, part.supported});
    }
  });
  return good;
}

int64_t* Parser::getSubgraphNodes(int64_t const i, int64_t& length) noexcept {
  length = 0;
  if (i < 0 || i >= getNbSubgraphs()) return nullptr;
  std::vector<int64_t>& nodes = parts_[static_cast<size_t>(i)].nodes;
  length = static_cast<int64_t>(nodes.size());
  return nodes.data();
}

const std::vector<carnot::OnnxNode>& Parser::nodes() {
  if (!nodes_) {
    const Bytes file = model_.empty() ? read_file(model_path_) : Bytes();
    auto all = carnot::onnx_nodes(model_.empty() ? std::span<const std::byte>(file) : model_);
    nodes_ = all.ok() ? std::move(*all) : std::vector<carnot::OnnxNode>();
  }
  return *nodes_;
}

/// What the ONNX node of this name gives; else what a layer of this name does.
ITensor const* Parser::getLayerOutputTensor(char const* name, int64_t i) noexcept {
  ITensor* const none = nullptr;
  return reporter_.guard("IParser::getLayerOutputTensor", none, [&]() -> ITensor* {
    if (!name || i < 0) return nullptr;
    const auto at = static_cast<size_t>(i);
    std::string wanted;
    for (const carnot::OnnxNode& node : nodes()) {
      if (node.name == name && at < node.outputs.size()) wanted = node.outputs[at];
    }
    for (const auto& layer : network_.layers()) {
      for (const auto& output : layer->outputs) {
        if (!wanted.empty() && output->name == wanted) return output.get();
      }
    }
    for (const auto& layer : network_.layers()) {
      if (layer->name == name && at < layer->outputs.size()) return layer->outputs[at].get();
    }
    return nullptr;
  });
}

bool Parser::loadModelProto(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::loadModelProto";
  return reporter_.guard(call, false, [&] {
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const auto* const begin = static_cast<const std::byte*>(model);
    loaded_ = {network_.keep_bytes({begin, begin + size}), folder_of(path)};
    return true;
  });
}

bool Parser::loadInitializer(char const* name, void const* data, size_t size) noexcept {
  const char* const call = "IParser::loadInitializer";
  return reporter_.guard(call, false, [&] {
    const auto refuse_it = [&](const std::string& why) {
      return fail(call, {carnot::Code::kInvalidArgument,
                         cat("initializer '", name ? name : "(null)", "': ", why)});
    };
    if (loaded_.bytes.empty()) return refuse_it("loadModelProto() comes first");
    if (!name || !data || size == 0) return refuse_it("its name or data is null");
    const auto* const begin = static_cast<const std::byte*>(data);
    loaded_.initializers[name] = network_.keep_bytes({begin, begin + size});
    return true;
  });
}

bool Parser::parseModelProto() noexcept {
  const char* const call = "IParser::parseModelProto";
  return reporter_.guard(call, false, [&] {
    if (loaded_.bytes.empty()) {
      return fail(call, {carnot::Code::kInvalidArgument, "loadModelProto() comes first"});
    }
    return load(call, loaded_);
  });
}

}  // namespace

void* make_parser(void* network, void* logger) noexcept {
  if (!network || !logger) return nullptr;
  auto& ours = static_cast<Network&>(*static_cast<INetworkDefinition*>(network));
  return static_cast<IParser*>(new (std::nothrow) Parser(ours, static_cast<ILogger*>(logger)));
}

}  // namespace trt
