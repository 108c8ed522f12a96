#pragma once
// Index maps as C++ expressions. Sizes become the kernel's int64 parameters, p0, p1 ...; indices
// have the type `Index` (int, or i64 in kernels of very large or of symbolic sizes), and i64 where
// data or large intermediate numbers take part.
#include <map>
#include <optional>
#include <string>

#include "codegen/nest.h"
#include "tensor/dim_range.h"

namespace carnot::cuda {

/// The C++ names of axis and load symbols. A load's is an i64.
using IndexNames = std::map<std::string, std::string, std::less<>>;

class IndexText {
 public:
  /// The largest number that an Index takes: products of two terms' sums stay below 2^31.
  static constexpr int64_t kIndexMax = int64_t{1} << 29;

  explicit IndexText(const Nest& nest);

  /// The axes that expressions of this stage run over, for what can be proved of them.
  void enter(const NestStage& stage);

  /// An expression of type Index.
  std::string index(const Dim& dim, const IndexNames& names);
  /// An expression of type i64.
  std::string wide(const Dim& dim, const IndexNames& names);
  /// All guards of an access as a condition; empty: always true.
  std::string condition(const std::vector<Guard>& guards, const IndexNames& names);

  bool never_negative(const Dim& dim) const;
  const Dims& params() const { return params_; }
  /// The parameter that has this value: "p3".
  std::string param(const Dim& size);

 private:
  std::string sum(const Dim& dim, const IndexNames& names, bool is_wide);
  std::string atom(const DimAtom& atom, const IndexNames& names, bool is_wide);
  std::string size(const Dim& dim, bool is_wide);
  bool needs_wide(const Dim& dim) const;
  /// A bound of the number and of all on the way to it; nothing where sizes decide.
  std::optional<double> magnitude(const Dim& dim) const;

  Ranges axes_, ranges_;
  Dims params_;
};

}  // namespace carnot::cuda
