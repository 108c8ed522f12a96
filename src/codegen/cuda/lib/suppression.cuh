// non_max_suppression: a block for each class of each image. It takes the best boxes in rounds that
// are sorted in shared memory; a round's boxes are first compared with those that were kept before,
// each with those of its warp behind it, and then a warp after the other with what is kept of those
// in front of it.
#pragma once
#include "codegen/cuda/lib/select.cuh"

namespace carnot::suppression {

/// Scores above the threshold.
template <class E>
struct Scores {
  using Key = decltype(order_of(typename E::Value{}));
  const typename E::Stored* from;
  i64 count;
  double threshold;
  __device__ bool key(i64 i, Key& out) const {
    const typename E::Value score = E::get(from[i]);
    out = static_cast<Key>(~order_of(score));
    return static_cast<double>(score) > threshold;
  }
};

template <class Real>
struct Box {
  Real y0, x0, y1, x1;
};

template <class E, bool kCenter>
CARNOT_DEVICE Box<typename E::Value> box_at(const typename E::Stored* from) {
  using Real = typename E::Value;
  const Real a = E::get(from[0]), b = E::get(from[1]), c = E::get(from[2]), d = E::get(from[3]);
  if (kCenter) {
    const Real half_w = c / 2, half_h = d / 2;
    return {b - half_h, a - half_w, b + half_h, a + half_w};
  }
  return {a < c ? a : c, b < d ? b : d, a < c ? c : a, b < d ? d : b};
}

template <class Real, class From>
CARNOT_DEVICE Real overlap(const Box<From>& a, const Box<From>& b, Real& all) {
  const Real y0 = a.y0 > b.y0 ? a.y0 : b.y0, x0 = a.x0 > b.x0 ? a.x0 : b.x0;
  const Real y1 = a.y1 < b.y1 ? a.y1 : b.y1, x1 = a.x1 < b.x1 ? a.x1 : b.x1;
  const Real both = y1 > y0 && x1 > x0 ? (y1 - y0) * (x1 - x0) : 0;
  all =
      (Real(a.y1) - a.y0) * (Real(a.x1) - a.x0) + (Real(b.y1) - b.y0) * (Real(b.x1) - b.x0) - both;
  return both;
}

/// Whether both / all > limit, as f64 has it: f32 decides where it cannot be wrong.
template <class Real>
CARNOT_DEVICE bool overlaps(const Box<Real>& a, const Box<Real>& b, double limit) {
  Real all;
  const Real both = overlap<Real>(a, b, all);
  if constexpr (sizeof(Real) == 4) {
    constexpr float kDoubt = 1e-5f;
    const float excess = both - static_cast<float>(limit) * all, doubt = kDoubt * (all + both);
    if (excess > doubt && both > 0) return true;
    if (excess < -doubt || both <= 0) return !(both > 0) ? 0 > limit : false;
  }
  double whole;
  const double part = overlap<double>(a, b, whole);
  return (part > 0 && whole > 0 ? part / whole : 0) > limit;
}

template <class E, bool kCenter, int kThreads>
struct Suppressor {
  using Real = typename E::Value;
  using Key = typename Scores<E>::Key;
  using S = select::Shared<Key, kThreads>;
  static constexpr int kWarps = kThreads / 32;
  struct Shared {
    S select;
    Box<Real> boxes[kThreads];
    u32 later[kThreads];  ///< which of the warp's boxes behind it a box overlaps
    u32 kept[2];
  };

  Shared& shared;
  const typename E::Stored* boxes;
  u32* kept;  ///< places of what is kept
  double limit;
  i64 most;
  i64 count = 0;

