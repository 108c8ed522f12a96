// top_k: a block for each row, or, where rows are few and long, for each of a row's segments, and
// then for each row of what the segments gave. Reads a row once where it fits into shared memory,
// else up to five times.
#pragma once
#include "codegen/cuda/lib/select.cuh"

namespace carnot::top_k {

/// Elements of one row of x, `step` apart.
template <class E, bool kLargest>
struct Row {
  using Key = decltype(order_of(typename E::Value{}));
  const typename E::Stored* from;
  i64 step, count;
  __device__ bool key(i64 i, Key& out) const {
    const Key order = order_of(E::get(from[i * step]));
    out = kLargest ? static_cast<Key>(~order) : order;
    return true;
  }
};

/// Where the rows lie in x and in the results: [outer, size, inner].
struct Rows {
  i64 size, inner;
  __device__ i64 start(i64 row, i64 length) const {
    return row / inner * length * inner + row % inner;
  }
};

template <class E, bool kLargest, int kThreads>
__device__ void rows(const typename E::Stored* x, typename E::Stored* values, i64* indices,
                     Rows shape, i64 count, Fault* fault) {
  using R = Row<E, kLargest>;
  using S = select::Shared<typename R::Key, kThreads>;
  __shared__ S shared;
  if (count > shape.size) {
    if (threadIdx.x == 0) *fault = {count, -(shape.size + 1)};
    return;
  }
  const i64 row = blockIdx.x;
  const R source{x + shape.start(row, shape.size), shape.inner, shape.size};
  const i64 to = shape.start(row, count);
  select::Selector<typename R::Key, kThreads> selector(shared);
  for (i64 done = 0; done < count;) {
    const int found = selector.next(source, shape.size - done, count - done);
    for (int i = threadIdx.x; i < found; i += kThreads) {
      const i64 at = select::place_of(shared.items[i]);
      values[to + (done + i) * shape.inner] = source.from[at * shape.inner];
      indices[to + (done + i) * shape.inner] = at;
    }
    done += found;
    __syncthreads();
  }
}

/// The best `count` of each segment, their places in the row.
template <class E, bool kLargest, int kThreads>
__device__ void segments(const typename E::Stored* x, u32* candidates, Rows shape, i64 count,
                         i64 segments, Fault* fault) {
  using R = Row<E, kLargest>;
  using S = select::Shared<typename R::Key, kThreads>;
  __shared__ S shared;
  if (count > shape.size) {
    if (threadIdx.x == 0) *fault = {count, -(shape.size + 1)};
    return;
  }
  const i64 row = blockIdx.x / segments, segment = blockIdx.x % segments;
  const i64 length = (shape.size + segments - 1) / segments, first = segment * length;
  const i64 rest = shape.size - first, have = rest < 0 ? 0 : rest < length ? rest : length;
  const R source{x + shape.start(row, shape.size) + first * shape.inner, shape.inner, have};
  select::Selector<typename R::Key, kThreads> selector(shared);
  const int found = selector.next(source, have, have < count ? have : count);
  u32* to = candidates + (row * segments + segment) * count;
  for (i64 i = threadIdx.x; i < count; i += kThreads) {
    to[i] = i < found ? static_cast<u32>(first) + select::place_of(shared.items[i]) : ~u32{0};
  }
}

/// Of the candidates of one row. Equal ones are in the order of their places here as there.
template <class E, bool kLargest>
struct Candidates {
  using Key = typename Row<E, kLargest>::Key;
  Row<E, kLargest> row;
  const u32* places;
  i64 count;
  __device__ bool key(i64 i, Key& out) const {
    const u32 place = places[i];
    return place != ~u32{0} && row.key(place, out);
  }
};

template <class E, bool kLargest, int kThreads>
__device__ void best_of_segments(const typename E::Stored* x, const u32* candidates,
                                 typename E::Stored* values, i64* indices, Rows shape, i64 count,
                                 i64 segments) {
  using C = Candidates<E, kLargest>;
  using S = select::Shared<typename C::Key, kThreads>;
  __shared__ S shared;
  if (count > shape.size) return;
  const i64 row = blockIdx.x, to = shape.start(row, count);
  const C source{{x + shape.start(row, shape.size), shape.inner, shape.size},
                 candidates + row * segments * count,
                 segments * count};
  select::Selector<typename C::Key, kThreads> selector(shared);
  const int found = selector.next(source, source.count, count);
  for (int i = threadIdx.x; i < found; i += kThreads) {
    const i64 at = source.places[select::place_of(shared.items[i])];
    values[to + i * shape.inner] = source.row.from[at * shape.inner];
    indices[to + i * shape.inner] = at;
  }
}

}  // namespace carnot::top_k
