#pragma once
// ValueHistogram: the magnitudes that a tensor has had, and the range that INT8 should cover of
// them.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trt {

class ValueHistogram {
 public:
  static constexpr int kBins = 2048;

  /// Infinities and NaNs are left out.
  void add(std::span<const float> values);

  /// The greatest magnitude.
  double max() const { return max_; }
  /// Below it lies this part of the values.
  double quantile(double part) const;
  /// The range of which INT8 keeps the most information: where the magnitudes up to it, all
  /// greater ones being cut to it, differ the least (by Kullback and Leibler's divergence) from
  /// the same in the 128 steps of INT8. Zeros do not count: they are exact in any range.
  double entropy_range() const;

  /// A line of text, and from it.
  std::string print() const;
  static std::optional<ValueHistogram> parse(std::string_view text);

 private:
  void widen_to(double magnitude);

  double max_ = 0, width_ = 0;  ///< of a bin; 0 until there is a value that is not zero
  uint64_t zeros_ = 0;
  std::array<uint64_t, kBins> counts_{};
};

}  // namespace trt
