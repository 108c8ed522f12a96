// Recurrent networks as one layer (versions 4 to 8). Loops took their place.

#pragma once

#include "nvinfer/tables_layers.h"
#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// The cell.
enum class RNNOperation : int32_t {
  kRELU = 0,
  kTANH = 1,
  kLSTM = 2,
  kGRU = 3,
};
enum class RNNDirection : int32_t {
  kUNIDIRECTION = 0,
  kBIDIRECTION = 1,
};
/// What the first layer sees of the input.
enum class RNNInputMode : int32_t {
  kLINEAR = 0,  ///< Its product with the input weights.
  kSKIP = 1,    ///< The input itself, which is as wide as the state.
};
enum class RNNGateType : int32_t {
  kINPUT = 0,
  kOUTPUT = 1,
  kFORGET = 2,
  kUPDATE = 3,
  kRESET = 4,
  kCELL = 5,
  kHIDDEN = 6,
};

namespace impl {
template <>
struct EnumMaxImpl<RNNOperation> {
  static constexpr int32_t kVALUE = 4;
};
template <>
struct EnumMaxImpl<RNNDirection> {
  static constexpr int32_t kVALUE = 2;
};
template <>
struct EnumMaxImpl<RNNInputMode> {
  static constexpr int32_t kVALUE = 2;
};
template <>
struct EnumMaxImpl<RNNGateType> {
  static constexpr int32_t kVALUE = 7;
};
}  // namespace impl

namespace apiv {

/// Our own: version 10 has no such layer, and so no table for it.
class VRNNv2Layer : public VRoot {
 public:
  virtual int32_t getLayerCount() const noexcept = 0;
  virtual int32_t getHiddenSize() const noexcept = 0;
  virtual int32_t getMaxSeqLength() const noexcept = 0;
  virtual int32_t getDataLength() const noexcept = 0;
  virtual void setState(int32_t which, ITensor& tensor) noexcept = 0;
  virtual ITensor* getState(int32_t which) const noexcept = 0;
  virtual void setOperation(RNNOperation op) noexcept = 0;
  virtual RNNOperation getOperation() const noexcept = 0;
  virtual void setInputMode(RNNInputMode mode) noexcept = 0;
  virtual RNNInputMode getInputMode() const noexcept = 0;
  virtual void setDirection(RNNDirection direction) noexcept = 0;
  virtual RNNDirection getDirection() const noexcept = 0;
  virtual void setGate(int32_t layerIndex, RNNGateType gate, bool isW, bool isBias,
                       Weights weights) noexcept = 0;
  virtual Weights getGate(int32_t layerIndex, RNNGateType gate, bool isW,
                          bool isBias) const noexcept = 0;
};

}  // namespace apiv

/// input [.., steps, width] -> states of all steps [.., steps, K * hidden], the last states
/// [.., layers * K, hidden] and, of an LSTM, the last cells; K is 2 with kBIDIRECTION.
class IRNNv2Layer : public ILayer {
 public:
  int32_t getLayerCount() const noexcept { return mImpl->getLayerCount(); }
  int32_t getHiddenSize() const noexcept { return mImpl->getHiddenSize(); }
  int32_t getMaxSeqLength() const noexcept { return mImpl->getMaxSeqLength(); }
  /// The input's width.
  int32_t getDataLength() const noexcept { return mImpl->getDataLength(); }

  /// How many steps each sequence has: INT32 [..]. Otherwise all have all.
  void setSequenceLengths(ITensor& seqLengths) noexcept { mImpl->setState(1, seqLengths); }
  ITensor* getSequenceLengths() const noexcept { return mImpl->getState(1); }

  void setOperation(RNNOperation op) noexcept { mImpl->setOperation(op); }
  RNNOperation getOperation() const noexcept { return mImpl->getOperation(); }
  void setInputMode(RNNInputMode op) noexcept { mImpl->setInputMode(op); }
  RNNInputMode getInputMode() const noexcept { return mImpl->getInputMode(); }
  void setDirection(RNNDirection op) noexcept { mImpl->setDirection(op); }
  RNNDirection getDirection() const noexcept { return mImpl->getDirection(); }

  /// Row-major [hidden, width] of the input (isW), [hidden, hidden] of the state. Directions count
  /// as layers: forward of layer l is 2 * l, backward 2 * l + 1.
  void setWeightsForGate(int32_t layerIndex, RNNGateType gate, bool isW, Weights weights) noexcept {
    mImpl->setGate(layerIndex, gate, isW, false, weights);
  }
  Weights getWeightsForGate(int32_t layerIndex, RNNGateType gate, bool isW) const noexcept {
    return mImpl->getGate(layerIndex, gate, isW, false);
  }
  /// Of [hidden] numbers. Zeros where none are set.
  void setBiasForGate(int32_t layerIndex, RNNGateType gate, bool isW, Weights bias) noexcept {
    mImpl->setGate(layerIndex, gate, isW, true, bias);
  }
  Weights getBiasForGate(int32_t layerIndex, RNNGateType gate, bool isW) const noexcept {
    return mImpl->getGate(layerIndex, gate, isW, true);
  }

  /// The state before the first step: [.., layers * K, hidden]. Zeros where none is set.
  void setHiddenState(ITensor& hidden) noexcept { mImpl->setState(2, hidden); }
  ITensor* getHiddenState() const noexcept { return mImpl->getState(2); }
  /// The same for the cell of an LSTM.
  void setCellState(ITensor& cell) noexcept { mImpl->setState(3, cell); }
  ITensor* getCellState() const noexcept { return mImpl->getState(3); }

 protected:
  apiv::VRNNv2Layer* mImpl;
  virtual ~IRNNv2Layer() noexcept = default;
};

extern "C" TENSORRTAPI IRNNv2Layer* carnotTrtAddRNNv2(INetworkDefinition* network, ITensor* input,
                                                      int32_t layerCount, int32_t hiddenSize,
                                                      int32_t maxSeqLen,
                                                      RNNOperation operation) noexcept;

}  // namespace nvinfer1
