#pragma once
// Attributes of operations as text, hashes and symbols. An operation's own attrs() list drives all
// of it; this file knows each kind of attribute once.
//   attrs = ['by' program] ['{' [name '=' value {',' name '=' value}] '}']
// A list is `[1, 2]`, a scalar program inside a list `{sigmoid($0)}`, an enum its word. The
// attribute `body` is not in the braces: it is what follows `by`.
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "ops/op.h"
#include "tensor/text.h"

namespace carnot {

/// What parsing needs to know besides the text.
struct AttrContext {
  const ConstantTable* constants = nullptr;
  int32_t operands = -1;  ///< of the node: the inputs of `body`; -1: as many as it uses
};

/// Parses what attrs_text() wrote after the name, into an operation from make_op().
Status parse_attrs(Scanner& scanner, Op& op, const AttrContext& context = {});
/// " by relu($0)" and " {axis = 1}", each empty where there is nothing to say.
std::string body_text(const Op& op);
std::string braces_text(const Op& op);

namespace attr {

std::string print(int64_t value);
std::string print(double value);
std::string print(bool value);
std::string print(const std::string& value);
std::string print(DType value);
std::string print(const Dim& value);
std::string print(const TensorType& value);
std::string print(const ScalarProgram& value);
std::string print(const Tensor& value);
template <class E>
requires std::is_enum_v<E> std::string print(E value) {
  return names(value)[static_cast<size_t>(value)];
}
template <class T>
std::string print(const std::vector<T>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i ? ", " : "") + print(values[i]);
  return out + "]";
}

Status parse(Scanner& scanner, int64_t& value, const AttrContext& context);
Status parse(Scanner& scanner, double& value, const AttrContext& context);
Status parse(Scanner& scanner, bool& value, const AttrContext& context);
Status parse(Scanner& scanner, std::string& value, const AttrContext& context);
Status parse(Scanner& scanner, DType& value, const AttrContext& context);
Status parse(Scanner& scanner, Dim& value, const AttrContext& context);
Status parse(Scanner& scanner, TensorType& value, const AttrContext& context);
Status parse(Scanner& scanner, ScalarProgram& value, const AttrContext& context);
Status parse(Scanner& scanner, Tensor& value, const AttrContext& context);
template <class E>
requires std::is_enum_v<E> Status parse(Scanner& scanner, E& value, const AttrContext&) {
  std::string known;
  for (size_t i = 0; i < names(value).size(); ++i) {
    const char* name = names(value)[i];
    if (scanner.accept(name)) return value = static_cast<E>(i), Status();
    known += cat(i ? ", " : "", name);
  }
  return scanner.fail_expected(cat("one of ", known));
}
template <class T>
Status parse(Scanner& scanner, std::vector<T>& values, const AttrContext& context) {
  CARNOT_RETURN_IF_ERROR(scanner.expect("["));
  values.clear();
  if (scanner.accept("]")) return {};
  do {
    CARNOT_RETURN_IF_ERROR(parse(scanner, values.emplace_back(), context));
  } while (scanner.accept(","));
  return scanner.expect("]");
}

void hash(Hasher& hasher, int64_t value);
void hash(Hasher& hasher, double value);
void hash(Hasher& hasher, bool value);
void hash(Hasher& hasher, const std::string& value);
void hash(Hasher& hasher, DType value);
void hash(Hasher& hasher, const Dim& value);
void hash(Hasher& hasher, const TensorType& value);
void hash(Hasher& hasher, const ScalarProgram& value);
void hash(Hasher& hasher, const Tensor& value);
template <class E>
requires std::is_enum_v<E>
void hash(Hasher& hasher, E value) {
  hasher.add(value);
}
template <class T>
void hash(Hasher& hasher, const std::vector<T>& values) {
  hasher.add(values.size());
  for (const T& value : values) hash(hasher, value);
}

/// Adds the symbols that a value mentions.
inline void collect_symbols(const auto&, std::vector<std::string>&) {}
inline void collect_symbols(const Dim& value, std::vector<std::string>& names) {
  value.collect_symbols(names);
}
inline void collect_symbols(const TensorType& value, std::vector<std::string>& names) {
  for (const Dim& dim : value.dims) dim.collect_symbols(names);
}
template <class T>
void collect_symbols(const std::vector<T>& values, std::vector<std::string>& names) {
  for (const T& value : values) collect_symbols(value, names);
}

}  // namespace attr
}  // namespace carnot
