#include "ops/attrs.h"

#include <bit>
#include <cstring>

#include "ops/scalar_text.h"
#include "tensor/type_text.h"

namespace carnot {
namespace attr {

std::string print(int64_t value) {
  return std::to_string(value);
}
std::string print(double value) {
  return print_float(value);
}
std::string print(bool value) {
  return value ? "true" : "false";
}
std::string print(const std::string& value) {
  return quote(value);
}
std::string print(DType value) {
  return to_string(value);
}
std::string print(const Dim& value) {
  return to_string(value);
}
std::string print(const TensorType& value) {
  return to_string(value);
}
std::string print(const ScalarProgram& value) {
  return "{" + to_string(value) + "}";
}
std::string print(const Tensor& value) {
  return carnot::print(value);
}

namespace {

template <class T>
Status assign(T& to, Result<T> from) {
  if (!from.ok()) return std::move(from).status();
  to = std::move(*from);
  return {};
}

}  // namespace

Status parse(Scanner& scanner, int64_t& value, const AttrContext&) {
  return assign(value, scanner.integer());
}
Status parse(Scanner& scanner, double& value, const AttrContext&) {
  return assign(value, scanner.number());
}
Status parse(Scanner& scanner, bool& value, const AttrContext&) {
  return assign(value, scanner.boolean());
}
Status parse(Scanner& scanner, std::string& value, const AttrContext&) {
  return assign(value, scanner.string());
}
Status parse(Scanner& scanner, DType& value, const AttrContext&) {
  return assign(value, parse_dtype(scanner));
}
Status parse(Scanner& scanner, Dim& value, const AttrContext&) {
  return assign(value, parse_dim(scanner));
}
Status parse(Scanner& scanner, TensorType& value, const AttrContext&) {
  return assign(value, parse_type(scanner));
}
Status parse(Scanner& scanner, ScalarProgram& value, const AttrContext&) {
  CARNOT_RETURN_IF_ERROR(scanner.expect("{"));
  CARNOT_RETURN_IF_ERROR(assign(value, parse_scalar_program(scanner)));
  return scanner.expect("}");
}
Status parse(Scanner& scanner, Tensor& value, const AttrContext& context) {
  return assign(value, parse_tensor(scanner, context.constants));
}

void hash(Hasher& hasher, int64_t value) {
  hasher.add(value);
}
void hash(Hasher& hasher, double value) {
  hasher.add(std::bit_cast<uint64_t>(value));
}
void hash(Hasher& hasher, bool value) {
  hasher.add(value);
}
void hash(Hasher& hasher, const std::string& value) {
  hasher.add(value);
}
void hash(Hasher& hasher, DType value) {
  hasher.add(value);
}
void hash(Hasher& hasher, const Dim& value) {
  hasher.add(to_string(value));
}
void hash(Hasher& hasher, const TensorType& value) {
  hasher.add(to_string(value));
}
void hash(Hasher& hasher, const ScalarProgram& value) {
  hasher.add(value.inputs).add(value.insts.size());
  for (const ScalarInst& inst : value.insts) {
    hasher.add(inst.op).add(inst.type).add(inst.integer);
    hash(hasher, inst.real);
    for (const int32_t arg : inst.args) hasher.add(arg);
  }
  for (const int32_t id : value.results) hasher.add(id);
}
void hash(Hasher& hasher, const Tensor& value) {
  hasher.add(carnot::hash(value));
}

}  // namespace attr

namespace {

bool is_body(const char* name) {
  return std::strcmp(name, "body") == 0;
}

// f(name, attribute) for each attribute of the operation.
template <class F>
void for_each_attr(const Op& op, const F& f) {
  std::visit([&](const auto& data) { std::decay_t<decltype(data)>::attrs(data, f); }, op);
}

// "name = value" of each attribute but the body.
template <class T>
std::vector<std::string> texts_of(const T& data) {
  std::vector<std::string> out;
  T::attrs(data, [&](const char* name, const auto& value) {
    if (!is_body(name)) out.push_back(cat(name, " = ", attr::print(value)));
  });
  return out;
}

template <class T>
std::string braces_of(const T& data) {
  const std::vector<std::string> texts = texts_of(data), defaults = texts_of(T());
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i] != defaults[i]) out += (out.empty() ? "" : ", ") + texts[i];
  }
  return out.empty() ? "" : " {" + out + "}";
}

Status parse_one(Scanner& scanner, Op& op, const AttrContext& context) {
  const size_t start = scanner.position();
  CARNOT_ASSIGN(const std::string_view key, scanner.identifier());
  CARNOT_RETURN_IF_ERROR(scanner.expect("="));
  bool found = false;
  Status status;
  std::string known;
  const auto visit = [&](const char* name, auto& value) {
    if (is_body(name)) return;
    known += (known.empty() ? "" : ", ") + std::string(name);
    if (key != name) return;
    found = true;
    status = attr::parse(scanner, value, context);
  };
  std::visit([&](auto& data) { std::decay_t<decltype(data)>::attrs(data, visit); }, op);
  if (found) return status;
  scanner.seek(start);
  return scanner.fail(name(op), " has no attribute '", key, "'",
                      known.empty() ? "" : "; it has " + known);
}

}  // namespace

std::string body_text(const Op& op) {
  std::string out;
  for_each_attr(op, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, ScalarProgram>) {
      if (is_body(name)) out = " by " + to_string(value);
    }
  });
  return out;
}

std::string braces_text(const Op& op) {
  return std::visit([](const auto& data) { return braces_of(data); }, op);
}

std::string attrs_text(const Op& op) {
  return name(op) + body_text(op) + braces_text(op);
}

Status parse_attrs(Scanner& scanner, Op& op, const AttrContext& context) {
  Status status;
  const auto visit = [&](const char* name, auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, ScalarProgram>) {
      if (!is_body(name)) return;
      status = scanner.expect("by");
      if (!status.ok()) return;
      Result<ScalarProgram> program = parse_scalar_program(scanner, context.operands);
      if (program.ok()) value = *program;
      status = std::move(program).status();
    }
  };
  std::visit([&](auto& data) { std::decay_t<decltype(data)>::attrs(data, visit); }, op);
  CARNOT_RETURN_IF_ERROR(std::move(status));
  if (!scanner.accept("{") || scanner.accept("}")) return {};
  do {
    CARNOT_RETURN_IF_ERROR(parse_one(scanner, op, context));
  } while (scanner.accept(","));
  return scanner.expect("}");
}

uint64_t hash(const Op& op) {
  Hasher hasher;
  hasher.add(std::string_view(name(op)));
  for_each_attr(op, [&](const char*, const auto& value) { attr::hash(hasher, value); });
  return hasher.digest();
}

}  // namespace carnot
