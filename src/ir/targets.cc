#include "ir/targets.h"

#include <algorithm>
#include <cmath>

namespace carnot {
namespace {

bool all_constant(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_constant(); });
}

// ONNX: 0 copies the operand's size, one -1 takes what is left.
std::optional<Op> resolve(const op::Reshape& op, const Dims& x, const Dims& target) {
  op::Reshape out = op;
  if (target.size() != out.sizes.size()) return {};
  out.sizes = target;
  std::optional<size_t> open;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].is(-1)) open = i;
    if (target[i].is(0) && i < x.size()) out.sizes[i] = x[i];
  }
  if (open) {
    out.sizes[*open] = 1;
    const Dim known = product(out.sizes);
    if (known.is(0)) return {};
    out.sizes[*open] = floor_div(product(x), known);
  }
  return out;
}

std::optional<Op> resolve(const op::Expand& op, const Dims& x, const Dims& target) {
  op::Expand out = op;
  const size_t rank = op.sizes.size();
  if (target.size() > rank || x.size() > rank) return {};
  for (size_t i = 0; i < rank; ++i) {
    const Dim own = i + x.size() < rank ? Dim(1) : x[i + x.size() - rank];
    const Dim wanted = i + target.size() < rank ? Dim(1) : target[i + target.size() - rank];
    // A symbolic size may turn out to be 1, where the other side counts.
    if (!own.is(1) && !wanted.is_constant() && !(own == wanted)) return {};
    out.sizes[i] = wanted.is(1) ? own : wanted;
  }
  return out;
}

// Starts, then ends, clamped to the operand.
std::optional<Op> resolve(const op::Slice& op, const Dims& x, const Dims& target) {
  op::Slice out = op;
  const size_t rank = x.size();
  if (target.size() != 2 * rank || out.steps.size() != rank || !all_constant(target)) return {};
  out.starts.assign(target.begin(), target.begin() + static_cast<ptrdiff_t>(rank));
  for (size_t i = 0; i < rank; ++i) {
    const int64_t step = out.steps[i];
    if (step == 0) return {};
    const Dim distance = step > 0 ? target[rank + i] - target[i] : target[i] - target[rank + i];
    out.sizes[i] = max(ceil_div(distance, Dim(step > 0 ? step : -step)), Dim(0));
  }
  return out;
}

std::optional<Op> resolve(const op::Pad& op, const Dims& x, const Dims& target) {
  op::Pad out = op;
  if (target.size() != 2 * x.size()) return {};
  const auto middle = target.begin() + static_cast<ptrdiff_t>(x.size());
  out.lo.assign(target.begin(), middle);
  out.hi.assign(middle, target.end());
  return out;
}

std::optional<Op> resolve(const op::TopK& op, const Dims&, const Dims& target) {
  op::TopK out = op;
  if (target.size() != 1) return {};
  out.count = target[0];
  return out;
}

std::optional<Op> resolve(const op::OneHot& op, const Dims&, const Dims& target) {
  op::OneHot out = op;
  if (target.size() != 1) return {};
  out.depth = target[0];
  return out;
}

// Computed scales need the operand's sizes as numbers.
std::optional<Op> resolve(const op::Resize& op, const Dims& x, const Info& target,
                          const Tensor* scales) {
  op::Resize out = op;
  if (is_integer(target.type.dtype)) {
    if (!target.elements || target.elements->size() != x.size()) return {};
    out.sizes = *target.elements;
    return out;
  }
  if (!scales || scales->elements() != static_cast<int64_t>(x.size()) || !all_constant(x))
    return {};
  if (op.coordinates == op::Resize::kCropAndResize) return {};  // its sizes depend on the region
  for (size_t i = 0; i < x.size(); ++i) {
    const double scale = scales->get(static_cast<int64_t>(i));
    const double size = std::floor(static_cast<double>(x[i].value()) * scale);
    if (!(size >= 0 && size < 0x1p31)) return {};
    out.scales.push_back(scale);
    out.sizes[i] = static_cast<int64_t>(size);
  }
  return out;
}

template <class T>
std::optional<Op> resolve_as(const Op& op, const Dims& x, const Dims& target) {
  const T* data = std::get_if<T>(&op);
  return data ? resolve(*data, x, target) : std::nullopt;
}

}  // namespace

std::optional<size_t> target_operand(const Op& op, size_t operands) {
  const auto is = [&]<class... Ts>(std::variant<Ts...>*) {
    return (std::holds_alternative<Ts>(op) || ...);
  };
  using Second = std::variant<op::Reshape, op::Expand, op::Slice, op::TopK, op::Resize>;
  using Third = std::variant<op::Pad, op::OneHot>;
  if (is(static_cast<Second*>(nullptr)) && operands >= 2) return 1;
  if (is(static_cast<Third*>(nullptr)) && operands == 3) return 2;
  return std::nullopt;
}

std::optional<Op> resolve_target(const Op& op, const Dims& x, const Info& target,
                                 const Tensor* constant) {
  if (const auto* resize = std::get_if<op::Resize>(&op)) {
    return resolve(*resize, x, target, constant);
  }
  if (!target.elements) return {};
  const Dims& elements = *target.elements;
  if (auto out = resolve_as<op::Reshape>(op, x, elements)) return out;
  if (auto out = resolve_as<op::Expand>(op, x, elements)) return out;
  if (auto out = resolve_as<op::Slice>(op, x, elements)) return out;
  if (auto out = resolve_as<op::Pad>(op, x, elements)) return out;
  if (auto out = resolve_as<op::TopK>(op, x, elements)) return out;
  return resolve_as<op::OneHot>(op, x, elements);
}

}  // namespace carnot
