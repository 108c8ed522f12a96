#pragma once
// IndexMap: a Dim compiled for many evaluations. Symbols are slots of an array.
#include <map>
#include <string>
#include <vector>

#include "carnot/types.h"

namespace carnot {

class IndexMap {
 public:
  using Slots = std::map<std::string, int, std::less<>>;

  /// Symbols with a slot are read at evaluation, the others are sizes and get their value now; an
  /// error names one that has neither.
  static Result<IndexMap> create(const Dim& dim, const Slots& slots, const Symbols& sizes);

  /// Wraps where it leaves int64. A division by zero gives 0.
  int64_t operator()(const int64_t* slots) const;

 private:
  struct Factor {
    DimAtom::Kind kind = DimAtom::kSymbol;
    int slot = 0;
    std::vector<IndexMap> args;
  };
  struct Term {
    int64_t coefficient = 0;
    std::vector<Factor> factors;
  };
  static int64_t value_of(const Factor& factor, const int64_t* slots);

  int64_t constant_ = 0;
  std::vector<Term> terms_;
};

}  // namespace carnot
