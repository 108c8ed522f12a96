// Tiles of operands on their way into shared memory. A tile is kRows rows of P::kRowBytes bytes,
// in chunks of 16 bytes that are swizzled.
// The inner dimension is counted in chunks: a tap (kh, kw) has P::chunks(p) of them, the last one
// filled with zeros; all taps follow one another.
//
// A side (A's rows or B's columns) says where its elements are:
//   kCopy      bytes of one asynchronous copy (16, 8, 4); 0: through registers
//   kSpan      a tap's run is contiguous wherever it begins; kSpanGuard (or -1) then bounds it: the
//              guard counts units of span_unit(p) elements. Else element by element.
//   kChecked   the buffer may start anywhere: look before copying so much at once
//   Row        what is known of a row: offset, values of its guards
//   count(p), row(p, batch, i), tap(p, t), element(p, t, c), base(p), extent(p, guard)
#pragma once
#include "codegen/cuda/lib/ptx.cuh"
#include "codegen/cuda/lib/swizzle.cuh"

namespace carnot::contraction {

template <class Index, int kGuards>
struct Position {
  Index offset;
  int guard[kGuards > 0 ? kGuards : 1];
};

/// A chunk of a buffer that is not aligned: `count` elements, then zeros.
template <int kBytes>
__device__ __forceinline__ void copy_elements(u32 to, const u8* from, int count) {
#pragma unroll 1
  for (int e = 0; e < 16 / kBytes; ++e) {
    if constexpr (kBytes == 4) {
      const u32 bits = e < count ? __ldg(reinterpret_cast<const u32*>(from) + e) : u32{0};
      ptx::store_shared(to + e * 4, bits);
    } else {
      const u16 bits = e < count ? __ldg(reinterpret_cast<const u16*>(from) + e) : u16{0};
      ptx::store_shared(to + e * 2, bits);
    }
  }
}

template <class P, class Side, int kRows, int kThreads>
class Loader {
 public:
  static constexpr int kChunks = P::kRowBytes / 16;
  static constexpr int kElements = 16 / P::kElementBytes;
  static constexpr int kTotal = kRows * kChunks;
  static constexpr int kPer = (kTotal + kThreads - 1) / kThreads;
  static constexpr bool kWhole = kTotal % kThreads == 0;
  static constexpr bool kStaged = Side::kCopy == 0;
  static_assert(kPer <= 32);
  using Params = typename P::Params;

  __device__ __forceinline__ Loader(const Params& p, int batch, int first, int thread)
      : p_(p), thread_(thread) {
    base_ = reinterpret_cast<const u8*>(Side::base(p));
    aligned_ = !Side::kChecked || (reinterpret_cast<u64>(base_) & 15) == 0;
    move_to(batch, first);
  }

  /// To another tile, whose rows begin with `first`.
  __device__ __forceinline__ void move_to(int batch, int first) {
    const int count = Side::count(p_);
    valid_ = 0;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int row = first + row_of(i);
      const bool ok = (kWhole || thread_ + i * kThreads < kTotal) && row < count;
      if (ok) valid_ |= 1u << i;
      rows_[i] = Side::row(p_, batch, ok ? row : 0);
    }
  }

