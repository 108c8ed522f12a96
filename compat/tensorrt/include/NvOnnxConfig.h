// A holder of the parser's settings, from the days of version 5.

#pragma once

#include "NvInfer.h"

namespace nvonnxparser {

/// Settings of a parser that programs keep for themselves; the parser does not read them.
class IOnnxConfig {
 public:
  virtual ~IOnnxConfig() noexcept = default;
  typedef int32_t Verbosity;
  virtual void setModelDtype(const nvinfer1::DataType) = 0;
  virtual nvinfer1::DataType getModelDtype() const = 0;
  virtual char const* getModelFileName() const = 0;
  virtual void setModelFileName(char const* onnxFilename) = 0;
  virtual Verbosity getVerbosityLevel() const = 0;
  virtual void addVerbosity() = 0;
  virtual void reduceVerbosity() = 0;
  virtual void setVerbosityLevel(Verbosity) = 0;
  virtual char const* getTextFileName() const = 0;
  virtual void setTextFileName(char const* textFileName) = 0;
  virtual char const* getFullTextFileName() const = 0;
  virtual void setFullTextFileName(char const* fullTextFileName) = 0;
  virtual bool getPrintLayerInfo() const = 0;
  virtual void setPrintLayerInfo(bool) = 0;

 public:
  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9, whose programs implement it).
#if defined(TENSORRT_BUILD_LIB) || CARNOT_TENSORRT_SOURCE < 10
  virtual void destroy() {
    delete this;
  }
#else
  void destroy() {
    delete this;
  }
#endif
};

}  // namespace nvonnxparser

namespace nvonnxparser {
/// An empty configuration; the caller deletes it.
TENSORRTAPI IOnnxConfig* createONNXConfig();
}  // namespace nvonnxparser
