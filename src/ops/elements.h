#pragma once
// Known elements: the values of small tensors as expressions over sizes, carried through shape
// arithmetic. Integral values of any type are kept (1 and 0 for bool); see Info in ops/op.h.
#include <optional>
#include <vector>

#include "ops/op.h"

namespace carnot {

/// The elements of a small tensor, where all are integral.
std::optional<Dims> known_elements(const Tensor& tensor);

/// Whether a result of this type can have known elements: a fixed and small count.
bool can_know_elements(const TensorType& type);

/// An i64 tensor of known elements, where all are numbers.
std::optional<Tensor> constant_elements(const Info& info);

/// The elements of the one result of an operation that only moves elements. Its reference() runs on
/// positions in place of the values of `moved` (the first operands), followed by `rest`.
template <class T>
std::optional<Dims> moved_elements(const T& op, Infos moved, const std::vector<Tensor>& rest = {});

/// The results of a scalar program for known operands: one entry per result, absent where the
/// value cannot be told. `types` are those of all the program's values.
std::vector<std::optional<Dim>> evaluate_known(const ScalarProgram& program,
                                               const std::vector<DType>& types,
                                               const std::vector<std::optional<Dim>>& operands);

namespace detail {
/// Positions for each operand and the elements they stand for; nothing where one is not known.
struct Positions {
  std::vector<Tensor> tensors;
  Dims elements;
  std::optional<Dims> read(const Result<std::vector<Tensor>>& moved) const;
};
std::optional<Positions> positions_of(Infos infos);
}  // namespace detail

template <class T>
std::optional<Dims> moved_elements(const T& op, Infos moved, const std::vector<Tensor>& rest) {
  std::optional<detail::Positions> positions = detail::positions_of(moved);
  if (!positions) return std::nullopt;
  std::vector<Tensor> operands = positions->tensors;
  operands.insert(operands.end(), rest.begin(), rest.end());
  return positions->read(reference(op, operands));
}

}  // namespace carnot
