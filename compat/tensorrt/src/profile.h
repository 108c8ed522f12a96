#pragma once
// OptimizationProfile: the sizes, and values of shape inputs, that an engine must serve.
#include <map>

#include "convert.h"

namespace trt {

class OptimizationProfile final : public IOptimizationProfile, public apiv::VOptimizationProfile {
 public:
  explicit OptimizationProfile(const Reporter& reporter) : reporter_(reporter) { mImpl = this; }

  bool setDimensions(char const* name, OptProfileSelector select,
                     Dims const& dims) noexcept override;
  Dims getDimensions(char const* name, OptProfileSelector select) const noexcept override;
  bool setShapeValues(char const* name, OptProfileSelector select, int32_t const* values,
                      int32_t count) noexcept override;
  int32_t getNbShapeValues(char const* name) const noexcept override;
  int32_t const* getShapeValues(char const* name,
                                OptProfileSelector select) const noexcept override;
  bool setExtraMemoryTarget(float target) noexcept override;
  float getExtraMemoryTarget() const noexcept override { return extra_memory_; }
  bool isValid() const noexcept override;
  bool setShapeValuesV2(char const* name, OptProfileSelector select, int64_t const* values,
                        int32_t count) noexcept override;
  int64_t const* getShapeValuesV2(char const* name,
                                  OptProfileSelector select) const noexcept override;

  struct Range {
    std::optional<Dims> dims[3];
    std::vector<int64_t> values[3];
    std::vector<int32_t> narrow[3];  // what getShapeValues() points into
  };
  const std::map<std::string, Range, std::less<>>& ranges() const { return ranges_; }
  void assign(const OptimizationProfile& other) {
    ranges_ = other.ranges_;
    extra_memory_ = other.extra_memory_;
  }
  /// Empty, or why the profile cannot be used.
  std::string problem() const;

 private:
  const Range* find(char const* name) const;

  Reporter reporter_;
  std::map<std::string, Range, std::less<>> ranges_;
  float extra_memory_ = 1;
};

}  // namespace trt
