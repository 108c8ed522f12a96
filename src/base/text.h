#pragma once
// Scanner: the cursor under every text format (graph, kernel, plan, timing cache), and its inverse:
// quoting and shortest exact numbers.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace carnot {

enum class TokenKind { kEnd, kIdentifier, kString, kInteger, kFloat, kPunctuation };

/// Reads tokens from text that must outlive it. Space and `// comments` separate tokens. Errors
/// read "SOURCE:LINE:COLUMN: expected ')', found 'x'" and carry the code given here. A function
/// that fails has not moved the cursor.
class Scanner {
 public:
  explicit Scanner(std::string_view text, std::string source = "text",
                   Code code = Code::kInvalidArgument)
      : text_(text), source_(std::move(source)), code_(code) {}

  /// What comes next. `-1` and `0x1f` are integers; `1.0`, `1e5`, `0x1p3`, `inf`, `-inf`, `nan`
  /// are floats.
  TokenKind kind();
  bool at_end() { return kind() == TokenKind::kEnd; }

  /// Whether `token` comes next. A word matches whole words only; punctuation matches a prefix, so
  /// ask for "->" before "-".
  bool peek(std::string_view token);
  bool accept(std::string_view token);
  Status expect(std::string_view token);

  Result<std::string_view> identifier();  ///< [A-Za-z_][A-Za-z0-9_]*
  /// A bare run of [A-Za-z0-9_.], or any text "quoted": what print_name() wrote.
  Result<std::string> name();
  Result<std::string> string();  ///< "..." with \n \t \r \\ \" \xNN
  Result<int64_t> integer();     ///< decimal or hexadecimal, out of range is an error
  Result<uint64_t> unsigned_integer();
  Result<double> number();  ///< an integer or a float, correctly rounded
  Result<float> number_f32();
  Result<bool> boolean();  ///< `true` or `false`

  /// An error at the cursor (after the space before the next token).
  template <class... Args>
  Status fail(const Args&... args) {
    return fail_with(cat(args...));
  }
  /// fail("expected WHAT, found 'TOKEN'")
  Status fail_expected(std::string_view what);

  size_t position() const { return at_; }
  void seek(size_t position) { at_ = position; }
  std::string_view rest() const { return text_.substr(at_); }
  int line() const;  ///< of the cursor, from 1

 private:
  void skip_space();
  Status fail_with(const std::string& message);
  size_t number_length(TokenKind* kind);
  template <class T>
  Result<T> parse_integer();
  template <class T>
  Result<T> parse_number();

  std::string_view text_;
  std::string source_;
  Code code_;
  size_t at_ = 0;
};

/// "text" in quotes, with escapes: one line, printable, read back by Scanner::string().
std::string quote(std::string_view text);
/// The text itself where Scanner::name() reads it bare, else quoted.
std::string print_name(std::string_view text);
/// The shortest text that reads back as exactly this value, and as a float: 1.0, 0.1, 1e+30, -inf.
std::string print_float(double value);
std::string print_float(float value);

}  // namespace carnot
