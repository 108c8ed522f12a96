// LSTM, GRU and RNN, given what the gates have of x: one launch for all steps. A cluster of blocks
// takes some sequences of one direction; each of its blocks has a slice of the hidden units with
// all their gates, and keeps the weights of its slice, in registers where they fit. In a step a
// warp goes through rows of the weights, its lanes along the state; the sums of many rows and
// sequences are brought together in one tree of shuffles. Then a thread for each unit makes the new
// state and writes it to every block of the cluster.
//
// P: kKind, kHidden, kBlocks (of a cluster), kBatch (sequences at once), kWarps, kWeights.
#pragma once
#include "codegen/cuda/lib/recurrent_problem.cuh"
#ifdef __CUDACC_RTC__
#include "codegen/cuda/lib/ptx.cuh"
#endif

namespace carnot::recurrent {
template <class P>
class Sequence {
 public:
  using E = typename P::E;
  using S = Shared<P>;

  __device__ Sequence(const Operands<P>& operands, S& shared) : o_(operands), s_(shared) {
    const i64 tiles = (o_.batch + P::kBatch - 1) / P::kBatch;
    i64 number = blockIdx.x / P::kBlocks;
    first_ = number % tiles * P::kBatch;
    direction_ = number / tiles;
    rank_ = static_cast<int>(blockIdx.x % P::kBlocks);
    warp_ = static_cast<int>(threadIdx.x) / 32;
    lane_ = static_cast<int>(threadIdx.x) % 32;
  }

  __device__ void run() {
    for (int i = threadIdx.x; i < 2 * P::kBatch * P::kPadded; i += P::kThreads) {
      (&s_.h[0][0][0])[i] = 0;
    }
    __syncthreads();
    start_state();
    load_bias();
    if constexpr (P::kWeights == kRegisters) load_weights();
    meet();
    if constexpr (kAhead) fetch(0, xs_);
    for (i64 step = 0; step < o_.steps; ++step) {
      const int now = static_cast<int>(step & 1);
      [[maybe_unused]] float next[kAhead ? kOwn : 1][P::kGates];
      if constexpr (kAhead) fetch(step + 1, next);
      multiply(now);
      __syncthreads();
      update(step, now);
      if constexpr (kAhead) {
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
#pragma unroll
          for (int g = 0; g < P::kGates; ++g) xs_[i][g] = next[i][g];
        }
      }
      meet();
    }
    finish();
  }

 private:
  __device__ int unit_of(int u) const {
    return rank_ * P::kSlice + u;
  }
  __device__ bool is_live(i64 n, int unit) const {
    return n < o_.batch && unit < P::kHidden;
  }
  __device__ i64 length(i64 n) const {
    if (!o_.lengths) return o_.steps;
    const i64 told = static_cast<i64>(o_.lengths[n]);
    return told < 0 ? 0 : told < o_.steps ? told : o_.steps;
  }
  __device__ i64 state_at(i64 n, int unit) const {
    return (direction_ * o_.batch + n) * P::kHidden + unit;
  }

  /// The whole state is in each block; the memory of its slice alone.
  __device__ void start_state() {
    for (int i = threadIdx.x; i < P::kBatch * P::kHidden; i += P::kThreads) {
      const int b = i / P::kHidden, unit = i % P::kHidden;
      if (o_.h0 && first_ + b < o_.batch)
        s_.h[0][b][unit] = E::get(o_.h0[state_at(first_ + b, unit)]);
    }
    for (int i = threadIdx.x; i < P::kBatch * P::kSlice; i += P::kThreads) {
      const int b = i / P::kSlice, u = i % P::kSlice;
      const bool given = o_.c0 && is_live(first_ + b, unit_of(u));
      s_.c[b][u] = given ? E::get(o_.c0[state_at(first_ + b, unit_of(u))]) : 0;
    }
  }

  __device__ float weight(int row, int k) const {
    const int gate = row / P::kSlice, unit = unit_of(row % P::kSlice);
    if (row >= P::kRows || unit >= P::kHidden || k >= P::kHidden) return 0;
    return E::get(
        o_.weights[((direction_ * P::kGates + gate) * P::kHidden + unit) * P::kHidden + k]);
  }
  __device__ void load_weights() {
#pragma unroll
    for (int r = 0; r < P::kRowsOfWarp; ++r) {
#pragma unroll
      for (int k = 0; k < P::kChunks; ++k) {
        kept_[r][k] = weight(warp_ * P::kRowsOfWarp + r, k * 32 + lane_);
      }
    }
  }

