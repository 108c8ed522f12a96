// pair_pixels: the first layer of a network for images, a convolution of few channels, gets
// channels by the 16 bytes: they are padded to a power of two where the image is turned anyway, and
// as many neighbouring pixels as fill the rest count as one, where the convolution's steps are
// multiples of so many. That is a reshape of what is channels-last, and weights with zeros where
// the window begins or ends inside a group.
//
// With three channels a tap is no whole number of anything that a GPU copies at once, and each has
// its own edges of the image to stay within. ResNet-50's first layer, 7 x 7 x 3, does 28 x 8
// products for 147; they are copied by the 16 bytes, and any kernel of a convolution takes them.
#include <algorithm>
#include <bit>

#include "passes/passes.h"

namespace carnot {

namespace {

constexpr int kCopyBits = 128;    // what a GPU copies at once
constexpr int kBits = 16;         // of an element: wider ones are bound by arithmetic
constexpr int64_t kWasteMax = 2;  // products for each one that is wanted

int64_t at_or(const op::Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/// The convolution's last spatial axis, before and after.
struct Window {
  int64_t size = 1, channels = 1, kernel = 1, stride = 1, lo = 0, out = 1;
  int64_t padded = 1, pixels = 1;  ///< channels; pixels that count as one
  int64_t width = 1;               ///< the axis' size, in pixels, once it is whole groups
  int64_t groups_lo = 0, taps = 1, groups_hi = 0;
};

/// Whether groups of `v.pixels` pixels of `v.padded` channels do: what the window is in them.
bool fits(Window& v) {
  if (v.pixels < 2 || v.stride % v.pixels != 0) return false;
  v.groups_lo = -floor_div(-v.lo, v.pixels);
  v.taps = v.groups_lo + floor_div(v.kernel - 1 - v.lo, v.pixels) + 1;
  v.width = (v.size + v.pixels - 1) / v.pixels * v.pixels;
  const int64_t step = v.stride / v.pixels;
  v.groups_hi = (v.out - 1) * step + v.taps - v.width / v.pixels - v.groups_lo;
  // Windows may end before the image does, but by no step.
  if (v.groups_hi <= -step) return false;
  v.groups_hi = std::max<int64_t>(v.groups_hi, 0);
  return v.taps * v.pixels * v.padded <= kWasteMax * v.kernel * v.channels;
}

/// Whether a kernel of its own makes the pixels, of what the network is given: it can pad them.
bool is_input(const Graph& graph, const Value* x, int depth = 0) {
  constexpr int kDepthMax = 4;
  const Node* p = x->producer;
  if (!p || p->as<op::Constant>()) return depth > 0;
  const bool simple = p->as<op::Transpose>() || p->as<op::Pointwise>();
  if (!simple || depth == kDepthMax || x->users.size() != 1 || graph.is_output(x)) return false;
  return std::all_of(p->inputs.begin(), p->inputs.end(),
                     [&](const Value* v) { return is_input(graph, v, depth + 1); });
}

std::optional<Window> window_of(const Graph& graph, const Node& node, const op::Conv& op) {
  const Tensor* w = constant_of(node.inputs[1]);
  const TensorType& x = node.inputs[0]->type();
  const TensorType& y = node.output()->type();
  if (!op.channels_last || op.groups != 1 || !w || x.rank() < 3) return std::nullopt;
  const size_t last = x.dims.size() - 3;  // among the spatial axes
  const Dim &size = x.dims[last + 1], &out = y.dims[last + 1], &channels = x.dims.back();
  if (!size.is_constant() || !out.is_constant() || !channels.is_constant()) return std::nullopt;
  const int64_t bits = bits_of(x.dtype), hi = at_or(op.pads_hi, last, 0);
  Window v;
  v.size = size.value(), v.out = out.value(), v.channels = channels.value();
  v.kernel = w->shape().back();
  v.stride = at_or(op.strides, last, 1), v.lo = at_or(op.pads_lo, last, 0);
  if (!is_float(x.dtype) || bits != kBits || v.channels * bits >= kCopyBits || v.out < 1 ||
      v.lo < 0 || hi < 0 || at_or(op.dilations, last, 1) != 1) {
    return std::nullopt;
  }
  // A window that starts at whole copies and stays inside the image is one run as it is.
  if (v.lo + hi == 0 && v.stride * v.channels * bits % kCopyBits == 0) return std::nullopt;
  const auto least = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(v.channels)));
  const bool pads = is_input(graph, node.inputs[0]);
  for (v.padded = least; v.padded * bits <= kCopyBits; v.padded *= 2) {
    v.pixels = kCopyBits / (v.padded * bits);
    const bool same = fits(v) && v.padded == v.channels && v.width == v.size;
    if (same || (pads && fits(v))) return v;
  }
  return std::nullopt;
}

// w [k, c, ..., kernel] as [k, pixels * padded, ..., taps].
Result<Tensor> weights_of(const Tensor& w, const Window& v) {
  Shape shape = w.shape();
  int64_t between = 1;  // taps along the other spatial axes
  for (size_t i = 2; i + 1 < shape.size(); ++i) between *= shape[i];
  const int64_t k_count = shape[0];
  shape[1] = v.pixels * v.padded, shape.back() = v.taps;
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(w.dtype(), shape));
  int64_t to = 0;
  for (int64_t k = 0; k < k_count; ++k) {
    for (int64_t c = 0; c < v.pixels * v.padded; ++c) {
      const int64_t channel = c % v.padded;
      for (int64_t row = 0; row < between; ++row) {
        for (int64_t tap = 0; tap < v.taps; ++tap) {
          const int64_t at = (tap - v.groups_lo) * v.pixels + c / v.padded + v.lo;
          const bool inside = channel < v.channels && at >= 0 && at < v.kernel;
          const int64_t from = ((k * v.channels + channel) * between + row) * v.kernel + at;
          out.set(to++, inside ? w.get(from) : 0);
        }
      }
    }
  }
  return out;
}

}  // namespace

