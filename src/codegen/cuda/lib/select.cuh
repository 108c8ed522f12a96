// The best elements of a row, best first, equal ones in the order of their places: by one block,
// kSortMax at a time. Where a row has more, the digits of their keys are counted, from the highest
// on, until few enough are left to be sorted in shared memory (a radix selection).
//
// Source: `count`, and key(i): true and the element's key where element i takes part; lesser keys
// are better.
#pragma once
#include "codegen/cuda/lib/element.cuh"
#include "codegen/cuda/lib/scan.cuh"

namespace carnot::select {

/// A key with the place of its element, which tells equal keys apart.
template <class Key>
struct Item {
  Key key;
  u32 at;
  CARNOT_DEVICE Item make(Key key, u32 at) { return {key, at}; }
  __device__ bool operator<(const Item& b) const {
    return key < b.key || (key == b.key && at < b.at);
  }
};
/// In one word.
template <>
struct Item<u32> {
  u64 both;
  CARNOT_DEVICE Item make(u32 key, u32 at) { return {u64{key} << 32 | at}; }
  __device__ bool operator<(const Item& b) const { return both < b.both; }
};
template <class Key>
CARNOT_DEVICE u32 place_of(const Item<Key>& item) {
  if constexpr (sizeof(Key) == 4) {
    return static_cast<u32>(item.both);
  } else {
    return item.at;
  }
}
template <class Key>
CARNOT_DEVICE Item<Key> last_item() {
  return Item<Key>::make(~Key{0}, ~u32{0});
}

template <class Key, int kThreads>
struct Shared {
  static constexpr int kSortMax = sizeof(Key) == 4 ? 4096 : 2048;
  static constexpr int kDigits = 256, kCopies = 4;  // of the counts: fewer threads wait
  Item<Key> items[kSortMax];
  union {
    u32 counts[kDigits * kCopies];
    u32 slots[kThreads];
  };
  u32 digits[kDigits];
  u32 taken, bucket, below, inside;
};

template <class Key, int kThreads>
class Selector {
 public:
  using S = Shared<Key, kThreads>;
  static constexpr int kSortMax = S::kSortMax;
  __device__ explicit Selector(S& shared)
      : s_(shared), thread_(static_cast<int>(threadIdx.x)), last_(), begun_(false) {}

  /// How many of the source take part.
  template <class Source>
  __device__ i64 participants(const Source& source) {
    u32 count = 0, total;
    Key key;
    for (i64 i = thread_; i < source.count; i += kThreads) count += source.key(i, key) ? 1 : 0;
    sum_before<kThreads>(count, s_.slots, total);
    return total;
  }

  /// Sorts the next of the best into `items`, at most kSortMax of the `left` that there are, and
  /// at most `wanted`; how many.
  template <class Source>
  __device__ int next(const Source& source, i64 left, i64 wanted) {
    const int want = static_cast<int>(wanted < kSortMax ? wanted : kSortMax);
    if (thread_ == 0) s_.taken = 0;
    __syncthreads();
    Key threshold = ~Key{0};
    int equals = -1;  // take all up to the threshold, or so many of those that are at it
    if (left > kSortMax) equals = find_threshold(source, want, threshold);
    gather(source, threshold, equals);
    const int count = static_cast<int>(s_.taken);
    sort(count);
    const int have = want < count ? want : count;
    if (have > 0) last_ = s_.items[have - 1];
    begun_ = true;
    return have;
  }

 private:
  template <class Source>
  __device__ bool is_next(const Source& source, i64 i, Key& key) const {
    if (!source.key(i, key)) return false;
    return !begun_ || last_ < Item<Key>::make(key, static_cast<u32>(i));
  }

