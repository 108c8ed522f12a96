// scatter_elements and scatter_nd: a copy of the data under updates. Updates of one place are
// applied by atomics that give the same bits in whatever order they come: the last one in index
// order wins, integers and extremes commute, and sums of floats are sums of integers, of the
// updates in units that the largest of the place decides.
//
// A place functor says which row of the data (of `length` elements) row i of the updates goes to;
// -1 where an index is out of range, which it has told.
#pragma once
#include "codegen/cuda/lib/element.cuh"

namespace carnot::scatter {

/// Of scatter_elements: each update is a row of its own. `sizes` are the updates', `strides` the
/// data's.
template <int kRank, class Index>
struct Elements {
  const Index* indices;
  Fault* fault;
  int axis;
  i64 axis_size;
  i64 sizes[kRank], strides[kRank];
  __device__ i64 operator()(i64 i) const {
    const i64 index = static_cast<i64>(indices[i]);
    i64 out = 0;
#pragma unroll
    for (int a = kRank - 1; a >= 0; --a) {
      const i64 at = i % sizes[a];
      i /= sizes[a];
      out += (a == axis ? 0 : at) * strides[a];
    }
    if (index < -axis_size || index >= axis_size) {
      *fault = {index, axis_size + 1};
      return -1;
    }
    return out + (index < 0 ? index + axis_size : index) * strides[axis];
  }
};

/// Of scatter_nd: kDepth indices name a row. `sizes` are the data's first, `strides` in rows.
template <int kDepth, class Index>
struct Rows {
  const Index* indices;
  Fault* fault;
  i64 sizes[kDepth > 0 ? kDepth : 1], strides[kDepth > 0 ? kDepth : 1];
  __device__ i64 operator()(i64 i) const {
    i64 out = 0;
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const i64 index = static_cast<i64>(indices[i * kDepth + k]);
      if (index < -sizes[k] || index >= sizes[k]) {
        *fault = {index, sizes[k] + 1};
        return -1;
      }
      out += (index < 0 ? index + sizes[k] : index) * strides[k];
    }
    return out;
  }
};

CARNOT_DEVICE i64 this_thread() {
  return static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
}

template <class T>
CARNOT_DEVICE void copy(const T* from, T* to, i64 count) {
  const i64 i = this_thread();
  if (i < count) to[i] = from[i];
}

/// A single row is a choice of where to read.
template <class T, class Place>
CARNOT_DEVICE void one_row(const T* data, const T* updates, T* out, i64 count, i64 length,
                           const Place& place) {
  const i64 i = this_thread();
  if (i >= count) return;
  const i64 first = place(0) * length;
  out[i] = first >= 0 && i >= first && i < first + length ? updates[i - first] : data[i];
}

// The last update wins: `owner` of each row of the data.

template <class T, class Place>
CARNOT_DEVICE void start_owners(const T* data, T* out, u32* owner, i64 count, i64 rows,
                                const Place& place) {
  const i64 i = this_thread();
  if (i < count) out[i] = data[i];
  if (i >= rows) return;
  const i64 row = place(i);
  if (row >= 0) owner[row] = 0;
}
template <class Place>
CARNOT_DEVICE void claim(u32* owner, i64 rows, const Place& place) {
  const i64 i = this_thread();
  if (i >= rows) return;
  const i64 row = place(i);
  if (row >= 0) atomicMax(&owner[row], static_cast<u32>(i) + 1);
}
template <class T, class Place>
CARNOT_DEVICE void write_owned(const T* updates, const u32* owner, T* out, i64 rows, i64 length,
                               const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 from = i / length, row = place(from);
  if (row >= 0 && owner[row] == static_cast<u32>(from) + 1)
    out[row * length + i % length] = updates[i];
}

// Folds that commute, in 64 bits.

/// Extremes of floats are those of unsigned integers in their order, where NaN comes first.
template <class E, bool kLargest>
struct Extreme {
  using Word = u64;
  using Value = typename E::Value;
  CARNOT_DEVICE Word word(Value x) {
    if constexpr (IsReal<Value>::kIs) {
      return kLargest || x == x ? order_of(x) : 0;
    } else {
      return order_of(x);
    }
  }
  CARNOT_DEVICE void fold(Word* to, Word x) {
    if constexpr (kLargest) {
      atomicMax(to, x);
    } else {
      atomicMin(to, x);
    }
  }
  CARNOT_DEVICE Value value(Word x) {
    if constexpr (sizeof(Value) == 8 && IsReal<Value>::kIs) {
      constexpr u64 kSign = u64{1} << 63;
      if (x == ~u64{0} || x == 0) return nan_f64();
      return __longlong_as_double(static_cast<i64>(x & kSign ? x ^ kSign : ~x));
    } else if constexpr (IsReal<Value>::kIs) {
      const u32 bits = static_cast<u32>(x);
      if (bits == ~u32{0} || bits == 0) return nan_f32();
      return __int_as_float(static_cast<int>(bits >> 31 ? bits ^ (1u << 31) : ~bits));
    } else if constexpr (sizeof(Value) == 8) {
      return static_cast<Value>(x ^ (Limits<Value>::is_signed ? u64{1} << 63 : 0));
    } else {
      return static_cast<Value>(static_cast<i64>(x) + static_cast<i64>(Limits<Value>::least));
    }
  }
};
template <class E>
struct WholeSum {
  using Word = u64;
  using Value = typename E::Value;
  CARNOT_DEVICE Word word(Value x) { return static_cast<u64>(static_cast<i64>(x)); }
  CARNOT_DEVICE void fold(Word* to, Word x) { atomicAdd(to, x); }
  CARNOT_DEVICE Value value(Word x) { return static_cast<Value>(x); }
};
template <class E>
struct WholeProduct : WholeSum<E> {
  using Word = u64;
  CARNOT_DEVICE void fold(Word* to, Word x) {
    Word before = *to, seen;
    do {
      seen = before;
      before = atomicCAS(to, seen, seen * x);
    } while (before != seen);
  }
};

