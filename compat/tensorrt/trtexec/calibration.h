#pragma once
// --calib: a calibrator that reads a cache, or has one batch of random numbers.
#include <memory>

#include "device.h"
#include "options.h"

#include "NvInfer.h"

namespace trtexec {

class Calibrator final : public nvinfer1::IInt8EntropyCalibrator2 {
 public:
  /// `profile` has the sizes of dynamic inputs; may be null.
  Calibrator(const Options& options, const nvinfer1::INetworkDefinition& network,
             const nvinfer1::IOptimizationProfile* profile);
  ~Calibrator() override;

  int32_t getBatchSize() const noexcept override { return 1; }
  bool getBatch(void* bindings[], char const* names[], int32_t count) noexcept override;
  void const* readCalibrationCache(std::size_t& length) noexcept override;
  void writeCalibrationCache(void const*, std::size_t) noexcept override {}

 private:
  void* random_input(const char* name);

  const Options& options_;
  const nvinfer1::INetworkDefinition& network_;
  const nvinfer1::IOptimizationProfile* profile_;
  std::vector<char> cache_;
  std::unique_ptr<Device> device_;
  std::vector<void*> memory_;
  bool given_ = false;
};

}  // namespace trtexec
