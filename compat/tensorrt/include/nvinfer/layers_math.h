// Layers of arithmetic: element by element, reductions, products of matrices.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// Functions of two values. kAND, kOR and kXOR take booleans; kEQUAL, kGREATER and kLESS give
/// them.
enum class ElementWiseOperation : int32_t {
  kSUM = 0,
  kPROD = 1,
  kMAX = 2,
  kMIN = 3,
  kSUB = 4,
  kDIV = 5,
  kPOW = 6,
  kFLOOR_DIV = 7,
  kAND = 8,
  kOR = 9,
  kXOR = 10,
  kEQUAL = 11,
  kGREATER = 12,
  kLESS = 13,
};

/// A function of two tensors of one rank; axes of size 1 are broadcast.
class IElementWiseLayer : public ILayer {
 public:
  void setOperation(ElementWiseOperation op) noexcept { return mImpl->setOperation(op); }
  ElementWiseOperation getOperation() const noexcept { return mImpl->getOperation(); }

 protected:
  apiv::VElementWiseLayer* mImpl;
  virtual ~IElementWiseLayer() noexcept = default;
};

/// Functions of one value.
enum class UnaryOperation : int32_t {
  kEXP = 0,
  kLOG = 1,
  kSQRT = 2,
  kRECIP = 3,
  kABS = 4,
  kNEG = 5,
  kSIN = 6,
  kCOS = 7,
  kTAN = 8,
  kSINH = 9,
  kCOSH = 10,
  kASIN = 11,
  kACOS = 12,
  kATAN = 13,
  kASINH = 14,
  kACOSH = 15,
  kATANH = 16,
  kCEIL = 17,
  kFLOOR = 18,
  kERF = 19,
  kNOT = 20,
  kSIGN = 21,
  kROUND = 22,  ///< To the nearest integer, halves to the even one.
  kISINF = 23,
  kISNAN = 24,
};

/// A function of each element.
class IUnaryLayer : public ILayer {
 public:
  void setOperation(UnaryOperation op) noexcept { mImpl->setOperation(op); }
  UnaryOperation getOperation() const noexcept { return mImpl->getOperation(); }

 protected:
  apiv::VUnaryLayer* mImpl;
  virtual ~IUnaryLayer() noexcept = default;
};

/// How elements become one.
enum class ReduceOperation : int32_t {
  kSUM = 0,
  kPROD = 1,
  kMAX = 2,
  kMIN = 3,
  kAVG = 4,
  kNONE = 5,
};

/// What IDistCollectiveLayer does.
enum class CollectiveOperation : int32_t {
  kALL_REDUCE = 0,
  kALL_GATHER = 1,
  kBROADCAST = 2,
  kREDUCE = 3,
  kREDUCE_SCATTER = 4,
  // Names of other versions.
  kALL_TO_ALL = 5,
  kGATHER = 6,
  kSCATTER = 7,
};

/// One element of those along some axes.
class IReduceLayer : public ILayer {
 public:
  void setOperation(ReduceOperation op) noexcept { mImpl->setOperation(op); }
  ReduceOperation getOperation() const noexcept { return mImpl->getOperation(); }

  /// A bit for each axis.
  void setReduceAxes(uint32_t reduceAxes) noexcept { mImpl->setReduceAxes(reduceAxes); }
  uint32_t getReduceAxes() const noexcept { return mImpl->getReduceAxes(); }

  /// Whether reduced axes stay, of size 1.
  void setKeepDimensions(bool keepDimensions) noexcept { mImpl->setKeepDimensions(keepDimensions); }
  bool getKeepDimensions() const noexcept { return mImpl->getKeepDimensions(); }

 protected:
  apiv::VReduceLayer* mImpl;
  virtual ~IReduceLayer() noexcept = default;
};

/// Which elements are chosen.
enum class TopKOperation : int32_t {
  kMAX = 0,
  kMIN = 1,
};

/// The k greatest or least along one axis, in order: output 0 their values, output 1 their
/// positions.
class ITopKLayer : public ILayer {
 public:
  void setOperation(TopKOperation op) noexcept { mImpl->setOperation(op); }
  TopKOperation getOperation() const noexcept { return mImpl->getOperation(); }
  void setK(int32_t k) noexcept { mImpl->setK(k); }
  int32_t getK() const noexcept { return mImpl->getK(); }

  /// One bit, 1 << axis.
  void setReduceAxes(uint32_t reduceAxes) noexcept { mImpl->setReduceAxes(reduceAxes); }
  uint32_t getReduceAxes() const noexcept { return mImpl->getReduceAxes(); }
  /// Input 1: k, a scalar of INT32.
  using ILayer::setInput;

  /// kINT32 or kINT64. False for others.
  bool setIndicesType(DataType type) noexcept { return mImpl->setIndicesType(type); }
  DataType getIndicesType() const noexcept { return mImpl->getIndicesType(); }

 protected:
  apiv::VTopKLayer* mImpl;
  virtual ~ITopKLayer() noexcept = default;
};

/// What an operand of a product is.
enum class MatrixOperation : int32_t {
  kNONE = 0,
  kTRANSPOSE = 1,
  kVECTOR = 2,  ///< The last axis is a vector, those before it a batch.
};

/// Products of the last two axes; those before them are a batch, broadcast where of size 1.
class IMatrixMultiplyLayer : public ILayer {
 public:
  void setOperation(int32_t index, MatrixOperation op) noexcept { mImpl->setOperation(index, op); }
  MatrixOperation getOperation(int32_t index) const noexcept { return mImpl->getOperation(index); }

