#include "tensor/text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "base/hash.h"
#include "tensor/codec.h"
#include "tensor/fill.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

std::string hexadecimal(uint64_t value, int digits) {
  std::string out(static_cast<size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, value >>= 4) {
    out[static_cast<size_t>(i)] = "0123456789abcdef"[value & 15];
  }
  return out;
}

std::string print_float_element(DType dtype, uint64_t bits) {
  const double value = decode_float(dtype, bits);
  if (std::isnan(value) && encode_float(dtype, value) != bits) {
    return "nan(0x" + hexadecimal(bits, bits_of(dtype) / 4) + ")";
  }
  // f8e8m0 rounds up, so its text must be exact in f64.
  const bool wide = dtype == DType::kF64 || dtype == DType::kF8E8M0;
  std::string out = wide ? print_float(value) : print_float(static_cast<float>(value));
  if (out.size() > 2 && out.substr(out.size() - 2) == ".0") out.resize(out.size() - 2);
  return out;
}

std::string print_elements(const Tensor& tensor, int64_t count) {
  std::string out = "{";
  for (int64_t i = 0; i < count; ++i) out += (i ? ", " : "") + print_element(tensor, i);
  return out + (count < tensor.elements() ? ", ...}" : "}");
}

std::string head(const Tensor& tensor) {
  return std::string(to_string(tensor.dtype())) + to_string(tensor.shape()) + " ";
}

// One element's bits.
Result<uint64_t> parse_bits(Scanner& scanner, DType dtype) {
  const DTypeClass kind = class_of(dtype);
  if (kind == DTypeClass::kBool && scanner.kind() == TokenKind::kIdentifier) {
    CARNOT_ASSIGN(const bool value, scanner.boolean());
    return uint64_t{value};
  }
  if (kind == DTypeClass::kFloat) {
    const size_t start = scanner.position();
    CARNOT_ASSIGN(const double value, scanner.number());
    if (std::isnan(value) && scanner.accept("(")) {
      CARNOT_ASSIGN(const uint64_t bits, scanner.unsigned_integer());
      CARNOT_RETURN_IF_ERROR(scanner.expect(")"));
      return bits;
    }
    if (dtype != DType::kF32) return encode_float(dtype, value);
    scanner.seek(start);  // again, rounded once
    CARNOT_ASSIGN(const float narrow, scanner.number_f32());
    return uint64_t{std::bit_cast<uint32_t>(narrow)};
  }
  if (dtype == DType::kU64) return scanner.unsigned_integer();
  CARNOT_ASSIGN(const int64_t value, scanner.integer());
  const int64_t wrapped = wrap_integer(dtype, value);
  if (wrapped != value) return scanner.fail(value, " does not fit ", to_string(dtype));
  return static_cast<uint64_t>(value);
}

Result<Tensor> parse_strings(Scanner& scanner, Shape shape, int64_t count) {
  std::vector<std::string> texts;
  while (!scanner.accept("}")) {
    if (!texts.empty()) CARNOT_RETURN_IF_ERROR(scanner.expect(","));
    CARNOT_ASSIGN(std::string text, scanner.string());
    texts.push_back(std::move(text));
  }
  if (static_cast<int64_t>(texts.size()) != count) {
    return scanner.fail("expected ", count, " elements, found ", texts.size());
  }
  return Tensor::from_strings(std::move(shape), std::move(texts));
}

Result<Tensor> parse_elements(Scanner& scanner, DType dtype, Shape shape, int64_t count) {
  if (dtype == DType::kString) return parse_strings(scanner, std::move(shape), count);
  std::vector<uint64_t> elements;  // the storage is taken once the text has shown that many
  while (!scanner.accept("}")) {
    if (!elements.empty()) CARNOT_RETURN_IF_ERROR(scanner.expect(","));
    CARNOT_ASSIGN(const uint64_t bits, parse_bits(scanner, dtype));
    elements.push_back(bits);
  }
  if (static_cast<int64_t>(elements.size()) != count) {
    return scanner.fail("expected ", count, " elements, found ", elements.size());
  }
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, std::move(shape)));
  for (int64_t i = 0; i < count; ++i) {
    store_bits(out.mutable_data(), bits_of(dtype), i, elements[static_cast<size_t>(i)]);
  }
  return out;
}

Result<Tensor> parse_fill_call(Scanner& scanner, DType dtype, Shape shape) {
  CARNOT_RETURN_IF_ERROR(scanner.expect("("));
  CARNOT_RETURN_IF_ERROR(scanner.expect("seed"));
  CARNOT_RETURN_IF_ERROR(scanner.expect("="));
  CARNOT_ASSIGN(const uint64_t seed, scanner.unsigned_integer());
  Fill kind = Fill::kUniform;
  if (scanner.accept(",")) {
    CARNOT_RETURN_IF_ERROR(scanner.expect("kind"));
    CARNOT_RETURN_IF_ERROR(scanner.expect("="));
    CARNOT_ASSIGN(const std::string_view word, scanner.identifier());
    const auto found = parse_fill(word);
    if (!found) return scanner.fail("unknown fill '", word, "'");
    kind = *found;
  }
  CARNOT_RETURN_IF_ERROR(scanner.expect(")"));
  constexpr int64_t kMaxFill = int64_t{1} << 30;  // text is for people and tests
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  if (count > kMaxFill) return scanner.fail("a fill of ", count, " elements is too large");
  return fill(dtype, std::move(shape), seed, kind);
}

