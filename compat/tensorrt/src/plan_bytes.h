#pragma once
// What plans keep beside the engine, as bytes: integers of 8 bytes, little end first, and strings.
#include <cstdint>
#include <string>
#include <string_view>

namespace trt {

class BytesWriter {
 public:
  void put(int64_t value) {
    for (int i = 0; i < 8; ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
  void put(const std::string& text) {
    put(static_cast<int64_t>(text.size()));
    out += text;
  }
  std::string out;
};

/// Gives zeros and empty strings once something does not fit; good() then says so.
class BytesReader {
 public:
  explicit BytesReader(std::string_view text) : text_(text) {}
  int64_t number() {
    if (text_.size() - at_ < 8) return fail();
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(text_[at_ + i])) << (8 * i);
    }
    at_ += 8;
    return static_cast<int64_t>(value);
  }
  /// A number in a range.
  int64_t number(int64_t low, int64_t high) {
    const int64_t value = number();
    return value < low || value > high ? fail() : value;
  }
  /// How many of something follow, each of at least 8 bytes.
  int64_t count() { return number(0, static_cast<int64_t>((text_.size() - at_) / 8)); }
  std::string_view view() {
    const int64_t size = number();
    if (size < 0 || static_cast<uint64_t>(size) > text_.size() - at_) return fail(), "";
    at_ += static_cast<size_t>(size);
    return text_.substr(at_ - static_cast<size_t>(size), static_cast<size_t>(size));
  }
  std::string string() { return std::string(view()); }
  bool done() const { return good_ && at_ == text_.size(); }

 private:
  int64_t fail() {
    good_ = false;
    at_ = text_.size();
    return 0;
  }
  std::string_view text_;
  size_t at_ = 0;
  bool good_ = true;
};

}  // namespace trt
