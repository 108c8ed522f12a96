#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

namespace carnot {
namespace {

// Not <cctype>: that asks the locale.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
bool starts_hex(std::string_view text) {
  return text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
         (hex_digit(text[2]) >= 0 || text[2] == '.');
}

template <class T>
std::string print_any_float(T value) {
  if (std::isnan(value)) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string out(buffer, end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

// Reads one character of a string literal at `at`, escapes included; false when malformed.
bool read_char(std::string_view text, size_t& at, std::string& out) {
  char c = text[at++];
  if (static_cast<unsigned char>(c) < 0x20) return false;
  if (c != '\\') return out += c, true;
  if (at == text.size()) return false;
  c = text[at++];
  switch (c) {
    case 'n':
      out += '\n';
      return true;
    case 't':
      out += '\t';
      return true;
    case 'r':
      out += '\r';
      return true;
    case '\\':
      out += '\\';
      return true;
    case '"':
      out += '"';
      return true;
    case 'x': {
      if (at + 2 > text.size()) return false;
      const int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      at += 2;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

void Scanner::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      break;
    }
  }
}

// The length of the number at the cursor, 0 when there is none.
size_t Scanner::number_length(TokenKind* kind) {
  const std::string_view all = rest();
  size_t n = !all.empty() && all[0] == '-' ? 1 : 0;
  const std::string_view digits = all.substr(n);
  *kind = TokenKind::kFloat;
  for (const std::string_view word : {"inf", "nan"}) {
    if (digits.substr(0, 3) == word && (digits.size() == 3 || !is_word(digits[3]))) return n + 3;
  }
  const bool hex = starts_hex(digits);
  const bool point_first = digits.size() > 1 && digits[0] == '.' && is_digit(digits[1]);
  if (digits.empty() || !(is_digit(digits[0]) || point_first)) return 0;
  if (hex) n += 2;
  const auto skip = [&] {
    while (n < all.size() && (hex ? hex_digit(all[n]) >= 0 : is_digit(all[n]))) ++n;
  };
  skip();
  *kind = TokenKind::kInteger;
  if (n + 1 < all.size() && all[n] == '.' && all[n + 1] != '.') {  // `1..2` is no float
    *kind = TokenKind::kFloat;
    ++n;
    skip();
  }
  const char exponent = hex ? 'p' : 'e';
  if (n < all.size() && (all[n] | 0x20) == exponent) {
    size_t e = n + 1;
    if (e < all.size() && (all[e] == '-' || all[e] == '+')) ++e;
    if (e < all.size() && is_digit(all[e])) {
      while (e < all.size() && is_digit(all[e])) ++e;
      n = e;
      *kind = TokenKind::kFloat;
    }
  }
  return n;
}

TokenKind Scanner::kind() {
  skip_space();
  if (at_ == text_.size()) return TokenKind::kEnd;
  TokenKind number;
  if (number_length(&number)) return number;
  if (is_letter(text_[at_])) return TokenKind::kIdentifier;
  return text_[at_] == '"' ? TokenKind::kString : TokenKind::kPunctuation;
}

bool Scanner::peek(std::string_view token) {
  skip_space();
  if (token.empty() || text_.substr(at_, token.size()) != token) return false;
  const size_t end = at_ + token.size();
  return !(is_word(token.back()) && end < text_.size() && is_word(text_[end]));
}

bool Scanner::accept(std::string_view token) {
  if (!peek(token)) return false;
  at_ += token.size();
  return true;
}

Status Scanner::expect(std::string_view token) {
  return accept(token) ? Status() : fail_expected(cat("'", token, "'"));
}

Result<std::string_view> Scanner::identifier() {
  skip_space();
  if (at_ == text_.size() || !is_letter(text_[at_])) return fail_expected("an identifier");
  const size_t begin = at_;
  while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

Result<std::string> Scanner::name() {
  skip_space();
  if (at_ < text_.size() && text_[at_] == '"') return string();
  size_t end = at_;
  while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.')) ++end;
  if (end == at_) return fail_expected("a name");
  const size_t begin = std::exchange(at_, end);
  return std::string(text_.substr(begin, end - begin));
}

Result<std::string> Scanner::string() {
  skip_space();
  if (at_ == text_.size() || text_[at_] != '"') return fail_expected("a string");
  std::string out;
  for (size_t at = at_ + 1; at < text_.size();) {
    if (text_[at] == '"') {
      at_ = at + 1;
      return out;
    }
    if (!read_char(text_, at, out)) return fail("bad character or escape in a string");
  }
  return fail("a string does not end");
}

template <class T>
Result<T> Scanner::parse_integer() {
  const TokenKind next = kind();
  TokenKind ignored;
  const size_t length = number_length(&ignored);
  if (next != TokenKind::kInteger) return fail_expected("an integer");
  std::string_view digits = rest().substr(0, length);
  if (at_ + length < text_.size() && is_word(text_[at_ + length])) {
    return fail_expected("an integer");
  }
  const bool negative = digits[0] == '-';
  if (negative) digits.remove_prefix(1);
  const bool hex = starts_hex(digits);
  if (hex) digits.remove_prefix(2);
  uint64_t magnitude = 0;
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hex ? 16 : 10);
  const uint64_t limit = negative
                             ? uint64_t{0} - static_cast<uint64_t>(std::numeric_limits<T>::min())
                             : static_cast<uint64_t>(std::numeric_limits<T>::max());
  if (failure != std::errc() || magnitude > limit) {
    return fail("integer out of range: ", rest().substr(0, length));
  }
  at_ += length;
  return static_cast<T>(negative ? uint64_t{0} - magnitude : magnitude);
}

Result<int64_t> Scanner::integer() {
  return parse_integer<int64_t>();
}
Result<uint64_t> Scanner::unsigned_integer() {
  return parse_integer<uint64_t>();
}

template <class T>
Result<T> Scanner::parse_number() {
  skip_space();
  TokenKind ignored;
  const size_t length = number_length(&ignored);
  const size_t end = at_ + length;
  if (!length || (end < text_.size() && is_word(text_[end]))) return fail_expected("a number");
  std::string_view digits = text_.substr(at_, length);
  const bool negative = digits[0] == '-';
  if (negative) digits.remove_prefix(1);
  T value = 0;
  if (digits == "inf") {
    value = std::numeric_limits<T>::infinity();
  } else if (digits == "nan") {
    value = std::numeric_limits<T>::quiet_NaN();
  } else {
    const bool hex = starts_hex(digits);
    if (hex) digits.remove_prefix(2);
    const auto [stop, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value,
                        hex ? std::chars_format::hex : std::chars_format::general);
    if (failure != std::errc() || stop != digits.data() + digits.size()) {
      return fail("number out of range: ", text_.substr(at_, length));
    }
  }
  at_ = end;
  return negative ? -value : value;
}

Result<double> Scanner::number() {
  return parse_number<double>();
}
Result<float> Scanner::number_f32() {
  return parse_number<float>();
}

Result<bool> Scanner::boolean() {
  if (accept("true")) return true;
  if (accept("false")) return false;
  return fail_expected("'true' or 'false'");
}

int Scanner::line() const {
  return 1 + static_cast<int>(std::count(text_.begin(), text_.begin() + at_, '\n'));
}

Status Scanner::fail_with(const std::string& message) {
  skip_space();
  const size_t newline = text_.substr(0, at_).rfind('\n');
  const size_t column = newline == std::string_view::npos ? at_ + 1 : at_ - newline;
  return error(code_, source_, ":", line(), ":", column, ": ", message);
}

Status Scanner::fail_expected(std::string_view what) {
  if (at_end()) return fail("expected ", what, ", found the end of the text");
  constexpr size_t kShown = 40;  // enough to recognize the place
  size_t length = 1;
  if (is_word(text_[at_])) {
    while (length < kShown && at_ + length < text_.size() && is_word(text_[at_ + length])) ++length;
  }
  return fail("expected ", what, ", found ", quote(text_.substr(at_, length)));
}

std::string quote(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (u < 0x20 || u == 0x7f) {
      out += "\\x";
      out += kDigits[u >> 4];
      out += kDigits[u & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string print_name(std::string_view text) {
  const bool bare = !text.empty() && std::all_of(text.begin(), text.end(),
                                                 [](char c) { return is_word(c) || c == '.'; });
  return bare ? std::string(text) : quote(text);
}

std::string print_float(double value) {
  return print_any_float(value);
}
std::string print_float(float value) {
  return print_any_float(value);
}

}  // namespace carnot
