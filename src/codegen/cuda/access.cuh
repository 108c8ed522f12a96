#pragma once
// Several neighbouring elements at once.
#include "codegen/cuda/numbers.cuh"

namespace carnot {

template <int kBytes>
struct alignas(kBytes) Words {
  u32 w[kBytes / 4];
};
template <>
struct alignas(2) Words<2> {
  u16 w;
};
template <>
struct alignas(1) Words<1> {
  u8 w;
};

template <class T, int kCount>
union Piece {
  static constexpr int kBytes = sizeof(T) * kCount;
  static constexpr int kWord = kBytes < 16 ? kBytes : 16;
  Words<kWord> words[kBytes / kWord];
  T elements[kCount];
};

/// Neighbours that stay in as few registers as they have words.
template <bool kAligned, class T, int kCount>
CARNOT_DEVICE void load_piece(const T* from, Piece<T, kCount>& to) {
  using P = Piece<T, kCount>;
  if (kAligned) {
#pragma unroll
    for (int i = 0; i < P::kBytes / P::kWord; ++i) {
      to.words[i] = reinterpret_cast<const Words<P::kWord>*>(from)[i];
    }
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) to.elements[i] = from[i];
  }
}

/// kCount neighbours at once, where kAligned: a power of two of bytes, at a multiple of them (or of
/// 16).
template <bool kAligned, class T, int kCount>
CARNOT_DEVICE void load_piece(const T* from, T (&to)[kCount]) {
  if (kAligned) {
    using P = Piece<T, kCount>;
    P piece;
#pragma unroll
    for (int i = 0; i < P::kBytes / P::kWord; ++i) {
      piece.words[i] = reinterpret_cast<const Words<P::kWord>*>(from)[i];
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) to[i] = piece.elements[i];
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) to[i] = from[i];
  }
}
template <bool kAligned, class T, int kCount>
CARNOT_DEVICE void store_piece(T* to, const Piece<T, kCount>& from) {
  using P = Piece<T, kCount>;
  if (kAligned) {
#pragma unroll
    for (int i = 0; i < P::kBytes / P::kWord; ++i) {
      reinterpret_cast<Words<P::kWord>*>(to)[i] = from.words[i];
    }
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) to[i] = from.elements[i];
  }
}
template <bool kAligned, class T, int kCount>
CARNOT_DEVICE void store_piece(T* to, const T (&from)[kCount]) {
  if (kAligned) {
    using P = Piece<T, kCount>;
    P piece;
#pragma unroll
    for (int i = 0; i < kCount; ++i) piece.elements[i] = from[i];
#pragma unroll
    for (int i = 0; i < P::kBytes / P::kWord; ++i) {
      reinterpret_cast<Words<P::kWord>*>(to)[i] = piece.words[i];
    }
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) to[i] = from[i];
  }
}
/// A run of neighbours, kAtOnce of them at a time.
template <bool kAligned, int kAtOnce, class T, int kCount>
CARNOT_DEVICE void load_run(const T* from, T (&to)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += kAtOnce) {
    T piece[kAtOnce];
    load_piece<kAligned>(from + i, piece);
#pragma unroll
    for (int j = 0; j < kAtOnce; ++j) to[i + j] = piece[j];
  }
}
template <bool kAligned, int kAtOnce, class T, int kCount>
CARNOT_DEVICE void store_run(T* to, const T (&from)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += kAtOnce) {
    T piece[kAtOnce];
#pragma unroll
    for (int j = 0; j < kAtOnce; ++j) piece[j] = from[i + j];
    store_piece<kAligned>(to + i, piece);
  }
}
/// Where a run's first bad index is told: the index, and the size of its axis plus one. That is
/// negative where the "index" is a number of elements that the axis does not have.
struct alignas(16) Fault {
  i64 index, size;
};
/// An index of an axis, from its end where it is negative. One out of range is told and replaced.
CARNOT_DEVICE i64 index_within(i64 index, i64 size, Fault* fault) {
  if (index < -size || index >= size) {
    *fault = {index, size + 1};
    return 0;
  }
  return index < 0 ? index + size : index;
}
CARNOT_DEVICE bool is_aligned(const void* pointer) {
  return (reinterpret_cast<u64>(pointer) & 15) == 0;
}

}  // namespace carnot
