#include "tensor/fill.h"

#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/status.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

constexpr const char* kNames[] = {"uniform", "small_ints", "provoking"};

// SplitMix64 of a counter: element i does not depend on how many there are.
uint64_t random_bits(uint64_t seed, int64_t i) {
  uint64_t z = seed * 0xd1342543de82ef95u + static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15u +
               0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

int64_t in_range(uint64_t bits, int64_t low, int64_t high) {
  return low + static_cast<int64_t>((bits >> 32) * static_cast<uint64_t>(high - low + 1) >> 32);
}

// Every fourth element or so is one of these.
double provoking_float(DType dtype, uint64_t bits) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double tiny = decode_float(dtype, 1);  // the least denormal
  const double values[] = {0.0,          -0.0,  1.0,   -1.0,  0.5,   kInfinity, -kInfinity,
                           std::nan(""), tiny,  -tiny, 88.0,  -88.0, 1e4,       -1e4,
                           3e38,         -3e38, 1e-30, 65504, 2.5,   -3.5,      1e300};
  return values[bits % std::size(values)];
}
int64_t provoking_integer(DType dtype, uint64_t bits) {
  const int width = bits_of(dtype);
  const uint64_t lowest = uint64_t{1} << (width - 1);  // also 0x80... unsigned
  const uint64_t minus = ~uint64_t{0};
  const uint64_t values[] = {0, 1, minus, lowest, lowest - 1, lowest + 1, 2, minus - 1, 7};
  return static_cast<int64_t>(values[bits % std::size(values)]);
}

}  // namespace

const char* to_string(Fill fill) {
  return kNames[static_cast<size_t>(fill)];
}

std::optional<Fill> parse_fill(std::string_view text) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (text == kNames[i]) return static_cast<Fill>(i);
  }
  return std::nullopt;
}

Result<Tensor> fill(DType dtype, Shape shape, uint64_t seed, Fill kind) {
  if (dtype == DType::kString) {
    const int64_t count = volume(shape);
    std::vector<std::string> texts;
    for (int64_t i = 0; i < count; ++i) texts.push_back(cat("s", random_bits(seed, i) % 10));
    return Tensor::from_strings(std::move(shape), std::move(texts));
  }
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, std::move(shape)));
  const bool is_unsigned = class_of(dtype) == DTypeClass::kUnsigned;
  const bool small = kind == Fill::kSmallInts;
  const int64_t high = dtype == DType::kBool ? 1 : is_unsigned ? (small ? 8 : 15) : small ? 4 : 7;
  const int64_t low = dtype == DType::kBool || is_unsigned ? 0 : small ? -4 : -8;
  for (int64_t i = 0; i < out.elements(); ++i) {
    const uint64_t bits = random_bits(seed, i);
    const bool provoke = kind == Fill::kProvoking && bits % 4 == 0;
    if (is_float(dtype) && provoke) {
      out.set(i, provoking_float(dtype, bits >> 8));
    } else if (is_float(dtype) && !small) {
      out.set(i, static_cast<double>(static_cast<int64_t>(bits) >> 11) * 0x1p-52);
    } else if (provoke && dtype != DType::kBool) {
      out.set_int(i, provoking_integer(dtype, bits >> 8));
    } else {
      out.set_int(i, in_range(bits, low, high));
    }
  }
  return out;
}

}  // namespace carnot
