#include "ops/bind.h"

#include <algorithm>

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

}  // namespace

bool is_symbolic(const Op& op) {
  bool found = false;
  for_each_dim(op, [&](const Dim& dim) { found |= !dim.is_constant(); });
  return found;
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
  // Copying scalar programs and attribute lists costs more than this look.
  if (!is_symbolic(op)) return op;
  Op out = op;
  for_each_dim(out, [&](Dim& dim) {
    if (dim.is_constant() || !unknown_in(dim, symbols).empty()) return;
    // Where this fails, inference of the op says what is wrong.
    if (const Result<int64_t> value = evaluate(dim, symbols); value.ok()) dim = Dim(*value);
  });
  return out;
}

}  // namespace carnot
