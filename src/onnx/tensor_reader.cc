// TensorProto to Tensor: exact element counts, raw data left where it is, external files opened
// beneath the model's folder only.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "onnx/reader.h"
#include "onnx/wire.h"

namespace carnot::onnx {

namespace {

constexpr size_t kRankMax = 64;  // the reference executor's limit
// What a sparse tensor may grow to when it is made dense: this, or this many times its values.
constexpr int64_t kDenseBytesFree = int64_t{64} << 20;
constexpr int64_t kDenseBytesPerByte = 64;

struct DataType {
  const char* name;  ///< as onnx.proto spells it
  int dtype;         ///< a DType, or -1 where we have none
  uint32_t field;    ///< number of the TensorProto field that holds typed data
};
constexpr int id(DType dtype) {
  return static_cast<int>(dtype);
}
// By number, from 0.
constexpr DataType kDataTypes[] = {
    {"UNDEFINED", -1, 0},
    {"FLOAT", id(DType::kF32), 4},
    {"UINT8", id(DType::kU8), 5},
    {"INT8", id(DType::kI8), 5},
    {"UINT16", id(DType::kU16), 5},
    {"INT16", id(DType::kI16), 5},
    {"INT32", id(DType::kI32), 5},
    {"INT64", id(DType::kI64), 7},
    {"STRING", id(DType::kString), 6},
    {"BOOL", id(DType::kBool), 5},
    {"FLOAT16", id(DType::kF16), 5},
    {"DOUBLE", id(DType::kF64), 10},
    {"UINT32", id(DType::kU32), 11},
    {"UINT64", id(DType::kU64), 11},
    {"COMPLEX64", -1, 4},
    {"COMPLEX128", -1, 10},
    {"BFLOAT16", id(DType::kBF16), 5},
    {"FLOAT8E4M3FN", id(DType::kF8E4M3), 5},
    {"FLOAT8E4M3FNUZ", id(DType::kF8E4M3UZ), 5},
    {"FLOAT8E5M2", id(DType::kF8E5M2), 5},
    {"FLOAT8E5M2FNUZ", id(DType::kF8E5M2UZ), 5},
    {"UINT4", id(DType::kU4), 5},
    {"INT4", id(DType::kI4), 5},
    {"FLOAT4E2M1", id(DType::kF4E2M1), 5},
    {"FLOAT8E8M0", id(DType::kF8E8M0), 5},
    {"UINT2", -1, 5},
    {"INT2", -1, 5},
};

const DataType* find_type(int64_t data_type) {
  const bool known = data_type > 0 && data_type < static_cast<int64_t>(std::size(kDataTypes));
  return known ? &kDataTypes[data_type] : nullptr;
}

/// Typed data as it stands in the messages, in order.
struct TypedData {
  std::vector<float> floats;
  std::vector<int64_t> integers;
  std::vector<double> doubles;
  std::vector<std::string_view> strings;
};

Result<TypedData> decode(const TensorProto& proto) {
  TypedData out;
  for (const std::string_view message : proto.messages) {
    ParseState state(message, nullptr);
    Fields f(state, message);
    while (f.next()) {
      switch (f.number()) {
        case 4:
          f.reals(out.floats);
          break;
        case 5:
        case 7:
        case 11:
          f.integers(out.integers);
          break;
        case 6:
          f.strings(out.strings);
          break;
        case 10:
          f.doubles(out.doubles);
          break;
        default:
          f.skip();
      }
    }
    if (!state.ok()) return state.status();
  }
  return out;
}

Status wrong_count(size_t got, int64_t want) {
  return error(Code::kInvalidModel, "the data has ", got, " elements, the shape ", want);
}

/// Integers to elements of `bits` bits (8 to 64); for 4-bit types each integer is a packed byte.
Status store_integers(const std::vector<int64_t>& values, Tensor& out) {
  const DType dtype = out.dtype();
  const int bits = std::max(bits_of(dtype), 8);
  std::byte* to = out.mutable_data();
  for (const int64_t value : values) {
    // Both readings of the bits are in use: -1 and 255 for an 8-bit type.
    const bool fits = bits == 64 || dtype == DType::kU32
                          ? dtype != DType::kU32 || (value >= 0 && value >> 32 == 0)
                          : value >= -(int64_t{1} << (bits - 1)) && value < int64_t{1} << bits;
    if (!fits) {
      return error(Code::kInvalidModel, "the element ", value, " does not fit ", to_string(dtype));
    }
    const int64_t stored = dtype == DType::kBool ? value != 0 : value;
    std::memcpy(to, &stored, static_cast<size_t>(bits / 8));  // little-endian
    to += bits / 8;
  }
  return {};
}

Result<Tensor> from_typed(const TensorProto& proto, DType dtype, const Shape& shape,
                          int64_t count) {
  CARNOT_ASSIGN(const TypedData data, decode(proto));
  if (dtype == DType::kString) {
    if (static_cast<int64_t>(data.strings.size()) != count) {
      return wrong_count(data.strings.size(), count);
    }
    return Tensor::from_strings(shape, {data.strings.begin(), data.strings.end()});
  }
  const int64_t stored = bits_of(dtype) == 4 ? (count + 1) / 2 : count;
  const size_t got = dtype == DType::kF32   ? data.floats.size()
                     : dtype == DType::kF64 ? data.doubles.size()
                                            : data.integers.size();
  if (static_cast<int64_t>(got) != stored) return wrong_count(got, stored);
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, shape));
  if (dtype == DType::kF32) {
    if (got) std::memcpy(out.mutable_data(), data.floats.data(), got * sizeof(float));
  } else if (dtype == DType::kF64) {
    if (got) std::memcpy(out.mutable_data(), data.doubles.data(), got * sizeof(double));
  } else {
    CARNOT_RETURN_IF_ERROR(store_integers(data.integers, out));
  }
  return out;
}

