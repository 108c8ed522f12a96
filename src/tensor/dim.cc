// The algebra of Dim. Every operation returns the normal form: terms sorted by their factors, no
// zero coefficient; inside `x//c` and `x%c` with a constant c > 0 every coefficient and the
// constant lie in [0, c) and share no factor with c.
#include "tensor/dim_algebra.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "base/status.h"

namespace carnot {
namespace {

using Term = Dim::Term;

// Every expression stays below these: it is copied and compared in each step of a build. Real
// shapes do by far; a model that reaches them is nonsense or hostile.
constexpr size_t kMaxTerms = 512;
constexpr int kMaxNodes = 2048;
constexpr int kMaxDepth = 32;

struct Extent {
  int nodes = 0, depth = 0;
};
Extent extent(const Dim& dim) {
  Extent out{1, 1};
  for (const Term& term : dim.terms()) {
    for (const DimAtom& atom : term.factors) {
      out.nodes += 1;
      for (const Dim& arg : atom.args) {
        const Extent inner = extent(arg);
        out.nodes += inner.nodes;
        out.depth = std::max(out.depth, inner.depth + 1);
      }
    }
  }
  return out;
}

Dim bounded(Dim dim) {
  const bool fits = dim.terms().size() <= kMaxTerms && extent(dim).nodes <= kMaxNodes;
  return fits ? dim : DimAlgebra::overflow();
}

int compare(const Dim& a, const Dim& b);
int compare(const DimAtom& a, const DimAtom& b) {
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (const int order = a.name.compare(b.name)) return order < 0 ? -1 : 1;
  if (a.args.size() != b.args.size()) return a.args.size() < b.args.size() ? -1 : 1;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (const int order = compare(a.args[i], b.args[i])) return order;
  }
  return 0;
}
int compare(const std::vector<DimAtom>& a, const std::vector<DimAtom>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (const int order = compare(a[i], b[i])) return order;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}
int compare(const Dim& a, const Dim& b) {
  if (a.overflowed() != b.overflowed()) return a.overflowed() < b.overflowed() ? -1 : 1;
  const auto &x = a.terms(), &y = b.terms();
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int order = compare(x[i].factors, y[i].factors)) return order;
    if (x[i].coefficient != y[i].coefficient) {
      return x[i].coefficient < y[i].coefficient ? -1 : 1;
    }
  }
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  if (a.constant_term() == b.constant_term()) return 0;
  return a.constant_term() < b.constant_term() ? -1 : 1;
}

bool has_factor(const Dim& dim, DimAtom::Kind kind) {
  for (const Term& term : dim.terms()) {
    for (const DimAtom& atom : term.factors) {
      if (atom.kind == kind) return true;
    }
  }
  return false;
}

bool has_terms(const Dim& sum, const Dim& part) {
  for (const Term& wanted : part.terms()) {
    const bool found = std::any_of(sum.terms().begin(), sum.terms().end(), [&](const Term& term) {
      return term.coefficient == wanted.coefficient && term.factors == wanted.factors;
    });
    if (!found) return false;
  }
  return true;
}

// k*x%c + k*c*(x//c) is k*x.
Dim recombine(Dim sum) {
  if (!has_factor(sum, DimAtom::kMod) || !has_factor(sum, DimAtom::kFloorDiv)) return sum;
  for (const Term& term : sum.terms()) {
    for (size_t i = 0; i < term.factors.size(); ++i) {
      const DimAtom& atom = term.factors[i];
      if (atom.kind != DimAtom::kMod) continue;
      std::vector<DimAtom> others = term.factors;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const Dim scale = DimAlgebra::product(term.coefficient, others);
      const Dim quotient = floor_div(atom.args[0], atom.args[1]);
      const Dim whole = DimAlgebra::multiply(DimAlgebra::multiply(scale, atom.args[1]), quotient);
      if (whole.overflowed() || whole.is_constant() || !has_terms(sum, whole)) continue;
      const Dim remainder = DimAlgebra::product(term.coefficient, term.factors);
      Dim rest = DimAlgebra::add(DimAlgebra::add(sum, whole, -1), remainder, -1);
      return recombine(DimAlgebra::add(rest, DimAlgebra::multiply(scale, atom.args[0]), 1));
    }
  }
  return sum;
}

