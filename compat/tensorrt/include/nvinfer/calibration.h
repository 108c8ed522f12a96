// Calibration with samples, and the callbacks of tactic selection.

#pragma once

#include "NvInferRuntime.h"

namespace nvinfer1 {

enum class CalibrationAlgoType : int32_t {
  kLEGACY_CALIBRATION = 0,
  kENTROPY_CALIBRATION = 1,
  kENTROPY_CALIBRATION_2 = 2,
  kMINMAX_CALIBRATION = 3,
};

class IInt8Calibrator : public IVersionedInterface {
 public:
  virtual int32_t getBatchSize() const = 0;

  virtual bool getBatch(void* bindings[], char const* names[], int32_t nbBindings) = 0;

  virtual void const* readCalibrationCache(std::size_t& length) = 0;

  virtual void writeCalibrationCache(void const* ptr, std::size_t length) = 0;

  virtual CalibrationAlgoType getAlgorithm() = 0;
  ~IInt8Calibrator() noexcept override = default;
};

namespace v_1_0 {

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

class IInt8LegacyCalibrator : public IInt8Calibrator {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IInt8Calibrator", 1, 0};
  }

  CalibrationAlgoType getAlgorithm() noexcept override {
    return CalibrationAlgoType::kLEGACY_CALIBRATION;
  }

  virtual double getQuantile() const = 0;

  virtual double getRegressionCutoff() const = 0;

  virtual void const* readHistogramCache(std::size_t& length) = 0;

  virtual void writeHistogramCache(void const* ptr, std::size_t length) = 0;
  ~IInt8LegacyCalibrator() noexcept override = default;
};
}  // namespace v_1_0

using IInt8LegacyCalibrator = v_1_0::IInt8LegacyCalibrator;

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

class IAlgorithmVariant : public INoCopy {
 public:
  int64_t getImplementation() const noexcept { return mImpl->getImplementation(); }

  int64_t getTactic() const noexcept { return mImpl->getTactic(); }

 protected:
  virtual ~IAlgorithmVariant() noexcept = default;
  apiv::VAlgorithmVariant* mImpl;
};

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

class IAlgorithmSelector : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IAlgorithmSelector", 1, 0};
  }

  virtual int32_t selectAlgorithms(IAlgorithmContext const& context,
                                   IAlgorithm const* const* choices, int32_t nbChoices,
                                   int32_t* selection) noexcept = 0;

  virtual void reportAlgorithms(IAlgorithmContext const* const* algoContexts,
                                IAlgorithm const* const* algoChoices,
                                int32_t nbAlgorithms) noexcept = 0;
  virtual ~IAlgorithmSelector() noexcept = default;
};
}  // namespace v_1_0

using IAlgorithmSelector = v_1_0::IAlgorithmSelector;

}  // namespace nvinfer1