  /// So many rows together that their sums with all sequences are at most 32.
  static constexpr int kTogether = 32 / P::kBatch;

  __device__ void multiply(int now) {
    constexpr int kGroup = P::kRowsOfWarp < kTogether ? P::kRowsOfWarp : kTogether;
    if constexpr (P::kWeights == kRegisters) {
#pragma unroll
      for (int first = 0; first < P::kRowsOfWarp; first += kGroup) rows<kGroup>(first, now);
    } else {
#pragma unroll 1
      for (int first = 0; first < P::kRowsOfWarp; first += kGroup) rows<kGroup>(first, now);
    }
  }

  template <int kGroup>
  __device__ void rows(int first, int now) {
    constexpr int kValues = kGroup * P::kBatch;
    constexpr int kPow = kValues <= 1    ? 1
                         : kValues <= 2  ? 2
                         : kValues <= 4  ? 4
                         : kValues <= 8  ? 8
                         : kValues <= 16 ? 16
                                         : 32;
    constexpr int kUnroll = P::kWeights == kRegisters || P::kChunks < 4 ? P::kChunks : 4;
    float sums[kPow];
#pragma unroll
    for (int i = 0; i < kPow; ++i) sums[i] = 0;
#pragma unroll(kUnroll)
    for (int k = 0; k < P::kChunks; ++k) {
      float h[P::kBatch];
#pragma unroll
      for (int b = 0; b < P::kBatch; ++b) h[b] = s_.h[now][b][k * 32 + lane_];
#pragma unroll
      for (int r = 0; r < kGroup; ++r) {
        float w;
        if constexpr (P::kWeights == kRegisters) {
          w = first + r < P::kRowsOfWarp ? kept_[first + r < P::kRowsOfWarp ? first + r : 0][k] : 0;
        } else {
          w = weight(warp_ * P::kRowsOfWarp + first + r, k * 32 + lane_);
        }
#pragma unroll
        for (int b = 0; b < P::kBatch; ++b) sums[r * P::kBatch + b] += w * h[b];
      }
    }
    const float total = Tree<kPow>::sum(sums);
    constexpr int kLanes = 32 / kPow;
    const int value = lane_ / kLanes, row = warp_ * P::kRowsOfWarp + first + value / P::kBatch;
    const bool own =
        lane_ % kLanes == 0 && value < kValues && first + value / P::kBatch < P::kRowsOfWarp;
    if (own && row < P::kRows) s_.sums[value % P::kBatch][row] = total;
  }

  __device__ void load_bias() {
    for (int i = threadIdx.x; i < 2 * P::kRows; i += P::kThreads) {
      const int half = i / P::kRows, gate = i % P::kRows / P::kSlice, unit = unit_of(i % P::kSlice);
      const bool given = o_.bias && unit < P::kHidden;
      s_.bias[half][i % P::kRows] =
          given ? E::get(o_.bias[((direction_ * 2 + half) * P::kGates + gate) * P::kHidden + unit])
                : 0;
    }
  }

  /// Where the unit reads x in a step, and writes y.
  __device__ i64 time(i64 n, i64 step, bool& live) const {
    const i64 end = length(n);
    live = step < end;
    return live && (direction_ == 1 || o_.reverse) ? end - 1 - step : step;
  }

  /// What the gates of the thread's units have of x.
  template <int kCount>
  __device__ void fetch(i64 step, float (&to)[kCount][P::kGates]) const {
#pragma unroll
    for (int own = 0; own < kCount; ++own) {
      const int i = static_cast<int>(threadIdx.x) + own * P::kThreads;
      fetch_one(i, step, to[own]);
    }
  }
  __device__ void fetch_one(int i, i64 step, float (&to)[P::kGates]) const {
    const int unit = unit_of(i % P::kSlice);
    const i64 n = first_ + i / P::kSlice;
    if (i >= P::kBatch * P::kSlice || !is_live(n, unit)) return;
    bool live;
    const i64 at = time(n, step, live);
    if (!live) return;
    const typename E::Stored* x =
        o_.x + ((at * o_.batch + n) * o_.directions + direction_) * P::kGates * P::kHidden + unit;
#pragma unroll
    for (int g = 0; g < P::kGates; ++g) to[g] = E::get(x[g * P::kHidden]);
  }

