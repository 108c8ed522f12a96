#pragma once
// CodeText: lines of C++ in nested braces.
#include <string>
#include <string_view>

namespace carnot::cuda {

class CodeText {
 public:
  explicit CodeText(size_t depth = 0) : depth_(depth) {}

  void line(std::string_view text) {
    out_.append(2 * depth_, ' ');
    out_.append(text);
    out_ += '\n';
  }
  /// "for (...) {": what follows is inside until close().
  void open(std::string_view head) {
    line(head);
    ++depth_;
  }
  void close(std::string_view end = "}") {
    --depth_;
    line(end);
  }
  /// A directive, at the line's start.
  void directive(std::string_view text) {
    out_.append(text);
    out_ += '\n';
  }
  void blank() { out_ += '\n'; }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
  size_t depth_;
};

}  // namespace carnot::cuda