Dim extreme(DimAtom::Kind kind, const Dim& a, const Dim& b) {
  if (a.overflowed() || b.overflowed()) return DimAlgebra::overflow();
  const bool least = kind == DimAtom::kMin;
  const Dim difference = a - b;
  if (difference.is_constant()) return (difference.value() < 0) == least ? a : b;
  const ConstantBounds x = constant_bounds(a), y = constant_bounds(b);
  if (x.high && y.low && *x.high <= *y.low) return least ? a : b;
  if (y.high && x.low && *y.high <= *x.low) return least ? b : a;
  // min(min(p, q), q) and min(min(p, 8), 4)
  for (const auto& [outer, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    const DimAtom* atom = DimAlgebra::bare_atom(*outer);
    if (!atom || atom->kind != kind) continue;
    for (int i = 0; i < 2; ++i) {
      if (atom->args[i] == *other) return *outer;
      if (atom->args[i].is_constant() && other->is_constant()) {
        return extreme(kind, atom->args[1 - i], extreme(kind, atom->args[i], *other));
      }
    }
  }
  return DimAlgebra::atom(kind, b < a ? b : a, b < a ? a : b);
}

}  // namespace

Dim DimAlgebra::overflow() {
  Dim out;
  out.overflowed_ = true;
  return out;
}

Dim DimAlgebra::product(int64_t coefficient, std::vector<DimAtom> factors) {
  Dim out;
  if (factors.empty()) {
    out.constant_ = coefficient;
  } else if (coefficient != 0) {
    std::sort(factors.begin(), factors.end());
    out.terms_.push_back({coefficient, std::move(factors)});
  }
  return out;
}

Dim DimAlgebra::atom(DimAtom::Kind kind, const Dim& a, const Dim& b) {
  const Extent x = extent(a), y = extent(b);
  if (x.nodes + y.nodes > kMaxNodes || std::max(x.depth, y.depth) >= kMaxDepth) return overflow();
  return product(1, {DimAtom{kind, "", {a, b}}});
}

const DimAtom* DimAlgebra::bare_atom(const Dim& dim) {
  if (dim.overflowed_ || dim.terms_.size() != 1 || dim.constant_ != 0) return nullptr;
  const Term& term = dim.terms_[0];
  return term.coefficient == 1 && term.factors.size() == 1 ? &term.factors[0] : nullptr;
}

Dim DimAlgebra::add(const Dim& a, const Dim& b, int64_t scale) {
  if (a.overflowed_ || b.overflowed_) return overflow();
  Dim out;
  bool fits = true;
  const auto accumulate = [&](int64_t x, int64_t y) {
    int64_t scaled = 0, sum = 0;
    fits = fits && !__builtin_mul_overflow(y, scale, &scaled) &&
           !__builtin_add_overflow(x, scaled, &sum);
    return sum;
  };
  out.constant_ = accumulate(a.constant_, b.constant_);
  auto x = a.terms_.begin();
  auto y = b.terms_.begin();
  while (x != a.terms_.end() || y != b.terms_.end()) {
    const int order = x == a.terms_.end()   ? 1
                      : y == b.terms_.end() ? -1
                                            : compare(x->factors, y->factors);
    const int64_t coefficient =
        accumulate(order <= 0 ? x->coefficient : 0, order >= 0 ? y->coefficient : 0);
    fits = fits && coefficient != INT64_MIN;  // so that any coefficient has an opposite
    if (coefficient) out.terms_.push_back({coefficient, order <= 0 ? x->factors : y->factors});
    if (order <= 0) ++x;
    if (order >= 0) ++y;
  }
  return fits ? bounded(std::move(out)) : overflow();
}

