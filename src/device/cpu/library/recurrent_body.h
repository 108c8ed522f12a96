// The recurrent kernel's body, compiled once for each vector width by the .cc files beside it.
//
// Scheme: a task is one direction and up to kTaskRows rows of the batch; it walks the steps in
// order. A step is a product of the state with packed weights, which stream from the cache once
// for all rows, accumulated in registers over a block of columns; then the gates, element by
// element. Bound by the second-level cache's bandwidth for one row. Tasks do not depend on the
// number of threads, so results do not either.
#pragma once
#include <cstdint>

#include "device/cpu/library/recurrent.h"

namespace carnot::cpu {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
using Vec = float __attribute__((vector_size(kLanes * sizeof(float))));
using Bits = uint32_t __attribute__((vector_size(kLanes * sizeof(float))));

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof v);
}
inline Vec splat(float x) {
  return Vec{} + x;
}

// 2^n p(r), n = round(x / ln 2), p of degree 6: 1e-7 relative. Adding 1.5 * 2^23 rounds and leaves
// n in the low bits.
inline Vec exp_of(Vec x) {
  x = x < -87.0f ? splat(-87.0f) : x;
  x = x > 88.0f ? splat(88.0f) : x;
  const Vec magic = splat(12582912.0f);
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
  const Vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Bits bits, exponent;
  __builtin_memcpy(&bits, &p, sizeof bits);
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  Vec out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}

inline Vec sigmoid(Vec x) {
  return 1.0f / (1.0f + exp_of(-x));
}

// Near zero 1 - 2 / (e^2x + 1) would cancel: an odd polynomial there.
inline Vec tanh_of(Vec x) {
  const Vec square = x * x;
  Vec p = splat(-5.70498872745e-3f);
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Vec near = p * square * x + x;
  const Vec far = 1.0f - 2.0f / (exp_of(x + x) + 1.0f);
  return square < 0.390625f ? near : far;
}

// out[r][0, Width * kLanes) = bias + sum over k of h[r][k] * weights[k * kBlock + column]. For one
// row, sums over even and odd k hide the latency of the additions.
template <int Rows, int Width>
inline void columns(const float* weights, const float* bias, const float* h, int64_t h_stride,
                    int64_t count, float* out, int64_t out_stride) {
  Vec sum[Rows][Width], odd[Width];
  for (int i = 0; i < Width; ++i) {
    for (int r = 0; r < Rows; ++r) sum[r][i] = load(bias + i * kLanes);
    odd[i] = Vec{};
  }
  int64_t k = 0;
  if constexpr (Rows == 1) {
    for (; k + 1 < count; k += 2, weights += 2 * kBlock) {
      const float a = h[k], b = h[k + 1];
      for (int i = 0; i < Width; ++i) sum[0][i] += a * load(weights + i * kLanes);
      for (int i = 0; i < Width; ++i) odd[i] += b * load(weights + kBlock + i * kLanes);
    }
  }
  for (; k < count; ++k, weights += kBlock) {
    for (int i = 0; i < Width; ++i) {
      const Vec w = load(weights + i * kLanes);
      for (int r = 0; r < Rows; ++r) sum[r][i] += h[r * h_stride + k] * w;
    }
  }
  for (int i = 0; i < Width; ++i) {
    if constexpr (Rows == 1) sum[0][i] += odd[i];
    for (int r = 0; r < Rows; ++r) store(out + r * out_stride + i * kLanes, sum[r][i]);
  }
}

// The product of all rows' states with one part of the packed weights.
template <int Rows>
void product_of(const float* weights, const float* bias, const float* h, int64_t h_stride,
                int64_t count, int64_t width, float* out, int64_t out_stride) {
  // Registers: 32 of AVX-512, 16 of the others.
  constexpr int kWidth = Rows > 2 && kLanes < 16 ? 2 : 4;
  constexpr int kStep = kWidth * kLanes;
  static_assert(kBlock % kStep == 0);
  for (int64_t block = 0; block < width; block += kBlock) {
    for (int64_t at = 0; at < kBlock; at += kStep) {
      columns<Rows, kWidth>(weights + block * count + at, bias + block + at, h, h_stride, count,
                            out + block + at, out_stride);
    }
  }
}

