#include "base/budget.h"

namespace carnot {

using Clock = std::chrono::steady_clock;

Budget::Budget(const Limits& limits) : limits_(limits) {
  const Clock::time_point now = Clock::now();
  if (limits.time < Clock::time_point::max() - now) deadline_ = now + limits.time;
}

Status Budget::check() const {
  if (cancelled_.load(std::memory_order_relaxed) ||
      (limits_.cancel && limits_.cancel->load(std::memory_order_relaxed))) {
    return {Code::kCancelled, "cancelled by the caller"};
  }
  if (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_) {
    return error(Code::kResourceLimit, "the time limit of ",
                 std::chrono::duration<double>(limits_.time).count(), " s is used up");
  }
  return {};
}

Status Budget::charge(int64_t bytes) {
  CARNOT_RETURN_IF_ERROR(check());
  if (bytes < 0) return error(Code::kInvalidArgument, "a charge is negative: ", bytes);
  int64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limits_.bytes - used) {
      return error(Code::kResourceLimit, bytes, " bytes are needed, ", limits_.bytes - used, " of ",
                   limits_.bytes, " are left");
    }
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return {};
}

void Budget::release(int64_t bytes) {
  const int64_t before = used_.fetch_sub(bytes, std::memory_order_relaxed);
  CARNOT_CHECK(bytes >= 0 && before >= bytes);
}

}  // namespace carnot
