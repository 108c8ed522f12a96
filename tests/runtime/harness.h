#pragma once
// Engines from plan text, with kernels that are plain C++ functions.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "runtime/make_engine.h"
#include "tests/runtime/separate_device.h"

namespace carnot {

using KernelFunction = void (*)(void* const* buffers, const int64_t* params, int64_t begin,
                                int64_t end, void* scratch);

/// Fails the test, and returns null, where the plan is not valid. Known entries:
///   "add": buffers a, b, out; f32; one task per element
///   "double": buffers in, out; f32; one task per element
///   "reverse": buffers in, out; params: how many; f32; one task per element
///   "scratch": buffers in, out; like double, through params[0] bytes of scratch memory
///   "iota": buffer out; f32; out[i] = i
EnginePtr engine_of(const std::string& plan, std::vector<Tensor> weights = {});

/// A device with memory of its own, for these entries; one for each number of threads.
SeparateDevice& separate_device(int threads = 1);
KernelSignature signature_of(const void* entry);

/// Fails the test where anything fails. In the tests that are built with CARNOT_SEPARATE_MEMORY all
/// plans are made for such a device, and run there.
std::vector<Tensor> run_all(Context& context, std::vector<Tensor> inputs);
Context context_of(const EnginePtr& engine, int threads = 1);

inline Tensor f32(Shape shape, std::vector<float> values) {
  return Tensor::from_f32(std::move(shape), values);
}
Tensor boolean(bool value);
Tensor counting(Shape shape);  ///< f32: 0, 1, 2 ...

#define EXPECT_OK(...)                                       \
  do {                                                       \
    const ::carnot::Status expected_ok = (__VA_ARGS__);      \
    EXPECT_TRUE(expected_ok.ok()) << to_string(expected_ok); \
  } while (false)
#define EXPECT_ERROR(status, text)                                    \
  do {                                                                \
    const ::carnot::Status expected_error = (status);                 \
    EXPECT_FALSE(expected_error.ok());                                \
    EXPECT_NE(expected_error.message().find(text), std::string::npos) \
        << to_string(expected_error);                                 \
  } while (false)

}  // namespace carnot
