#include "tensor/codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/status.h"

namespace carnot {
namespace {

enum class Specials : uint8_t {
  kIeee,          // the top exponent holds infinities and NaNs
  kOnlyNan,       // S.111..1 is NaN, no infinity (the "FN" types)
  kNegativeZero,  // 1.000..0 is the one NaN, no infinity, no -0 (the "UZ" types)
  kNone
};

struct Format {
  int exponent_bits, mantissa_bits, bias;
  Specials specials;
  bool can_saturate;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return {5, 10, 15, Specials::kIeee, false};
    case DType::kBF16:
      return {8, 7, 127, Specials::kIeee, false};
    case DType::kF8E4M3:
      return {4, 3, 7, Specials::kOnlyNan, true};
    case DType::kF8E4M3UZ:
      return {4, 3, 8, Specials::kNegativeZero, true};
    case DType::kF8E5M2:
      return {5, 2, 15, Specials::kIeee, true};
    case DType::kF8E5M2UZ:
      return {5, 2, 16, Specials::kNegativeZero, true};
    case DType::kF4E2M1:
      return {2, 1, 1, Specials::kNone, true};
    default:
      CARNOT_CHECK(dtype == DType::kF32);
      return {8, 23, 127, Specials::kIeee, false};
  }
}

double decode_small(const Format& f, uint64_t bits) {
  const uint64_t magnitude = bits & ((uint64_t{1} << (f.exponent_bits + f.mantissa_bits)) - 1);
  const bool negative = bits >> (f.exponent_bits + f.mantissa_bits) & 1;
  const uint64_t mantissa = magnitude & ((uint64_t{1} << f.mantissa_bits) - 1);
  const uint64_t exponent = magnitude >> f.mantissa_bits;
  const uint64_t top = (uint64_t{1} << f.exponent_bits) - 1;
  const double sign = negative ? -1 : 1;
  const double nan = std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
  switch (f.specials) {
    case Specials::kIeee:
      if (exponent == top) {
        return mantissa ? nan : sign * std::numeric_limits<double>::infinity();
      }
      break;
    case Specials::kOnlyNan:
      if (exponent == top && mantissa == (uint64_t{1} << f.mantissa_bits) - 1) return nan;
      break;
    case Specials::kNegativeZero:
      if (negative && magnitude == 0) return std::numeric_limits<double>::quiet_NaN();
      break;
    case Specials::kNone:
      break;
  }
  const int unit = static_cast<int>(std::max<uint64_t>(exponent, 1)) - f.bias - f.mantissa_bits;
  const uint64_t significand = mantissa + (exponent ? uint64_t{1} << f.mantissa_bits : 0);
  return sign * std::ldexp(static_cast<double>(significand), unit);
}

struct Special {
  uint64_t largest, beyond, nan;  // magnitudes: largest number, what is beyond it, quiet NaN
};
Special special_of(const Format& f) {
  const uint64_t ones = (uint64_t{1} << (f.exponent_bits + f.mantissa_bits)) - 1;
  const uint64_t infinity = ones >> f.mantissa_bits << f.mantissa_bits;
  switch (f.specials) {
    case Specials::kIeee:
      return {infinity - 1, infinity, infinity | uint64_t{1} << (f.mantissa_bits - 1)};
    case Specials::kOnlyNan:
      return {ones - 1, ones, ones};
    case Specials::kNegativeZero:
      return {ones, 0, 0};  // NaN is the sign bit alone
    case Specials::kNone:
      break;
  }
  return {ones, ones, 0};
}

uint64_t encode_small(const Format& f, double value, Excess excess) {
  const uint64_t sign_bit = uint64_t{1} << (f.exponent_bits + f.mantissa_bits);
  const uint64_t sign = std::signbit(value) ? sign_bit : 0;
  const Special special = special_of(f);
  const bool unsigned_zero = f.specials == Specials::kNegativeZero;
  if (std::isnan(value)) return unsigned_zero ? sign_bit : sign | special.nan;
  const double magnitude = std::fabs(value);
  uint64_t out = special.largest + 1;
  if (magnitude == 0) {
    out = 0;
  } else if (std::isfinite(magnitude)) {
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // 2^(exponent - 1) <= magnitude
    const int power = std::max(exponent - 1, 1 - f.bias);
    // Exact but for this one rounding. The implicit bit (or a carry) raises the exponent by itself.
    const double steps = std::nearbyint(std::ldexp(magnitude, f.mantissa_bits - power));
    out = (static_cast<uint64_t>(power + f.bias - 1) << f.mantissa_bits) +
          static_cast<uint64_t>(steps);
  }
  if (out > special.largest) {
    const bool saturate = f.can_saturate && excess == Excess::kSaturate;
    if (!saturate && unsigned_zero) return sign_bit;
    out = saturate ? special.largest : special.beyond;
  }
  return out == 0 && unsigned_zero ? 0 : sign | out;
}

// f8e8m0: 2^(bits - 127), 0xff is NaN.
double decode_power(uint64_t bits) {
  if (bits == 0xff) return std::numeric_limits<double>::quiet_NaN();
  return std::ldexp(1.0, static_cast<int>(bits) - 127);
}
uint64_t encode_power(double value, Excess excess) {
  if (std::isnan(value)) return 0xff;
  const bool saturate = excess == Excess::kSaturate;
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return saturate ? 0 : 0xff;
  if (std::isinf(magnitude)) return saturate ? 0xfe : 0xff;
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  const bool up = saturate ? fraction > 0.5 : fraction >= 0.75;
  const int biased = exponent - 1 + (up ? 1 : 0) + 127;
  if (biased < 0) return saturate ? 0 : 0xff;
  if (biased > 0xfe) return saturate ? 0xfe : 0xff;
  return static_cast<uint64_t>(biased);
}

}  // namespace

