// A holder of the parser's settings, from the days of version 5.

#pragma once

#include "NvInfer.h"

namespace nvonnxparser {

/// Settings of a parser that programs keep for themselves; the parser does not read them.
class IOnnxConfig {
 public:
  virtual ~IOnnxConfig() noexcept = default;
  typedef int32_t Verbosity;
  virtual void setModelDtype(const nvinfer1::DataType) noexcept = 0;
  virtual nvinfer1::DataType getModelDtype() const noexcept = 0;
  virtual char const* getModelFileName() const noexcept = 0;
  virtual void setModelFileName(char const* onnxFilename) noexcept = 0;
  virtual Verbosity getVerbosityLevel() const noexcept = 0;
  virtual void addVerbosity() noexcept = 0;
  virtual void reduceVerbosity() noexcept = 0;
  virtual void setVerbosityLevel(Verbosity) noexcept = 0;
  virtual char const* getTextFileName() const noexcept = 0;
  virtual void setTextFileName(char const* textFileName) noexcept = 0;
  virtual char const* getFullTextFileName() const noexcept = 0;
  virtual void setFullTextFileName(char const* fullTextFileName) noexcept = 0;
  virtual bool getPrintLayerInfo() const noexcept = 0;
  virtual void setPrintLayerInfo(bool) noexcept = 0;

 public:
  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }
};

}  // namespace nvonnxparser

namespace nvonnxparser {
/// An empty configuration; the caller deletes it.
TENSORRTAPI IOnnxConfig* createONNXConfig();
}  // namespace nvonnxparser
