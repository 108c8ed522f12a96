#include "onnx/wire.h"

#include <cstring>
#include <limits>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

namespace carnot::onnx {

namespace {
constexpr int64_t kObjectBytesBase = int64_t{64} << 20;
constexpr int64_t kObjectBytesPerByte = 8;
constexpr int64_t kChargesPerCheck = 4096;  // a clock read each time would cost more than parsing
}  // namespace

ParseState::ParseState(std::string_view input, const Budget* budget)
    : base_(input.data()),
      bytes_left_(kObjectBytesBase + kObjectBytesPerByte * static_cast<int64_t>(input.size())),
      budget_(budget) {}

void ParseState::fail(Code code, const std::string& message) {
  if (status_.ok()) status_ = Status(code, message);
}

bool ParseState::charge(int64_t bytes) {
  if (!ok()) return false;
  if (budget_ && ++charges_ % kChargesPerCheck == 0) {
    if (Status status = budget_->check(); !status.ok()) {
      status_ = std::move(status);
      return false;
    }
  }
  bytes_left_ -= bytes;
  if (bytes_left_ >= 0) return true;
  fail(Code::kResourceLimit,
       "the model holds more objects than its size explains (limit 64 MiB and 8 times the file)");
  return false;
}

Fields::Fields(ParseState& state, std::string_view message)
    : state_(state), at_(message.data()), end_(message.data() + message.size()) {
  if (++state_.depth > ParseState::kDepthMax) {
    fail(cat("messages are nested deeper than ", ParseState::kDepthMax));
  }
}

void Fields::fail(const std::string& message) {
  state_.fail(Code::kInvalidModel, cat("byte ", state_.offset(at_), ": ", message));
  at_ = end_;
}

bool Fields::next() {
  if (!state_.ok() || at_ == end_) return false;
  const uint64_t tag = varint();
  if (!state_.ok()) return false;
  number_ = static_cast<uint32_t>(tag >> 3);
  type_ = static_cast<uint32_t>(tag & 7);
  if (tag > std::numeric_limits<uint32_t>::max() || number_ == 0) {
    fail("no protobuf field starts here");
  } else if (type_ != kVarint && type_ != kFixed64 && type_ != kBytes && type_ != kFixed32) {
    fail(cat("field ", number_, " has the wire type ", type_, ", which ONNX does not use"));
  }
  return state_.ok();
}

uint64_t Fields::varint() {
  try {
    return protozero::decode_varint(&at_, end_);
  } catch (const protozero::exception&) {  // too long, or cut off
    fail("a number is malformed");
    return 0;
  }
}

std::string_view Fields::take(uint64_t bytes) {
  if (bytes > static_cast<uint64_t>(end_ - at_)) {
    fail(cat("a field of ", bytes, " bytes, but only ", end_ - at_, " are left"));
    return {};
  }
  const std::string_view taken(at_, bytes);
  at_ += bytes;
  return taken;
}

bool Fields::expect(Type type) {
  if (!state_.ok()) return false;
  if (type_ == type) return true;
  fail(cat("field ", number_, " has the wire type ", type_, " instead of ",
           static_cast<uint32_t>(type)));
  return false;
}

std::string_view Fields::bytes() {
  if (!expect(kBytes)) return {};
  const uint64_t size = varint();
  return state_.ok() ? take(size) : std::string_view{};
}

int64_t Fields::integer() {
  return expect(kVarint) ? static_cast<int64_t>(varint()) : 0;
}

float Fields::real() {
  float value = 0;
  if (!expect(kFixed32)) return value;
  const std::string_view four = take(sizeof value);
  if (state_.ok()) std::memcpy(&value, four.data(), sizeof value);
  return value;
}

void Fields::integers(std::vector<int64_t>& out) {
  if (type_ == kVarint) {
    const int64_t value = integer();
    if (state_.charge(sizeof value)) out.push_back(value);
    return;
  }
  const std::string_view packed = bytes();
  const char* const end = end_;
  end_ = at_;
  at_ -= packed.size();  // within the packed values for a while, so that errors have their offset
  while (state_.ok() && at_ != end_) {
    const uint64_t value = varint();
    if (state_.charge(sizeof value)) out.push_back(static_cast<int64_t>(value));
  }
  end_ = state_.ok() ? end : at_;
}

template <class T>
void Fields::fixed(std::vector<T>& out, Type type) {
  const std::string_view taken = type_ == kBytes ? bytes() : std::string_view{};
  if (type_ != kBytes) {
    if (!expect(type)) return;
    const std::string_view one = take(sizeof(T));
    if (!state_.charge(sizeof(T))) return;
    std::memcpy(&out.emplace_back(), one.data(), sizeof(T));
    return;
  }
  if (taken.size() % sizeof(T) != 0) {
    fail(cat("packed field ", number_, " has ", taken.size(), " bytes: not a multiple of ",
             sizeof(T)));
  }
  if (taken.empty() || !state_.charge(static_cast<int64_t>(taken.size()))) return;
  const size_t count = out.size();
  out.resize(count + taken.size() / sizeof(T));
  std::memcpy(out.data() + count, taken.data(), taken.size());
}

void Fields::reals(std::vector<float>& out) {
  fixed(out, kFixed32);
}
void Fields::doubles(std::vector<double>& out) {
  fixed(out, kFixed64);
}

void Fields::strings(std::vector<std::string_view>& out) {
  const std::string_view value = bytes();
  if (state_.charge(sizeof value)) out.push_back(value);
}

void Fields::skip() {
  if (type_ == kVarint) {
    varint();
  } else if (type_ == kBytes) {
    bytes();
  } else {
    take(type_ == kFixed64 ? 8 : 4);
  }
}

}  // namespace carnot::onnx