  __device__ void update(i64 step, int now) {
#pragma unroll
    for (int own = 0; own < kOwn; ++own) {
      const int i = static_cast<int>(threadIdx.x) + own * P::kThreads;
      const int b = i / P::kSlice, u = i % P::kSlice, unit = unit_of(u);
      const i64 n = first_ + b;
      if (i >= P::kBatch * P::kSlice || !is_live(n, unit)) continue;
      bool live;
      const i64 at = time(n, step, live);
      float h = s_.h[now][b][unit];
      if (live && kAhead) {
        h = next_state(b, u, xs_[kAhead ? own : 0], h);
      } else if (live) {
        float xs[P::kGates];
        fetch_one(i, step, xs);
        h = next_state(b, u, xs, h);
      }
      o_.y[((at * o_.directions + direction_) * o_.batch + n) * P::kHidden + unit] =
          E::put(live ? h : 0.0f);
      tell(now ^ 1, b, unit, h);
    }
  }

  __device__ float next_state(int b, int u, const float (&xs)[P::kGates], float h) {
    const auto from_x = [&](int gate) { return xs[gate] + s_.bias[0][gate * P::kSlice + u]; };
    const auto from_h = [&](int gate) {
      return s_.sums[b][gate * P::kSlice + u] + s_.bias[1][gate * P::kSlice + u];
    };
    if constexpr (P::kKind == kRnn) {
      return tanh_of(from_x(0) + from_h(0));
    } else if constexpr (P::kKind == kGru) {
      const float z = sigmoid(from_x(0) + from_h(0)), reset = sigmoid(from_x(1) + from_h(1));
      const float next = tanh_of(from_x(2) + reset * from_h(2));
      return (1 - z) * next + z * h;
    } else {
      const float in = sigmoid(from_x(0) + from_h(0)), out = sigmoid(from_x(1) + from_h(1));
      const float forget = sigmoid(from_x(2) + from_h(2)), next = tanh_of(from_x(3) + from_h(3));
      const float c = forget * s_.c[b][u] + in * next;
      s_.c[b][u] = c;
      return out * tanh_of(c);
    }
  }

  /// To all blocks.
  __device__ void tell(int slot, int b, int unit, float h) {
    if constexpr (P::kBlocks == 1) {
      s_.h[slot][b][unit] = h;
    } else {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
      const u32 own = ptx::shared_address(&s_.h[slot][b][unit]);
#pragma unroll
      for (int r = 0; r < P::kBlocks; ++r) {
        asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(ptx::map_to_rank(own, r)), "f"(h)
                     : "memory");
      }
#endif
    }
  }
  __device__ void meet() {
    if constexpr (P::kBlocks == 1) {
      __syncthreads();
    } else {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
      ptx::cluster_arrive();
      ptx::cluster_wait();
#endif
    }
  }

  __device__ void finish() {
    const int last = static_cast<int>(o_.steps & 1);
    for (int i = threadIdx.x; i < P::kBatch * P::kSlice; i += P::kThreads) {
      const int b = i / P::kSlice, u = i % P::kSlice, unit = unit_of(u);
      if (!is_live(first_ + b, unit)) continue;
      const i64 at = state_at(first_ + b, unit);
      o_.y_h[at] = E::put(s_.h[last][b][unit]);
      if (o_.y_c) o_.y_c[at] = E::put(s_.c[b][u]);
    }
  }

  const Operands<P> o_;
  S& s_;
  i64 first_, direction_;
  int rank_, warp_, lane_;
  /// Units of a thread; where they are few, x is fetched a step ahead.
  static constexpr int kOwn = (P::kBatch * P::kSlice + P::kThreads - 1) / P::kThreads;
  static constexpr bool kAhead = kOwn <= 2;
  float xs_[kAhead ? kOwn : 1][P::kGates];
  static constexpr bool kKeeps = P::kWeights == kRegisters;
  float kept_[kKeeps ? P::kRowsOfWarp : 1][kKeeps ? P::kChunks : 1];
};

template <class P>
__device__ void run(const Operands<P>& operands) {
#ifdef __CUDACC_RTC__
  extern __shared__ __align__(16) u8 memory[];
#else
  alignas(16) static u8 memory[1 << 18];
#endif
  Sequence<P>(operands, *reinterpret_cast<Shared<P>*>(memory)).run();
}

}  // namespace carnot::recurrent