Dim DimAlgebra::multiply(const Dim& a, const Dim& b) {
  if (a.overflowed_ || b.overflowed_) return overflow();
  if (a.terms_.empty()) return add(Dim(), b, a.constant_);
  if (b.terms_.empty()) return add(Dim(), a, b.constant_);
  const size_t pairs = (a.terms_.size() + 1) * (b.terms_.size() + 1);
  if (pairs > 8 * kMaxTerms) return overflow();
  std::vector<Term> products;
  products.reserve(pairs);
  bool fits = true;
  size_t factors = 0;
  const auto put = [&](int64_t x, int64_t y, const std::vector<DimAtom>& of,
                       const std::vector<DimAtom>& and_of) {
    Term& term = products.emplace_back();
    fits = fits && !__builtin_mul_overflow(x, y, &term.coefficient) &&
           (factors += of.size() + and_of.size()) <= size_t{kMaxNodes};
    if (!fits) return;
    std::merge(of.begin(), of.end(), and_of.begin(), and_of.end(),
               std::back_inserter(term.factors));
  };
  for (const Term& x : a.terms_) {
    for (const Term& y : b.terms_) put(x.coefficient, y.coefficient, x.factors, y.factors);
    if (b.constant_) put(x.coefficient, b.constant_, x.factors, {});
  }
  for (const Term& y : b.terms_) {
    if (a.constant_) put(a.constant_, y.coefficient, {}, y.factors);
  }
  Dim out;
  fits = fits && !__builtin_mul_overflow(a.constant_, b.constant_, &out.constant_);
  if (!fits) return overflow();
  std::sort(products.begin(), products.end(),
            [](const Term& x, const Term& y) { return compare(x.factors, y.factors) < 0; });
  for (size_t i = 0, end = 0; i < products.size(); i = end) {
    Term& term = products[i];
    for (end = i + 1; end < products.size() && products[end].factors == term.factors; ++end) {
      fits = fits && !__builtin_add_overflow(term.coefficient, products[end].coefficient,
                                             &term.coefficient);
    }
    fits = fits && term.coefficient != INT64_MIN;  // so that any coefficient has an opposite
    if (fits && term.coefficient) out.terms_.push_back(std::move(term));
  }
  return fits ? bounded(std::move(out)) : overflow();
}

Dim Dim::symbol(std::string name) {
  return DimAlgebra::product(1, {DimAtom{DimAtom::kSymbol, std::move(name), {}}});
}

std::optional<std::string> Dim::as_symbol() const {
  const DimAtom* atom = DimAlgebra::bare_atom(*this);
  if (!atom || atom->kind != DimAtom::kSymbol) return std::nullopt;
  return atom->name;
}

int64_t Dim::coefficient(std::string_view symbol, Dim* rest) const {
  for (size_t i = 0; i < terms_.size(); ++i) {
    const Term& term = terms_[i];
    if (term.factors.size() != 1 || term.factors[0].kind != DimAtom::kSymbol) continue;
    if (term.factors[0].name != symbol) continue;
    const int64_t coefficient = term.coefficient;  // `rest` may be this
    if (rest) {
      Dim others = *this;
      others.terms_.erase(others.terms_.begin() + static_cast<std::ptrdiff_t>(i));
      *rest = std::move(others);
    }
    return coefficient;
  }
  if (rest && rest != this) *rest = *this;
  return 0;
}

bool Dim::uses(std::string_view symbol) const {
  for (const Term& term : terms_) {
    for (const DimAtom& atom : term.factors) {
      if (atom.kind == DimAtom::kSymbol && atom.name == symbol) return true;
      for (const Dim& arg : atom.args) {
        if (arg.uses(symbol)) return true;
      }
    }
  }
  return false;
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
  for (const Term& term : terms_) {
    for (const DimAtom& atom : term.factors) {
      for (const Dim& arg : atom.args) arg.collect_symbols(names);
      if (atom.kind != DimAtom::kSymbol) continue;
      if (std::find(names.begin(), names.end(), atom.name) == names.end()) {
        names.push_back(atom.name);
      }
    }
  }
}

