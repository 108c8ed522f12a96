#pragma once
// Element types, symbolic dimensions and tensor types: what a value is, before it has numbers.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carnot/status.h"

namespace carnot {

enum class DType : uint8_t {
#define CARNOT_DTYPE(name, text, bits, kind) name,
#include "carnot/dtypes.def"
};
enum class DTypeClass : uint8_t { kFloat, kSigned, kUnsigned, kBool, kString };

const char* to_string(DType dtype);
std::optional<DType> parse_dtype(std::string_view text);
DTypeClass class_of(DType dtype);
/// Bits of one element as it is packed in memory (4 for i4); 0 for strings.
int bits_of(DType dtype);
inline bool is_float(DType d) {
  return class_of(d) == DTypeClass::kFloat;
}
inline bool is_integer(DType d) {
  return class_of(d) == DTypeClass::kSigned || class_of(d) == DTypeClass::kUnsigned;
}

/// A size: an integer, or an expression over symbols, kept in a normal form so that equal
/// expressions compare equal: a sum of `coefficient * product of atoms` plus a constant. An atom
/// is a symbol or a floor_div / mod / min / max of expressions. Arithmetic that leaves int64 makes
/// the result `overflowed()`, which no verifier accepts.
/// Text: `64`, `?n`, `?h*2 + 1`, `(?h + 1)//2`, `(?h)%4`, `min(?a, 8)`, `max(?a, ?b)`.
class Dim {
 public:
  struct Term;
  Dim(int64_t value = 0);  // implicit: sizes are mostly numbers
  /// `name` without the '?'.
  static Dim symbol(std::string name);

  bool is_constant() const { return terms_.empty() && !overflowed_; }
  bool overflowed() const { return overflowed_; }
  /// The number; only where is_constant().
  int64_t value() const { return constant_; }
  bool is(int64_t v) const { return is_constant() && constant_ == v; }
  /// The name, where this is one bare symbol.
  std::optional<std::string> as_symbol() const;
  /// The coefficient of a bare symbol in the sum: 3 for "h" in `?h*3 + ?h//2 + 1`. With
  /// `rest`, also the expression without that term.
  int64_t coefficient(std::string_view symbol, Dim* rest = nullptr) const;
  /// True where `symbol` appears anywhere, inside atoms included.
  bool uses(std::string_view symbol) const;
  /// Adds each symbol's name, in order of first appearance, if not yet there.
  void collect_symbols(std::vector<std::string>& names) const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  /// Rounds toward minus infinity. Simplifies when the divisor divides every coefficient.
  friend Dim floor_div(const Dim& a, const Dim& b);
  /// a - floor_div(a, b) * b.
  friend Dim mod(const Dim& a, const Dim& b);
  friend Dim min(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);
  friend bool operator<(const Dim& a, const Dim& b);  ///< a total order for containers, no size

  const std::vector<Term>& terms() const { return terms_; }
  int64_t constant_term() const { return constant_; }

 private:
  std::vector<Term> terms_;
  int64_t constant_ = 0;
  bool overflowed_ = false;
  friend struct DimAlgebra;
};
Dim floor_div(const Dim& a, const Dim& b);
Dim mod(const Dim& a, const Dim& b);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);

/// One factor of a term.
struct DimAtom {
  enum Kind : uint8_t { kSymbol, kFloorDiv, kMod, kMin, kMax };
  Kind kind = kSymbol;
  std::string name;       ///< of a symbol
  std::vector<Dim> args;  ///< of the others: two
  bool operator==(const DimAtom& other) const;
  bool operator<(const DimAtom& other) const;
};
struct Dim::Term {
  int64_t coefficient = 1;
  std::vector<DimAtom> factors;  ///< sorted, at least one
};

// Here because clang 14 wants Term complete wherever a Dim may have to be destroyed.
inline Dim::Dim(int64_t value) : constant_(value) {}
inline Dim ceil_div(const Dim& a, const Dim& b) {
  return floor_div(a + b - Dim(1), b);
}

using Dims = std::vector<Dim>;
/// Values of symbols; names without '?'.
using Symbols = std::map<std::string, int64_t, std::less<>>;

std::string to_string(const Dim& dim);
std::string to_string(const Dims& dims);  ///< "[?n, 3, 224]"
/// The number for given symbols; an error names a missing symbol, a zero divisor or an overflow.
Result<int64_t> evaluate(const Dim& dim, const Symbols& symbols);
/// Replaces symbols by expressions; those not named stay.
Dim substitute(const Dim& dim, const std::map<std::string, Dim, std::less<>>& with);
Dim product(const Dims& dims);

/// Element type and shape of a value: `f32[?n, 3, 224, 224]`; a scalar is `f32[]`.
struct TensorType {
  DType dtype = DType::kF32;
  Dims dims;
  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  bool is_static() const;
  bool operator==(const TensorType&) const = default;
};
std::string to_string(const TensorType& type);

}  // namespace carnot
