#include "tensor/dim_range.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "tensor/dim_algebra.h"

namespace carnot {
namespace {

using Term = Dim::Term;

// Bounds of deeper expressions are not looked for: that takes the third power of the depth.
constexpr int kReasonedDepth = 16;

struct Interval {
  std::optional<Dim> low, high;
};

Interval interval_of(const Dim& dim, const Ranges& ranges);

bool is_deeper(const Dim& dim, int levels) {
  for (const Term& term : dim.terms()) {
    for (const DimAtom& atom : term.factors) {
      for (const Dim& arg : atom.args) {
        if (levels == 0 || is_deeper(arg, levels - 1)) return true;
      }
    }
  }
  return false;
}

bool obviously_at_least_zero(const Dim& dim, const Ranges& ranges);

// For symbols that are not named: at least 0.
bool obviously_at_least_zero(const DimAtom& atom, const Ranges& ranges) {
  const auto argument = [&](int i) { return obviously_at_least_zero(atom.args[i], ranges); };
  switch (atom.kind) {
    case DimAtom::kSymbol: {
      const auto range = ranges.of.find(atom.name);
      return range == ranges.of.end() || obviously_at_least_zero(range->second.lower, ranges);
    }
    case DimAtom::kFloorDiv:
    case DimAtom::kMin:
      return argument(0) && argument(1);
    case DimAtom::kMod:
      return argument(1);
    case DimAtom::kMax:
      return argument(0) || argument(1);
  }
  return false;
}

// All terms and the constant are at least 0 once each size is written as its least value plus
// something that is not negative.
bool obviously_at_least_zero(const Dim& dim, const Ranges& ranges) {
  if (dim.overflowed()) return false;
  std::map<std::string, Dim, std::less<>> shifted;
  std::vector<std::string> names;
  if (ranges.others_min != 0) dim.collect_symbols(names);
  for (const std::string& name : names) {
    if (!ranges.of.count(name)) shifted.emplace(name, Dim::symbol(name) + Dim(ranges.others_min));
  }
  const Dim sum = shifted.empty() ? dim : substitute(dim, shifted);
  if (sum.overflowed() || sum.constant_term() < 0) return false;
  Ranges rest = ranges;
  rest.others_min = 0;
  return std::all_of(sum.terms().begin(), sum.terms().end(), [&](const Term& term) {
    return term.coefficient > 0 &&
           std::all_of(term.factors.begin(), term.factors.end(),
                       [&](const DimAtom& atom) { return obviously_at_least_zero(atom, rest); });
  });
}

// Non-negative as the ranges go: first the symbols with ranges are replaced by their bounds.
bool at_least_zero(const Dim& dim, const Ranges& ranges) {
  if (obviously_at_least_zero(dim, ranges)) return true;
  const Interval bounds = interval_of(dim, ranges);
  return bounds.low && obviously_at_least_zero(*bounds.low, ranges);
}

Interval interval_of_division(const DimAtom& atom, const Ranges& ranges) {
  const Dim& divisor = atom.args[1];
  const bool plain =
      divisor.is_constant()
          ? divisor.value() > 0
          : obviously_at_least_zero(divisor, ranges) &&
                std::none_of(ranges.of.begin(), ranges.of.end(),
                             [&](const auto& entry) { return divisor.uses(entry.first); });
  if (!plain) return {};  // a divisor of 0 has no value, so from here on it is positive
  const Interval a = interval_of(atom.args[0], ranges);
  if (atom.kind == DimAtom::kFloorDiv) {
    Interval out;
    if (a.low) out.low = floor_div(*a.low, divisor);
    if (a.high) out.high = floor_div(*a.high, divisor);
    return out;
  }
  Interval out{Dim(0), divisor - Dim(1)};
  // A dividend in [0, h] gives at most h.
  if (a.low && a.high && at_least_zero(*a.low, ranges) &&
      at_least_zero(*out.high - *a.high, ranges)) {
    out.high = a.high;
  }
  return out;
}

Interval interval_of(const DimAtom& atom, const Ranges& ranges) {
  if (atom.kind == DimAtom::kSymbol) {
    const auto range = ranges.of.find(atom.name);
    const Dim itself = Dim::symbol(atom.name);
    if (range == ranges.of.end()) return {itself, itself};
    return {range->second.lower, range->second.upper - Dim(1)};
  }
  if (atom.kind == DimAtom::kFloorDiv || atom.kind == DimAtom::kMod) {
    return interval_of_division(atom, ranges);
  }
  const Interval a = interval_of(atom.args[0], ranges), b = interval_of(atom.args[1], ranges);
  const auto both = [&](const std::optional<Dim>& x, const std::optional<Dim>& y,
                        bool either) -> std::optional<Dim> {
    if (x && y) return apply(atom.kind, *x, *y);
    return either ? (x ? x : y) : std::nullopt;
  };
  return {both(a.low, b.low, atom.kind == DimAtom::kMax),
          both(a.high, b.high, atom.kind == DimAtom::kMin)};
}

// Of a product. Negative factors are only followed where one factor varies.
Interval interval_of(const Term& term, const Ranges& ranges) {
  Dim low = 1, high = 1;
  bool have_low = true, have_high = true;
  int varying = 0;
  Interval last;
  Dim fixed = 1;
  for (const DimAtom& atom : term.factors) {
    const Interval bounds = interval_of(atom, ranges);
    if (bounds.low && bounds.high && *bounds.low == *bounds.high) {
      fixed = fixed * *bounds.low;
      if (!obviously_at_least_zero(*bounds.low, ranges)) return {};
      continue;
    }
    ++varying;
    last = bounds;
    const bool positive = bounds.low && at_least_zero(*bounds.low, ranges);
    have_low = have_low && positive;
    have_high = have_high && positive && bounds.high;
    if (have_low) low = low * *bounds.low;
    if (have_high) high = high * *bounds.high;
  }
  Interval out;
  if (varying == 1) {
    out = last;
  } else {
    if (have_low) out.low = low;
    if (have_high) out.high = high;
  }
  const Dim scale = fixed * Dim(term.coefficient);
  if (out.low) out.low = *out.low * scale;
  if (out.high) out.high = *out.high * scale;
  if (term.coefficient < 0) std::swap(out.low, out.high);
  return out;
}

Interval interval_of(const Dim& dim, const Ranges& ranges) {
  if (dim.overflowed()) return {};
  Interval out{Dim(dim.constant_term()), Dim(dim.constant_term())};
  for (const Term& term : dim.terms()) {
    const Interval bounds = interval_of(term, ranges);
    out.low = out.low && bounds.low ? std::optional(*out.low + *bounds.low) : std::nullopt;
    out.high = out.high && bounds.high ? std::optional(*out.high + *bounds.high) : std::nullopt;
  }
  if (out.low && out.low->overflowed()) out.low.reset();
  if (out.high && out.high->overflowed()) out.high.reset();
  return out;
}

// 0 <= dim < size
bool fits_below(const Dim& dim, const Dim& size, const Ranges& ranges) {
  return at_least_zero(dim, ranges) && at_least_zero(size - dim - Dim(1), ranges);
}

// The common monomial of two: gcd of the numbers, intersection of the factors.
Dim common_monomial(const Dim& a, int64_t coefficient, const std::vector<DimAtom>& factors) {
  const bool number = a.is_constant();
  const int64_t mine = number ? a.value() : a.terms()[0].coefficient;
  std::vector<DimAtom> shared;
  if (!number) {
    const auto& own = a.terms()[0].factors;
    std::set_intersection(own.begin(), own.end(), factors.begin(), factors.end(),
                          std::back_inserter(shared));
  }
  return DimAlgebra::product(std::gcd(mine, coefficient), shared);
}

// g such that g divides b and some term of a: a = g*X + r with 0 <= r < g drops r.
std::optional<DimSplit> split_small_rest(const Dim& a, const Dim& b, const Ranges& ranges, Dim* g) {
  const bool number = b.is_constant() && b.value() > 0;
  const bool monomial =
      b.terms().size() == 1 && b.constant_term() == 0 && b.terms()[0].coefficient > 0;
  if (!number && !monomial) return std::nullopt;
  std::set<Dim> candidates;
  for (const Term& term : a.terms()) {
    candidates.insert(common_monomial(b, term.coefficient, term.factors));
  }
  for (const Dim& candidate : candidates) {
    if (candidate.is(1) || candidate.is(0) || candidate == b) continue;
    DimSplit parts = split(a, candidate);
    if (parts.quotient.is(0) || !fits_below(parts.remainder, candidate, ranges)) continue;
    *g = candidate;
    return parts;
  }
  return std::nullopt;
}

Dim simplify_division(DimAtom::Kind kind, const Dim& a, const Dim& b, const Ranges& ranges) {
  const bool divides = kind == DimAtom::kFloorDiv;
  if (b.is(0)) return apply(kind, a, b);
  const DimSplit parts = split(a, b);
  const Dim& rest = parts.remainder;
  if (!b.is_constant() || b.value() > 0) {
    if (fits_below(rest, b, ranges)) return divides ? parts.quotient : rest;
    const Interval bounds = interval_of(rest, ranges);
    if (b.is_constant() && bounds.low && bounds.high && bounds.low->is_constant() &&
        bounds.high->is_constant()) {
      const int64_t quotient = floor_quotient(bounds.low->value(), b.value());
      if (quotient == floor_quotient(bounds.high->value(), b.value())) {
        return divides ? parts.quotient + Dim(quotient) : rest - Dim(quotient) * b;
      }
    }
    Dim g;
    if (const auto inner = split_small_rest(rest, b, ranges, &g)) {
      const Dim smaller = split(b, g).quotient;  // exact: g divides b
      const Dim x = simplify_division(kind, inner->quotient, smaller, ranges);
      return divides ? parts.quotient + x : x * g + inner->remainder;
    }
  }
  return apply(kind, a, b);
}

Dim simplify_atom(const DimAtom& atom, const Ranges& ranges) {
  if (atom.kind == DimAtom::kSymbol) {
    const auto range = ranges.of.find(atom.name);
    if (range != ranges.of.end() && range->second.upper - range->second.lower == Dim(1)) {
      return range->second.lower;
    }
    return DimAlgebra::product(1, {atom});
  }
  const Dim a = simplify(atom.args[0], ranges), b = simplify(atom.args[1], ranges);
  if (atom.kind == DimAtom::kFloorDiv || atom.kind == DimAtom::kMod) {
    return simplify_division(atom.kind, a, b, ranges);
  }
  const bool least = atom.kind == DimAtom::kMin;
  if (at_least_zero(b - a, ranges)) return least ? a : b;
  if (at_least_zero(a - b, ranges)) return least ? b : a;
  return apply(atom.kind, a, b);
}

}  // namespace

Dim simplify(const Dim& dim, const Ranges& ranges) {
  if (dim.overflowed() || dim.is_constant()) return dim;
  return rebuild(dim, [&](const DimAtom& atom) { return simplify_atom(atom, ranges); });
}

std::optional<Dim> lower_bound(const Dim& dim, const Ranges& ranges) {
  return interval_of(dim, ranges).low;
}
std::optional<Dim> upper_bound(const Dim& dim, const Ranges& ranges) {
  return interval_of(dim, ranges).high;
}

bool provably_at_least(const Dim& dim, const Dim& least, const Ranges& ranges) {
  const Dim difference = dim - least;
  return !is_deeper(difference, kReasonedDepth) && at_least_zero(difference, ranges);
}

}  // namespace carnot