void product(int64_t rows, const float* weights, const float* bias, const float* h,
             int64_t h_stride, int64_t count, int64_t width, float* out, int64_t out_stride) {
  const auto run = rows == 1 ? product_of<1> : rows == 2 ? product_of<2> : product_of<kTaskRows>;
  run(weights, bias, h, h_stride, count, width, out, out_stride);
}

// f(j) loads and stores whole vectors at j in [0, hidden); rows of scratch are rounded up, others
// end there, so the last vector goes through a copy.
struct Row {
  const float* from;
  int64_t size;
  Vec at(int64_t j) const {
    if (j + kLanes <= size) return load(from + j);
    Vec v = {};
    for (int64_t i = 0; j + i < size; ++i) v[i] = from[j + i];
    return v;
  }
};
inline void put(float* to, int64_t j, int64_t size, Vec v) {
  if (j + kLanes <= size) return store(to + j, v);
  for (int64_t i = 0; j + i < size; ++i) to[j + i] = v[i];
}

struct Task {
  RecurrentLayout layout;
  int64_t kind, rows;
  const float *weights, *bias;
  float *early, *late, *h, *c;  // scratch, rows of early(), late() and `stride` floats
  int64_t stride;

  int64_t hidden() const { return layout.hidden; }

  // One step of all rows; `gates` of row r are at gates + r * gates_stride, y likewise.
  void step(const float* gates, int64_t gates_stride, float* y, int64_t y_stride) {
    const int64_t width = layout.early();
    product(rows, weights, bias, h, stride, hidden(), width, early, width);
    if (kind == kGruLinearFirst) late_product(h);
    for (int64_t r = 0; r < rows; ++r) {
      const float* x = gates + r * gates_stride;
      if (kind == kLstm) lstm(x, r, y + r * y_stride);
      if (kind == kRnn) rnn(x, r, y + r * y_stride);
      if (kind == kGruLinearFirst) gru(x, r, y + r * y_stride);
      if (kind == kGruResetFirst) reset_state(x, r);
    }
    if (kind != kGruResetFirst) return;
    late_product(c);
    for (int64_t r = 0; r < rows; ++r) gru(gates + r * gates_stride, r, y + r * y_stride);
  }

  void late_product(const float* state) {
    const int64_t width = layout.late();
    product(rows, weights + layout.early() * hidden(), bias + layout.early(), state, stride,
            hidden(), width, late, width);
  }

  Row row(const float* x, int64_t gate) const { return {x + gate * hidden(), hidden()}; }

  // Gates i, o, f, c.
  void lstm(const float* x, int64_t r, float* y) {
    const float* sums = early + r * layout.early();
    for (int64_t j = 0; j < hidden(); j += kLanes) {
      const auto gate = [&](int64_t g) { return row(x, g).at(j) + row(sums, g).at(j); };
      const Vec in = sigmoid(gate(0)), out = sigmoid(gate(1)), forget = sigmoid(gate(2));
      const Vec memory = forget * load(c + r * stride + j) + in * tanh_of(gate(3));
      const Vec state = out * tanh_of(memory);
      store(c + r * stride + j, memory);
      store(h + r * stride + j, state);
      put(y, j, hidden(), state);
    }
  }

  void rnn(const float* x, int64_t r, float* y) {
    const float* sums = early + r * layout.early();
    for (int64_t j = 0; j < hidden(); j += kLanes) {
      const Vec state = tanh_of(row(x, 0).at(j) + row(sums, 0).at(j));
      store(h + r * stride + j, state);
      put(y, j, hidden(), state);
    }
  }