  // Calls of other versions: members that no table holds.
  /// Whether the last two dimensions of input `index` are exchanged (versions 5 to 7).
  void setTranspose(int32_t index, bool val) noexcept {
    setOperation(index, val ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE);
  }
  bool getTranspose(int32_t index) const noexcept {
    return getOperation(index) == MatrixOperation::kTRANSPOSE;
  }

 protected:
  apiv::VMatrixMultiplyLayer* mImpl;
  virtual ~IMatrixMultiplyLayer() noexcept = default;
};

/// Einstein's sums, such as "bij,bjk->bik".
class IEinsumLayer : public ILayer {
 public:
  /// Copied. False where it is not valid.
  bool setEquation(char const* equation) noexcept { return mImpl->setEquation(equation); }
  char const* getEquation() const noexcept { return mImpl->getEquation(); }

 protected:
  virtual ~IEinsumLayer() noexcept = default;
  apiv::VEinsumLayer* mImpl;
};

/// Input 1 where input 0 is true, else input 2; broadcast.
class ISelectLayer : public ILayer {
 protected:
  virtual ~ISelectLayer() noexcept = default;
  apiv::VSelectLayer* mImpl;
};

/// How elements accumulate.
enum class CumulativeOperation : int32_t {
  kSUM = 0,
};

/// Sums of the elements up to each one, along an axis that input 1 tells.
class ICumulativeLayer : public ILayer {
 public:
  bool setOperation(CumulativeOperation op) noexcept { return mImpl->setOperation(op); }
  CumulativeOperation getOperation() const noexcept { return mImpl->getOperation(); }

  /// Whether an element is left out of its own sum.
  void setExclusive(bool exclusive) noexcept { mImpl->setExclusive(exclusive); }
  bool getExclusive() const noexcept { return mImpl->getExclusive(); }

  /// Whether it runs from the back.
  void setReverse(bool reverse) noexcept { mImpl->setReverse(reverse); }
  bool getReverse() const noexcept { return mImpl->getReverse(); }

 protected:
  apiv::VCumulativeLayer* mImpl;
  virtual ~ICumulativeLayer() noexcept = default;
};

/// Its input; of another type where setOutputType() says so.
class IIdentityLayer : public ILayer {
 protected:
  apiv::VIdentityLayer* mImpl;
  virtual ~IIdentityLayer() noexcept = default;
};

/// Its input's values in another element type.
class ICastLayer : public ILayer {
 public:
  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }
  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  apiv::VCastLayer* mImpl;
  virtual ~ICastLayer() noexcept = default;
};

/// A constant. Its weights are owned by the program until the engine is built.
class IConstantLayer : public ILayer {
 public:
  void setWeights(Weights weights) noexcept { mImpl->setWeights(weights); }
  Weights getWeights() const noexcept { return mImpl->getWeights(); }
  void setDimensions(Dims const& dimensions) noexcept { mImpl->setDimensions(dimensions); }
  Dims getDimensions() const noexcept { return mImpl->getDimensions(); }

 protected:
  apiv::VConstantLayer* mImpl;
  virtual ~IConstantLayer() noexcept = default;
};

/// What a tensor is filled with.
enum class FillOperation : int32_t {
  kLINSPACE = 0,        ///< alpha + beta index; one beta an axis
  kRANDOM_UNIFORM = 1,  ///< of [alpha, beta)
  kRANDOM_NORMAL = 2,   ///< of mean alpha and deviation beta
};

/// A tensor that is computed from nothing.
class IFillLayer : public ILayer {
 public:
  void setDimensions(Dims const& dimensions) noexcept { mImpl->setDimensions(dimensions); }
  Dims getDimensions() const noexcept { return mImpl->getDimensions(); }
  void setOperation(FillOperation op) noexcept { mImpl->setOperation(op); }
  FillOperation getOperation() const noexcept { return mImpl->getOperation(); }
  void setAlpha(double alpha) noexcept { mImpl->setAlpha(alpha); }
  double getAlpha() const noexcept { return mImpl->getAlpha(); }
  void setBeta(double beta) noexcept { mImpl->setBeta(beta); }
  double getBeta() const noexcept { return mImpl->getBeta(); }
  /// Input 0: the dimensions, input 1: alpha, input 2: beta.
  using ILayer::setInput;
  void setAlphaInt64(int64_t alpha) noexcept { mImpl->setAlphaInt64(alpha); }
  int64_t getAlphaInt64() const noexcept { return mImpl->getAlphaInt64(); }
  void setBetaInt64(int64_t beta) noexcept { mImpl->setBetaInt64(beta); }
  int64_t getBetaInt64() const noexcept { return mImpl->getBetaInt64(); }

  /// Whether the integer setters were called last.
  bool isAlphaBetaInt64() const noexcept { return mImpl->isAlphaBetaInt64(); }
  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }
  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  virtual ~IFillLayer() noexcept = default;
  apiv::VFillLayer* mImpl;
};

/// Fails the build or the run where its input is false.
class IAssertionLayer : public ILayer {
 public:
  void setMessage(char const* message) noexcept { mImpl->setMessage(message); }
  char const* getMessage() const noexcept { return mImpl->getMessage(); }

 protected:
  virtual ~IAssertionLayer() noexcept = default;
  apiv::VAssertionLayer* mImpl;
};

}  // namespace nvinfer1