/// Bytes that no reader may trust as they are: bools other than 0 and 1, a stray last nibble.
bool needs_normalizing(std::span<const std::byte> bytes, DType dtype, int64_t count) {
  if (dtype == DType::kBool) {
    return std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  }
  return bits_of(dtype) == 4 && count % 2 == 1 && (bytes.back() >> 4) != std::byte{0};
}

/// `bytes` have the right size. Wrapped where they lie aligned and clean, copied otherwise.
Result<Tensor> from_raw(std::span<const std::byte> bytes, DType dtype, const Shape& shape,
                        int64_t count, const KeepAlive& keep_alive, Budget* budget) {
  const auto alignment = static_cast<uintptr_t>(std::max(bits_of(dtype) / 8, 1));
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0;
  if (bytes.empty()) return Tensor::allocate(dtype, shape);
  const bool unclean = needs_normalizing(bytes, dtype, count);
  if (aligned && !unclean) return Tensor::wrap(dtype, shape, bytes, keep_alive);
  if (budget) CARNOT_RETURN_IF_ERROR(budget->charge(static_cast<int64_t>(bytes.size())));
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, shape));
  std::byte* to = out.mutable_data();
  std::memcpy(to, bytes.data(), bytes.size());
  if (unclean && dtype == DType::kBool) {
    for (size_t i = 0; i < bytes.size(); ++i) to[i] = std::byte{to[i] != std::byte{0}};
  } else if (unclean) {
    to[bytes.size() - 1] &= std::byte{0x0f};
  }
  return out;
}

/// Strictly decimal digits.
Result<int64_t> parse_decimal(std::string_view key, std::string_view text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc() || stop != end || text.front() == '-') {
    return error(Code::kInvalidModel, "external data: ", key, " is ", quote(text),
                 ", not a decimal number");
  }
  return value;
}

struct ExternalRange {
  std::string location;
  int64_t offset = 0, length = -1;  ///< -1: not given
};

Result<ExternalRange> parse_external(const TensorProto& proto) {
  ExternalRange out;
  std::vector<std::string_view> seen;
  for (const StringPair& pair : proto.external_data) {
    if (std::find(seen.begin(), seen.end(), pair.key) != seen.end()) {
      return error(Code::kInvalidModel, "external data: ", quote(pair.key), " is given twice");
    }
    if (seen.size() < 16) seen.push_back(pair.key);  // no writer has more keys than that
    if (pair.key == "location") {
      out.location = pair.value;
    } else if (pair.key == "offset") {
      CARNOT_ASSIGN(out.offset, parse_decimal(pair.key, pair.value));
    } else if (pair.key == "length") {
      CARNOT_ASSIGN(out.length, parse_decimal(pair.key, pair.value));
    }
  }
  if (out.location.empty()) {
    return error(Code::kInvalidModel, "external data: no location is given");
  }
  return out;
}

