#pragma once
// Size arithmetic on numbers that a model or a file supplied: overflow is an answer, not an
// accident.
#include <cstdint>
#include <optional>
#include <span>

#include "base/status.h"

namespace carnot {

/// No object is larger, so that the sum of any two sizes still fits an int64.
inline constexpr int64_t kBytesMax = int64_t{1} << 62;

inline std::optional<int64_t> checked_add(int64_t a, int64_t b) {
  int64_t out;
  return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}
inline std::optional<int64_t> checked_sub(int64_t a, int64_t b) {
  int64_t out;
  return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}
inline std::optional<int64_t> checked_mul(int64_t a, int64_t b) {
  int64_t out;
  return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}

/// The number of elements of an array with these sizes (1 for no sizes; 0 when any is 0).
/// kInvalidArgument on a negative size, kResourceLimit above kBytesMax.
Result<int64_t> element_count(std::span<const int64_t> sizes);

/// Bytes of `count` elements of `bits` bits each, packed, rounded up to whole bytes.
Result<int64_t> byte_size(int64_t count, int bits);

/// `value` rounded up to a multiple of `alignment` (a power of two); kResourceLimit above
/// kBytesMax.
Result<int64_t> align_up(int64_t value, int64_t alignment);

}  // namespace carnot
