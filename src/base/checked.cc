#include "base/checked.h"

#include <algorithm>

namespace carnot {

Result<int64_t> element_count(std::span<const int64_t> sizes) {
  int64_t count = 1;
  bool empty = false, too_large = false;
  for (const int64_t size : sizes) {
    if (size < 0) return error(Code::kInvalidArgument, "a size is negative: ", size);
    if (size == 0) {
      empty = true;
    } else if (count > kBytesMax / size) {
      too_large = true;
    } else {
      count *= size;
    }
  }
  if (empty) return 0;
  if (too_large) return error(Code::kResourceLimit, "an array has more than 2^62 elements");
  return count;
}

Result<int64_t> byte_size(int64_t count, int bits) {
  CARNOT_CHECK(bits > 0);
  if (count < 0) return error(Code::kInvalidArgument, "a count is negative: ", count);
  // In whole groups of 8 elements and the rest, so that the bits themselves cannot overflow.
  const auto groups = checked_mul(count / 8, bits);
  const int64_t rest = (count % 8 * bits + 7) / 8;
  if (!groups || *groups > kBytesMax - rest) {
    return error(Code::kResourceLimit, count, " elements of ", bits, " bits exceed 2^62 bytes");
  }
  return *groups + rest;
}

Result<int64_t> align_up(int64_t value, int64_t alignment) {
  CARNOT_CHECK(alignment > 0 && (alignment & (alignment - 1)) == 0);
  if (value < 0) return error(Code::kInvalidArgument, "a size is negative: ", value);
  if (value > kBytesMax - alignment) {
    return error(Code::kResourceLimit, "a size exceeds 2^62 bytes: ", value);
  }
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace carnot
