#pragma once
// The inside of Dim, shared by the files that normalize, divide and bound expressions.
#include <optional>
#include <utility>
#include <vector>

#include "carnot/types.h"

namespace carnot {

/// Builds expressions from their parts. These do not recombine `x//c*c + x%c`.
struct DimAlgebra {
  static Dim overflow();
  /// coefficient * factors.
  static Dim product(int64_t coefficient, std::vector<DimAtom> factors);
  /// One atom as it is; overflow where it would be too large.
  static Dim atom(DimAtom::Kind kind, const Dim& a, const Dim& b);
  /// The atom where the expression is just one, or null.
  static const DimAtom* bare_atom(const Dim& dim);
  static Dim add(const Dim& a, const Dim& b, int64_t scale);  ///< a + b * scale
  static Dim multiply(const Dim& a, const Dim& b);
};

/// Rounding toward minus infinity; b is neither 0 nor -1.
inline int64_t floor_quotient(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
inline int64_t floor_remainder(int64_t a, int64_t b) {
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// a = quotient * b + remainder with as much as possible in the quotient, whatever the symbols are.
struct DimSplit {
  Dim quotient, remainder;
};
DimSplit split(const Dim& a, const Dim& b);

/// What is known without knowing any symbol: `x%8 + 1` lies in [1, 8].
struct ConstantBounds {
  std::optional<int64_t> low, high;
};
ConstantBounds constant_bounds(const Dim& dim);

/// floor_div, mod, min or max of a and b.
Dim apply(DimAtom::Kind kind, const Dim& a, const Dim& b);

/// The same sum of products over other atoms: `map(atom)` gives each atom's expression.
template <class Map>
Dim rebuild(const Dim& dim, const Map& map) {
  Dim out = dim.overflowed() ? DimAlgebra::overflow() : Dim(dim.constant_term());
  for (const Dim::Term& term : dim.terms()) {
    Dim value = term.coefficient;
    for (const DimAtom& atom : term.factors) value = value * map(atom);
    out = out + value;
  }
  return out;
}

}  // namespace carnot
