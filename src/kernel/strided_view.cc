#include "kernel/strided_view.h"

#include <algorithm>

#include "ir/match.h"
#include "kernel/lower.h"

namespace carnot {
namespace {

constexpr size_t kOperands = 3;  // q, k and v; a bias is small
constexpr int kViewsMax = 16;    // between memory and attention

bool is_view(const Node& node) {
  if (node.inputs.size() != 1) return false;
  const auto* slice = node.as<op::Slice>();
  if (slice) {
    return std::all_of(slice->steps.begin(), slice->steps.end(), [](int64_t s) { return s > 0; });
  }
  return node.as<op::Transpose>() || node.as<op::Reshape>();
}

// The sizes that are not 1, each with the number of elements up to and with it.
std::vector<Dim> running_products(const std::vector<Dim>& sizes) {
  std::vector<Dim> out;
  Dim count = 1;
  for (const Dim& size : sizes) out.push_back(count = count * size);
  return out;
}

// The value as attention would read it, from the first value in front of it that is no view.
bool is_strided_operand(const Value* value) {
  std::vector<const Node*> views;
  for (const Node* p = value->producer; p && is_view(*p); p = p->inputs[0]->producer) {
    if (views.size() == kViewsMax) return false;
    views.push_back(p);
  }
  if (views.empty()) return false;
  std::optional<StridedView> view = dense_view(views.back()->inputs[0]->type().dims);
  for (size_t i = views.size(); i-- > 0 && view;) view = through(*view, *views[i]);
  return view && (view->strides.back().is(1) || view->sizes.back().is(1));
}

bool feeds_attention(const Graph& graph, const Node& node, int depth) {
  const Value* out = node.output();
  if (depth == kViewsMax || out->users.empty() || graph.is_output(out)) return false;
  return std::all_of(out->users.begin(), out->users.end(), [&](const Node* user) {
    if (is_view(*user)) return feeds_attention(graph, *user, depth + 1);
    if (!is_attention(*user)) return false;
    for (size_t i = 0; i < user->inputs.size(); ++i) {
      if (user->inputs[i] == out && i >= kOperands) return false;
    }
    return is_strided_operand(out);
  });
}

}  // namespace

bool is_attention(const Node& node) {
  if (node.as<op::Attention>()) return why_not_lowered(node).empty();
  if (!node.as<op::Fused>()) return false;
  const std::vector<Node*> inside = node.regions[0]->nodes();
  return inside.size() == 1 && inside[0]->as<op::Attention>();
}

StridedView dense_view(const Dims& sizes) {
  StridedView out{sizes, Dims(sizes.size(), 1), 0};
  for (size_t i = sizes.size(); i-- > 1;) out.strides[i - 1] = out.strides[i] * sizes[i];
  return out;
}

// Neighbours of the old sizes that a group of new ones covers must lie as if they were one axis.
std::optional<Dims> reshaped(const StridedView& in, const Dims& sizes) {
  std::vector<Dim> old_sizes, old_strides, new_sizes;
  for (size_t i = 0; i < in.sizes.size(); ++i) {
    if (in.sizes[i].is(0)) return std::nullopt;
    if (in.sizes[i].is(1)) continue;
    old_sizes.push_back(in.sizes[i]);
    old_strides.push_back(in.strides[i]);
  }
  for (const Dim& size : sizes) {
    if (!size.is(1)) new_sizes.push_back(size);
  }
  const std::vector<Dim> before = running_products(old_sizes), after = running_products(new_sizes);
  Dims strides(new_sizes.size(), 1);
  for (size_t i = 0, j = 0; i < before.size(); ++i) {
    const auto match =
        std::find(after.begin() + static_cast<std::ptrdiff_t>(j), after.end(), before[i]);
    if (match == after.end()) {
      // The group goes on with the next old size: the two are one.
      if (i + 1 == before.size()) return std::nullopt;
      if (!(old_strides[i] == old_strides[i + 1] * old_sizes[i + 1])) return std::nullopt;
      continue;
    }
    const auto end = static_cast<size_t>(match - after.begin()) + 1;
    Dim stride = old_strides[i];
    for (size_t k = end; k-- > j; stride = stride * new_sizes[k]) strides[k] = stride;
    j = end;
  }
  Dims out(sizes.size(), 1);
  Dim inner = 1;
  for (size_t k = sizes.size(), from = strides.size(); k-- > 0;) {
    out[k] = sizes[k].is(1) ? inner : strides[--from];
    inner = out[k] * sizes[k];
  }
  return out;
}

std::optional<StridedView> through(const StridedView& in, const Node& node) {
  StridedView out = in;
  if (const auto* transpose = node.as<op::Transpose>()) {
    for (size_t i = 0; i < out.sizes.size(); ++i) {
      const auto from = static_cast<size_t>(transpose->perm[i]);
      out.sizes[i] = in.sizes[from];
      out.strides[i] = in.strides[from];
    }
    return out;
  }
  if (const auto* slice = node.as<op::Slice>()) {
    for (size_t i = 0; i < out.sizes.size(); ++i) {
      out.start = out.start + slice->starts[i] * in.strides[i];
      if (!slice->steps.empty()) out.strides[i] = out.strides[i] * Dim(slice->steps[i]);
    }
    out.sizes = slice->sizes;
    return out;
  }
  if (!node.as<op::Reshape>()) return std::nullopt;
  const Dims& sizes = node.output()->type().dims;
  const std::optional<Dims> strides = reshaped(in, sizes);
  if (!strides) return std::nullopt;
  out.sizes = sizes;
  out.strides = *strides;
  return out;
}

bool is_operand_view(const Graph& graph, const Node& node) {
  return is_view(node) && feeds_attention(graph, node, 0);
}

bool is_result_view(const Graph& graph, const Node& node) {
  if (!node.as<op::Transpose>()) return false;
  const Value* x = node.inputs[0];
  return x->producer && is_attention(*x->producer) && used_once(graph, x);
}

}  // namespace carnot
