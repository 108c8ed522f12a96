#pragma once
// Seeded tensors for tests, benchmarks and checks of candidates: the same on every machine.
#include <optional>
#include <string_view>

#include "carnot/tensor.h"

namespace carnot {

enum class Fill : uint8_t {
  kUniform,    ///< floats in [-1, 1); integers over [-8, 8] or [0, 16]; bools
  kSmallInts,  ///< whole numbers in [-4, 4] or [0, 8], in any type: sums of them are exact
  kProvoking   ///< also NaN, infinities, zeros of both signs, denormals, extremes of the type
};
const char* to_string(Fill fill);
std::optional<Fill> parse_fill(std::string_view text);

/// Strings become "s0", "s1" ... Fails as Tensor::allocate() does.
Result<Tensor> fill(DType dtype, Shape shape, uint64_t seed, Fill kind = Fill::kUniform);

}  // namespace carnot
