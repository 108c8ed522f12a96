#pragma once
// Which part of what is added to scores says "no key after the query" and nothing else.
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace carnot {

/// Scores of `queries` by `keys`, the last two axes: key j is hidden where j > i + keys - queries.
struct ScoreSizes {
  Dim queries, keys;
};

/// What of a condition is left without a causal part: all of `rest` must hold, those with `negated`
/// not, for a key to be seen.
struct SplitCondition {
  struct Part {
    Value* value = nullptr;
    bool negated = false;
  };
  bool causal = false;
  std::vector<Part> rest;
};
SplitCondition split_condition(Value* condition, bool negated, const ScoreSizes& sizes);

/// The bias is 0 where the causal mask lets a key be seen, and far below any score elsewhere.
bool is_causal_bias(const Value* bias, const ScoreSizes& sizes);

/// As good as -infinity for what is added to a score whose row has other keys: exp() of it is 0.
constexpr double kFarBelow = -1e4;

}  // namespace carnot