template <class E, class Fold, class Place>
CARNOT_DEVICE void start_fold(const typename E::Stored* data, typename E::Stored* out, u64* words,
                              i64 count, i64 rows, i64 length, const Place& place) {
  const i64 i = this_thread();
  if (i < count) out[i] = data[i];
  if (i >= rows * length) return;
  const i64 row = place(i / length), at = row * length + i % length;
  if (row >= 0) words[at] = Fold::word(E::get(data[at]));
}
template <class E, class Fold, class Place>
CARNOT_DEVICE void fold(const typename E::Stored* updates, u64* words, i64 rows, i64 length,
                        const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 row = place(i / length);
  if (row >= 0) Fold::fold(&words[row * length + i % length], Fold::word(E::get(updates[i])));
}
template <class E, class Fold, class Place>
CARNOT_DEVICE void write_fold(const u64* words, typename E::Stored* out, i64 rows, i64 length,
                              const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 row = place(i / length), at = row * length + i % length;
  if (row >= 0) out[at] = E::put(Fold::value(words[at]));
}

// Sums of floats. `top` of an element is the largest exponent among its updates, or kSpecial.

constexpr u32 kSpecial = 1u << 16;
enum : u64 { kNan = 1, kPlus = 2, kMinus = 4 };

CARNOT_DEVICE u32 exponent_of(double x) {
  const u32 field = static_cast<u32>(bits_of(x) >> 52) & 0x7ff;
  return field == 0x7ff ? kSpecial : field == 0 ? 1 : field;
}
/// Updates below 2^(top - 1022) in these units sum up to less than 2^62.
CARNOT_DEVICE int units_of(u32 top, i64 rows) {
  int room = 1;
  while ((i64{1} << room) < rows) ++room;
  return 62 - room - (static_cast<int>(top) - 1022);
}

template <class E, class Place>
CARNOT_DEVICE void start_sum(const typename E::Stored* data, typename E::Stored* out, u64* sums,
                             u32* top, i64 count, i64 rows, i64 length, const Place& place) {
  const i64 i = this_thread();
  if (i < count) out[i] = data[i];
  if (i >= rows * length) return;
  const i64 row = place(i / length), at = row * length + i % length;
  if (row < 0) return;
  sums[at] = 0;
  top[at] = 0;
}
template <class E, class Place>
CARNOT_DEVICE void find_units(const typename E::Stored* updates, u32* top, i64 rows, i64 length,
                              const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 row = place(i / length);
  if (row >= 0) atomicMax(&top[row * length + i % length], exponent_of(E::get(updates[i])));
}
template <class E, class Place>
CARNOT_DEVICE void sum(const typename E::Stored* updates, const u32* top, u64* sums, i64 rows,
                       i64 length, const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 row = place(i / length), at = row * length + i % length;
  if (row < 0) return;
  const double x = E::get(updates[i]);
  if (top[at] >= kSpecial) {
    if (exponent_of(x) < kSpecial) return;
    atomicOr(&sums[at], static_cast<u64>(x != x ? kNan : x > 0 ? kPlus : kMinus));
  } else {
    atomicAdd(&sums[at], static_cast<u64>(llrint(ldexp(x, units_of(top[at], rows)))));
  }
}
template <class E, class Place>
CARNOT_DEVICE void write_sum(const typename E::Stored* data, const u64* sums, const u32* top,
                             typename E::Stored* out, i64 rows, i64 length, const Place& place) {
  const i64 i = this_thread();
  if (i >= rows * length) return;
  const i64 row = place(i / length), at = row * length + i % length;
  if (row < 0) return;
  double sum;
  if (top[at] < kSpecial) {
    sum = ldexp(static_cast<double>(static_cast<i64>(sums[at])), -units_of(top[at], rows));
  } else {
    sum = sums[at] == kPlus ? infinity_f64() : sums[at] == kMinus ? -infinity_f64() : nan_f64();
  }
  out[at] = E::put(static_cast<typename E::Value>(E::get(data[at]) + sum));
}

}  // namespace carnot::scatter
