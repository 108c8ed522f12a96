// Calibration with samples, and the callbacks of tactic selection.

#pragma once

#include "NvInferRuntime.h"

namespace nvinfer1 {

/// How a calibrator's samples become ranges.
enum class CalibrationAlgoType : int32_t {
  kLEGACY_CALIBRATION = 0,
  kENTROPY_CALIBRATION = 1,
  kENTROPY_CALIBRATION_2 = 2,
  kMINMAX_CALIBRATION = 3,
};

/// Gives samples to choose INT8 ranges by. Implemented by the program.
class IInt8Calibrator : public IVersionedInterface {
 public:
  virtual int32_t getBatchSize() const = 0;

  /// Writes the device address of each input's next batch (a host address on the CPU). False when
  /// there are no more.
  virtual bool getBatch(void* bindings[], char const* names[], int32_t nbBindings) = 0;

  /// What writeCalibrationCache() was given; null to calibrate anew.
  virtual void const* readCalibrationCache(std::size_t& length) = 0;

  /// Text: a range for each tensor. `ptr` lives for the call.
  virtual void writeCalibrationCache(void const* ptr, std::size_t length) = 0;
  virtual CalibrationAlgoType getAlgorithm() = 0;
  /// Of programs of versions 5 to 9 that derive from this class itself.
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8Calibrator", 1, 0};
  }
  ~IInt8Calibrator() noexcept override = default;
};

namespace v_1_0 {

/// Ranges that lose the least information.
class IInt8EntropyCalibrator : public IInt8Calibrator {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8EntropyCalibrator", 1, 0};
  }
  CalibrationAlgoType getAlgorithm() noexcept override {
    return CalibrationAlgoType::kENTROPY_CALIBRATION;
  }
  ~IInt8EntropyCalibrator() noexcept override = default;
};
}  // namespace v_1_0

using IInt8EntropyCalibrator = v_1_0::IInt8EntropyCalibrator;

namespace v_1_0 {

/// Ranges that lose the least information: the usual choice.
class IInt8EntropyCalibrator2 : public IInt8Calibrator {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8EntropyCalibrator2", 1, 0};
  }
  CalibrationAlgoType getAlgorithm() noexcept override {
    return CalibrationAlgoType::kENTROPY_CALIBRATION_2;
  }
  ~IInt8EntropyCalibrator2() noexcept override = default;
};
}  // namespace v_1_0

using IInt8EntropyCalibrator2 = v_1_0::IInt8EntropyCalibrator2;

namespace v_1_0 {

/// Ranges of all values seen.
class IInt8MinMaxCalibrator : public IInt8Calibrator {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8MinMaxCalibrator", 1, 0};
  }
  CalibrationAlgoType getAlgorithm() noexcept override {
    return CalibrationAlgoType::kMINMAX_CALIBRATION;
  }
  ~IInt8MinMaxCalibrator() noexcept override = default;
};
}  // namespace v_1_0

using IInt8MinMaxCalibrator = v_1_0::IInt8MinMaxCalibrator;

namespace v_1_0 {

/// Ranges of a quantile.
class IInt8LegacyCalibrator : public IInt8Calibrator {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8Calibrator", 1, 0};
  }
  CalibrationAlgoType getAlgorithm() noexcept override {
    return CalibrationAlgoType::kLEGACY_CALIBRATION;
  }

  /// Of (0, 1].
  virtual double getQuantile() const = 0;
  virtual double getRegressionCutoff() const = 0;
  virtual void const* readHistogramCache(std::size_t& length) = 0;
  virtual void writeHistogramCache(void const* ptr, std::size_t length) = 0;
  ~IInt8LegacyCalibrator() noexcept override = default;
};
}  // namespace v_1_0

using IInt8LegacyCalibrator = v_1_0::IInt8LegacyCalibrator;

/// A tensor of an algorithm.
class IAlgorithmIOInfo : public INoCopy {
 public:
  DataType getDataType() const noexcept { return mImpl->getDataType(); }
  Dims getStrides() const noexcept { return mImpl->getStrides(); }
  int64_t getVectorizedDim() const noexcept { return mImpl->getVectorizedDim(); }
  int64_t getComponentsPerElement() const noexcept { return mImpl->getComponentsPerElement(); }

  // Calls of other versions: members that no table holds.
  /// Always kLINEAR (versions 7 to 9).
  TensorFormat getTensorFormat() const noexcept { return TensorFormat::kLINEAR; }

 protected:
  virtual ~IAlgorithmIOInfo() noexcept = default;
  apiv::VAlgorithmIOInfo* mImpl;
};

/// Which implementation, and which of its tactics.
class IAlgorithmVariant : public INoCopy {
 public:
  int64_t getImplementation() const noexcept { return mImpl->getImplementation(); }
  int64_t getTactic() const noexcept { return mImpl->getTactic(); }

 protected:
  virtual ~IAlgorithmVariant() noexcept = default;
  apiv::VAlgorithmVariant* mImpl;
};

/// The layer that an algorithm is for.
class IAlgorithmContext : public INoCopy {
 public:
  char const* getName() const noexcept { return mImpl->getName(); }
  Dims getDimensions(int32_t index, OptProfileSelector select) const noexcept {
    return mImpl->getDimensions(index, select);
  }
  int32_t getNbInputs() const noexcept { return mImpl->getNbInputs(); }
  int32_t getNbOutputs() const noexcept { return mImpl->getNbOutputs(); }

 protected:
  virtual ~IAlgorithmContext() noexcept = default;
  apiv::VAlgorithmContext* mImpl;
};

/// A way to run a layer.
class IAlgorithm : public INoCopy {
 public:
  IAlgorithmVariant const& getAlgorithmVariant() const noexcept {
    return mImpl->getAlgorithmVariant();
  }
  float getTimingMSec() const noexcept { return mImpl->getTimingMSec(); }
  std::size_t getWorkspaceSize() const noexcept { return mImpl->getWorkspaceSize(); }
  IAlgorithmIOInfo const* getAlgorithmIOInfoByIndex(int32_t index) const noexcept {
    return mImpl->getAlgorithmIOInfoByIndex(index);
  }

  // Calls of other versions: members that no table holds.
  /// As getAlgorithmIOInfoByIndex(); `index` must be in range (version 7).
  IAlgorithmIOInfo const& getAlgorithmIOInfo(int32_t index) const noexcept {
    return *getAlgorithmIOInfoByIndex(index);
  }

 protected:
  virtual ~IAlgorithm() noexcept = default;
  apiv::VAlgorithm* mImpl;
};

namespace v_1_0 {

/// Chooses among algorithms. Implemented by the program.
class IAlgorithmSelector : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IAlgorithmSelector", 1, 0};
  }

  /// Writes the indices of those to be timed; returns how many, -1 for all.
  virtual int32_t selectAlgorithms(IAlgorithmContext const& context,
                                   IAlgorithm const* const* choices, int32_t nbChoices,
                                   int32_t* selection) = 0;

  /// What was chosen, a layer each.
  virtual void reportAlgorithms(IAlgorithmContext const* const* algoContexts,
                                IAlgorithm const* const* algoChoices, int32_t nbAlgorithms) = 0;
  virtual ~IAlgorithmSelector() noexcept = default;
};
}  // namespace v_1_0

using IAlgorithmSelector = v_1_0::IAlgorithmSelector;

}  // namespace nvinfer1
