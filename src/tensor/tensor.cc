// Tensor: storage that copies share, elements by their codec.
#include "carnot/tensor.h"

#include <cstring>
#include <new>
#include <utility>

#include "base/checked.h"
#include "base/status.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

constexpr size_t kAlignment = 64;              // a cache line, and the widest vector register
constexpr size_t kMaxBytes = size_t{1} << 40;  // no host has more; not even worth asking for

Result<size_t> byte_count(DType dtype, const Shape& shape) {
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  if (dtype == DType::kString) return size_t{0};
  CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits_of(dtype)));
  return static_cast<size_t>(bytes);
}

std::shared_ptr<const void> aligned_storage(size_t bytes) {
  if (bytes > kMaxBytes) return nullptr;
  void* memory = ::operator new(bytes ? bytes : 1, std::align_val_t(kAlignment), std::nothrow);
  if (!memory) return nullptr;
  return {memory, [](void* p) { ::operator delete(p, std::align_val_t(kAlignment)); }};
}

}  // namespace

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

int64_t volume(const Shape& shape) {
  int64_t out = 1;
  for (const int64_t size : shape) {
    if (size == 0) return 0;
  }
  for (const int64_t size : shape) {
    const auto next = checked_mul(out, size);
    CARNOT_CHECK(next.has_value());
    out = *next;
  }
  return out;
}

TensorType static_type(DType dtype, const Shape& shape) {
  return {dtype, Dims(shape.begin(), shape.end())};
}

Result<Tensor> Tensor::allocate(DType dtype, Shape shape) {
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  CARNOT_ASSIGN(const size_t bytes, byte_count(dtype, shape));
  Tensor out;
  out.dtype_ = dtype;
  out.elements_ = count;
  if (dtype == DType::kString) {
    constexpr int64_t kMaxStrings = int64_t{1} << 28;  // more than any vocabulary
    if (count > kMaxStrings) {
      return error(Code::kResourceLimit, "a tensor of ", count, " strings is too large");
    }
    out.strings_ = std::make_shared<std::vector<std::string>>(static_cast<size_t>(count));
  } else {
    out.keep_ = aligned_storage(bytes);
    if (!out.keep_) {
      return error(Code::kOutOfMemory, "no memory for ", bytes, " bytes of ", to_string(dtype),
                   to_string(shape));
    }
    out.data_ = static_cast<const std::byte*>(out.keep_.get());
    // The unused half byte of an odd number of 4-bit elements is never left to chance.
    if (bits_of(dtype) == 4 && bytes) out.mutable_data()[bytes - 1] = std::byte{0};
  }
  out.shape_ = std::move(shape);
  return out;
}

Tensor Tensor::zeros(DType dtype, Shape shape) {
  Result<Tensor> out = allocate(dtype, std::move(shape));
  CARNOT_CHECK(out.ok());
  if (out->bytes()) std::memset(out->mutable_data(), 0, out->bytes());
  return std::move(*out);
}

Result<Tensor> Tensor::wrap(DType dtype, Shape shape, std::span<const std::byte> bytes,
                            std::shared_ptr<const void> keep_alive) {
  if (dtype == DType::kString) {
    return error(Code::kInvalidArgument, "strings cannot be read from plain bytes");
  }
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  CARNOT_ASSIGN(const size_t needed, byte_count(dtype, shape));
  if (bytes.size() != needed) {
    return error(Code::kInvalidArgument, to_string(dtype), to_string(shape), " takes ", needed,
                 " bytes, got ", bytes.size());
  }
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = std::move(shape);
  out.elements_ = count;
  out.data_ = bytes.data();
  out.keep_ = std::move(keep_alive);
  return out;
}

Tensor Tensor::from_i64(Shape shape, const std::vector<int64_t>& values) {
  Tensor out = zeros(DType::kI64, std::move(shape));
  CARNOT_CHECK(out.elements() == static_cast<int64_t>(values.size()));
  if (!values.empty()) std::memcpy(out.mutable_data(), values.data(), out.bytes());
  return out;
}

Tensor Tensor::from_f32(Shape shape, const std::vector<float>& values) {
  Tensor out = zeros(DType::kF32, std::move(shape));
  CARNOT_CHECK(out.elements() == static_cast<int64_t>(values.size()));
  if (!values.empty()) std::memcpy(out.mutable_data(), values.data(), out.bytes());
  return out;
}

