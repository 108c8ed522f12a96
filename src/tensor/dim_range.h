#pragma once
// What follows about a size expression when the ranges of some symbols are known: for index maps,
// where "#1" runs over [0, 64) and so (#0*64 + #1)//64 is #0.
#include <map>
#include <string>

#include "carnot/types.h"

namespace carnot {

/// lower <= symbol < upper. Bounds may use symbols, but none that is itself in a Ranges.
struct DimRange {
  Dim lower, upper;
};

struct Ranges {
  std::map<std::string, DimRange, std::less<>> of;
  /// The least value of symbols that are not named: they are sizes. 1 suits expressions that are
  /// only evaluated inside an iteration over axes of those sizes.
  int64_t others_min = 0;

  Ranges& set(std::string symbol, Dim lower, Dim upper) {
    of.insert_or_assign(std::move(symbol), DimRange{std::move(lower), std::move(upper)});
    return *this;
  }
};

/// An expression with the same value wherever the symbols are in their ranges.
Dim simplify(const Dim& dim, const Ranges& ranges);

/// A greatest lower and least upper bound (both inclusive) without the symbols of `ranges`, as far
/// as can be told.
std::optional<Dim> lower_bound(const Dim& dim, const Ranges& ranges);
std::optional<Dim> upper_bound(const Dim& dim, const Ranges& ranges);

/// True only where it is certain: false means "cannot tell".
bool provably_at_least(const Dim& dim, const Dim& least, const Ranges& ranges);

}  // namespace carnot
