// What may be asked of any operation: dispatch over the closed set.
#include "ops/op.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "ops/attrs.h"
#include "ops/rules.h"

namespace carnot {
namespace {

// Whether the sizes that this node's attributes name may be its own to define: it is given what
// they come from.
bool may_define(const Op& op, size_t inputs) {
  return std::visit(
      [&](const auto& data) {
        if constexpr (requires { data.kTarget; }) return inputs > size_t{data.kTarget};
        return false;
      },
      op);
}

}  // namespace

const char* name(const Op& op) {
  return std::visit([](const auto& data) { return std::decay_t<decltype(data)>::kName; }, op);
}

Result<std::vector<Info>> infer(const Op& op, Infos in) {
  return std::visit(
      [&](const auto& data) -> Result<std::vector<Info>> {
        CARNOT_RETURN_IF_ERROR(check_arity(data, in));
        return infer(data, in);
      },
      op);
}

Result<std::vector<Tensor>> reference(const Op& op, Tensors in) {
  // References keep their operands in vectors, whose sizes a model chooses.
  try {
    return std::visit(
        [&](const auto& data) -> Result<std::vector<Tensor>> {
          CARNOT_RETURN_IF_ERROR(check_arity(data, in));
          return reference(data, in);
        },
        op);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  return error(Code::kOutOfMemory, name(op), ": its operands or results do not fit into memory");
}

std::optional<Op> make_op(std::string_view name) {
#define CARNOT_OP(T) \
  if (name == op::T::kName) return Op(op::T());
#include "carnot/ops.def"
  return std::nullopt;
}

std::vector<std::string> defined_symbols(const Op& op, Infos in) {
  std::vector<std::string> mentioned, known, out;
  if (!may_define(op, in.size())) return out;
  std::visit(
      [&](const auto& data) {
        std::decay_t<decltype(data)>::attrs(
            data, [&](const char*, const auto& value) { attr::collect_symbols(value, mentioned); });
      },
      op);
  for (const Info& info : in) {
    attr::collect_symbols(info.type, known);
    if (info.elements) attr::collect_symbols(*info.elements, known);
  }
  for (std::string& symbol : mentioned) {
    const bool given = std::find(known.begin(), known.end(), symbol) != known.end();
    if (!given) out.push_back(std::move(symbol));
  }
  return out;
}

}  // namespace carnot
