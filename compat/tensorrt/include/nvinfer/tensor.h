// ITensor and ILayer: the edges and the nodes of a network.

#pragma once

#include "NvInferRuntime.h"

namespace nvinfer1 {

/// What ILayer::getType() tells.
enum class LayerType : int32_t {
  kCONVOLUTION = 0,
  kCAST = 1,
  kACTIVATION = 2,
  kPOOLING = 3,
  kLRN = 4,
  kSCALE = 5,
  kSOFTMAX = 6,
  kDECONVOLUTION = 7,
  kCONCATENATION = 8,
  kELEMENTWISE = 9,
  kPLUGIN = 10,
  kUNARY = 11,
  kPADDING = 12,
  kSHUFFLE = 13,
  kREDUCE = 14,
  kTOPK = 15,
  kGATHER = 16,
  kMATRIX_MULTIPLY = 17,
  kRAGGED_SOFTMAX = 18,
  kCONSTANT = 19,
  kIDENTITY = 20,
  kPLUGIN_V2 = 21,
  kSLICE = 22,
  kSHAPE = 23,
  kPARAMETRIC_RELU = 24,
  kRESIZE = 25,
  kTRIP_LIMIT = 26,
  kRECURRENCE = 27,
  kITERATOR = 28,
  kLOOP_OUTPUT = 29,
  kSELECT = 30,
  kFILL = 31,
  kQUANTIZE = 32,
  kDEQUANTIZE = 33,
  kCONDITION = 34,
  kCONDITIONAL_INPUT = 35,
  kCONDITIONAL_OUTPUT = 36,
  kSCATTER = 37,
  kEINSUM = 38,
  kASSERTION = 39,
  kONE_HOT = 40,
  kNON_ZERO = 41,
  kGRID_SAMPLE = 42,
  kNMS = 43,
  kREVERSE_SEQUENCE = 44,
  kNORMALIZATION = 45,
  kPLUGIN_V3 = 46,
  kSQUEEZE = 47,
  kUNSQUEEZE = 48,
  kCUMULATIVE = 49,
  kDYNAMIC_QUANTIZE = 50,
  kATTENTION_INPUT = 51,
  kATTENTION_OUTPUT = 52,
  kROTARY_EMBEDDING = 53,
  kKVCACHE_UPDATE = 54,
  kMOE = 55,
  kDIST_COLLECTIVE = 56,
  // Names of other versions.
  // Never returned: these layers are made of others.
  kFULLY_CONNECTED = 1000,
  kRNN = 1001,
  kRNN_V2 = 1002,
};

/// An edge of a network: made by addInput() or by a layer. The network owns it.
class ITensor : public INoCopy {
 public:
  /// Copied.
  void setName(char const* name) noexcept { mImpl->setName(name); }
  char const* getName() const noexcept { return mImpl->getName(); }

  /// Of a network input only; -1 for dynamic sizes.
  void setDimensions(Dims const& dimensions) noexcept { mImpl->setDimensions(dimensions); }

  /// -1 for sizes that are not known; nbDims is -1 where the layer is not valid.
  Dims getDimensions() const noexcept { return mImpl->getDimensions(); }

  /// Of network inputs, and of outputs where the network is not strongly typed.
  void setType(DataType type) noexcept { mImpl->setType(type); }
  DataType getType() const noexcept { return mImpl->getType(); }

  /// For quantization to INT8: values of [min, max] are represented.
  bool setDynamicRange(float min, float max) noexcept { return mImpl->setDynamicRange(min, max); }
  bool isNetworkInput() const noexcept { return mImpl->isNetworkInput(); }
  bool isNetworkOutput() const noexcept { return mImpl->isNetworkOutput(); }

  /// Without effect.
  void setBroadcastAcrossBatch(bool broadcastAcrossBatch) noexcept {
    mImpl->setBroadcastAcrossBatch(broadcastAcrossBatch);
  }
  bool getBroadcastAcrossBatch() const noexcept { return mImpl->getBroadcastAcrossBatch(); }
  TensorLocation getLocation() const noexcept { return mImpl->getLocation(); }

