// unique: distinct elements (or slices along an axis), where each first appears, and how often.
#include <algorithm>
#include <numeric>

#include "ops/operands.h"

namespace carnot {
namespace {

/// What is compared: `count` items of `width` elements; element j of item i lies at
/// outer = j / inner, inner = j % inner of the tensor seen as [outer, count, inner].
struct Items {
  int64_t count = 0, width = 1, inner = 1;
  int64_t at(int64_t item, int64_t element) const {
    return (element / inner * count + item) * inner + element % inner;
  }
};

Result<Items> items_of(const op::Unique& op, const Tensor& x) {
  if (op.flat) return Items{x.elements(), 1, 1};
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  const AxisView view = view_axis(x.shape(), axis);
  return Items{view.size, view.outer * view.inner, view.inner};
}

/// Equal items in one group, items of a group in order, groups by value or by first appearance.
std::vector<std::vector<int64_t>> group(const op::Unique& op, const Tensor& x, const Items& items) {
  const ElementOrder order(x);
  const auto compare = [&](int64_t a, int64_t b) {
    for (int64_t j = 0; j < items.width; ++j) {
      const int sign = order.compare(items.at(a, j), items.at(b, j));
      if (sign != 0) return sign;
    }
    return 0;
  };
  std::vector<int64_t> sorted(static_cast<size_t>(items.count));
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
  std::vector<std::vector<int64_t>> groups;
  for (const int64_t item : sorted) {
    if (groups.empty() || compare(groups.back()[0], item) != 0) groups.emplace_back();
    groups.back().push_back(item);
  }
  if (!op.sorted) {
    std::sort(groups.begin(), groups.end(),
              [](const auto& a, const auto& b) { return a[0] < b[0]; });
  }
  return groups;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Unique& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  Dims dims = {op.count};
  Dim items = product(x.dims);
  if (!op.flat) {
    CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
    dims = x.dims;
    items = std::exchange(dims[static_cast<size_t>(axis)], op.count);
  }
  const auto indices = [](const Dim& size) { return Info{{DType::kI64, {size}}, std::nullopt}; };
  return checked_results(
      op.kName,
      {{{x.dtype, dims}, std::nullopt}, indices(op.count), indices(items), indices(op.count)});
}

Result<std::vector<Tensor>> reference(const op::Unique& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const Items items, items_of(op, x));
  CARNOT_ASSIGN(Tensor inverse, Tensor::allocate(DType::kI64, {items.count}));
  const auto groups = group(op, x, items);
  const auto count = static_cast<int64_t>(groups.size());
  if (!may_equal(op.count, Dim(count))) {
    return bad_value(op, "found ", count, " distinct items, the graph says ", to_string(op.count));
  }
  CARNOT_ASSIGN(Tensor first, Tensor::allocate(DType::kI64, {count}));
  CARNOT_ASSIGN(Tensor counts, Tensor::allocate(DType::kI64, {count}));
  for (size_t g = 0; g < groups.size(); ++g) {
    first.as<int64_t>()[g] = groups[g][0];
    counts.as<int64_t>()[g] = static_cast<int64_t>(groups[g].size());
    for (const int64_t item : groups[g]) inverse.as<int64_t>()[item] = static_cast<int64_t>(g);
  }
  Shape shape = {count};
  if (!op.flat) {
    CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
    shape = x.shape();
    shape[static_cast<size_t>(axis)] = count;
  }
  const int64_t* firsts = first.as<int64_t>();
  CARNOT_ASSIGN(Tensor y, pick(x, shape, [&](int64_t i) {
                  const int64_t item = firsts[i / items.inner % count];
                  return items.at(item, i / (items.inner * count) * items.inner + i % items.inner);
                }));
  return std::vector<Tensor>{y, first, inverse, counts};
}

}  // namespace carnot
