#include "tensor/npy.h"

#include <cstring>

#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 1 << 20;  // NumPy's own headers have some hundred bytes
constexpr size_t kMaxRank = 64;         // NumPy's limit

template <class... Args>
Status bad(const Args&... args) {
  return error(Code::kInvalidArgument, ".npy: ", args...);
}

struct Header {
  std::string descr;
  bool fortran = false;
  Shape shape;
};

// The dict literal, as numpy.save writes it: {'descr': '<f4', 'fortran_order': False, 'shape': (2,
// 3), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : scanner_(text, ".npy header") {}

  Result<Header> parse() {
    Header out;
    CARNOT_RETURN_IF_ERROR(scanner_.expect("{"));
    int seen = 0;
    while (!scanner_.accept("}")) {
      CARNOT_ASSIGN(const std::string key, quoted());
      CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
      if (key == "descr") {
        if (scanner_.peek("[")) {
          return error(Code::kUnsupported, ".npy: records (structured types) are not tensors");
        }
        CARNOT_ASSIGN(out.descr, quoted());
        seen |= 1;
      } else if (key == "fortran_order") {
        out.fortran = scanner_.accept("True");
        if (!out.fortran) CARNOT_RETURN_IF_ERROR(scanner_.expect("False"));
        seen |= 2;
      } else if (key == "shape") {
        CARNOT_ASSIGN(out.shape, tuple());
        seen |= 4;
      } else {
        return scanner_.fail("unknown key '", key, "'");
      }
      if (!scanner_.accept(",") && !scanner_.peek("}")) return scanner_.fail_expected("',' or '}'");
    }
    if (seen != 7) return scanner_.fail("'descr', 'fortran_order' or 'shape' is missing");
    if (!scanner_.at_end()) return scanner_.fail_expected("the end of the header");
    return out;
  }

 private:
  Result<std::string> quoted() {
    const char* mark = scanner_.accept("'") ? "'" : "\"";
    if (*mark == '"') CARNOT_RETURN_IF_ERROR(scanner_.expect("\""));
    const std::string_view rest = scanner_.rest();
    const size_t end = rest.find(*mark);
    if (end == std::string_view::npos) return scanner_.fail("a string does not end");
    scanner_.seek(scanner_.position() + end + 1);
    return std::string(rest.substr(0, end));
  }

  Result<Shape> tuple() {
    Shape out;
    CARNOT_RETURN_IF_ERROR(scanner_.expect("("));
    while (!scanner_.accept(")")) {
      CARNOT_ASSIGN(const int64_t size, scanner_.integer());
      if (size < 0) return scanner_.fail("a size is negative");
      if (out.size() == kMaxRank) return scanner_.fail("more than ", kMaxRank, " dimensions");
      out.push_back(size);
      if (!scanner_.accept(",") && !scanner_.peek(")")) return scanner_.fail_expected("',' or ')'");
    }
    return out;
  }

  Scanner scanner_;
};

struct NumpyType {
  const char* text;
  DType dtype;
};
constexpr NumpyType kTypes[] = {{"f8", DType::kF64}, {"f4", DType::kF32}, {"f2", DType::kF16},
                                {"i8", DType::kI64}, {"i4", DType::kI32}, {"i2", DType::kI16},
                                {"i1", DType::kI8},  {"u8", DType::kU64}, {"u4", DType::kU32},
                                {"u2", DType::kU16}, {"u1", DType::kU8},  {"b1", DType::kBool}};

Result<DType> dtype_of(const std::string& descr, std::optional<DType> as) {
  const char order = descr.empty() ? '?' : descr[0];
  const std::string kind = descr.substr(descr.empty() ? 0 : 1);
  if (order == '>') {
    return error(Code::kUnsupported, ".npy: '", descr, "' is big-endian; save it as '<", kind, "'");
  }
  if (order != '<' && order != '|' && order != '=') return bad("malformed type '", descr, "'");
  for (const NumpyType& type : kTypes) {
    if (kind != type.text) continue;
    const bool reinterpreted = as && *as != type.dtype;
    if (reinterpreted && (bits_of(*as) != bits_of(type.dtype) || kind[0] == 'f')) {
      return bad("'", descr, "' is not ", to_string(*as));
    }
    return reinterpreted ? *as : type.dtype;
  }
  if (kind == "V2" || kind == "V1") {
    const int bits = kind == "V2" ? 16 : 8;
    if (as && bits_of(*as) == bits) return *as;
    if (as) return bad("'", descr, "' is not ", to_string(*as));
    if (bits == 16) return DType::kBF16;
    return error(Code::kUnsupported, ".npy: '|V1' may be any 8-bit type; say which");
  }
  return error(Code::kUnsupported, ".npy: no element type for NumPy's '", descr, "'");
}

// The position in Fortran order of the element that is next in C order.
class FortranOrder {
 public:
  explicit FortranOrder(const Shape& shape) : shape_(shape), index_(shape.size()) {
    int64_t stride = 1;
    for (const int64_t size : shape) {
      strides_.push_back(stride);
      stride = checked_mul(stride, size).value_or(0);  // overflows only where another is 0
    }
  }
  int64_t next() {
    const int64_t out = at_;
    for (size_t axis = shape_.size(); axis-- > 0;) {
      at_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) break;
      at_ -= strides_[axis] * shape_[axis];
      index_[axis] = 0;
    }
    return out;
  }

 private:
  Shape shape_, index_, strides_;
  int64_t at_ = 0;
};

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | (c >> 18 & 7));
      put(0x80 | (c >> 12 & 63));
    }
    put(0x80 | (c >> 6 & 63));
  }
  put(0x80 | (c & 63));
}