double decode_float(DType dtype, uint64_t bits) {
  switch (dtype) {
    case DType::kF64:
      return std::bit_cast<double>(bits);
    case DType::kF32:
      return std::bit_cast<float>(static_cast<uint32_t>(bits));
    case DType::kBF16:
      return bf16_to_f32(static_cast<uint16_t>(bits));
    case DType::kF16:
      return f16_to_f32(static_cast<uint16_t>(bits));
    case DType::kF8E8M0:
      return decode_power(bits & 0xff);
    default:
      return decode_small(format_of(dtype), bits);
  }
}

uint64_t encode_float(DType dtype, double value, Excess excess) {
  // Weights are many, and f32 most often.
  const float single = static_cast<float>(value);
  if (static_cast<double>(single) == value && dtype == DType::kF16) return f32_to_f16(single);
  if (static_cast<double>(single) == value && dtype == DType::kBF16) return f32_to_bf16(single);
  switch (dtype) {
    case DType::kF64:
      return std::bit_cast<uint64_t>(value);
    case DType::kF32:
      return std::bit_cast<uint32_t>(static_cast<float>(value));
    case DType::kF8E8M0:
      return encode_power(value, excess);
    default:
      return encode_small(format_of(dtype), value, excess);
  }
}

int64_t wrap_integer(DType dtype, int64_t value) {
  const int bits = bits_of(dtype);
  if (dtype == DType::kBool) return value != 0;
  if (bits == 64) return value;
  const int shift = 64 - bits;
  const uint64_t high = static_cast<uint64_t>(value) << shift;
  if (class_of(dtype) == DTypeClass::kUnsigned) return static_cast<int64_t>(high >> shift);
  return static_cast<int64_t>(high) >> shift;
}

int64_t to_integer(DType dtype, double value) {
  if (dtype == DType::kBool) return value != 0;  // NaN is not zero
  if (std::isnan(value)) return 0;
  const int bits = bits_of(dtype);
  const bool is_signed = class_of(dtype) == DTypeClass::kSigned;
  const double limit = std::ldexp(1.0, is_signed ? bits - 1 : bits);  // the first beyond
  if (is_signed) {
    const int64_t largest = static_cast<int64_t>((uint64_t{1} << (bits - 1)) - 1);
    if (value >= limit) return largest;
    return value <= -limit ? -largest - 1 : static_cast<int64_t>(value);
  }
  if (value <= 0) return 0;
  const uint64_t largest = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return static_cast<int64_t>(value >= limit ? largest : static_cast<uint64_t>(value));
}

double to_double(DType from, int64_t value, bool to_odd) {
  const bool is_unsigned = class_of(from) == DTypeClass::kUnsigned;
  const bool negative = !is_unsigned && value < 0;
  const auto bits = static_cast<uint64_t>(value);
  const uint64_t magnitude = negative ? uint64_t{0} - bits : bits;
  const int extra = std::max(0, 64 - std::countl_zero(magnitude | 1) - 53);
  const uint64_t kept = magnitude >> extra << extra;
  double out = static_cast<double>(magnitude);
  if (to_odd && kept != magnitude) out = static_cast<double>(kept | uint64_t{1} << extra);
  return negative ? -out : out;
}

uint64_t load_bits(const std::byte* data, int bits, int64_t i) {
  if (bits == 4) return static_cast<uint64_t>(data[i / 2]) >> (i % 2 * 4) & 15;
  const std::byte* at = data + i * (bits / 8);
  const auto read = [at](auto value) {
    std::memcpy(&value, at, sizeof value);
    return static_cast<uint64_t>(value);
  };
  switch (bits) {
    case 8:
      return read(uint8_t{});
    case 16:
      return read(uint16_t{});
    case 32:
      return read(uint32_t{});
    default:
      CARNOT_CHECK(bits == 64);
      return read(uint64_t{});
  }
}

void store_bits(std::byte* data, int bits, int64_t i, uint64_t value) {
  if (bits == 4) {
    std::byte& pair = data[i / 2];
    const int shift = static_cast<int>(i % 2) * 4;
    const auto other = static_cast<uint64_t>(pair) & (uint64_t{0xf0} >> shift);
    pair = static_cast<std::byte>(other | (value & 15) << shift);
    return;
  }
  std::byte* at = data + i * (bits / 8);
  const auto write = [at](auto narrow) { std::memcpy(at, &narrow, sizeof narrow); };
  switch (bits) {
    case 8:
      return write(static_cast<uint8_t>(value));
    case 16:
      return write(static_cast<uint16_t>(value));
    case 32:
      return write(static_cast<uint32_t>(value));
    default:
      CARNOT_CHECK(bits == 64);
      return write(value);
  }
}

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = bits >> 10 & 31u, mantissa = bits & 1023u;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0));
  }
  if (exponent == 0) {
    const float tiny = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t out = 0x7c00;
  if (magnitude > 0x7f800000u) {
    out = 0x7e00;
  } else if (magnitude < 0x38800000u) {  // subnormal: the addition rounds to a multiple of 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    out = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f);
  } else if (magnitude < 0x47800000u) {  // below 65536
    out = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  }
  return static_cast<uint16_t>(sign | out);
}

}  // namespace carnot
