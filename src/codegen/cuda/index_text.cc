#include "codegen/cuda/index_text.h"

#include <algorithm>
#include <cmath>

#include "base/status.h"

namespace carnot::cuda {

namespace {

bool is_size(const Dim& dim) {
  return index_symbols(dim).empty();
}

/// Linear in the axes, with what stands inside divisions, minima and maxima not much larger than
/// an axis: then the whole stays near the buffers' extents, which the kernel has checked.
bool is_tame(const Dim& dim, bool inside = false) {
  constexpr int64_t kCoefficientMax = 64;
  for (const Dim::Term& term : dim.terms()) {
    size_t indices = 0;
    for (const DimAtom& factor : term.factors) {
      if (is_size(dim_of(factor))) continue;
      ++indices;
      if (factor.kind == DimAtom::kSymbol) continue;
      if (!is_tame(factor.args[0], true) || !is_tame(factor.args[1], true)) return false;
    }
    if (indices > 1) return false;
    const bool scaled = std::abs(term.coefficient) > kCoefficientMax || term.factors.size() > 1;
    if (inside && indices == 1 && scaled) return false;
  }
  return true;
}

}  // namespace

IndexText::IndexText(const Nest& nest) {
  axes_.others_min = 1;
  for (const NestAxis& axis : nest.axes) axes_.set(axis.symbol, 0, axis.size);
  ranges_ = axes_;
}

void IndexText::enter(const NestStage& stage) {
  ranges_ = axes_;
  for (const NestAxis& axis : stage.inner) ranges_.set(axis.symbol, 0, axis.size);
}

bool IndexText::never_negative(const Dim& dim) const {
  return !uses_loads(dim) && provably_at_least(dim, Dim(0), ranges_);
}

std::optional<double> IndexText::magnitude(const Dim& dim) const {
  double sum = std::fabs(static_cast<double>(dim.constant_term()));
  for (const Dim::Term& term : dim.terms()) {
    double product = std::fabs(static_cast<double>(term.coefficient));
    for (const DimAtom& factor : term.factors) {
      if (factor.kind == DimAtom::kSymbol) {
        const auto found = ranges_.of.find(factor.name);
        if (found == ranges_.of.end() || !found->second.upper.is_constant()) return std::nullopt;
        product *= static_cast<double>(found->second.upper.value());
        continue;
      }
      const auto a = magnitude(factor.args[0]), b = magnitude(factor.args[1]);
      if (!a || !b) return std::nullopt;
      product *= std::max(*a, *b);
    }
    sum += product;
  }
  return sum;
}

bool IndexText::needs_wide(const Dim& dim) const {
  if (uses_loads(dim)) return true;
  const std::optional<double> bound = magnitude(dim);
  return bound ? *bound > static_cast<double>(kIndexMax) : !is_tame(dim);
}

std::string IndexText::param(const Dim& size) {
  const auto found = std::find(params_.begin(), params_.end(), size);
  const auto at = found - params_.begin();
  if (found == params_.end()) params_.push_back(size);
  return cat("p", at);
}

std::string IndexText::size(const Dim& dim, bool is_wide) {
  if (!dim.is_constant()) return is_wide ? param(dim) : cat("Index(", param(dim), ")");
  if (dim.value() < 0) return cat("(", dim.value(), is_wide ? "ll)" : ")");
  return cat(dim.value(), is_wide ? "ll" : "");
}

std::string IndexText::atom(const DimAtom& atom, const IndexNames& names, bool is_wide) {
  if (atom.kind == DimAtom::kSymbol) {
    const auto found = names.find(atom.name);
    CARNOT_CHECK(found != names.end());
    return is_wide && atom.name[0] == '#' ? cat("i64(", found->second, ")") : found->second;
  }
  const char* type = is_wide ? "i64" : "Index";
  const std::string a = cat(type, "(", sum(atom.args[0], names, is_wide), ")");
  const std::string b = cat(type, "(", sum(atom.args[1], names, is_wide), ")");
  const bool plain = never_negative(atom.args[0]) && provably_at_least(atom.args[1], 1, ranges_);
  const char* function = atom.kind == DimAtom::kMin        ? "lesser"
                         : atom.kind == DimAtom::kMax      ? "greater"
                         : atom.kind == DimAtom::kFloorDiv ? (plain ? "quotient" : "floor_div")
                                                           : (plain ? "rest" : "floor_mod");
  return cat(function, "(", a, ", ", b, ")");
}

std::string IndexText::sum(const Dim& dim, const IndexNames& names, bool is_wide) {
  Dim sizes = dim.constant_term();
  std::string out;
  for (const Dim::Term& term : dim.terms()) {
    Dim scale = term.coefficient;
    std::string product;
    for (const DimAtom& factor : term.factors) {
      if (is_size(dim_of(factor))) {
        scale = scale * dim_of(factor);
      } else {
        product += (product.empty() ? "" : " * ") + atom(factor, names, is_wide);
      }
    }
    if (product.empty()) {
      sizes = sizes + scale;
      continue;
    }
    if (!scale.is(1)) product += " * " + size(scale, is_wide);
    out += (out.empty() ? "" : " + ") + product;
  }
  if (out.empty()) return size(sizes, is_wide);
  return sizes.is(0) ? out : out + " + " + size(sizes, is_wide);
}

std::string IndexText::index(const Dim& dim, const IndexNames& names) {
  if (needs_wide(dim)) return cat("Index(", sum(dim, names, true), ")");
  return sum(dim, names, false);
}

std::string IndexText::wide(const Dim& dim, const IndexNames& names) {
  if (needs_wide(dim)) return sum(dim, names, true);
  return cat("i64(", sum(dim, names, false), ")");
}

std::string IndexText::condition(const std::vector<Guard>& guards, const IndexNames& names) {
  std::string out;
  const auto require = [&](const Dim& small, const char* relation, const Dim& large) {
    const bool is_wide = needs_wide(small) || needs_wide(large);
    out += cat(out.empty() ? "" : " && ", sum(small, names, is_wide), relation,
               sum(large, names, is_wide));
  };
  for (const Guard& guard : guards) {
    if (!never_negative(guard.index - guard.lower)) require(guard.lower, " <= ", guard.index);
    if (!never_negative(guard.upper - guard.index - Dim(1))) {
      require(guard.index, " < ", guard.upper);
    }
  }
  return out;
}

}  // namespace carnot::cuda