Tensor Tensor::from_strings(Shape shape, std::vector<std::string> values) {
  Tensor out;
  out.dtype_ = DType::kString;
  out.elements_ = volume(shape);
  out.shape_ = std::move(shape);
  CARNOT_CHECK(out.elements_ == static_cast<int64_t>(values.size()));
  out.strings_ = std::make_shared<std::vector<std::string>>(std::move(values));
  return out;
}

Tensor Tensor::splat(const Tensor& scalar, Shape shape) {
  CARNOT_CHECK(scalar.elements() == 1);
  Tensor out = scalar;
  out.elements_ = volume(shape);
  out.shape_ = std::move(shape);
  out.splat_ = true;
  return out;
}

size_t Tensor::bytes() const {
  const int64_t stored = splat_ ? 1 : elements_;
  return static_cast<size_t>((stored * bits_of(dtype_) + 7) / 8);
}

Result<Tensor> Tensor::dense() const {
  if (!splat_) return *this;
  CARNOT_ASSIGN(Tensor out, allocate(dtype_, shape_));
  const int bits = bits_of(dtype_);
  if (dtype_ == DType::kString) {
    for (std::string& text : *out.strings_) text = (*strings_)[0];
  } else {
    const uint64_t value = load_bits(data_, bits, 0);
    if (bits == 8) {
      std::memset(out.mutable_data(), static_cast<int>(value), out.bytes());
    } else {
      for (int64_t i = 0; i < elements_; ++i) store_bits(out.mutable_data(), bits, i, value);
    }
  }
  return out;
}

TensorType Tensor::type() const {
  return static_type(dtype_, shape_);
}

double Tensor::get(int64_t i) const {
  const int64_t at = splat_ ? 0 : i;
  if (is_float(dtype_)) return decode_float(dtype_, load_bits(data_, bits_of(dtype_), at));
  return to_double(dtype_, get_int(i), /*to_odd=*/false);
}

int64_t Tensor::get_int(int64_t i) const {
  CARNOT_CHECK(dtype_ != DType::kString);
  const uint64_t bits = load_bits(data_, bits_of(dtype_), splat_ ? 0 : i);
  if (is_float(dtype_)) return to_integer(DType::kI64, decode_float(dtype_, bits));
  return wrap_integer(dtype_, static_cast<int64_t>(bits));
}

void Tensor::set(int64_t i, double value) {
  CARNOT_CHECK(dtype_ != DType::kString);
  const uint64_t bits = is_float(dtype_) ? encode_float(dtype_, value)
                                         : static_cast<uint64_t>(to_integer(dtype_, value));
  store_bits(mutable_data(), bits_of(dtype_), splat_ ? 0 : i, bits);
}

void Tensor::set_int(int64_t i, int64_t value) {
  if (is_float(dtype_)) return set(i, to_double(DType::kI64, value, dtype_ != DType::kF64));
  CARNOT_CHECK(dtype_ != DType::kString);
  const auto bits = static_cast<uint64_t>(wrap_integer(dtype_, value));
  store_bits(mutable_data(), bits_of(dtype_), splat_ ? 0 : i, bits);
}

const std::string& Tensor::get_string(int64_t i) const {
  CARNOT_CHECK(strings_ != nullptr);
  return (*strings_)[static_cast<size_t>(splat_ ? 0 : i)];
}

Tensor Tensor::reshaped(Shape shape) const {
  CARNOT_CHECK(volume(shape) == elements_);
  Tensor out = *this;
  out.shape_ = std::move(shape);
  return out;
}

bool Tensor::operator==(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (elements_ == 0) return true;
  const int64_t compared = splat_ && other.splat_ ? 1 : elements_;
  if (dtype_ == DType::kString) {
    for (int64_t i = 0; i < compared; ++i) {
      if (get_string(i) != other.get_string(i)) return false;
    }
    return true;
  }
  const int bits = bits_of(dtype_);
  if (splat_ == other.splat_ && bits >= 8) {
    return data_ == other.data_ || std::memcmp(data_, other.data_, bytes()) == 0;
  }
  for (int64_t i = 0; i < compared; ++i) {
    const uint64_t a = load_bits(data_, bits, splat_ ? 0 : i);
    if (a != load_bits(other.data_, bits, other.splat_ ? 0 : i)) return false;
  }
  return true;
}

}  // namespace carnot