Status pair_pixels(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    const auto* op = node->as<op::Conv>();
    const auto v = op ? window_of(graph, *node, *op) : std::nullopt;
    if (!v || !context.rewrite()) continue;
    Value* x = node->inputs[0];
    const size_t last = x->type().dims.size() - 3;
    op::Conv conv = *op;
    for (op::Ints* list : {&conv.strides, &conv.dilations}) list->resize(last + 1, 1);
    for (op::Ints* list : {&conv.pads_lo, &conv.pads_hi}) list->resize(last + 1, 0);
    conv.strides[last] = v->stride / v->pixels;
    conv.pads_lo[last] = v->groups_lo, conv.pads_hi[last] = v->groups_hi;
    op::Reshape groups{x->type().dims};
    groups.sizes[last + 1] = v->width / v->pixels;
    groups.sizes.back() = v->padded * v->pixels;
    if (v->padded > v->channels || v->width != v->size) {
      op::Pad pad{Dims(x->type().dims.size(), 0), Dims(x->type().dims.size(), 0)};
      pad.hi[last + 1] = v->width - v->size;
      pad.hi.back() = v->padded - v->channels;
      CARNOT_ASSIGN(x, graph.make(std::move(pad), {x}, node->origin, node));
    }
    CARNOT_ASSIGN(Tensor weights, weights_of(*constant_of(node->inputs[1]), *v));
    std::vector<Value*> inputs = node->inputs;
    CARNOT_ASSIGN(inputs[0], graph.make(std::move(groups), {x}, node->origin, node));
    inputs[1] = graph.constant(weights, node->inputs[1]->producer->origin, node);
    CARNOT_ASSIGN(Value * y, graph.make(std::move(conv), inputs, node->origin, node));
    y->name = node->output()->name;
    graph.replace_uses(node->output(), y);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
