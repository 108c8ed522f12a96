// floor_div and mod of Dim expressions: split off what divides exactly, reduce the rest.
#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "tensor/dim_algebra.h"

namespace carnot {
namespace {

using Term = Dim::Term;

// The factors of `a` without those of `b`, or nothing where b has one that a lacks.
std::optional<std::vector<DimAtom>> without(const std::vector<DimAtom>& a,
                                            const std::vector<DimAtom>& b) {
  if (!std::includes(a.begin(), a.end(), b.begin(), b.end())) return std::nullopt;
  std::vector<DimAtom> out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

// By a single term (or a positive constant: no factors).
DimSplit split_by_term(const Dim& a, int64_t coefficient, const std::vector<DimAtom>& factors) {
  DimSplit out;
  const auto put = [&](int64_t value, const std::vector<DimAtom>& of) {
    const auto rest = without(of, factors);
    const int64_t quotient = rest ? floor_quotient(value, coefficient) : 0;
    if (quotient) {
      out.quotient = DimAlgebra::add(out.quotient, DimAlgebra::product(quotient, *rest), 1);
    }
    const int64_t remainder = rest ? floor_remainder(value, coefficient) : value;
    if (remainder) {
      out.remainder = DimAlgebra::add(out.remainder, DimAlgebra::product(remainder, of), 1);
    }
  };
  for (const Term& term : a.terms()) put(term.coefficient, term.factors);
  put(a.constant_term(), {});
  return out;
}

// The largest term by degree, then order: a monomial order, so polynomial division terminates.
const Term& leading(const Dim& dim) {
  return *std::max_element(dim.terms().begin(), dim.terms().end(),
                           [](const Term& a, const Term& b) {
                             if (a.factors.size() != b.factors.size())
                               return a.factors.size() < b.factors.size();
                             return b.factors < a.factors;
                           });
}

// By a sum such as ?n + 1: only where it divides exactly.
DimSplit split_by_sum(const Dim& a, const Dim& b) {
  const Term& lead = leading(b);
  DimSplit out{Dim(), a};
  constexpr int kSteps = 64;  // quotients of real shapes have a few terms
  for (int step = 0; step < kSteps; ++step) {
    if (out.remainder.is(0)) return out;
    if (out.remainder.is_constant() || out.remainder.overflowed()) break;
    const Term& top = leading(out.remainder);
    const auto rest = without(top.factors, lead.factors);
    if (!rest || lead.coefficient == -1 || top.coefficient % lead.coefficient != 0) break;
    const Dim piece = DimAlgebra::product(top.coefficient / lead.coefficient, *rest);
    out.quotient = DimAlgebra::add(out.quotient, piece, 1);
    out.remainder = DimAlgebra::add(out.remainder, DimAlgebra::multiply(piece, b), -1);
  }
  return {Dim(), a};
}

bool all_negative(const Dim& dim) {
  return !dim.terms().empty() && dim.constant_term() <= 0 &&
         std::all_of(dim.terms().begin(), dim.terms().end(),
                     [](const Term& term) { return term.coefficient < 0; });
}

int64_t common_divisor(const Dim& dim, int64_t c) {
  for (const Term& term : dim.terms()) c = std::gcd(c, term.coefficient);
  return c;
}
// Each term (not the constant) over g, which divides them.
Dim terms_over(const Dim& dim, int64_t g) {
  Dim out;
  for (const Term& term : dim.terms()) {
    out = DimAlgebra::add(out, DimAlgebra::product(term.coefficient / g, term.factors), 1);
  }
  return out;
}

// remainder // c, c > 1, coefficients in [0, c).
Dim divide_rest(const Dim& rest, int64_t c) {
  if (const int64_t g = common_divisor(rest, c); g > 1) {
    return floor_div(terms_over(rest, g) + Dim(rest.constant_term() / g), c / g);
  }
  const ConstantBounds bounds = constant_bounds(rest);
  if (bounds.low && bounds.high &&
      floor_quotient(*bounds.low, c) == floor_quotient(*bounds.high, c)) {
    return floor_quotient(*bounds.low, c);
  }
  const Dim offset = rest.constant_term();
  const Dim symbolic = rest - offset;
  if (const DimAtom* atom = DimAlgebra::bare_atom(symbolic)) {
    const bool constant = atom->args.size() == 2 && atom->args[1].is_constant();
    const int64_t inner = constant ? atom->args[1].value() : 0;
    if (atom->kind == DimAtom::kFloorDiv && inner > 0) {  // (x//b + k)//c = (x + k*b)//(b*c)
      const Dim wide = atom->args[0] + offset * Dim(inner), divisor = Dim(inner) * Dim(c);
      if (!wide.overflowed() && !divisor.overflowed()) return floor_div(wide, divisor);
    }
    if (atom->kind == DimAtom::kMod && inner > 0 && inner % c == 0 && offset.is(0)) {
      return mod(floor_div(atom->args[0], c), inner / c);
    }
  }
  return DimAlgebra::atom(DimAtom::kFloorDiv, rest, c);
}

Dim remainder_of_rest(const Dim& rest, int64_t c) {
  // k*(x%m) is k*x modulo any divisor of k*m.
  for (const Term& term : rest.terms()) {
    const DimAtom& atom = term.factors[0];
    if (term.factors.size() != 1 || atom.kind != DimAtom::kMod || !atom.args[1].is_constant()) {
      continue;
    }
    const auto period = checked_mul(term.coefficient, atom.args[1].value());
    if (!period || *period == 0 || *period % c != 0) continue;
    const Dim inner = atom.args[0] * Dim(term.coefficient);
    return mod(rest - DimAlgebra::product(term.coefficient, term.factors) + inner, c);
  }
  if (const int64_t g = common_divisor(rest, c); g > 1) {
    const int64_t k = rest.constant_term();
    return mod(terms_over(rest, g) + Dim(k / g), c / g) * Dim(g) + Dim(k % g);
  }
  const ConstantBounds bounds = constant_bounds(rest);
  if (bounds.low && bounds.high) {
    const int64_t quotient = floor_quotient(*bounds.low, c);
    if (quotient == floor_quotient(*bounds.high, c)) return rest - Dim(quotient) * Dim(c);
  }
  return DimAlgebra::atom(DimAtom::kMod, rest, c);
}

ConstantBounds bounds_of(const DimAtom& atom) {
  if (atom.kind == DimAtom::kSymbol) return {};
  const ConstantBounds a = constant_bounds(atom.args[0]), b = constant_bounds(atom.args[1]);
  const bool positive = atom.args[1].is_constant() && atom.args[1].value() > 0;
  ConstantBounds out;
  switch (atom.kind) {
    case DimAtom::kMod:
      if (positive) out = {0, atom.args[1].value() - 1};
      break;
    case DimAtom::kFloorDiv:
      if (positive && a.low) out.low = floor_quotient(*a.low, atom.args[1].value());
      if (positive && a.high) out.high = floor_quotient(*a.high, atom.args[1].value());
      break;
    case DimAtom::kMin:
      if (a.low && b.low) out.low = std::min(*a.low, *b.low);
      out.high = a.high && b.high ? std::min(*a.high, *b.high) : a.high ? a.high : b.high;
      break;
    case DimAtom::kMax:
      if (a.high && b.high) out.high = std::max(*a.high, *b.high);
      out.low = a.low && b.low ? std::max(*a.low, *b.low) : a.low ? a.low : b.low;
      break;
    case DimAtom::kSymbol:
      break;
  }
  return out;
}

}  // namespace

ConstantBounds constant_bounds(const Dim& dim) {
  if (dim.overflowed()) return {};
  ConstantBounds out{dim.constant_term(), dim.constant_term()};
  const auto extend = [](std::optional<int64_t>& sum, int64_t k, std::optional<int64_t> bound) {
    const auto scaled = bound ? checked_mul(k, *bound) : std::nullopt;
    sum = sum && scaled ? checked_add(*sum, *scaled) : std::nullopt;
  };
  for (const Term& term : dim.terms()) {
    if (term.factors.size() != 1) return {};
    const ConstantBounds factor = bounds_of(term.factors[0]);
    const bool positive = term.coefficient > 0;
    extend(out.low, term.coefficient, positive ? factor.low : factor.high);
    extend(out.high, term.coefficient, positive ? factor.high : factor.low);
  }
  return out;
}

DimSplit split(const Dim& a, const Dim& b) {
  if (b.is_constant() && b.value() > 0) return split_by_term(a, b.value(), {});
  if (b.terms().size() == 1 && b.constant_term() == 0 && b.terms()[0].coefficient > 0) {
    return split_by_term(a, b.terms()[0].coefficient, b.terms()[0].factors);
  }
  if (!b.is_constant()) return split_by_sum(a, b);
  return {Dim(), a};
}

Dim floor_div(const Dim& a, const Dim& b) {
  if (a.overflowed() || b.overflowed()) return DimAlgebra::overflow();
  if (b.is(1)) return a;
  if (b.is(0)) return DimAlgebra::atom(DimAtom::kFloorDiv, a, b);  // evaluate() refuses it
  if ((b.is_constant() && b.value() < 0) || all_negative(b)) return floor_div(0 - a, 0 - b);
  const DimSplit parts = split(a, b);
  if (parts.quotient.overflowed()) return parts.quotient;
  const Dim& rest = parts.remainder;
  if (rest.is(0) || (rest.is_constant() && b.is_constant())) return parts.quotient;
  if (b.is_constant()) return parts.quotient + divide_rest(rest, b.value());
  return parts.quotient + DimAlgebra::atom(DimAtom::kFloorDiv, rest, b);
}

Dim mod(const Dim& a, const Dim& b) {
  if (a.overflowed() || b.overflowed()) return DimAlgebra::overflow();
  if (b.is(1)) return 0;
  if (b.is(0)) return DimAlgebra::atom(DimAtom::kMod, a, b);
  if ((b.is_constant() && b.value() < 0) || all_negative(b)) return 0 - mod(0 - a, 0 - b);
  const Dim rest = split(a, b).remainder;
  if (rest.overflowed()) return rest;
  if (rest.is(0) || (rest.is_constant() && b.is_constant())) return rest;
  if (b.is_constant()) return remainder_of_rest(rest, b.value());
  return DimAlgebra::atom(DimAtom::kMod, rest, b);
}

}  // namespace carnot