  // Gates z, r, h. Where the reset gate comes first, c holds the state that it scaled.
  void reset_state(const float* x, int64_t r) {
    const float* sums = early + r * layout.early();
    for (int64_t j = 0; j < hidden(); j += kLanes) {
      const Vec reset = sigmoid(row(x, 1).at(j) + row(sums, 1).at(j));
      store(c + r * stride + j, reset * load(h + r * stride + j));
    }
  }

  void gru(const float* x, int64_t r, float* y) {
    const float *sums = early + r * layout.early(), *last = late + r * layout.late();
    const float* outer_bias = bias + layout.early() + layout.late();
    for (int64_t j = 0; j < hidden(); j += kLanes) {
      const auto gate = [&](int64_t g) { return row(x, g).at(j) + row(sums, g).at(j); };
      const Vec update = sigmoid(gate(0));
      Vec part = load(last + j);
      if (kind == kGruLinearFirst) part = part * sigmoid(gate(1));
      const Vec next = tanh_of(row(x, 2).at(j) + load(outer_bias + j) + part);
      const Vec before = load(h + r * stride + j);
      const Vec state = next + update * (before - next);
      store(h + r * stride + j, state);
      put(y, j, hidden(), state);
    }
  }
};

void fill_rows(float* to, int64_t stride, const float* from, int64_t rows, int64_t hidden) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < stride; ++j) {
      to[r * stride + j] = from && j < hidden ? from[r * hidden + j] : 0;
    }
  }
}
void take_rows(const float* from, int64_t stride, float* to, int64_t rows, int64_t hidden) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < hidden; ++j) to[r * hidden + j] = from[r * stride + j];
  }
}

void run_recurrent(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                   void* scratch) {
  const auto in = [&](RecurrentArgument a) { return static_cast<const float*>(buffers[a]); };
  const auto out = [&](RecurrentArgument a) { return static_cast<float*>(buffers[a]); };
  const int64_t kind = params[kKind], hidden = params[kHidden], steps = params[kSteps];
  const int64_t batch = params[kBatch], dirs = params[kDirections];
  const int64_t blocks = (batch + kTaskRows - 1) / kTaskRows;
  const RecurrentLayout layout(kind, hidden);
  const int64_t width = layout.early_columns + layout.late_columns;
  auto* const space = static_cast<float*>(scratch);
  Task task = {layout, kind, 0, nullptr, nullptr, space, nullptr, nullptr, nullptr, 0};
  task.stride = RecurrentLayout::rounded(hidden);
  task.late = task.early + kTaskRows * layout.early();
  task.h = task.late + kTaskRows * layout.late();
  task.c = task.h + kTaskRows * task.stride;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t d = i / blocks, first = i % blocks * kTaskRows;
    const int64_t at = (d * batch + first) * hidden;
    task.rows = batch - first < kTaskRows ? batch - first : kTaskRows;
    task.weights = in(kPacked) + d * layout.packed();
    task.bias = task.weights + layout.weights();
    // All of a task's rows, so that products of more rows than there are read zeros.
    fill_rows(task.h, task.stride, nullptr, kTaskRows, hidden);
    fill_rows(task.c, task.stride, nullptr, kTaskRows, hidden);
    if (params[kHasH]) fill_rows(task.h, task.stride, in(kInitialH) + at, task.rows, hidden);
    if (params[kHasC]) fill_rows(task.c, task.stride, in(kInitialC) + at, task.rows, hidden);
    const bool backwards = params[kReverse] != 0 || d == 1;
    for (int64_t s = 0; s < steps; ++s) {
      const int64_t t = backwards ? steps - 1 - s : s;
      task.step(in(kGates) + ((t * batch + first) * dirs + d) * width, dirs * width,
                out(kY) + ((t * dirs + d) * batch + first) * hidden, hidden);
    }
    take_rows(task.h, task.stride, out(kFinalH) + at, task.rows, hidden);
    if (kind == kLstm) take_rows(task.c, task.stride, out(kFinalC) + at, task.rows, hidden);
  }
}

}  // namespace
}  // namespace carnot::cpu
