#include "kernel/index_map.h"

#include <algorithm>

#include "base/status.h"

namespace carnot {

Result<IndexMap> IndexMap::create(const Dim& dim, const Slots& slots, const Symbols& sizes) {
  std::vector<std::string> names;
  dim.collect_symbols(names);
  std::map<std::string, Dim, std::less<>> known;
  for (const std::string& name : names) {
    if (slots.count(name)) continue;
    const auto found = sizes.find(name);
    if (found == sizes.end()) {
      return error(Code::kInvalidArgument, "no value is given for the size ",
                   to_string(Dim::symbol(name)));
    }
    known.emplace(name, found->second);
  }
  const Dim bound = known.empty() ? dim : substitute(dim, known);
  if (bound.overflowed()) {
    return error(Code::kResourceLimit, "the index ", to_string(dim), " leaves the 64-bit integers");
  }
  IndexMap out;
  out.constant_ = bound.constant_term();
  for (const Dim::Term& term : bound.terms()) {
    Term compiled{term.coefficient, {}};
    for (const DimAtom& atom : term.factors) {
      Factor factor;
      factor.kind = atom.kind;
      if (atom.kind == DimAtom::kSymbol) factor.slot = slots.find(atom.name)->second;
      for (const Dim& arg : atom.args) {
        CARNOT_ASSIGN(IndexMap inner, create(arg, slots, sizes));
        factor.args.push_back(std::move(inner));
      }
      compiled.factors.push_back(std::move(factor));
    }
    out.terms_.push_back(std::move(compiled));
  }
  return out;
}

int64_t IndexMap::operator()(const int64_t* slots) const {
  auto sum = static_cast<uint64_t>(constant_);
  for (const Term& term : terms_) {
    auto product = static_cast<uint64_t>(term.coefficient);
    for (const Factor& factor : term.factors) {
      product *= static_cast<uint64_t>(value_of(factor, slots));
    }
    sum += product;
  }
  return static_cast<int64_t>(sum);
}

int64_t IndexMap::value_of(const Factor& factor, const int64_t* slots) {
  if (factor.kind == DimAtom::kSymbol) return slots[factor.slot];
  const int64_t a = factor.args[0](slots), b = factor.args[1](slots);
  if (factor.kind == DimAtom::kMin) return std::min(a, b);
  if (factor.kind == DimAtom::kMax) return std::max(a, b);
  const bool quotient = factor.kind == DimAtom::kFloorDiv;
  if (b == 0) return 0;
  if (b == -1) return quotient ? static_cast<int64_t>(uint64_t{0} - static_cast<uint64_t>(a)) : 0;
  const int64_t rest = a % b;
  const bool adjust = rest != 0 && (rest < 0) != (b < 0);
  if (quotient) return a / b - (adjust ? 1 : 0);
  return adjust ? rest + b : rest;
}

}  // namespace carnot
