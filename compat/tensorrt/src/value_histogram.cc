// The number of bins stays: where a greater value comes, bins become twice as wide, pair by pair.
// So memory does not depend on the data, and at least half of the bins lie below the maximum.
#include "value_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace trt {

namespace {

constexpr int kSteps = 128;      // magnitudes that INT8 tells apart
constexpr double kEqual = 1e-9;  // divergences that differ by rounding alone

}  // namespace

void ValueHistogram::widen_to(double magnitude) {
  max_ = std::max(max_, magnitude);
  if (width_ == 0) width_ = max_ / kBins;
  while (width_ * kBins < max_) {
    for (int i = 0; i < kBins; ++i) {
      const auto at = static_cast<size_t>(i);
      counts_[at] = i < kBins / 2 ? counts_[2 * at] + counts_[2 * at + 1] : 0;
    }
    width_ *= 2;
  }
}

void ValueHistogram::add(std::span<const float> values) {
  constexpr float kMost = std::numeric_limits<float>::max();
  float most = 0;
  for (const float v : values) {
    const float m = std::fabs(v);
    most = m <= kMost && m > most ? m : most;
  }
  if (most > 0) widen_to(most);
  const double steps = width_ > 0 ? 1 / width_ : 0;
  for (const float v : values) {
    const float m = std::fabs(v);
    if (!(m <= kMost)) continue;
    if (m == 0) {
      ++zeros_;
      continue;
    }
    const auto bin = static_cast<size_t>(static_cast<double>(m) * steps);
    ++counts_[std::min<size_t>(bin, kBins - 1)];
  }
}

double ValueHistogram::quantile(double part) const {
  uint64_t all = zeros_;
  for (const uint64_t count : counts_) all += count;
  const double wanted = std::clamp(part, 0.0, 1.0) * static_cast<double>(all);
  auto below = static_cast<double>(zeros_);
  for (size_t i = 0; i < kBins; ++i) {
    below += static_cast<double>(counts_[i]);
    if (below >= wanted) return std::min(max_, static_cast<double>(i + 1) * width_);
  }
  return max_;
}

// With p the counts up to a candidate range, what is cut being in the last bin, and q those of the
// same bins as INT8 has them - one value for each of 128 steps, over its bins that have values -
// the divergence needs of a step only its sum and how many of its bins have values: sums from the
// beginning on make a candidate cost 128 steps, whatever its bins.
double ValueHistogram::entropy_range() const {
  std::vector<double> sum(kBins + 1), terms(kBins + 1), used(kBins + 1);
  const auto term = [](double count) { return count > 0 ? count * std::log(count) : 0; };
  for (size_t i = 0; i < kBins; ++i) {
    const auto count = static_cast<double>(counts_[i]);
    sum[i + 1] = sum[i] + count;
    terms[i + 1] = terms[i] + term(count);
    used[i + 1] = used[i] + (count > 0 ? 1 : 0);
  }
  const double all = sum[kBins];
  if (all <= 0) return max_;
  double least = std::numeric_limits<double>::infinity(), range = max_;
  // Downwards: of ranges that are as good, as with few values, the widest loses nothing.
  for (size_t bins = kBins; bins >= kSteps; --bins) {
    const double inside = sum[bins], cut = all - inside;
    const auto last = static_cast<double>(counts_[bins - 1]);
    if (cut > inside) break;             // what remains is not the tensor any more
    if (cut > 0 && last == 0) continue;  // infinitely far
    double cross = 0;
    for (size_t step = 0; step < kSteps; ++step) {
      const size_t from = step * bins / kSteps, to = (step + 1) * bins / kSteps;
      const double values = sum[to] - sum[from];
      if (values <= 0) continue;
      const double weight = values + (to == bins ? cut : 0);
      cross += weight * std::log(values / (used[to] - used[from]));
    }
    const double own = terms[bins - 1] + term(last + cut);
    const double divergence = (own - cross) / all - std::log(all) + std::log(inside);
    if (divergence < least - kEqual) {
      least = divergence;
      range = std::min(max_, static_cast<double>(bins) * width_);
    }
  }
  return range;
}

std::string ValueHistogram::print() const {
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::max_digits10);
  out << max_ << ' ' << width_ << ' ' << zeros_;
  for (const uint64_t count : counts_) out << ' ' << count;
  return out.str();
}

std::optional<ValueHistogram> ValueHistogram::parse(std::string_view text) {
  std::istringstream in{std::string(text)};
  ValueHistogram out;
  if (!(in >> out.max_ >> out.width_ >> out.zeros_)) return std::nullopt;
  for (uint64_t& count : out.counts_) {
    if (!(in >> count)) return std::nullopt;
  }
  const bool sound = std::isfinite(out.max_) && out.max_ >= 0 && out.width_ >= 0 &&
                     out.max_ <= out.width_ * kBins * (1 + 1e-9);
  return sound ? std::optional(out) : std::nullopt;
}

}  // namespace trt