  /// kThreads sorted boxes, each thread's own at `place`; some threads have none.
  __device__ void round(bool have, u32 place) {
    const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
    Box<Real> own = {0, 0, 0, 0};
    if (have) own = box_at<E, kCenter>(boxes + i64{place} * 4);
    bool alive = outlives_kept(own, have);
    shared.boxes[thread] = own;
    __syncthreads();
    u32 later = 0;
    for (int j = 0; alive && j < 32; ++j) {
      if (j > lane && overlaps(shared.boxes[warp * 32 + j], own, limit)) later |= 1u << j;
    }
    shared.later[thread] = later;
    __syncthreads();
    // A warp's boxes at a time: what is left of them is kept, and suppresses what comes behind.
    for (int now = 0; now < kWarps && count < most; ++now) {
      const u32 live = __ballot_sync(0xffffffffu, alive);
      if (thread == now * 32) shared.kept[now & 1] = best_of(live, thread);
      __syncthreads();
      const u32 found = shared.kept[now & 1];
      if (warp == now && (found >> lane & 1))
        kept[count + __popc(found & ((1u << lane) - 1))] = place;
      count += __popc(found);
      if (warp <= now) continue;
      for (u32 rest = found; alive && rest != 0; rest &= rest - 1) {
        alive = !overlaps(own, shared.boxes[now * 32 + __ffs(static_cast<int>(rest)) - 1], limit);
      }
    }
    __syncthreads();
  }

  /// Of the warp's boxes that live, those that no better one suppresses; by one thread.
  __device__ u32 best_of(u32 live, int first) const {
    u32 out = 0;
    for (i64 left = most - count; live != 0 && left > 0; --left) {
      const int best = __ffs(static_cast<int>(live)) - 1;
      out |= 1u << best;
      live &= ~(shared.later[first + best] | 1u << best);
    }
    return out;
  }

  /// Whether the thread's box overlaps none that was kept in the rounds before; all threads ask.
  __device__ bool outlives_kept(const Box<Real>& own, bool alive) {
    for (i64 first = 0; first < count; first += kThreads) {
      const i64 k = first + threadIdx.x;
      if (k < count) shared.boxes[threadIdx.x] = box_at<E, kCenter>(boxes + i64{kept[k]} * 4);
      __syncthreads();
      const int size = static_cast<int>(count - first < kThreads ? count - first : kThreads);
      for (int j = 0; alive && j < size; ++j) alive = !overlaps(own, shared.boxes[j], limit);
      __syncthreads();
    }
    return alive;
  }
};

/// `kept` and `counts` of each class; a `size` (a shape) where there is one class alone.
template <class E, bool kCenter, int kThreads>
__device__ void suppress(const typename E::Stored* boxes, const typename E::Stored* scores,
                         i64 most, double limit, double threshold, u32* kept, u32* counts,
                         i64* size, i64 classes, i64 count) {
  using P = Suppressor<E, kCenter, kThreads>;
  __shared__ typename P::Shared shared;
  const i64 row = blockIdx.x;
  const Scores<E> source{scores + row * count, count, threshold};
  P suppressor{shared, boxes + row / classes * count * 4, kept + row * count, limit, most};
  select::Selector<typename P::Key, kThreads> selector(shared.select);
  i64 left = selector.participants(source);
  while (left > 0 && suppressor.count < suppressor.most) {
    const int found = selector.next(source, left, left);
    __syncthreads();
    for (int first = 0; first < found; first += kThreads) {
      const int i = first + static_cast<int>(threadIdx.x);
      const bool have = i < found;
      suppressor.round(have, have ? select::place_of(shared.select.items[i]) : 0);
    }
    left -= found;
  }
  if (threadIdx.x != 0) return;
  counts[row] = size ? 0 : static_cast<u32>(suppressor.count);
  if (!size) return;
  size[0] = suppressor.count;
  size[1] = 0;
}

/// `before`: what the classes before have kept.
CARNOT_DEVICE void write(const u32* kept, const u32* before, i64* out, i64 classes, i64 count,
                         i64 rows, i64 found) {
  const i64 row = blockIdx.x;
  const i64 first = before[row], end = row + 1 < rows ? before[row + 1] : found;
  for (i64 i = first + threadIdx.x; i < end; i += blockDim.x) {
    out[i * 3] = row / classes;
    out[i * 3 + 1] = row % classes;
    out[i * 3 + 2] = kept[row * count + i - first];
  }
}

}  // namespace carnot::suppression
