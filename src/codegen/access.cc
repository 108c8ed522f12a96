#include "codegen/access.h"

#include <algorithm>

#include "base/status.h"

namespace carnot {

Dim dim_of(const DimAtom& atom) {
  switch (atom.kind) {
    case DimAtom::kSymbol:
      return Dim::symbol(atom.name);
    case DimAtom::kFloorDiv:
      return floor_div(atom.args[0], atom.args[1]);
    case DimAtom::kMod:
      return mod(atom.args[0], atom.args[1]);
    case DimAtom::kMin:
      return min(atom.args[0], atom.args[1]);
    case DimAtom::kMax:
      return max(atom.args[0], atom.args[1]);
  }
  CARNOT_CHECK(false);
}

Dim dim_of(const Dim::Term& term) {
  Dim out = term.coefficient;
  for (const DimAtom& factor : term.factors) out = out * dim_of(factor);
  return out;
}

Dims strides_of(const Buffer& buffer) {
  if (!buffer.strides.empty()) return buffer.strides;
  Dims strides(buffer.type.dims.size(), Dim(1));
  for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * buffer.type.dims[i];
  return strides;
}

Dim linear_offset(const Buffer& buffer, const Dims& index) {
  const Dims strides = strides_of(buffer);
  Dim offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset = offset + index[i] * strides[i];
  return offset;
}

Dim Linear::of(std::string_view symbol) const {
  const auto found = coefficients.find(symbol);
  return found == coefficients.end() ? Dim(0) : found->second;
}

std::optional<Linear> linear_in(const Dim& expression, const std::vector<std::string>& symbols) {
  if (expression.overflowed()) return std::nullopt;
  Linear out{{}, expression.constant_term()};
  for (const Dim::Term& term : expression.terms()) {
    Dim coefficient = term.coefficient;
    std::string of;
    for (const DimAtom& factor : term.factors) {
      const Dim one = dim_of(factor);
      const auto used = std::find_if(symbols.begin(), symbols.end(),
                                     [&](const std::string& name) { return one.uses(name); });
      if (used == symbols.end()) {
        coefficient = coefficient * one;
      } else if (factor.kind == DimAtom::kSymbol && of.empty()) {
        of = *used;
      } else {
        return std::nullopt;
      }
    }
    Dim& sum = of.empty() ? out.rest : out.coefficients[of];
    sum = sum + coefficient;
  }
  return out;
}

}  // namespace carnot
