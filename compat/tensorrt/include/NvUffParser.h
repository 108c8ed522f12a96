// UFF models (versions 3 to 8). Sources that mention them compile; there is no parser: convert the
// model to ONNX.

#pragma once

#include "NvInfer.h"

#define UFF_REQUIRED_VERSION_MAJOR 0
#define UFF_REQUIRED_VERSION_MINOR 6
#define UFF_REQUIRED_VERSION_PATCH 9

namespace nvuffparser {

enum class UffInputOrder : int32_t {
  kNCHW = 0,
  kNHWC = 1,
  kNC = 2,
};

enum class FieldType : int32_t {
  kFLOAT = 0,
  kINT32 = 1,
  kCHAR = 2,
  kDIMS = 4,
  kDATATYPE = 5,
  kUNKNOWN = 6,
};

/// A parameter of a plugin.
class FieldMap {
 public:
  FieldMap() = default;
  FieldMap(char const* fieldName, void const* fieldData, FieldType fieldType,
           int32_t fieldLength = 1)
      : name(fieldName), data(fieldData), type(fieldType), length(fieldLength) {}

  char const* name = nullptr;
  void const* data = nullptr;
  FieldType type = FieldType::kUNKNOWN;
  int32_t length = 1;
};

struct FieldCollection {
  int32_t nbFields;
  FieldMap const* fields;
};

class IUffParser {
 public:
  virtual bool registerInput(char const* inputName, nvinfer1::Dims inputDims,
                             UffInputOrder inputOrder) noexcept = 0;
  virtual bool registerOutput(char const* outputName) noexcept = 0;
  virtual bool parse(char const* file, nvinfer1::INetworkDefinition& network,
                     nvinfer1::DataType weightsType = nvinfer1::DataType::kFLOAT) noexcept = 0;
  virtual bool parseBuffer(
      char const* buffer, std::size_t size, nvinfer1::INetworkDefinition& network,
      nvinfer1::DataType weightsType = nvinfer1::DataType::kFLOAT) noexcept = 0;
  virtual void destroy() noexcept = 0;
  virtual int32_t getUffRequiredVersionMajor() noexcept = 0;
  virtual int32_t getUffRequiredVersionMinor() noexcept = 0;
  virtual int32_t getUffRequiredVersionPatch() noexcept = 0;
  virtual void setPluginNamespace(char const* libNamespace) noexcept = 0;
  virtual ~IUffParser() noexcept = default;
  virtual void setErrorRecorder(nvinfer1::IErrorRecorder* recorder) noexcept = 0;
  virtual nvinfer1::IErrorRecorder* getErrorRecorder() const noexcept = 0;
};

/// Always null.
inline IUffParser* createUffParser() noexcept {
  return nullptr;
}
inline void shutdownProtobufLibrary() noexcept {}

}  // namespace nvuffparser
