// decompose_conv_transpose: a transposed convolution of stride s is s convolutions of stride 1, one
// for each phase of the output, interleaved. With o + lo = q*s + r, the taps that reach output o
// are r, r + s, ...: so phase r is a convolution of ceil(k/s) taps, all phases together are one
// convolution with s times the channels, and a transpose interleaves them. No product is wasted.
#include <algorithm>

#include "passes/passes.h"

namespace carnot {

namespace {

struct Axis {
  int64_t kernel, stride, lo, hi, grow, taps;
};

int64_t at_or(const op::Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + (a > 0 ? b - 1 : 0)) / b;
}

std::string why_not(const Node& node, const op::ConvTranspose& op) {
  if (!op.channels_last) return "its layout is not channels-last";
  if (op.groups != 1) return "grouped transposed convolution";
  const Tensor* w = constant_of(node.inputs[1]);
  if (!w || w->dtype() != DType::kF32) return "its weights are not f32 constants";
  if (node.inputs.size() > 2 && !constant_of(node.inputs[2])) return "its bias is computed";
  for (int64_t d : op.dilations) {
    if (d != 1) return "dilated transposed convolution";
  }
  for (int64_t p : op.pads_lo) {
    if (p < 0) return "negative padding";
  }
  return "";
}

// w [c, k, taps...] as [phases * k, c, ceil(taps/s)...]: phase-major, taps reversed.
Result<Tensor> phase_weights(const Tensor& w, const std::vector<Axis>& axes) {
  const int64_t c_count = w.shape()[0], k_count = w.shape()[1];
  Shape shape = {k_count, c_count};
  int64_t phases = 1, taps = 1, kernel = 1;
  for (const Axis& a : axes) {
    phases *= a.stride, taps *= a.taps, kernel *= a.kernel;
    shape.push_back(a.taps);
  }
  shape[0] *= phases;
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kF32, shape));
  CARNOT_ASSIGN(Tensor dense, w.dense());
  const float* from = dense.as<float>();
  float* to = out.as<float>();
  for (int64_t phase = 0; phase < phases; ++phase) {
    for (int64_t k = 0; k < k_count; ++k) {
      for (int64_t c = 0; c < c_count; ++c) {
        for (int64_t t = 0; t < taps; ++t) {
          // Split phase and tap into axes, last axis fastest.
          int64_t p = phase, q = t, source = 0, scale = 1;
          bool inside = true;
          for (size_t i = axes.size(); i-- > 0;) {
            const Axis& a = axes[i];
            const int64_t at = p % a.stride + a.stride * (a.taps - 1 - q % a.taps);
            p /= a.stride, q /= a.taps;
            inside = inside && at < a.kernel;
            source += at * scale, scale *= a.kernel;
          }
          *to++ = inside ? from[(c * k_count + k) * kernel + source] : 0;
        }
      }
    }
  }
  return out;
}

Result<Value*> decompose(Graph& graph, Node* node, const op::ConvTranspose& op) {
  const Tensor& w = *constant_of(node->inputs[1]);
  Value* x = node->inputs[0];
  const TensorType& y = node->output()->type();
  const size_t spatial = y.dims.size() - 2;
  const int64_t k_count = w.shape()[1];
  std::vector<Axis> axes;
  op::Conv conv;
  conv.channels_last = true;
  int64_t phases = 1;
  for (size_t i = 0; i < spatial; ++i) {
    Axis a{w.shape()[2 + i],        at_or(op.strides, i, 1),     at_or(op.pads_lo, i, 0),
           at_or(op.pads_hi, i, 0), at_or(op.output_pads, i, 0), 1};
    a.taps = ceil_div(a.kernel, a.stride);
    phases *= a.stride;
    conv.pads_lo.push_back(a.taps - 1);
    // q counts to ceil((out + lo)/s), of which the convolution has the input's size for free.
    conv.pads_hi.push_back(ceil_div(a.kernel - a.stride - a.hi + a.grow, a.stride));
    axes.push_back(a);
  }
  for (size_t i = 0; i < spatial; ++i) {
    if (conv.pads_hi[i] < 0) conv.pads_hi[i] = 0;  // computes a little too much; sliced off
  }
  CARNOT_ASSIGN(Tensor weights, phase_weights(w, axes));
  std::vector<Value*> inputs = {x,
                                graph.constant(weights, node->inputs[1]->producer->origin, node)};
  if (node->inputs.size() > 2) {
    const Tensor& bias = *constant_of(node->inputs[2]);
    CARNOT_ASSIGN(Tensor repeated, Tensor::allocate(DType::kF32, {phases * k_count}));
    for (int64_t i = 0; i < phases * k_count; ++i) repeated.set(i, bias.get(i % k_count));
    inputs.push_back(graph.constant(repeated, node->inputs[2]->producer->origin, node));
  }
  CARNOT_ASSIGN(Value * v, graph.make(conv, inputs, node->origin, node));
  const Dims q = v->type().dims;
  Dims split(q.begin(), q.end() - 1), joined = {q[0]};
  for (const Axis& a : axes) split.push_back(a.stride);
  split.push_back(k_count);
  op::Ints perm = {0};
  for (size_t i = 0; i < spatial; ++i) {
    perm.push_back(static_cast<int64_t>(1 + i));
    perm.push_back(static_cast<int64_t>(1 + spatial + i));
    joined.push_back(q[1 + i] * Dim(axes[i].stride));
  }
  perm.push_back(static_cast<int64_t>(1 + 2 * spatial));
  joined.push_back(k_count);
  if (phases > 1) {
    CARNOT_ASSIGN(v, graph.make(op::Reshape{.sizes = split}, {v}, node->origin, node));
    CARNOT_ASSIGN(v, graph.make(op::Transpose{.perm = perm}, {v}, node->origin, node));
    CARNOT_ASSIGN(v, graph.make(op::Reshape{.sizes = joined}, {v}, node->origin, node));
  }
  if (v->type().dims == y.dims) return v;
  op::Slice slice;
  for (size_t i = 0; i < y.dims.size(); ++i) {
    const bool is_spatial = i > 0 && i <= spatial;
    slice.starts.push_back(is_spatial ? axes[i - 1].lo : 0);
    slice.steps.push_back(1);
  }
  slice.sizes = y.dims;
  return graph.make(slice, {v}, node->origin, node);
}

}  // namespace

Status decompose_conv_transpose(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    const auto* op = node->as<op::ConvTranspose>();
    if (!op) continue;
    if (const std::string why = why_not(*node, *op); !why.empty()) {
      context.note(*node, why);
      continue;
    }
    if (!context.rewrite()) break;
    CARNOT_ASSIGN(Value * y, decompose(graph, node, *op));
    if (y->name.empty()) y->name = node->output()->name;
    graph.replace_uses(node->output(), y);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