Dim operator+(const Dim& a, const Dim& b) {
  return recombine(DimAlgebra::add(a, b, 1));
}
Dim operator-(const Dim& a, const Dim& b) {
  return recombine(DimAlgebra::add(a, b, -1));
}
Dim operator*(const Dim& a, const Dim& b) {
  return recombine(DimAlgebra::multiply(a, b));
}
Dim min(const Dim& a, const Dim& b) {
  return extreme(DimAtom::kMin, a, b);
}
Dim max(const Dim& a, const Dim& b) {
  return extreme(DimAtom::kMax, a, b);
}
bool operator==(const Dim& a, const Dim& b) {
  return compare(a, b) == 0;
}
bool operator<(const Dim& a, const Dim& b) {
  return compare(a, b) < 0;
}
bool DimAtom::operator==(const DimAtom& other) const {
  return compare(*this, other) == 0;
}
bool DimAtom::operator<(const DimAtom& other) const {
  return compare(*this, other) < 0;
}

Dim product(const Dims& dims) {
  Dim out = 1;
  for (const Dim& dim : dims) out = out * dim;
  return out;
}

Dim apply(DimAtom::Kind kind, const Dim& a, const Dim& b) {
  switch (kind) {
    case DimAtom::kFloorDiv:
      return floor_div(a, b);
    case DimAtom::kMod:
      return mod(a, b);
    case DimAtom::kMin:
      return min(a, b);
    case DimAtom::kMax:
      return max(a, b);
    case DimAtom::kSymbol:
      break;
  }
  CARNOT_CHECK(false);
  return Dim();
}

Dim substitute(const Dim& dim, const std::map<std::string, Dim, std::less<>>& with) {
  if (dim.overflowed() || dim.is_constant()) return dim;
  return rebuild(dim, [&](const DimAtom& atom) {
    if (atom.kind == DimAtom::kSymbol) {
      const auto found = with.find(atom.name);
      return found == with.end() ? Dim::symbol(atom.name) : found->second;
    }
    return apply(atom.kind, substitute(atom.args[0], with), substitute(atom.args[1], with));
  });
}

namespace {

Result<int64_t> evaluate(const DimAtom& atom, const Symbols& symbols) {
  if (atom.kind == DimAtom::kSymbol) {
    const auto found = symbols.find(atom.name);
    if (found != symbols.end()) return found->second;
    return error(Code::kInvalidArgument, "no value is given for the size ",
                 to_string(Dim::symbol(atom.name)));
  }
  CARNOT_ASSIGN(const int64_t a, carnot::evaluate(atom.args[0], symbols));
  CARNOT_ASSIGN(const int64_t b, carnot::evaluate(atom.args[1], symbols));
  if (atom.kind == DimAtom::kMin) return std::min(a, b);
  if (atom.kind == DimAtom::kMax) return std::max(a, b);
  if (b == 0) {
    return error(Code::kInvalidArgument, "division by zero: ", to_string(atom.args[1]), " is 0");
  }
  const bool divides = atom.kind == DimAtom::kFloorDiv;
  if (b == -1) {
    if (!divides) return int64_t{0};
    if (const auto negative = checked_sub(0, a)) return *negative;
    return error(Code::kResourceLimit, "a size leaves the 64-bit integers");
  }
  return divides ? floor_quotient(a, b) : floor_remainder(a, b);
}

}  // namespace

Result<int64_t> evaluate(const Dim& dim, const Symbols& symbols) {
  if (dim.overflowed()) {
    return error(Code::kResourceLimit, "a size leaves the 64-bit integers or is too complex");
  }
  int64_t sum = dim.constant_term();
  for (const Term& term : dim.terms()) {
    int64_t value = term.coefficient;
    bool fits = true;
    for (const DimAtom& atom : term.factors) {
      CARNOT_ASSIGN(const int64_t factor, evaluate(atom, symbols));
      fits = fits && !__builtin_mul_overflow(value, factor, &value);
    }
    if (!fits || __builtin_add_overflow(sum, value, &sum)) {
      return error(Code::kResourceLimit, "the size ", to_string(dim),
                   " leaves the 64-bit integers");
    }
  }
  return sum;
}

bool TensorType::is_static() const {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& d) { return d.is_constant(); });
}

}  // namespace carnot
