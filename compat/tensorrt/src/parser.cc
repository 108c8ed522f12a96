#include "parser.h"

#include <cstring>
#include <fstream>

#include "NvOnnxParser.h"
#include "imported.h"
#include "network.h"

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
  ParserCode code() const override { return code_; }
  char const* desc() const override { return text_.c_str(); }
  char const* file() const override { return "carnot"; }
  int line() const override { return 0; }
  char const* func() const override { return "import"; }
  int node() const override { return static_cast<int>(where_.node); }
  char const* nodeName() const override { return where_.name.c_str(); }
  char const* nodeOperator() const override { return where_.op_type.c_str(); }
  char const* const* localFunctionStack() const override { return nullptr; }
  int32_t localFunctionStackSize() const override { return 0; }

 private:
  ParserCode code_;
  std::string text_;
  carnot::ImportProblem where_;
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
  int64_t getNbSubgraphs() noexcept override { return static_cast<int64_t>(subgraphs_.size()); }
  bool isSubgraphSupported(int64_t const i) noexcept override {
    return i >= 0 && i < getNbSubgraphs() && subgraphs_[static_cast<size_t>(i)].supported;
  }
  int64_t* getSubgraphNodes(int64_t const i, int64_t& length) noexcept override;
  bool loadModelProto(void const* model, size_t size, char const* path) noexcept override;
  bool loadInitializer(char const* name, void const* data, size_t size) noexcept override;
  bool parseModelProto() noexcept override;
  bool setBuilderConfig(const IBuilderConfig* const config) noexcept override {
    return config != nullptr;
  }

 private:
  struct Subgraph {
    bool supported = false;
    std::vector<int64_t> nodes;
  };
  static uint32_t bit(OnnxParserFlag flag) { return 1u << (static_cast<uint32_t>(flag) & 31); }
  bool fail(const char* call, const carnot::Status& status,
            const carnot::ImportProblem& where = {});
  bool adopt(const char* call, carnot::Result<carnot::Network> model,
             const carnot::ImportProblem& problem);

  Network& network_;
  Reporter reporter_;
  OnnxParserFlags flags_ = 1;  // kNATIVE_INSTANCENORM is what we do anyway
  std::vector<std::unique_ptr<ParserError>> errors_;
  std::vector<Subgraph> subgraphs_;
  Bytes loaded_;
  std::string loaded_path_;
};

bool Parser::fail(const char* call, const carnot::Status& status,
                  const carnot::ImportProblem& where) {
  errors_.push_back(
      std::make_unique<ParserError>(parser_code(status, where.node >= 0), status.message(), where));
  reporter_.error(call, status);
  return false;
}

bool Parser::adopt(const char* call, carnot::Result<carnot::Network> model,
                   const carnot::ImportProblem& problem) {
  if (!model.ok()) return fail(call, model.status(), problem);
  for (const carnot::TensorSpec& spec : model->inputs()) {
    if (data_type_of(spec.type.dtype)) continue;
    return fail(call,
                {carnot::Code::kUnsupported,
                 cat("input '", spec.name, "' is ", carnot::to_string(spec.type),
                     ", a type that TensorRT's interface cannot describe: cast it in the model")});
  }
  const std::vector<NetTensor*> outputs = import_layers(network_, *model);
  const std::vector<carnot::TensorSpec> specs = model->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) network_.mark_named(*outputs[i], specs[i]);
  return true;
}

bool Parser::parse(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::parse";
  return reporter_.guard(call, false, [&] {
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const auto* const begin = static_cast<const std::byte*>(model);
    const std::span<const std::byte> bytes = network_.keep_bytes({begin, begin + size});
    carnot::ImportProblem problem;
    carnot::Result<carnot::Network> network = carnot::Network::from_onnx(bytes, {}, &problem);
    if (!network.ok() && path && *path) {  // its weights may lie beside the file that it came from
      carnot::ImportProblem second;
      auto from_file = carnot::Network::from_onnx(std::string(path), {}, &second);
      if (from_file.ok()) return adopt(call, std::move(from_file), second);
    }
    return adopt(call, std::move(network), problem);
  });
}

