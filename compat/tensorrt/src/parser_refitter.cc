// IParserRefitter: gives an IRefitter the weights of a model, by their initializers' names.
#include <cstring>
#include <fstream>
#include <iterator>
#include <list>
#include <set>

#include "NvOnnxParser.h"
#include "refitter.h"

namespace trt {

namespace {

using nvonnxparser::IParserError;
using nvonnxparser::IParserRefitter;
using ParserCode = nvonnxparser::ErrorCode;

class RefitError final : public IParserError {
 public:
  explicit RefitError(std::string text) : text_(std::move(text)) {}
  ParserCode code() const override { return ParserCode::kREFIT_FAILED; }
  char const* desc() const override { return text_.c_str(); }
  char const* file() const override { return "carnot"; }
  int line() const override { return 0; }
  char const* func() const override { return "refit"; }
  int node() const override { return -1; }
  char const* nodeName() const override { return ""; }
  char const* nodeOperator() const override { return ""; }
  char const* const* localFunctionStack() const override { return nullptr; }
  int32_t localFunctionStackSize() const override { return 0; }

 private:
  std::string text_;
};

class ParserRefitter final : public IParserRefitter {
 public:
  ParserRefitter(IRefitter& refitter, ILogger* logger) : refitter_(refitter), reporter_(logger) {}

  bool refitFromBytes(void const* model, size_t size, char const* path) noexcept override {
    return loadModelProto(model, size, path) && refitModelProto();
  }
  bool refitFromFile(char const* file) noexcept override {
    const char* const call = "IParserRefitter::refitFromFile";
    return reporter_.guard(call, false, [&] {
      std::ifstream in(file ? file : "", std::ios::binary);
      if (!in) return fail(call, cat("cannot read '", file ? file : "(null)", "'"));
      const std::string text((std::istreambuf_iterator<char>(in)),
                             std::istreambuf_iterator<char>());
      return refitFromBytes(text.data(), text.size(), file);
    });
  }
  int32_t getNbErrors() const noexcept override { return static_cast<int32_t>(errors_.size()); }
  IParserError const* getError(int32_t i) const noexcept override {
    return i >= 0 && i < getNbErrors() ? errors_[static_cast<size_t>(i)].get() : nullptr;
  }
  void clearErrors() override { errors_.clear(); }
  bool loadModelProto(void const* model, size_t size, char const* path) noexcept override {
    const char* const call = "IParserRefitter::loadModelProto";
    return reporter_.guard(call, false, [&] {
      if (!model) return fail(call, "the model is null");
      const auto* const begin = static_cast<const std::byte*>(model);
      kept_.emplace_back(begin, begin + size);
      model_ = {};
      model_.bytes = kept_.back();
      const std::string text = path ? path : "";
      const size_t slash = text.rfind('/');
      if (!text.empty()) model_.folder = slash == std::string::npos ? "." : text.substr(0, slash);
      return true;
    });
  }
  bool loadInitializer(char const* name, void const* data, size_t size) noexcept override {
    const char* const call = "IParserRefitter::loadInitializer";
    return reporter_.guard(call, false, [&] {
      if (model_.bytes.empty()) return fail(call, "loadModelProto() comes first");
      if (!name || !data) return fail(call, "the name or the data is null");
      const auto* const begin = static_cast<const std::byte*>(data);
      kept_.emplace_back(begin, begin + size);
      model_.initializers[name] = kept_.back();
      return true;
    });
  }
  bool refitModelProto() noexcept override;

 private:
  bool fail(const char* call, const std::string& why) {
    errors_.push_back(std::make_unique<RefitError>(why));
    reporter_.error(ErrorCode::kINVALID_ARGUMENT, call, why);
    return false;
  }

  IRefitter& refitter_;
  Reporter reporter_;
  std::vector<std::unique_ptr<RefitError>> errors_;
  std::list<std::vector<std::byte>> kept_;
  carnot::OnnxModel model_;
  std::vector<carnot::Network> networks_;  ///< whose constants the refitter was given
};

bool ParserRefitter::refitModelProto() noexcept {
  const char* const call = "IParserRefitter::refitModelProto";
  return reporter_.guard(call, false, [&] {
    if (model_.bytes.empty()) return fail(call, "loadModelProto() comes first");
    carnot::Result<carnot::Network> network = carnot::Network::from_onnx(model_);
    if (!network.ok()) return fail(call, network.status().message());
    std::vector<char const*> names(static_cast<size_t>(refitter_.getAllWeights(0, nullptr)));
    refitter_.getAllWeights(static_cast<int32_t>(names.size()), names.data());
    std::set<std::string> open(names.begin(), names.end());
    networks_.push_back(std::move(*network));
    const carnot::Network& model = networks_.back();
    bool good = true;
    for (const carnot::Network::Node& node : model.nodes()) {
      const auto* const constant = std::get_if<carnot::op::Constant>(&node.op);
      if (!constant) continue;
      const std::string& name = model.name(node.outputs[0]);
      const auto type = data_type_of(constant->value.dtype());
      if (open.erase(name) == 0 || !type || constant->value.is_splat()) continue;
      const Weights weights{*type, constant->value.data(), constant->value.elements()};
      if (!refitter_.setNamedWeights(name.c_str(), weights)) {
        good = fail(call, cat("the engine does not take the model's '", name, "'"));
      }
    }
    if (!open.empty()) {
      reporter_.warning(cat(open.size(),
                            " weights of the engine are not in the model, among them '",
                            *open.begin(), "': they stay as they are"));
    }
    return good;
  });
}

}  // namespace

void* make_parser_refitter(void* refitter, void* logger) noexcept {
  if (!refitter || !logger) return nullptr;
  auto& given = *static_cast<IRefitter*>(refitter);
  return static_cast<IParserRefitter*>(new (std::nothrow)
                                           ParserRefitter(given, static_cast<ILogger*>(logger)));
}

}  // namespace trt