Result<Tensor> parse_hash(Scanner& scanner, DType dtype, const Shape& shape,
                          const ConstantTable* constants) {
  CARNOT_ASSIGN(const std::string text, scanner.name());
  uint64_t key = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), key, 16);
  if (failure != std::errc() || end != text.data() + text.size()) {
    return scanner.fail("'", text, "' is not a hash");
  }
  const Tensor* found = constants ? constants->find(key) : nullptr;
  if (!found) return scanner.fail("the constant #", text, " is not in the table of constants");
  if (found->dtype() != dtype || found->shape() != shape) {
    return scanner.fail("the constant #", text, " is ", to_string(found->type()));
  }
  return *found;
}

}  // namespace

uint64_t hash(const Tensor& tensor) {
  Hasher hasher;
  hasher.add(tensor.dtype()).add(tensor.rank());
  for (const int64_t size : tensor.shape()) hasher.add(size);
  const int64_t count = tensor.elements();
  if (count == 0) return hasher.digest();
  if (tensor.dtype() == DType::kString) {
    for (int64_t i = 0; i < count; ++i) hasher.add(tensor.get_string(i));
    return hasher.digest();
  }
  // A dense tensor of equal elements hashes as the splat that it equals.
  const int bits = bits_of(tensor.dtype());
  const uint64_t first = load_bits(tensor.data(), bits, 0);
  bool uniform = true;
  for (int64_t i = 1; uniform && !tensor.is_splat() && i < count; ++i) {
    uniform = load_bits(tensor.data(), bits, i) == first;
  }
  if (uniform) return hasher.add(first).digest();
  const size_t whole = static_cast<size_t>(count * bits / 8);
  hasher.bytes({tensor.data(), whole});
  if (whole != tensor.bytes()) hasher.add(load_bits(tensor.data(), bits, count - 1));
  return hasher.digest();
}

uint64_t ConstantTable::add(const Tensor& tensor) {
  const uint64_t key = hash(tensor);
  tensors_.emplace(key, tensor);
  return key;
}

const Tensor* ConstantTable::find(uint64_t key) const {
  const auto found = tensors_.find(key);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::string print_element(const Tensor& tensor, int64_t i) {
  switch (class_of(tensor.dtype())) {
    case DTypeClass::kFloat:
      return print_float_element(tensor.dtype(), load_bits(tensor.data(), bits_of(tensor.dtype()),
                                                           tensor.is_splat() ? 0 : i));
    case DTypeClass::kString:
      return quote(tensor.get_string(i));
    case DTypeClass::kBool:
      return tensor.get_int(i) ? "true" : "false";
    case DTypeClass::kUnsigned:
      return std::to_string(static_cast<uint64_t>(tensor.get_int(i)));
    case DTypeClass::kSigned:
      break;
  }
  return std::to_string(tensor.get_int(i));
}

std::string print(const Tensor& tensor) {
  if (prints_as_hash(tensor)) return head(tensor) + "#" + hexadecimal(hash(tensor), 16);
  return print_whole(tensor);
}

std::string print_whole(const Tensor& tensor) {
  if (tensor.is_splat()) return head(tensor) + "splat(" + print_element(tensor, 0) + ")";
  return head(tensor) + print_elements(tensor, tensor.elements());
}

std::string to_string(const Tensor& tensor, int64_t max_elements) {
  return head(tensor) + print_elements(tensor, std::min(max_elements, tensor.elements()));
}

bool peek_content(Scanner& scanner) {
  return scanner.peek("{") || scanner.peek("splat") || scanner.peek("fill") || scanner.peek("#");
}

Result<Tensor> parse_content(Scanner& scanner, DType dtype, Shape shape,
                             const ConstantTable* constants) {
  const Result<int64_t> count = element_count(shape);
  if (!count.ok()) return scanner.fail(count.status().message());
  if (scanner.accept("{")) return parse_elements(scanner, dtype, std::move(shape), *count);
  if (scanner.accept("#")) return parse_hash(scanner, dtype, shape, constants);
  if (scanner.accept("fill")) return parse_fill_call(scanner, dtype, std::move(shape));
  CARNOT_RETURN_IF_ERROR(scanner.expect("splat"));
  CARNOT_RETURN_IF_ERROR(scanner.expect("("));
  Tensor element;
  if (dtype == DType::kString) {
    CARNOT_ASSIGN(std::string text, scanner.string());
    element = Tensor::from_strings({}, {std::move(text)});
  } else {
    CARNOT_ASSIGN(const uint64_t bits, parse_bits(scanner, dtype));
    element = Tensor::zeros(dtype, {});
    store_bits(element.mutable_data(), bits_of(dtype), 0, bits);
  }
  CARNOT_RETURN_IF_ERROR(scanner.expect(")"));
  return Tensor::splat(element, std::move(shape));
}

Result<Tensor> parse_tensor(Scanner& scanner, const ConstantTable* constants) {
  CARNOT_ASSIGN(const DType dtype, parse_dtype(scanner));
  CARNOT_ASSIGN(const Dims dims, parse_dims(scanner));
  Shape shape;
  for (const Dim& dim : dims) {
    if (!dim.is_constant()) return scanner.fail("a tensor's sizes are numbers");
    shape.push_back(dim.value());
  }
  return parse_content(scanner, dtype, std::move(shape), constants);
}

Result<Tensor> parse_tensor(std::string_view text, const ConstantTable* constants) {
  Scanner scanner(text, "tensor");
  CARNOT_ASSIGN(Tensor out, parse_tensor(scanner, constants));
  if (!scanner.at_end()) return scanner.fail_expected("the end of the tensor");
  return out;
}

}  // namespace carnot