bool Parser::parseFromFile(char const* file, int) noexcept {
  const char* const call = "IParser::parseFromFile";
  return reporter_.guard(call, false, [&] {
    if (!file) return fail(call, {carnot::Code::kInvalidArgument, "the file's name is null"});
    carnot::ImportProblem problem;
    carnot::Result<carnot::Network> network =
        carnot::Network::from_onnx(std::string(file), {}, &problem);
    return adopt(call, std::move(network), problem);
  });
}

bool Parser::supportsModelV2(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::supportsModelV2";
  return reporter_.guard(call, false, [&] {
    subgraphs_.clear();
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(model), size);
    const auto nodes = carnot::onnx_nodes(bytes);
    if (!nodes.ok()) return fail(call, nodes.status());
    carnot::ImportProblem problem;
    auto network = carnot::Network::from_onnx(bytes, {}, &problem);
    if (!network.ok() && path && *path) {
      auto from_file = carnot::Network::from_onnx(std::string(path), {}, &problem);
      if (from_file.ok()) network = std::move(from_file);
    }
    if (!network.ok()) fail(call, network.status(), problem);
    const auto supported = [&](size_t i) {
      if (network.ok()) return true;
      const carnot::OnnxNode& node = (*nodes)[i];
      if (static_cast<int64_t>(i) < problem.node) return true;
      return static_cast<int64_t>(i) > problem.node && problem.node >= 0 &&
             (!node.domain.empty() || carnot::supports_onnx_op(node.op_type));
    };
    for (size_t i = 0; i < nodes->size(); ++i) {
      const bool good = supported(i);
      if (subgraphs_.empty() || subgraphs_.back().supported != good)
        subgraphs_.push_back({good, {}});
      subgraphs_.back().nodes.push_back(static_cast<int64_t>(i));
    }
    return network.ok();
  });
}

bool Parser::supportsModel(void const* model, size_t size, SubGraphCollection_t& subgraphs,
                           char const* path) noexcept {
  const bool good = supportsModelV2(model, size, path);
  reporter_.guard("IParser::supportsModel", [&] {
    subgraphs.clear();
    for (const Subgraph& s : subgraphs_) {
      subgraphs.push_back({{s.nodes.begin(), s.nodes.end()}, s.supported});
    }
  });
  return good;
}

int64_t* Parser::getSubgraphNodes(int64_t const i, int64_t& length) noexcept {
  length = 0;
  if (i < 0 || i >= getNbSubgraphs()) return nullptr;
  std::vector<int64_t>& nodes = subgraphs_[static_cast<size_t>(i)].nodes;
  length = static_cast<int64_t>(nodes.size());
  return nodes.data();
}

ITensor const* Parser::getLayerOutputTensor(char const* name, int64_t i) noexcept {
  for (const auto& layer : network_.layers()) {
    if (!name || layer->name != name) continue;
    const bool has = i >= 0 && i < static_cast<int64_t>(layer->outputs.size());
    return has ? layer->outputs[static_cast<size_t>(i)].get() : nullptr;
  }
  return nullptr;
}

bool Parser::loadModelProto(void const* model, size_t size, char const* path) noexcept {
  const char* const call = "IParser::loadModelProto";
  return reporter_.guard(call, false, [&] {
    if (!model) return fail(call, {carnot::Code::kInvalidArgument, "the model is null"});
    const auto* const begin = static_cast<const std::byte*>(model);
    loaded_.assign(begin, begin + size);
    loaded_path_ = path ? path : "";
    return true;
  });
}

bool Parser::loadInitializer(char const* name, void const*, size_t) noexcept {
  return fail(
      "IParser::loadInitializer",
      {carnot::Code::kUnsupported, cat("weights '", name ? name : "(null)",
                                       "': weights are read from the model and its files")});
}

bool Parser::parseModelProto() noexcept {
  const char* const call = "IParser::parseModelProto";
  if (loaded_.empty()) {
    return fail(call, {carnot::Code::kInvalidArgument, "loadModelProto() comes first"});
  }
  return parse(loaded_.data(), loaded_.size(), loaded_path_.c_str());
}

}  // namespace

void* make_parser(void* network, void* logger) noexcept {
  if (!network || !logger) return nullptr;
  auto& ours = static_cast<Network&>(*static_cast<INetworkDefinition*>(network));
  return static_cast<IParser*>(new (std::nothrow) Parser(ours, static_cast<ILogger*>(logger)));
}

}  // namespace trt
