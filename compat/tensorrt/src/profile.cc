#include "profile.h"

namespace trt {

namespace {

constexpr int kMin = 0, kOpt = 1, kMax = 2;

int index_of(OptProfileSelector select) {
  const int i = static_cast<int>(select);
  return i < kMin || i > kMax ? -1 : i;
}

}  // namespace

const OptimizationProfile::Range* OptimizationProfile::find(char const* name) const {
  if (!name) return nullptr;
  const auto found = ranges_.find(std::string_view(name));
  return found == ranges_.end() ? nullptr : &found->second;
}

bool OptimizationProfile::setDimensions(char const* name, OptProfileSelector select,
                                        Dims const& dims) noexcept {
  const char* const call = "IOptimizationProfile::setDimensions";
  return reporter_.guard(call, false, [&] {
    const int i = index_of(select);
    bool good = name && i >= 0 && is_valid(dims);
    for (int32_t k = 0; good && k < dims.nbDims; ++k) good = dims.d[k] >= 0;
    if (!good) {
      reporter_.misuse(call, cat("input '", name ? name : "(null)", "': ", text_of(dims),
                                 " are no sizes of a tensor"));
      return false;
    }
    ranges_[name].dims[i] = dims;
    return true;
  });
}

Dims OptimizationProfile::getDimensions(char const* name,
                                        OptProfileSelector select) const noexcept {
  const Range* const range = find(name);
  const int i = index_of(select);
  return range && i >= 0 && range->dims[i] ? *range->dims[i] : invalid_dims();
}

bool OptimizationProfile::setShapeValues(char const* name, OptProfileSelector select,
                                         int32_t const* values, int32_t count) noexcept {
  const char* const call = "IOptimizationProfile::setShapeValues";
  return reporter_.guard(call, false, [&] {
    if (!values || count < 0) {
      reporter_.misuse(call, "the values are null");
      return false;
    }
    const std::vector<int64_t> wide(values, values + count);
    return setShapeValuesV2(name, select, wide.data(), count);
  });
}

bool OptimizationProfile::setShapeValuesV2(char const* name, OptProfileSelector select,
                                           int64_t const* values, int32_t count) noexcept {
  const char* const call = "IOptimizationProfile::setShapeValuesV2";
  return reporter_.guard(call, false, [&] {
    const int i = index_of(select);
    constexpr int32_t kValuesMax = 4096;
    if (!name || i < 0 || count < 0 || count > kValuesMax || (count > 0 && !values)) {
      reporter_.misuse(call, cat("input '", name ? name : "(null)", "': ", count, " values"));
      return false;
    }
    Range& range = ranges_[name];
    range.values[i].assign(values, values + count);
    range.narrow[i].assign(values, values + count);
    return true;
  });
}

int32_t OptimizationProfile::getNbShapeValues(char const* name) const noexcept {
  const Range* const range = find(name);
  return range && !range->values[kMin].empty() ? static_cast<int32_t>(range->values[kMin].size())
                                               : -1;
}

int32_t const* OptimizationProfile::getShapeValues(char const* name,
                                                   OptProfileSelector select) const noexcept {
  const Range* const range = find(name);
  const int i = index_of(select);
  return range && i >= 0 && !range->narrow[i].empty() ? range->narrow[i].data() : nullptr;
}

int64_t const* OptimizationProfile::getShapeValuesV2(char const* name,
                                                     OptProfileSelector select) const noexcept {
  const Range* const range = find(name);
  const int i = index_of(select);
  return range && i >= 0 && !range->values[i].empty() ? range->values[i].data() : nullptr;
}

bool OptimizationProfile::setExtraMemoryTarget(float target) noexcept {
  if (!(target >= 0 && target <= 1)) {
    reporter_.misuse("IOptimizationProfile::setExtraMemoryTarget",
                     cat(target, " is not between 0 and 1"));
    return false;
  }
  extra_memory_ = target;
  return true;
}

std::string OptimizationProfile::problem() const {
  for (const auto& [name, range] : ranges_) {
    const bool some = range.dims[kMin] || range.dims[kOpt] || range.dims[kMax];
    if (some && !(range.dims[kMin] && range.dims[kOpt] && range.dims[kMax])) {
      return cat("input '", name, "': minimum, optimum and maximum must all be set");
    }
    if (some) {
      const Dims &lo = *range.dims[kMin], &opt = *range.dims[kOpt], &hi = *range.dims[kMax];
      bool good = lo.nbDims == opt.nbDims && opt.nbDims == hi.nbDims;
      for (int32_t i = 0; good && i < lo.nbDims; ++i) {
        good = lo.d[i] <= opt.d[i] && opt.d[i] <= hi.d[i];
      }
      if (!good) {
        return cat("input '", name, "': not ", text_of(lo), " <= ", text_of(opt),
                   " <= ", text_of(hi));
      }
    }
    for (size_t i = 0; i < range.values[kMin].size(); ++i) {
      const bool good = range.values[kOpt].size() == range.values[kMin].size() &&
                        range.values[kMax].size() == range.values[kMin].size() &&
                        range.values[kMin][i] <= range.values[kOpt][i] &&
                        range.values[kOpt][i] <= range.values[kMax][i];
      if (!good) return cat("input '", name, "': shape value ", i, " is not min <= opt <= max");
    }
  }
  return "";
}

bool OptimizationProfile::isValid() const noexcept {
  return reporter_.guard("IOptimizationProfile::isValid", false, [&] { return problem().empty(); });
}

}  // namespace trt
