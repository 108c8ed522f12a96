#pragma once
// Runs CUDA C++ on a CPU, for tests: each thread of a block is a fiber, blocks come one after the
// other. A barrier or a shuffle lets every other thread of the block come as far; threads of a
// block that do not all come to the same one end the program.
#include <math.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)

struct HostIndex {
  unsigned x = 0, y = 0, z = 0;
};
inline HostIndex threadIdx, blockIdx, blockDim, gridDim;

namespace host_shim {

enum class At { kStart, kBarrier, kShuffle, kEnd };

struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  At at = At::kStart;
  unsigned long long exchanged = 0;
};

constexpr size_t kArguments = 40;
using Arguments = unsigned long long[kArguments];

struct Block {
  std::vector<Fiber> fibers;
  ucontext_t scheduler;
  unsigned running = 0;
  void* kernel = nullptr;
  const unsigned long long* arguments = nullptr;
};
inline Block block;

// Every argument has 8 bytes and goes where integers go; surplus ones are not looked at.
template <size_t... kIndex>
void call(std::index_sequence<kIndex...>) {
  using Kernel = void (*)(decltype(static_cast<void>(kIndex), 0ull)...);
  reinterpret_cast<Kernel>(block.kernel)(block.arguments[kIndex]...);
}

inline void run_fiber() {
  call(std::make_index_sequence<kArguments>());
  block.fibers[block.running].at = At::kEnd;
}

inline void wait_at(At at) {
  Fiber& fiber = block.fibers[block.running];
  fiber.at = at;
  swapcontext(&fiber.context, &block.scheduler);
}

inline void run_block(unsigned threads) {
  for (Fiber& fiber : block.fibers) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = &block.scheduler;
    fiber.at = At::kStart;
    makecontext(&fiber.context, run_fiber, 0);
  }
  do {
    for (unsigned t = 0; t < threads; ++t) {
      block.running = threadIdx.x = t;
      swapcontext(&block.scheduler, &block.fibers[t].context);
      if (block.fibers[t].at != block.fibers[0].at) {
        std::fprintf(stderr, "thread %u of block %u is not where thread 0 is\n", t, blockIdx.x);
        std::abort();
      }
    }
  } while (block.fibers[0].at != At::kEnd);
}

}  // namespace host_shim

/// `arguments`: kArguments of them.
extern "C" inline __attribute__((used)) void host_shim_run(void* kernel,
                                                           const unsigned long long* arguments,
                                                           unsigned blocks, unsigned threads) {
  using host_shim::block;
  constexpr size_t kStackBytes = 64 << 10;
  block.kernel = kernel;
  block.arguments = arguments;
  block.fibers.resize(threads);
  for (auto& fiber : block.fibers) fiber.stack.resize(kStackBytes);
  blockDim.x = threads, gridDim.x = blocks;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) host_shim::run_block(threads);
}

inline void __syncthreads() {
  host_shim::wait_at(host_shim::At::kBarrier);
}

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  using host_shim::block;
  const unsigned me = block.running;
  std::memcpy(&block.fibers[me].exchanged, &value, sizeof value);
  host_shim::wait_at(host_shim::At::kShuffle);
  T out;
  std::memcpy(&out, &block.fibers[me ^ static_cast<unsigned>(mask)].exchanged, sizeof out);
  host_shim::wait_at(host_shim::At::kShuffle);  // nobody writes before all have read
  return out;
}

// A fiber runs until it waits: what it does meanwhile is not divided.
template <class T>
T atomicAdd(T* to, T value) {
  return std::exchange(*to, static_cast<T>(*to + value));
}
template <class T>
T atomicOr(T* to, T value) {
  return std::exchange(*to, static_cast<T>(*to | value));
}
template <class T>
T atomicMax(T* to, T value) {
  return std::exchange(*to, *to < value ? value : *to);
}
template <class T>
T atomicMin(T* to, T value) {
  return std::exchange(*to, value < *to ? value : *to);
}
template <class T>
T atomicCAS(T* to, T expected, T value) {
  return std::exchange(*to, *to == expected ? value : *to);
}
inline unsigned __ballot_sync(unsigned, bool value) {
  using host_shim::block;
  const unsigned first = block.running / 32 * 32;
  block.fibers[block.running].exchanged = value;
  host_shim::wait_at(host_shim::At::kShuffle);
  unsigned out = 0;
  for (unsigned t = 0; t < 32 && first + t < blockDim.x; ++t) {
    out |= static_cast<unsigned>(block.fibers[first + t].exchanged) << t;
  }
  host_shim::wait_at(host_shim::At::kShuffle);
  return out;
}
inline int __popc(unsigned bits) {
  return __builtin_popcount(bits);
}
inline int __ffs(int bits) {
  return __builtin_ffs(bits);
}

inline float __int_as_float(int bits) {
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
inline int __float_as_int(float x) {
  int out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}
inline double __longlong_as_double(long long bits) {
  double out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
inline float __fdividef(float a, float b) {
  return a / b;
}
