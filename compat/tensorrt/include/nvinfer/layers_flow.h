// Loops and conditionals.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

enum class LoopOutput : int32_t {
  kLAST_VALUE = 0,
  kCONCATENATE = 1,
  kREVERSE = 2,
};

enum class TripLimit : int32_t {
  kCOUNT = 0,
  kWHILE = 1,
};

class ILoopBoundaryLayer : public ILayer {
 public:
  ILoop* getLoop() const noexcept { return mBoundary->getLoop(); }

 protected:
  virtual ~ILoopBoundaryLayer() noexcept = default;
  apiv::VLoopBoundaryLayer* mBoundary;
};

class IIfConditionalBoundaryLayer : public ILayer {
 public:
  IIfConditional* getConditional() const noexcept { return mBoundary->getConditional(); }

 protected:
  virtual ~IIfConditionalBoundaryLayer() noexcept = default;
  apiv::VConditionalBoundaryLayer* mBoundary;
};

class IConditionLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IConditionLayer() noexcept = default;
  apiv::VConditionLayer* mImpl;
};

class IIfConditionalOutputLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IIfConditionalOutputLayer() noexcept = default;
  apiv::VConditionalOutputLayer* mImpl;
};

class IIfConditionalInputLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IIfConditionalInputLayer() noexcept = default;
  apiv::VConditionalInputLayer* mImpl;
};

class IIfConditional : public INoCopy {
 public:
  IConditionLayer* setCondition(ITensor& condition) noexcept {
    return mImpl->setCondition(condition);
  }

  IIfConditionalOutputLayer* addOutput(ITensor& trueSubgraphOutput,
                                       ITensor& falseSubgraphOutput) noexcept {
    return mImpl->addOutput(trueSubgraphOutput, falseSubgraphOutput);
  }

  IIfConditionalInputLayer* addInput(ITensor& input) noexcept { return mImpl->addInput(input); }

  void setName(char const* name) noexcept { mImpl->setName(name); }

  char const* getName() const noexcept { return mImpl->getName(); }

 protected:
  virtual ~IIfConditional() noexcept = default;
  apiv::VIfConditional* mImpl;
};

class IRecurrenceLayer : public ILoopBoundaryLayer {
 public:
  using ILayer::setInput;

 protected:
  virtual ~IRecurrenceLayer() noexcept = default;
  apiv::VRecurrenceLayer* mImpl;
};

class ILoopOutputLayer : public ILoopBoundaryLayer {
 public:
  LoopOutput getLoopOutput() const noexcept { return mImpl->getLoopOutput(); }

  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  int32_t getAxis() const noexcept { return mImpl->getAxis(); }
  using ILayer::setInput;

 protected:
  virtual ~ILoopOutputLayer() noexcept = default;
  apiv::VLoopOutputLayer* mImpl;
};

class ITripLimitLayer : public ILoopBoundaryLayer {
 public:
  TripLimit getTripLimit() const noexcept { return mImpl->getTripLimit(); }

 protected:
  virtual ~ITripLimitLayer() noexcept = default;
  apiv::VTripLimitLayer* mImpl;
};

class IIteratorLayer : public ILoopBoundaryLayer {
 public:
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  void setReverse(bool reverse) noexcept { mImpl->setReverse(reverse); }

  bool getReverse() const noexcept { return mImpl->getReverse(); }

 protected:
  virtual ~IIteratorLayer() noexcept = default;
  apiv::VIteratorLayer* mImpl;
};

class ILoop : public INoCopy {
 public:
  IRecurrenceLayer* addRecurrence(ITensor& initialValue) noexcept {
    return mImpl->addRecurrence(initialValue);
  }

  ITripLimitLayer* addTripLimit(ITensor& tensor, TripLimit limit) noexcept {
    return mImpl->addTripLimit(tensor, limit);
  }

  IIteratorLayer* addIterator(ITensor& tensor, int32_t axis = 0, bool reverse = false) noexcept {
    return mImpl->addIterator(tensor, axis, reverse);
  }

  ILoopOutputLayer* addLoopOutput(ITensor& tensor, LoopOutput outputKind,
                                  int32_t axis = 0) noexcept {
    return mImpl->addLoopOutput(tensor, outputKind, axis);
  }

  void setName(char const* name) noexcept { mImpl->setName(name); }

  char const* getName() const noexcept { return mImpl->getName(); }

 protected:
  virtual ~ILoop() noexcept = default;
  apiv::VLoop* mImpl;
};

}  // namespace nvinfer1
