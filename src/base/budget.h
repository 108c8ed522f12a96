#pragma once
// Budget: how much memory and time a parse, a fold, a build or a run may use, and its cancel flag.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/status.h"

namespace carnot {

/// Shared by reference among the threads that work on one request. A default one is unlimited.
class Budget {
 public:
  struct Limits {
    int64_t bytes = std::numeric_limits<int64_t>::max();
    std::chrono::nanoseconds time = std::chrono::nanoseconds::max();  ///< from construction on
    const std::atomic<bool>* cancel = nullptr;  ///< the caller's flag; must outlive the Budget
  };

  Budget() = default;
  explicit Budget(const Limits& limits);
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// kCancelled or kResourceLimit (time). Some tens of nanoseconds: call it in outer loops.
  Status check() const;
  /// check(), then takes `bytes`; on kResourceLimit nothing is taken.
  Status charge(int64_t bytes);
  void release(int64_t bytes);
  /// From any thread, also a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  int64_t bytes_used() const { return used_.load(std::memory_order_relaxed); }
  int64_t bytes_left() const { return limits_.bytes - bytes_used(); }

 private:
  Limits limits_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  std::atomic<int64_t> used_{0};
  std::atomic<bool> cancelled_{false};
};

}  // namespace carnot