  /// kHOST for inputs that only shapes depend on.
  void setLocation(TensorLocation location) noexcept { mImpl->setLocation(location); }
  bool dynamicRangeIsSet() const noexcept { return mImpl->dynamicRangeIsSet(); }
  void resetDynamicRange() noexcept { mImpl->resetDynamicRange(); }
  float getDynamicRangeMin() const noexcept { return mImpl->getDynamicRangeMin(); }
  float getDynamicRangeMax() const noexcept { return mImpl->getDynamicRangeMax(); }

  /// A bit for each TensorFormat; must allow kLINEAR.
  void setAllowedFormats(TensorFormats formats) noexcept { mImpl->setAllowedFormats(formats); }
  TensorFormats getAllowedFormats() const noexcept { return mImpl->getAllowedFormats(); }

  /// Whether shapes of the network depend on its values.
  bool isShapeTensor() const noexcept { return mImpl->isShapeTensor(); }
  bool isExecutionTensor() const noexcept { return mImpl->isExecutionTensor(); }

  /// Inputs whose dimensions have one name have one size there.
  void setDimensionName(int32_t index, char const* name) noexcept {
    mImpl->setDimensionName(index, name);
  }
  char const* getDimensionName(int32_t index) const noexcept {
    return mImpl->getDimensionName(index);
  }

 protected:
  apiv::VTensor* mImpl;
  virtual ~ITensor() noexcept = default;
};

/// A node of a network. The network owns it.
class ILayer : public INoCopy {
 public:
  LayerType getType() const noexcept { return mLayer->getType(); }

  /// Copied.
  void setName(char const* name) noexcept { mLayer->setName(name); }
  char const* getName() const noexcept { return mLayer->getName(); }
  int32_t getNbInputs() const noexcept { return mLayer->getNbInputs(); }

  /// Null out of range, and where an optional input is not set.
  ITensor* getInput(int32_t index) const noexcept { return mLayer->getInput(index); }
  int32_t getNbOutputs() const noexcept { return mLayer->getNbOutputs(); }

  /// Null out of range.
  ITensor* getOutput(int32_t index) const noexcept { return mLayer->getOutput(index); }

  /// Replaces an input; some layers take more of them for what else is a parameter.
  void setInput(int32_t index, ITensor& tensor) noexcept { return mLayer->setInput(index, tensor); }

  /// A wish, or an order under BuilderFlag::kOBEY_PRECISION_CONSTRAINTS.
  void setPrecision(DataType dataType) noexcept { mLayer->setPrecision(dataType); }
  DataType getPrecision() const noexcept { return mLayer->getPrecision(); }
  bool precisionIsSet() const noexcept { return mLayer->precisionIsSet(); }
  void resetPrecision() noexcept { mLayer->resetPrecision(); }

  /// The element type of an output.
  void setOutputType(int32_t index, DataType dataType) noexcept {
    mLayer->setOutputType(index, dataType);
  }
  DataType getOutputType(int32_t index) const noexcept { return mLayer->getOutputType(index); }
  bool outputTypeIsSet(int32_t index) const noexcept { return mLayer->outputTypeIsSet(index); }
  void resetOutputType(int32_t index) noexcept { return mLayer->resetOutputType(index); }

  /// Copied; shown by IEngineInspector.
  void setMetadata(char const* metadata) noexcept { mLayer->setMetadata(metadata); }
  char const* getMetadata() const noexcept { return mLayer->getMetadata(); }

  /// False above 1: one process has one device.
  bool setNbRanks(int32_t nbRanks) noexcept { return mLayer->setNbRanks(nbRanks); }
  int32_t getNbRanks() const noexcept { return mLayer->getNbRanks(); }

 protected:
  virtual ~ILayer() noexcept = default;
  apiv::VLayer* mLayer;
};

}  // namespace nvinfer1
