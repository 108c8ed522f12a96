#pragma once
// How a run binds symbols to numbers: from concrete shapes, and into the attributes of an
// operation.
#include <optional>
#include <type_traits>
#include <utility>

#include "ops/op.h"

namespace carnot {

namespace detail {
// Attributes that hold sizes; everything else passes by.
template <class F>
struct OnDims {
  F f;
  template <class T>
  void operator()(const char*, T& field) {
    using Plain = std::remove_const_t<T>;
    if constexpr (std::is_same_v<Plain, Dim>) {
      f(field);
    } else if constexpr (std::is_same_v<Plain, Dims>) {
      for (auto& dim : field) f(dim);
    } else if constexpr (std::is_same_v<Plain, std::vector<TensorType>>) {
      for (auto& type : field) {
        for (auto& dim : type.dims) f(dim);
      }
    }
  }
};
}  // namespace detail

/// f(dim) for each size in the attributes of an operation, const or not.
template <class AnyOp, class F>
void for_each_dim(AnyOp& op, F f) {
  detail::OnDims<F> on{std::move(f)};
  std::visit([&](auto& o) { o.attrs(o, on); }, op);
}

/// Whether any size in the attributes is not a number.
bool is_symbolic(const Op& op);

/// Fits a concrete shape to declared sizes: symbols that are unknown so far are bound (also inside
/// an expression where it is linear in one of them), everything else must agree.
Status bind_symbols(const Dims& declared, const Shape& actual, Symbols& symbols);
/// The shape, where every symbol is known and no size is negative; nothing otherwise.
std::optional<Shape> known_shape(const Dims& dims, const Symbols& symbols);
/// The operation with known symbols in its attributes replaced by their numbers.
Op with_symbols(const Op& op, const Symbols& symbols);

}  // namespace carnot
