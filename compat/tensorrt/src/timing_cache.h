#pragma once
// TimingCache: what kernels took, as text that builds read and extend.
#include <string_view>

#include "report.h"

namespace trt {

/// What a tactic, "cpu.contraction[8x3]", is to TensorRT's calls: a number.
uint64_t tactic_hash(std::string_view tactic);

/// A key is a kernel on a device; its value is the fastest of the tactics that were timed for it.
class TimingCache final : public ITimingCache, public apiv::VTimingCache {
 public:
  TimingCache(const Reporter& reporter, std::string text)
      : reporter_(reporter), text_(std::move(text)) {
    mImpl = this;
  }
  IHostMemory* serialize() const noexcept override;
  bool combine(ITimingCache const& other, bool ignore_mismatch) noexcept override;
  bool reset() noexcept override;
  int64_t queryKeys(TimingCacheKey* keys, int64_t capacity) const noexcept override;
  TimingCacheValue query(TimingCacheKey const& key) const noexcept override;
  bool update(TimingCacheKey const& key, TimingCacheValue const& value) noexcept override;

  const std::string& text() const { return text_; }
  void set_text(std::string text) { text_ = std::move(text); }

 private:
  Reporter reporter_;
  std::string text_;
};

}  // namespace trt