Result<Tensor> read_plain(const TensorProto& proto, DType dtype, const Shape& shape, int64_t count,
                          int64_t bytes, const ModelFile& file, Budget* budget) {
  const uint32_t field = find_type(proto.data_type)->field;
  const bool raw = proto.has_raw && (!proto.raw_data.empty() || proto.typed_fields == 0);
  if (raw && proto.typed_fields != 0) {
    return error(Code::kInvalidModel, "has both raw_data and typed data");
  }
  if ((proto.typed_fields & ~(1u << field)) != 0) {
    return error(Code::kInvalidModel, "its data is in the field of another element type than ",
                 data_type_name(proto.data_type));
  }
  if (!raw) return from_typed(proto, dtype, shape, count);
  if (dtype == DType::kString) {
    return error(Code::kInvalidModel, "strings may not be stored as raw_data");
  }
  if (static_cast<int64_t>(proto.raw_data.size()) != bytes) {
    return error(Code::kInvalidModel, "raw_data has ", proto.raw_data.size(), " bytes, the shape ",
                 to_string(shape), " needs ", bytes);
  }
  const auto data = std::as_bytes(std::span(proto.raw_data.data(), proto.raw_data.size()));
  return from_raw(data, dtype, shape, count, file.keep_alive, budget);
}

}  // namespace

std::string data_type_name(int64_t data_type) {
  const DataType* const type = find_type(data_type);
  return type ? type->name : cat("data type ", data_type);
}

Result<DType> dtype_of(int64_t data_type) {
  const DataType* const type = find_type(data_type);
  if (!type) {
    return error(Code::kInvalidModel, "the element type ", data_type, " is not one of ONNX's");
  }
  if (type->dtype < 0) {
    return error(Code::kUnsupported, "the element type ", type->name, " is not supported");
  }
  return static_cast<DType>(type->dtype);
}

Result<Tensor> TensorReader::read(const TensorProto& proto) {
  const auto impl = [&]() -> Result<Tensor> {
    CARNOT_ASSIGN(const DType dtype, dtype_of(proto.data_type));
    if (proto.has_segment) {
      return error(Code::kUnsupported,
                   "is stored in segments; save the model again with one "
                   "tensor a weight");
    }
    if (proto.dims.size() > kRankMax) {
      return error(Code::kUnsupported, "has ", proto.dims.size(), " axes; at most ", kRankMax,
                   " are supported");
    }
    const Shape& shape = proto.dims;
    CARNOT_ASSIGN(const int64_t count, element_count(shape));
    const int bits = dtype == DType::kString ? 8 : bits_of(dtype);
    CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits));
    const auto given = file_.initializers.find(proto.name);
    if (given != file_.initializers.end() && !proto.name.empty()) {
      if (dtype == DType::kString || static_cast<int64_t>(given->second.size()) != bytes) {
        return error(Code::kInvalidModel, "needs ", bytes, " bytes, is given ",
                     given->second.size());
      }
      return from_raw(given->second, dtype, shape, count, file_.keep_alive, budget_);
    }
    if (proto.external) return read_external(proto, dtype, shape);
    return read_plain(proto, dtype, shape, count, bytes, file_, budget_);
  };
  Result<Tensor> out = impl();
  if (out.ok()) return out;
  Status status = std::move(out).status();
  // Sizes that the checked arithmetic refuses come from the model, not from a call.
  if (status.code() == Code::kInvalidArgument) {
    status = Status(Code::kInvalidModel, status.message());
  }
  return std::move(status).with(cat("tensor ", quote(proto.name)));
}

Result<Tensor> TensorReader::read_external(const TensorProto& proto, DType dtype,
                                           const Shape& shape) {
  CARNOT_ASSIGN(const ExternalRange range, parse_external(proto));
  if (proto.has_raw || proto.typed_fields != 0) {
    return error(Code::kInvalidModel, "has both external data and data of its own");
  }
  if (dtype == DType::kString) {
    return error(Code::kInvalidModel, "strings may not be stored externally");
  }
  if (file_.folder.empty()) {
    return error(Code::kInvalidModel, "its data is in the file ", quote(range.location),
                 ", but the model is in memory: load it from a file, or store the weights inside");
  }
  auto found = external_.find(range.location);
  if (found == external_.end()) {
    CARNOT_ASSIGN(const FileDescriptor file, open_beneath(file_.folder, range.location));
    CARNOT_ASSIGN(MappedFile mapped, MappedFile::map(file, range.location));
    auto owner = std::make_shared<MappedFile>(std::move(mapped));
    const auto bytes = owner->bytes();
    found = external_.emplace(range.location, std::pair(bytes, std::move(owner))).first;
  }
  const auto& [bytes, keep_alive] = found->second;
  const int64_t count = volume(shape);
  CARNOT_ASSIGN(const int64_t want, byte_size(count, bits_of(dtype)));
  if (range.length >= 0 && range.length != want) {
    return error(Code::kInvalidModel, "external data: the length is ", range.length,
                 " bytes, the shape ", to_string(shape), " needs ", want);
  }
  const auto size = static_cast<int64_t>(bytes.size());
  if (range.offset > size || want > size - range.offset) {
    return error(Code::kInvalidModel, "external data: ", want, " bytes at offset ", range.offset,
                 " are beyond the end of ", quote(range.location), " (", size, " bytes)");
  }
  const auto data = bytes.subspan(static_cast<size_t>(range.offset), static_cast<size_t>(want));
  return from_raw(data, dtype, shape, count, keep_alive, budget_);
}