// 'S5': five bytes, 'U5': five code points of four bytes; both padded with zeros.
Result<Tensor> read_strings(const Header& header, std::span<const std::byte> data) {
  const bool wide = header.descr[1] == 'U';
  Scanner scanner(std::string_view(header.descr).substr(2), ".npy type");
  CARNOT_ASSIGN(const int64_t length, scanner.integer());
  if (length < 0 || !scanner.at_end()) return bad("malformed type '", header.descr, "'");
  if (header.descr[0] == '>') return error(Code::kUnsupported, ".npy: big-endian strings");
  CARNOT_ASSIGN(const int64_t count, element_count(header.shape));
  const auto each = checked_mul(length, wide ? 4 : 1);
  const auto total = each ? checked_mul(*each, count) : std::nullopt;
  if (!total || *total != static_cast<int64_t>(data.size())) {
    return bad(count, " strings '", header.descr, "' do not take ", data.size(), " bytes");
  }
  constexpr int64_t kMaxEmpty = 1 << 20;  // strings of no bytes: the file's size bounds nothing
  if (length == 0 && count > kMaxEmpty) return bad(count, " empty strings");
  std::vector<std::string> texts;
  FortranOrder order(header.shape);
  for (int64_t i = 0; i < count; ++i) {
    const std::byte* at = data.data() + (header.fortran ? order.next() : i) * *each;
    std::string text;
    for (int64_t k = 0; k < length; ++k) {
      const auto c = static_cast<uint32_t>(load_bits(at, wide ? 32 : 8, k));
      if (wide) {
        append_utf8(text, c);
      } else {
        text += static_cast<char>(c);
      }
    }
    text.erase(text.find_last_not_of('\0') + 1);
    texts.push_back(std::move(text));
  }
  return Tensor::from_strings(header.shape, std::move(texts));
}

// The header's text and where the data begins.
Result<std::pair<std::string_view, size_t>> find_header(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kMagic.size()) != kMagic) return bad("this is not a .npy file");
  if (text.size() < 10) return bad("truncated in its first bytes");
  const auto byte_at = [&](size_t i) { return static_cast<size_t>(bytes[i]); };
  const size_t version = byte_at(6);
  if (version < 1 || version > 3) {
    return error(Code::kUnsupported, ".npy: version ", version, "; 1 to 3 are known");
  }
  size_t length = byte_at(8) | byte_at(9) << 8;
  size_t begin = 10;
  if (version > 1) {
    if (text.size() < 12) return bad("truncated in its first bytes");
    length |= byte_at(10) << 16 | byte_at(11) << 24;
    begin = 12;
  }
  if (length > kMaxHeader) return bad("a header of ", length, " bytes is too long");
  if (text.size() - begin < length) return bad("truncated in its header");
  return std::pair(text.substr(begin, length), begin + length);
}

}  // namespace

Result<Tensor> read_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                        std::optional<DType> as) {
  CARNOT_ASSIGN(const auto found, find_header(bytes));
  CARNOT_ASSIGN(const Header header, HeaderParser(found.first).parse());
  const std::span<const std::byte> data = bytes.subspan(found.second);
  const char kind = header.descr.size() > 1 ? header.descr[1] : '?';
  if (kind == 'S' || kind == 'U') return read_strings(header, data);
  CARNOT_ASSIGN(const DType dtype, dtype_of(header.descr, as));
  CARNOT_ASSIGN(const Tensor stored, Tensor::wrap(dtype, header.shape, data, std::move(keep_alive))
                                         .with(".npy: truncated or too long"));
  const int bits = bits_of(dtype);
  const bool aligned =
      reinterpret_cast<uintptr_t>(data.data()) % static_cast<uintptr_t>(bits / 8) == 0;
  // A byte of a bool is only trusted to be 0 or 1 when we wrote it.
  if (!header.fortran && aligned && dtype != DType::kBool) return stored;
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, header.shape));
  FortranOrder order(header.shape);
  for (int64_t i = 0; i < out.elements(); ++i) {
    const uint64_t value = load_bits(stored.data(), bits, header.fortran ? order.next() : i);
    store_bits(out.mutable_data(), bits, i, dtype == DType::kBool ? value != 0 : value);
  }
  return out;
}

Result<std::string> write_npy(const Tensor& tensor) {
  std::string descr;
  for (const NumpyType& type : kTypes) {
    if (type.dtype == tensor.dtype()) descr = type.text;
  }
  const int bits = bits_of(tensor.dtype());
  if (descr.empty() && bits == 16) descr = "V2";
  if (descr.empty() && bits == 8) descr = "V1";
  if (descr.empty()) {
    return error(Code::kUnsupported, ".npy: ", to_string(tensor.dtype()),
                 " has no form in .npy; convert it first");
  }
  descr.insert(0, bits == 8 ? "|" : "<");
  std::string shape;
  for (const int64_t size : tensor.shape()) shape += std::to_string(size) + ", ";
  if (tensor.rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.rank() == 1) shape.pop_back();  // "(3,)"
  std::string header =
      cat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kAlignment = 64;
  const size_t unpadded = 10 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  CARNOT_ASSIGN(const Tensor dense, tensor.dense());
  std::string out(kMagic);
  out +=
      {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  out += header;
  out.append(reinterpret_cast<const char*>(dense.data()), dense.bytes());
  return out;
}

}  // namespace carnot
