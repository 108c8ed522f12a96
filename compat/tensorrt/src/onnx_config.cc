// IOnnxConfig: settings that programs of version 5 keep for themselves.

#include <string>

#include "NvOnnxConfig.h"

namespace nvonnxparser {
namespace {

class OnnxConfig final : public IOnnxConfig {
 public:
  void setModelDtype(const nvinfer1::DataType type) noexcept override { type_ = type; }
  nvinfer1::DataType getModelDtype() const noexcept override { return type_; }
  char const* getModelFileName() const noexcept override { return model_.c_str(); }
  void setModelFileName(char const* name) noexcept override { assign(model_, name); }
  Verbosity getVerbosityLevel() const noexcept override { return verbosity_; }
  void addVerbosity() noexcept override { verbosity_++; }
  void reduceVerbosity() noexcept override { verbosity_--; }
  void setVerbosityLevel(Verbosity level) noexcept override { verbosity_ = level; }
  char const* getTextFileName() const noexcept override { return text_.c_str(); }
  void setTextFileName(char const* name) noexcept override { assign(text_, name); }
  char const* getFullTextFileName() const noexcept override { return full_text_.c_str(); }
  void setFullTextFileName(char const* name) noexcept override { assign(full_text_, name); }
  bool getPrintLayerInfo() const noexcept override { return print_; }
  void setPrintLayerInfo(bool print) noexcept override { print_ = print; }

 private:
  static void assign(std::string& to, char const* text) { to = text != nullptr ? text : ""; }

  nvinfer1::DataType type_ = nvinfer1::DataType::kFLOAT;
  std::string model_, text_, full_text_;
  Verbosity verbosity_ = static_cast<Verbosity>(nvinfer1::ILogger::Severity::kWARNING);
  bool print_ = false;
};

}  // namespace

IOnnxConfig* createONNXConfig() {
  return new OnnxConfig;
}

}  // namespace nvonnxparser