  /// Starts the copies of one step into `stage`, where kStaged is false.
  __device__ __forceinline__ void start(int step, u32 stage) const {
    const int q = step * kChunks + thread_ % kChunks;
    const int t = q / P::chunks(p_), c = (q - t * P::chunks(p_)) * kElements;
    const bool inside = q < P::chunks(p_) * P::taps(p_);
    const auto tap = Side::tap(p_, t);
    const bool aligned = !Side::kChecked || aligned_;
    if (!aligned) {
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        if (!kWhole && thread_ + i * kThreads >= kTotal) break;
        const bool ok = inside && ((valid_ >> i) & 1) && open(rows_[i], tap);
        copy_elements<P::kElementBytes>(
            stage + swizzled<P::kRowBytes>(row_of(i), thread_ % kChunks), address(rows_[i], tap, c),
            ok ? P::run(p_) - c : 0);
      }
      return;
    }
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      if (!kWhole && thread_ + i * kThreads >= kTotal) break;
      const bool ok = inside && ((valid_ >> i) & 1) && open(rows_[i], tap);
      const u32 to = stage + swizzled<P::kRowBytes>(row_of(i), thread_ % kChunks);
      const u8* from = address(rows_[i], tap, c);
      constexpr int kStep = Side::kCopy > 0 ? Side::kCopy : 16;
#pragma unroll
      for (int part = 0; part < 16; part += kStep) {
        const bool some = ok && (kStep == 16 || c + part / P::kElementBytes < P::run(p_));
        ptx::copy_async<kStep>(to + part, from + part, some);
      }
    }
  }

  /// Reads one step's elements into registers, where kStaged is true ...
  __device__ __forceinline__ void fetch(int step) {
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int q = step * kChunks + (thread_ + i * kThreads) / kRows;
      const int t = q / P::chunks(p_), c = (q - t * P::chunks(p_)) * kElements;
      if constexpr (Side::kSpan) {
        const bool any = q < P::chunks(p_) * P::taps(p_) && ((valid_ >> i) & 1);
        staged_[i] = any ? read_span(rows_[i], Side::tap(p_, t), c) : uint4{0, 0, 0, 0};
        continue;
      }
      const bool inside = q < P::chunks(p_) * P::taps(p_) && ((valid_ >> i) & 1);
      u32 word[4] = {0, 0, 0, 0};
#pragma unroll
      for (int e = 0; e < kElements; ++e) {
        const auto at = Side::element(p_, t, c + e);
        const bool some = inside && c + e < P::run(p_);
        const bool ok = some && open(rows_[i], at);
        u32 bits = some ? Side::otherwise() : 0;
        const i64 offset = rows_[i].offset + at.offset;
        if constexpr (P::kElementBytes == 4) {
          if (ok) bits = __ldg(reinterpret_cast<const u32*>(base_) + offset);
          word[e] = bits;
        } else {
          if (ok) bits = __ldg(reinterpret_cast<const u16*>(base_) + offset);
          word[e / 2] |= bits << (16 * (e % 2));
        }
      }
      staged_[i] = {word[0], word[1], word[2], word[3]};
    }
  }
  /// ... and writes them into `stage`.
  __device__ __forceinline__ void put(u32 stage) const {
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int index = thread_ + i * kThreads;
      if (!kWhole && index >= kTotal) break;
      ptx::store_shared(stage + swizzled<P::kRowBytes>(index % kRows, index / kRows), staged_[i]);
    }
  }

 private:
  // Copies: neighbouring threads take the chunks of a row. Elements: neighbouring rows.
  __device__ __forceinline__ int row_of(int i) const {
    const int index = thread_ + i * kThreads;
    if constexpr (kStaged) return index % kRows;
    return thread_ / kChunks + i * (kThreads / kChunks);
  }
  template <class Tap>
  __device__ __forceinline__ const u8* address(const typename Side::Row& row, const Tap& tap,
                                               int c) const {
    return base_ + static_cast<i64>(row.offset + tap.offset + c) * P::kElementBytes;
  }
  template <class Tap>
  __device__ __forceinline__ bool open(const typename Side::Row& row, const Tap& tap) const {
    bool ok = true;
#pragma unroll
    for (int g = 0; g < Side::kGuards; ++g) {
      if (Side::kSpan && g == Side::kSpanGuard) continue;
      ok = ok && static_cast<u32>(row.guard[g] + tap.guard[g]) < Side::extent(p_, g);
    }
    return ok;
  }
  /// A chunk of a run that may begin at any element: whole words, with halves of two where they lie
  /// across; near the ends of what the guard lets through, element by element.
  template <class Tap>
  __device__ __forceinline__ uint4 read_span(const typename Side::Row& row, const Tap& tap,
                                             int c) const {
    int low = 0, high = P::run(p_);
    if constexpr (Side::kSpanGuard >= 0) {
      const int begin = row.guard[Side::kSpanGuard] + tap.guard[Side::kSpanGuard];
      const int end = static_cast<int>(Side::extent(p_, Side::kSpanGuard)) - begin;
      low = max(low, -begin * Side::span_unit(p_)), high = min(high, end * Side::span_unit(p_));
    }
    uint4 out = {0, 0, 0, 0};
    if (!open(row, tap) || c >= high || c + kElements <= low) return out;
    // A whole chunk that lies between the ends, then as much of it as belongs here.
    const int start = min(max(c, low), high - kElements);
    if (start >= low && P::kElementBytes == 2) {
      out = read_words(address(row, tap, start));
      return start == c ? out : moved(out, 16 * (c - start));
    }
    const u8* from = address(row, tap, c);
    u32 word[4] = {0, 0, 0, 0};
#pragma unroll
    for (int e = 0; e < kElements; ++e) {
      if (c + e < low || c + e >= high) continue;
      if constexpr (P::kElementBytes == 4) {
        word[e] = __ldg(reinterpret_cast<const u32*>(from) + e);
      } else {
        word[e / 2] |= static_cast<u32>(__ldg(reinterpret_cast<const u16*>(from) + e))
                       << (16 * (e % 2));
      }
    }
    return {word[0], word[1], word[2], word[3]};
  }
  /// 16 bytes at a multiple of 2, no byte beside them.
  __device__ __forceinline__ static uint4 read_words(const u8* from) {
    u32 word[4];
    if ((reinterpret_cast<u64>(from) & 2) == 0) {
#pragma unroll
      for (int w = 0; w < 4; ++w) word[w] = __ldg(reinterpret_cast<const u32*>(from) + w);
    } else {
      const u32 first = __ldg(reinterpret_cast<const u16*>(from));
      const u32 last = __ldg(reinterpret_cast<const u16*>(from + 14));
      u32 inner[3];
#pragma unroll
      for (int w = 0; w < 3; ++w) inner[w] = __ldg(reinterpret_cast<const u32*>(from + 2) + w);
      word[0] = __byte_perm(first, inner[0], 0x5410);
      word[1] = __byte_perm(inner[0], inner[1], 0x5432);
      word[2] = __byte_perm(inner[1], inner[2], 0x5432);
      word[3] = __byte_perm(inner[2], last, 0x5432);
    }
    return {word[0], word[1], word[2], word[3]};
  }
  /// Towards the first element by so many bits, or away from it; zeros come in.
  __device__ __forceinline__ static uint4 moved(uint4 v, int bits) {
    u64 low = v.x | static_cast<u64>(v.y) << 32, high = v.z | static_cast<u64>(v.w) << 32;
    if (bits >= 64) {
      low = high >> (bits - 64), high = 0;
    } else if (bits > 0) {
      low = low >> bits | high << (64 - bits), high >>= bits;
    } else if (bits > -64) {
      high = high << -bits | low >> (64 + bits), low <<= -bits;
    } else {
      high = low << (-bits - 64), low = 0;
    }
    return {static_cast<u32>(low), static_cast<u32>(low >> 32), static_cast<u32>(high),
            static_cast<u32>(high >> 32)};
  }
  const Params& p_;
  const u8* base_;
  typename Side::Row rows_[kPer];
  uint4 staged_[kStaged ? kPer : 1];
  u32 valid_ = 0;
  int thread_;
  bool aligned_;
};

/// B packed at build time: every step of a tile is one piece, laid out as shared memory wants it.
template <class P, int kThreads>
class PackedLoader {
 public:
  static constexpr bool kStaged = false;
  static constexpr int kBytes = P::kTileN * P::kRowBytes;

  __device__ __forceinline__ PackedLoader(const u8* tile, int thread)
      : from_(tile + thread * 16), thread_(thread) {}
  __device__ __forceinline__ void start(int step, u32 stage) const {
    const u8* from = from_ + static_cast<i64>(step) * kBytes;
#pragma unroll
    for (int i = 0; i < kBytes; i += 16 * kThreads) {
      if (kBytes % (16 * kThreads) == 0 || thread_ * 16 + i < kBytes) {
        ptx::copy_async<16>(stage + thread_ * 16 + i, from + i, true);
      }
    }
  }
  __device__ __forceinline__ void fetch(int) {}
  __device__ __forceinline__ void put(u32) const {}

 private:
  const u8* from_;
  int thread_;
};

}  // namespace carnot::contraction
