// Loops and conditionals.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// What of a value leaves a loop.
enum class LoopOutput : int32_t {
  kLAST_VALUE = 0,   ///< The value after the last iteration.
  kCONCATENATE = 1,  ///< The values of all iterations along an axis.
  kREVERSE = 2,      ///< As kCONCATENATE, the last first.
};

/// What ends a loop.
enum class TripLimit : int32_t {
  kCOUNT = 0,  ///< A number of iterations, known when the loop begins.
  kWHILE = 1,  ///< A boolean of the loop, false when it ends.
};

/// A layer where values enter or leave a loop.
class ILoopBoundaryLayer : public ILayer {
 public:
  ILoop* getLoop() const noexcept { return mBoundary->getLoop(); }

 protected:
  virtual ~ILoopBoundaryLayer() noexcept = default;
  apiv::VLoopBoundaryLayer* mBoundary;
};

/// A layer where values enter or leave a conditional.
class IIfConditionalBoundaryLayer : public ILayer {
 public:
  IIfConditional* getConditional() const noexcept { return mBoundary->getConditional(); }

 protected:
  virtual ~IIfConditionalBoundaryLayer() noexcept = default;
  apiv::VConditionalBoundaryLayer* mBoundary;
};

/// The condition itself.
class IConditionLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IConditionLayer() noexcept = default;
  apiv::VConditionLayer* mImpl;
};

/// Input 0 where the condition is true, else input 1.
class IIfConditionalOutputLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IIfConditionalOutputLayer() noexcept = default;
  apiv::VConditionalOutputLayer* mImpl;
};

/// A value that the branches use.
class IIfConditionalInputLayer : public IIfConditionalBoundaryLayer {
 public:
 protected:
  virtual ~IIfConditionalInputLayer() noexcept = default;
  apiv::VConditionalInputLayer* mImpl;
};

/// Two branches, one of which runs. The network owns it.
class IIfConditional : public INoCopy {
 public:
  /// A boolean scalar. Null where it is not one.
  IConditionLayer* setCondition(ITensor& condition) noexcept {
    return mImpl->setCondition(condition);
  }

  /// Both must have one type and rank.
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

/// A value that an iteration hands to the next. Input 0 is the first, input 1 the next.
class IRecurrenceLayer : public ILoopBoundaryLayer {
 public:
  using ILayer::setInput;

 protected:
  virtual ~IRecurrenceLayer() noexcept = default;
  apiv::VRecurrenceLayer* mImpl;
};

/// A value that leaves a loop.
class ILoopOutputLayer : public ILoopBoundaryLayer {
 public:
  LoopOutput getLoopOutput() const noexcept { return mImpl->getLoopOutput(); }
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }
  /// Input 1: the number of iterations to hold, for kCONCATENATE and kREVERSE.
  using ILayer::setInput;

 protected:
  virtual ~ILoopOutputLayer() noexcept = default;
  apiv::VLoopOutputLayer* mImpl;
};

/// What ends a loop.
class ITripLimitLayer : public ILoopBoundaryLayer {
 public:
  TripLimit getTripLimit() const noexcept { return mImpl->getTripLimit(); }

 protected:
  virtual ~ITripLimitLayer() noexcept = default;
  apiv::VTripLimitLayer* mImpl;
};

/// A slice of a tensor for each iteration.
class IIteratorLayer : public ILoopBoundaryLayer {
 public:
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  /// Whether it begins at the back.
  void setReverse(bool reverse) noexcept { mImpl->setReverse(reverse); }
  bool getReverse() const noexcept { return mImpl->getReverse(); }

 protected:
  virtual ~IIteratorLayer() noexcept = default;
  apiv::VIteratorLayer* mImpl;
};

/// A loop. Layers belong to it that depend on its boundary layers. The network owns it.
class ILoop : public INoCopy {
 public:
  IRecurrenceLayer* addRecurrence(ITensor& initialValue) noexcept {
    return mImpl->addRecurrence(initialValue);
  }

  /// One of each kind at most.
  ITripLimitLayer* addTripLimit(ITensor& tensor, TripLimit limit) noexcept {
    return mImpl->addTripLimit(tensor, limit);
  }
  IIteratorLayer* addIterator(ITensor& tensor, int32_t axis = 0, bool reverse = false) noexcept {
    return mImpl->addIterator(tensor, axis, reverse);
  }

  /// Input 0 is a recurrence's next value for kLAST_VALUE.
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