namespace {

/// The flat position of one sparse element, or nothing where an index is out of range.
std::optional<int64_t> flat_position(const Tensor& indices, int64_t element, const Shape& shape) {
  if (indices.rank() == 1) {
    const int64_t at = indices.get_int(element);
    return at >= 0 && at < volume(shape) ? std::optional(at) : std::nullopt;
  }
  int64_t flat = 0;
  const auto rank = static_cast<int64_t>(shape.size());
  for (int64_t axis = 0; axis < rank; ++axis) {
    const int64_t at = indices.get_int(element * rank + axis);
    if (at < 0 || at >= shape[static_cast<size_t>(axis)]) return std::nullopt;
    flat = flat * shape[static_cast<size_t>(axis)] + at;
  }
  return flat;
}

Status scatter(const Tensor& values, const Tensor& indices, Tensor& out) {
  int64_t last = -1;
  for (int64_t i = 0; i < values.elements(); ++i) {
    const std::optional<int64_t> at = flat_position(indices, i, out.shape());
    if (!at || *at <= last) {
      return error(Code::kInvalidModel, "index ", i, " is ",
                   at ? "not above the one before it" : "out of range");
    }
    last = *at;
    if (is_float(out.dtype())) {
      out.set(*at, values.get(i));
    } else {
      out.set_int(*at, values.get_int(i));
    }
  }
  return {};
}

}  // namespace

Result<Tensor> TensorReader::read(const SparseTensorProto& proto) {
  const auto impl = [&]() -> Result<Tensor> {
    CARNOT_ASSIGN(const Tensor values, read(proto.values));
    CARNOT_ASSIGN(const Tensor indices, read(proto.indices));
    const Shape& shape = proto.dims;
    if (values.rank() != 1 || values.dtype() == DType::kString) {
      return error(Code::kInvalidModel, "its values are ", to_string(values.type()),
                   ", not a vector of numbers");
    }
    const Shape flat = {values.elements()};
    const Shape full = {values.elements(), static_cast<int64_t>(shape.size())};
    if (indices.dtype() != DType::kI64 || (indices.shape() != flat && indices.shape() != full)) {
      return error(Code::kInvalidModel, "its indices are ", to_string(indices.type()),
                   ", expected i64", to_string(flat), " or i64", to_string(full));
    }
    if (shape.size() > kRankMax) return error(Code::kUnsupported, "has ", shape.size(), " axes");
    CARNOT_ASSIGN(const int64_t count, element_count(shape));
    CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits_of(values.dtype())));
    if (values.elements() == 0) return Tensor::splat(Tensor::zeros(values.dtype(), {}), shape);
    const auto stored = static_cast<int64_t>(values.bytes());
    if (bytes > kDenseBytesFree && bytes / kDenseBytesPerByte > stored) {
      return error(Code::kResourceLimit, "is ", stored, " bytes that would grow to ", bytes,
                   " when made dense; store it dense if that is meant");
    }
    if (budget_) CARNOT_RETURN_IF_ERROR(budget_->charge(bytes));
    CARNOT_ASSIGN(Tensor out, Tensor::allocate(values.dtype(), shape));
    std::memset(out.mutable_data(), 0, out.bytes());
    CARNOT_RETURN_IF_ERROR(scatter(values, indices, out));
    return out;
  };
  Result<Tensor> out = impl();
  if (out.ok()) return out;
  Status status = std::move(out).status();
  if (status.code() == Code::kInvalidArgument) {
    status = Status(Code::kInvalidModel, status.message());
  }
  return std::move(status).with(cat("sparse tensor ", quote(proto.values.name)));
}

}  // namespace carnot::onnx
