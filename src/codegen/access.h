#pragma once
// Index maps as linear functions of axes: what the generators know of an access before they emit
// it.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace carnot {

/// Elements between neighbours along each axis: the buffer's, or row-major ones.
Dims strides_of(const Buffer& buffer);
/// The element offset of an access: sum of index * stride.
Dim linear_offset(const Buffer& buffer, const Dims& index);

/// expression == sum of coefficients[symbol] * symbol + rest, where neither holds any of the
/// symbols; nothing where it is not linear in them.
struct Linear {
  std::map<std::string, Dim, std::less<>> coefficients;  ///< only the non-zero ones
  Dim rest;
  Dim of(std::string_view symbol) const;
};
std::optional<Linear> linear_in(const Dim& expression, const std::vector<std::string>& symbols);

/// The product of the factors of an atom, or of a whole term, as an expression again.
Dim dim_of(const DimAtom& atom);
Dim dim_of(const Dim::Term& term);

}  // namespace carnot
