#include "ir/symbols.h"

#include <algorithm>
#include <type_traits>

namespace carnot {
namespace {

std::vector<std::string> unknown_in(const Dim& dim, const Symbols& symbols) {
  std::vector<std::string> names;
  dim.collect_symbols(names);
  names.erase(std::remove_if(names.begin(), names.end(),
                             [&](const std::string& name) { return symbols.count(name) > 0; }),
              names.end());
  return names;
}

Status mismatch(const Dim& declared, size_t axis, int64_t actual, const Symbols& symbols) {
  std::string out = cat("size ", actual, " of axis ", axis, " is not ", to_string(declared));
  if (const Result<int64_t> want = evaluate(declared, symbols); want.ok()) {
    if (!declared.is_constant()) out += cat(", which is ", *want);
  } else {
    out += cat(" (", want.status().message(), ")");
  }
  return {Code::kInvalidArgument, std::move(out)};
}

// `declared` with its one unknown symbol found, where it is coefficient * symbol + known.
bool solve(const Dim& declared, const std::string& symbol, int64_t actual, Symbols& symbols) {
  Dim rest;
  const int64_t factor = declared.coefficient(symbol, &rest);
  if (factor == 0 || rest.uses(symbol)) return false;
  const Result<int64_t> known = evaluate(rest, symbols);
  int64_t difference = 0;
  if (!known.ok() || __builtin_sub_overflow(actual, *known, &difference)) return false;
  if (factor == -1 && difference == INT64_MIN) return false;
  if (difference % factor != 0 || difference / factor < 0) return false;
  symbols[symbol] = difference / factor;
  return true;
}

// Attributes that hold sizes; everything else passes by.
template <class F>
struct OnDims {
  F f;
  template <class T>
  void operator()(const char*, T& field) {
    using Plain = std::remove_const_t<T>;
    if constexpr (std::is_same_v<Plain, Dim>) {
      f(field);
    } else if constexpr (std::is_same_v<Plain, Dims>) {
      for (auto& dim : field) f(dim);
    } else if constexpr (std::is_same_v<Plain, std::vector<TensorType>>) {
      for (auto& type : field) {
        for (auto& dim : type.dims) f(dim);
      }
    }
  }
};
template <class AnyOp, class F>
void for_each_dim(AnyOp& op, F f) {
  OnDims<F> on{std::move(f)};
  std::visit([&](auto& o) { o.attrs(o, on); }, op);
}

// Copying a node's op (scalar programs, attribute lists) costs more than this look.
bool is_symbolic(const Op& op) {
  bool found = false;
  for_each_dim(op, [&](const Dim& dim) { found |= !dim.is_constant(); });
  return found;
}

void replace_symbols(Graph& graph, const Substitution& with, bool inputs_too) {
  if (inputs_too) {
    for (Value* input : graph.inputs()) input->info.type = substitute(input->type(), with);
  }
  for (Node* node : graph.nodes()) {
    if (is_symbolic(node->op)) node->op = substitute(node->op, with);
    for (const auto& region : node->regions) replace_symbols(*region, with, true);
  }
}

}  // namespace

std::vector<std::string> defined_symbols(const Node& node) {
  std::vector<Info> infos;
  for (const Value* value : node.inputs) infos.push_back(value->info);
  return defined_symbols(node.op, infos);
}

Status bind_symbols(const Dims& declared, const Shape& actual, Symbols& symbols) {
  if (declared.size() != actual.size()) {
    return error(Code::kInvalidArgument, "the shape ", to_string(actual), " has rank ",
                 actual.size(), ", not ", declared.size(), " as in ", to_string(declared));
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    if (const auto symbol = declared[i].as_symbol()) symbols.try_emplace(*symbol, actual[i]);
  }
  // Each pass may make another expression solvable.
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < actual.size(); ++i) {
      const std::vector<std::string> unknown = unknown_in(declared[i], symbols);
      if (unknown.size() == 1 && solve(declared[i], unknown[0], actual[i], symbols)) {
        progress = true;
      }
    }
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    const Result<int64_t> want = evaluate(declared[i], symbols);
    if (!want.ok() || *want != actual[i]) return mismatch(declared[i], i, actual[i], symbols);
  }
  return {};
}

std::optional<Shape> known_shape(const Dims& dims, const Symbols& symbols) {
  Shape shape;
  shape.reserve(dims.size());
  for (const Dim& dim : dims) {
    const Result<int64_t> size = evaluate(dim, symbols);
    if (!size.ok() || *size < 0) return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

Op with_symbols(const Op& op, const Symbols& symbols) {
  if (!is_symbolic(op)) return op;
  Op out = op;
  for_each_dim(out, [&](Dim& dim) {
    if (dim.is_constant() || !unknown_in(dim, symbols).empty()) return;
    // Where this fails, inference of the op says what is wrong.
    if (const Result<int64_t> value = evaluate(dim, symbols); value.ok()) dim = Dim(*value);
  });
  return out;
}

Op substitute(const Op& op, const Substitution& with) {
  Op out = op;
  for_each_dim(out, [&](Dim& dim) {
    if (!dim.is_constant()) dim = substitute(dim, with);
  });
  return out;
}

TensorType substitute(const TensorType& type, const Substitution& with) {
  TensorType out = type;
  for (Dim& dim : out.dims) {
    if (!dim.is_constant()) dim = substitute(dim, with);
  }
  return out;
}

Status substitute(Graph& graph, const Substitution& with) {
  replace_symbols(graph, with, false);
  return graph.reinfer();
}

Status substitute_region(Graph& region, const Substitution& with) {
  replace_symbols(region, with, true);
  return region.reinfer();
}

namespace {

void collect(const Dim& dim, SymbolSet& names) {
  if (dim.is_constant()) return;
  std::vector<std::string> found;
  dim.collect_symbols(found);
  names.insert(found.begin(), found.end());
}

void collect_own(const Node& node, SymbolSet& names) {
  collect_attribute_symbols(node.op, names);
  for (const Value* value : node.outputs) {
    for (const Dim& dim : value->type().dims) collect(dim, names);
  }
}

}  // namespace

void collect_attribute_symbols(const Op& op, SymbolSet& names) {
  for_each_dim(op, [&](const Dim& dim) { collect(dim, names); });
}

void collect_symbols(const Node& node, SymbolSet& names) {
  collect_own(node, names);
  for (const auto& region : node.regions) collect_symbols(*region, true, names);
}

void collect_symbols(const Graph& graph, bool with_regions, SymbolSet& names) {
  for (const Value* input : graph.inputs()) {
    for (const Dim& dim : input->type().dims) collect(dim, names);
  }
  for (const Node* node : graph.nodes()) {
    if (with_regions) {
      collect_symbols(*node, names);
    } else {
      collect_own(*node, names);
    }
  }
}

}  // namespace carnot
