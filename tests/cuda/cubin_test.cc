// What is no cubin, or a cut one, is told before a driver reads it.
#include "device/cuda/cubin.h"

#include <gtest/gtest.h>

#include <vector>

#include "codegen/cuda/nvrtc.h"

namespace carnot::cuda {
namespace {

TEST(Cubin, WhatNvrtcMakesIsOneAndNothingOfIt) {
  const auto nvrtc = Nvrtc::open();
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  const std::vector<Source> sources = {
      {"twice", "extern \"C\" __global__ void twice(float* x) { *x *= 2; }"}};
  for (const char* isa : {"sm_80", "sm_90a", "sm_120"}) {
    const auto made = (*nvrtc)->compile(sources, isa, 1);
    ASSERT_TRUE(made.ok()) << made.status().message();
    const auto cubin = std::as_bytes(std::span((*made)[0]));
    EXPECT_TRUE(check_cubin(cubin).ok()) << isa << ": " << check_cubin(cubin).message();
    for (size_t size = 0; size < cubin.size(); size += 7) {
      EXPECT_EQ(check_cubin(cubin.first(size)).code(), Code::kCorruptEngine) << size;
    }
    for (size_t at = 0; at < 64; ++at) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::vector<std::byte> damaged(cubin.begin(), cubin.end());
        damaged[at] ^= static_cast<std::byte>(flip);
        const Status status = check_cubin(damaged);  // or nothing that counts: but no crash
        EXPECT_TRUE(status.ok() || status.code() == Code::kCorruptEngine);
      }
    }
  }
}

}  // namespace
}  // namespace carnot::cuda