  /// The least threshold under which `want` of the rest are; -1, or how many of those that equal
  /// it.
  template <class Source>
  __device__ int find_threshold(const Source& source, int want, Key& threshold) {
    Key prefix = 0, mask = 0;
    u32 below = 0;
    for (int shift = sizeof(Key) * 8 - 8; shift >= 0; shift -= 8) {
      count_digits(source, shift, prefix, mask);
      find_bucket(static_cast<u32>(want) - below);
      below += s_.below;
      prefix |= static_cast<Key>(s_.bucket) << shift;
      mask |= static_cast<Key>(0xff) << shift;
      const bool enough = below + s_.inside <= static_cast<u32>(kSortMax);
      __syncthreads();
      threshold = prefix | static_cast<Key>(~mask);
      if (enough) return -1;
    }
    return want - static_cast<int>(below);
  }

  template <class Source>
  __device__ void count_digits(const Source& source, int shift, Key prefix, Key mask) {
    for (int i = thread_; i < S::kDigits * S::kCopies; i += kThreads) s_.counts[i] = 0;
    __syncthreads();
    for (i64 i = thread_; i < source.count; i += kThreads) {
      Key key;
      if (!is_next(source, i, key) || (key & mask) != prefix) continue;
      const u32 digit = static_cast<u32>(key >> shift) & 0xff;
      atomicAdd(&s_.counts[digit * S::kCopies + thread_ % S::kCopies], 1u);
    }
    __syncthreads();
    for (int d = thread_; d < S::kDigits; d += kThreads) {
      u32 sum = 0;
      for (int c = 0; c < S::kCopies; ++c) sum += s_.counts[d * S::kCopies + c];
      s_.digits[d] = sum;
    }
    __syncthreads();
  }

  /// The digit with which `want` are reached, what lies below it and in it.
  __device__ void find_bucket(u32 want) {
    u32 sum = 0;
    for (int first = 0; first < S::kDigits; first += kThreads) {
      const int d = first + thread_;
      const u32 inside = d < S::kDigits ? s_.digits[d] : 0;
      u32 total;
      const u32 below = sum + sum_before<kThreads>(inside, s_.slots, total);
      if (inside > 0 && below < want && below + inside >= want) {
        s_.bucket = static_cast<u32>(d);
        s_.below = below;
        s_.inside = inside;
      }
      sum += total;
    }
    __syncthreads();
  }

  template <class Source>
  __device__ void gather(const Source& source, Key threshold, int equals) {
    for (i64 i = thread_; i < source.count; i += kThreads) {
      Key key;
      if (!is_next(source, i, key)) continue;
      if (equals < 0 ? key <= threshold : key < threshold) put(key, i);
    }
    __syncthreads();
    // Too many are equal: the first in place.
    for (i64 first = 0; equals > 0 && first < source.count; first += kThreads) {
      const i64 i = first + thread_;
      Key key = 0;
      const bool fits = i < source.count && is_next(source, i, key) && key == threshold;
      u32 total;
      const u32 before = sum_before<kThreads>(fits ? 1u : 0u, s_.slots, total);
      if (fits && static_cast<int>(before) < equals) put(key, i);
      equals -= static_cast<int>(total);
    }
    __syncthreads();
  }

  __device__ void put(Key key, i64 i) {
    s_.items[atomicAdd(&s_.taken, 1u)] = Item<Key>::make(key, static_cast<u32>(i));
  }

  /// A bitonic sort.
  __device__ void sort(int count) {
    int size = 2;
    while (size < count) size *= 2;
    for (int i = count + thread_; i < size; i += kThreads) s_.items[i] = last_item<Key>();
    __syncthreads();
    for (int run = 2; run <= size; run *= 2) {
      for (int step = run / 2; step > 0; step /= 2) {
        for (int p = thread_; p < size / 2; p += kThreads) {
          const int i = p / step * 2 * step + p % step, j = i + step;
          const bool up = (i & run) == 0;
          const Item<Key> a = s_.items[i], b = s_.items[j];
          if (up ? b < a : a < b) {
            s_.items[i] = b;
            s_.items[j] = a;
          }
        }
        __syncthreads();
      }
    }
  }

  S& s_;
  int thread_;
  Item<Key> last_;
  bool begun_;
};

}  // namespace carnot::select
