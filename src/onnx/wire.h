#pragma once
// Fields: a bounded cursor over protobuf bytes. Lengths are 64-bit (protozero's own reader stops at
// 4 GiB), every error is kept and ends all loops, nothing is allocated before it is charged.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/status.h"

namespace carnot::onnx {

/// What one parse may use, and its first error. Shared by the cursors of nested messages.
class ParseState {
 public:
  /// Objects may take 64 MiB and 8 times the input: far above what real models need, far below
  /// what two-byte messages could be made to ask for.
  ParseState(std::string_view input, const Budget* budget);
  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  /// Keeps the first error only.
  void fail(Code code, const std::string& message);
  /// Takes memory for parsed objects; false (and an error) when there is no more.
  bool charge(int64_t bytes);
  /// Byte offset of a position, for messages.
  int64_t offset(const char* at) const { return at - base_; }

  static constexpr int kDepthMax = 100;  ///< of nested messages, as protobuf has it
  int depth = 0;

 private:
  const char* base_;
  int64_t bytes_left_;
  const Budget* budget_;
  int64_t charges_ = 0;
  Status status_;
};

class Fields {
 public:
  /// A nested message: counts as one level of depth while it lives.
  Fields(ParseState& state, std::string_view message);
  ~Fields() { --state_.depth; }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  /// Moves to the next field; false at the end and after any error.
  bool next();
  uint32_t number() const { return number_; }
  // The field's value; a wrong wire type is an error. Exactly one call for each next().
  std::string_view bytes();
  int64_t integer();
  float real();
  void integers(std::vector<int64_t>& out);  ///< repeated, packed or not
  void reals(std::vector<float>& out);
  void doubles(std::vector<double>& out);
  void strings(std::vector<std::string_view>& out);
  void skip();

 private:
  enum Type : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  bool expect(Type type);
  uint64_t varint();
  std::string_view take(uint64_t bytes);
  template <class T>
  void fixed(std::vector<T>& out, Type type);
  void fail(const std::string& message);

  ParseState& state_;
  const char* at_;
  const char* end_;
  uint32_t number_ = 0, type_ = 0;
};

}  // namespace carnot::onnx
