#pragma once
// Numbers to bits and back, for every element type but strings.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "carnot/types.h"

namespace carnot {

/// What happens to a number beyond the largest of an 8-bit float type. 16-bit and wider floats
/// always become infinite; f4e2m1 has nothing but its largest number.
enum class Excess : uint8_t { kSaturate, kOverflow };

/// A float type's value, from the low bits_of(dtype) bits.
double decode_float(DType dtype, uint64_t bits);
/// Rounds to nearest even, once. NaN keeps its sign and becomes the type's quiet NaN (f4e2m1: zero,
/// it has none). f8e8m0 rounds up to a power of two (kOverflow: to nearest) and takes the magnitude
/// of negative numbers.
uint64_t encode_float(DType dtype, double value, Excess excess = Excess::kSaturate);

/// The low bits_of(dtype) bits of `value` as an integer or bool type has them: wraps.
int64_t wrap_integer(DType dtype, int64_t value);
/// Truncates toward zero, saturates; NaN gives 0. For bool: whether it is not zero.
int64_t to_integer(DType dtype, double value);
/// The nearest double that still rounds to the right value of any float type narrower than f64:
/// inexact conversions are rounded to odd.
double to_double(DType from, int64_t value, bool to_odd = true);

/// Element `i` of packed memory, as an unsigned number, and its inverse. Any alignment.
uint64_t load_bits(const std::byte* data, int bits, int64_t i);
void store_bits(std::byte* data, int bits, int64_t i, uint64_t value);

inline float bf16_to_f32(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 31 << 15 | 0x7fc0u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);

}  // namespace carnot
