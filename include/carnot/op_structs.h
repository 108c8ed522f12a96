#pragma once
// What each operation is: its attributes, and nothing else. The same struct is the node in the
// Graph, the argument of the C++ API and the text syntax. `attrs` is the one list of attributes:
// it drives text, parsing, hashing and serialization. Attributes may be int64_t, double, bool,
// DType, an enum with a kNames table, a list of int64_t, Dim, Dims, ScalarProgram or Tensor.
//
// Operands. kMin/kMax count inputs (kMax -1: any number). An output size that only the data can
// tell (non_zero, or a reshape whose target is computed) is a symbol that the node *defines*: it
// is written in an attribute (`sizes`, `count`), and the run binds it from the concrete result of
// reference(). Where an attribute holds such symbols, the node carries the tensor that the size
// comes from as its input number kTarget ("target" below; a struct without kTarget defines none).
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "carnot/scalar.h"
#include "carnot/tensor.h"
#include "carnot/types.h"

namespace carnot::op {

using Ints = std::vector<int64_t>;
/// What names(E) gives for an enum that is an attribute: the words of its values, in order.
using Names = std::span<const char* const>;

/// How far a result may be from reference(): not at all (elements are moved or picked; a struct
/// without rounding()), by some roundings of each element, by those of a sum of many terms.
enum class Rounding : uint8_t { kNone, kEach, kSum };

#define CARNOT_NO_ATTRS(T)            \
  static void attrs(auto&, auto&&) {} \
  bool operator==(const T&) const = default;

/// Index of the largest (or smallest) element along `axis`, as i64; NaN wins; ties go to the first
/// index unless `last`.
struct ArgReduce {
  static constexpr const char* kName = "arg_reduce";
  static constexpr int kMin = 1, kMax = 1;
  int64_t axis = 0;
  bool smallest = false, keep = true, last = false;
  static void attrs(auto& s, auto&& f) {
    f("axis", s.axis), f("smallest", s.smallest), f("keep", s.keep), f("last", s.last);
  }
  bool operator==(const ArgReduce&) const = default;
};

/// softmax(q k^T * scale + bias) v. q [b, h, s, d], k [b, g, t, d], v [b, g, t, e], optional bias
/// broadcastable to [b, h, s, t]; h is a multiple of g. `causal` masks key j > query i + (t - s).
/// A query all of whose keys are masked by -inf gives NaN, and where `guarded` zeros.
/// With `bsh` the operands are [b, s, h, d] (and so is the result): what projections give.
struct Attention {
  static constexpr const char* kName = "attention";
  static constexpr int kMin = 3, kMax = 4;
  double scale = 1;
  bool causal = false, bsh = false, guarded = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("scale", s.scale), f("causal", s.causal), f("bsh", s.bsh), f("guarded", s.guarded);
  }
  bool operator==(const Attention&) const = default;
};

/// The same bits under another element type of equal width.
struct BitCast {
  static constexpr const char* kName = "bit_cast";
  static constexpr int kMin = 1, kMax = 1;
  DType to = DType::kF32;
  static void attrs(auto& s, auto&& f) { f("to", s.to); }
  bool operator==(const BitCast&) const = default;
};

/// Inputs one after another along `axis`.
struct Concat {
  static constexpr const char* kName = "concat";
  static constexpr int kMin = 1, kMax = -1;
  int64_t axis = 0;
  static void attrs(auto& s, auto&& f) { f("axis", s.axis); }
  bool operator==(const Concat&) const = default;
};

struct Constant {
  static constexpr const char* kName = "constant";
  static constexpr int kMin = 0, kMax = 0;
  Tensor value;
  static void attrs(auto& s, auto&& f) { f("value", s.value); }
  bool operator==(const Constant&) const = default;
};

/// Cross-correlation (ONNX Conv) over 1 to 3 spatial axes. x [n, c, spatial...] or, with
/// `channels_last`, [n, spatial..., c]; w is always [k, c/groups, spatial...]; optional bias [k].
/// Empty lists mean 1 (strides, dilations) or 0 (pads).
struct Conv {
  static constexpr const char* kName = "conv";
  static constexpr int kMin = 2, kMax = 3;
  Ints strides, dilations, pads_lo, pads_hi;
  int64_t groups = 1;
  bool channels_last = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("strides", s.strides), f("dilations", s.dilations), f("pads_lo", s.pads_lo);
    f("pads_hi", s.pads_hi), f("groups", s.groups), f("channels_last", s.channels_last);
  }
  bool operator==(const Conv&) const = default;
};

/// ONNX ConvTranspose. w is [c, k/groups, spatial...]. `output_pads` grow the high end.
struct ConvTranspose {
  static constexpr const char* kName = "conv_transpose";
  static constexpr int kMin = 2, kMax = 3;
  Ints strides, dilations, pads_lo, pads_hi, output_pads;
  int64_t groups = 1;
  bool channels_last = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("strides", s.strides), f("dilations", s.dilations), f("pads_lo", s.pads_lo);
    f("pads_hi", s.pads_hi), f("output_pads", s.output_pads), f("groups", s.groups);
    f("channels_last", s.channels_last);
  }
  bool operator==(const ConvTranspose&) const = default;
};

/// Running sum (or product) along `axis`.
struct Cumulative {
  static constexpr const char* kName = "cumulative";
  static constexpr int kMin = 1, kMax = 1;
  int64_t axis = 0;
  bool product = false, exclusive = false, reverse = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("axis", s.axis), f("product", s.product), f("exclusive", s.exclusive);
    f("reverse", s.reverse);
  }
  bool operator==(const Cumulative&) const = default;
};

/// An operation whose code is the user's (carnot/custom.h): `code` names it, `state` is what it
/// keeps in an engine (any bytes), `types` are its results': in sizes of the operands, or with
/// defined symbols that a run learns from the results. Where `in_place` is not empty, entry i is
/// the operand whose elements result i begins with (-1: none); both are then at one address.
struct Custom {
  static constexpr const char* kName = "custom";
  static constexpr int kMin = 0, kMax = -1, kTarget = 0;
  std::string code, state;
  std::vector<TensorType> types;
  Ints in_place;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("code", s.code), f("state", s.state), f("types", s.types), f("in_place", s.in_place);
  }
  bool operator==(const Custom&) const = default;
};

/// An i64 vector (or, with `scalar`, the one value) computed from symbols by the shape program.
struct DimsTensor {
  static constexpr const char* kName = "dims";
  static constexpr int kMin = 0, kMax = 0;
  Dims values;
  bool scalar = false;
  static void attrs(auto& s, auto&& f) { f("values", s.values), f("scalar", s.scalar); }
  bool operator==(const DimsTensor&) const = default;
};

/// ONNX Einsum; the equation is `lhs,lhs->rhs` with ellipses already expanded.
struct Einsum {
  static constexpr const char* kName = "einsum";
  static constexpr int kMin = 1, kMax = -1;
  std::string equation;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) { f("equation", s.equation); }
  bool operator==(const Einsum&) const = default;
};

/// Broadcasts to `sizes` (numpy rules, both ways as ONNX Expand). Optional input 1: target.
struct Expand {
  static constexpr const char* kName = "expand";
  static constexpr int kMin = 1, kMax = 2, kTarget = 1;
  Dims sizes;  ///< the result's shape
  static void attrs(auto& s, auto&& f) { f("sizes", s.sizes); }
  bool operator==(const Expand&) const = default;
};

/// A group of nodes that becomes one kernel: its region, made by `group_kernels`.
struct Fused {
  static constexpr const char* kName = "fused";
  static constexpr int kMin = 0, kMax = -1;
  Rounding rounding() const { return Rounding::kSum; }
  CARNOT_NO_ATTRS(Fused)
};

/// out[..., i..., ...] = x[..., index[i...], ...] along `axis`; negative indices count from the
/// end; out of range is an error of the run.
struct Gather {
  static constexpr const char* kName = "gather";
  static constexpr int kMin = 2, kMax = 2;
  int64_t axis = 0;
  static void attrs(auto& s, auto&& f) { f("axis", s.axis); }
  bool operator==(const Gather&) const = default;
};
struct GatherElements {
  static constexpr const char* kName = "gather_elements";
  static constexpr int kMin = 2, kMax = 2;
  int64_t axis = 0;
  static void attrs(auto& s, auto&& f) { f("axis", s.axis); }
  bool operator==(const GatherElements&) const = default;
};
struct GatherNd {
  static constexpr const char* kName = "gather_nd";
  static constexpr int kMin = 2, kMax = 2;
  int64_t batch_dims = 0;
  static void attrs(auto& s, auto&& f) { f("batch_dims", s.batch_dims); }
  bool operator==(const GatherNd&) const = default;
};

/// ONNX GridSample, 2-D and 3-D.
struct GridSample {
  static constexpr const char* kName = "grid_sample";
  static constexpr int kMin = 2, kMax = 2;
  enum Mode { kLinear, kNearest, kCubic };
  enum Padding { kZeros, kBorder, kReflection };
  static constexpr const char* kModeNames[] = {"linear", "nearest", "cubic"};
  friend constexpr Names names(Mode) { return kModeNames; }
  static constexpr const char* kPaddingNames[] = {"zeros", "border", "reflection"};
  friend constexpr Names names(Padding) { return kPaddingNames; }
  Mode mode = kLinear;
  Padding padding = kZeros;
  bool align_corners = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("mode", s.mode), f("padding", s.padding), f("align_corners", s.align_corners);
  }
  bool operator==(const GridSample&) const = default;
};

/// inputs: condition (bool, one element), captures... Two regions (then, else), each with the
/// captures as inputs. Regions are closed: they see nothing else. `types` are the results' types:
/// what both regions agree on, with defined symbols where they do not.
struct If {
  static constexpr const char* kName = "if";
  static constexpr int kMin = 1, kMax = -1, kTarget = 0;
  std::vector<TensorType> types;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) { f("types", s.types); }
  bool operator==(const If&) const = default;
};

/// i64 [sizes...] (or `dtype`) holding the index along `axis`.
struct Iota {
  static constexpr const char* kName = "iota";
  static constexpr int kMin = 0, kMax = 0;
  Dims sizes;
  int64_t axis = 0;
  DType dtype = DType::kI64;
  static void attrs(auto& s, auto&& f) {
    f("sizes", s.sizes), f("axis", s.axis), f("dtype", s.dtype);
  }
  bool operator==(const Iota&) const = default;
};

/// ONNX Loop. inputs: trip count (i64; max int64 where absent), condition (bool), `carried` values,
/// captures... One region: (iteration i64, condition, carried..., captures...) -> (condition,
/// carried..., scan outputs...). Results: carried..., scan outputs stacked along a new axis 0.
struct Loop {
  static constexpr const char* kName = "loop";
  static constexpr int kMin = 2, kMax = -1, kTarget = 0;
  int64_t carried = 0;
  std::vector<TensorType> types;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) { f("carried", s.carried), f("types", s.types); }
  bool operator==(const Loop&) const = default;
};

/// numpy matmul: [..., m, k] x [..., k, n] with broadcast batch axes; ranks of at least 2 (the
/// importer reshapes vectors). `transpose_a/b` read the last two axes swapped. Integer operands
/// accumulate in i32 (u8/i8) or their own type.
struct MatMul {
  static constexpr const char* kName = "matmul";
  static constexpr int kMin = 2, kMax = 2;
  bool transpose_a = false, transpose_b = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("transpose_a", s.transpose_a), f("transpose_b", s.transpose_b);
  }
  bool operator==(const MatMul&) const = default;
};

/// Second output of ONNX MaxPool: flat index (within n, c planes as ONNX says) of each maximum.
struct MaxPoolIndices {
  static constexpr const char* kName = "max_pool_indices";
  static constexpr int kMin = 1, kMax = 1;
  Ints kernel, strides, dilations, pads_lo, pads_hi;
  bool ceil_mode = false, column_major = false;
  static void attrs(auto& s, auto&& f) {
    f("kernel", s.kernel), f("strides", s.strides), f("dilations", s.dilations);
    f("pads_lo", s.pads_lo), f("pads_hi", s.pads_hi), f("ceil_mode", s.ceil_mode);
    f("column_major", s.column_major);
  }
  bool operator==(const MaxPoolIndices&) const = default;
};

/// ONNX NonMaxSuppression: boxes [b, n, 4], scores [b, classes, n], then max boxes per class (i64),
/// IoU threshold, score threshold (each one element) -> i64 [count, 3].
struct NonMaxSuppression {
  static constexpr const char* kName = "non_max_suppression";
  static constexpr int kMin = 5, kMax = 5, kTarget = 0;
  bool center_point_box = false;
  Dim count;  ///< a defined symbol
  static void attrs(auto& s, auto&& f) {
    f("center_point_box", s.center_point_box), f("count", s.count);
  }
  bool operator==(const NonMaxSuppression&) const = default;
};

/// ONNX NonZero: i64 [rank, count].
struct NonZero {
  static constexpr const char* kName = "non_zero";
  static constexpr int kMin = 1, kMax = 1, kTarget = 0;
  Dim count;  ///< a defined symbol
  static void attrs(auto& s, auto&& f) { f("count", s.count); }
  bool operator==(const NonZero&) const = default;
};

/// (x - mean) / sqrt(variance + epsilon) * scale + shift over `axes`; with `rms` there is no mean
/// and the variance is mean(x^2). Optional scale and shift broadcast to x.
struct Normalize {
  static constexpr const char* kName = "normalize";
  static constexpr int kMin = 1, kMax = 3;
  Ints axes;
  double epsilon = 1e-5;
  bool rms = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("axes", s.axes), f("epsilon", s.epsilon), f("rms", s.rms);
  }
  bool operator==(const Normalize&) const = default;
};

/// ONNX OneHot: indices, values [2] (off, on) -> a new axis of `depth`. Optional input 2: target.
struct OneHot {
  static constexpr const char* kName = "one_hot";
  static constexpr int kMin = 2, kMax = 3, kTarget = 2;
  int64_t axis = -1;
  Dim depth;
  static void attrs(auto& s, auto&& f) { f("axis", s.axis), f("depth", s.depth); }
  bool operator==(const OneHot&) const = default;
};

/// Grows (or, where negative, crops) each axis. Optional input 1: the fill value (one element);
/// optional input 2: target (the pads as i64, lo... then hi..., where `sizes` has defined symbols).
struct Pad {
  static constexpr const char* kName = "pad";
  static constexpr int kMin = 1, kMax = 3, kTarget = 2;
  enum Mode { kConstant, kEdge, kReflect, kWrap };
  static constexpr const char* kModeNames[] = {"constant", "edge", "reflect", "wrap"};
  friend constexpr Names names(Mode) { return kModeNames; }
  Dims lo, hi;
  Mode mode = kConstant;
  static void attrs(auto& s, auto&& f) { f("lo", s.lo), f("hi", s.hi), f("mode", s.mode); }
  bool operator==(const Pad&) const = default;
};

/// Element by element, operands broadcast by numpy's rules; one output per result of `body`.
struct Pointwise {
  static constexpr const char* kName = "pointwise";
  static constexpr int kMin = 0, kMax = -1;
  ScalarProgram body;
  Rounding rounding() const { return Rounding::kEach; }
  static void attrs(auto& s, auto&& f) { f("body", s.body); }
  bool operator==(const Pointwise&) const = default;
};

/// Windowed max, average or Lp norm over the spatial axes of [n, c, spatial...] or, with
/// `channels_last`, [n, spatial..., c]. Padding never wins a maximum; `count_padding` counts it in
/// an average. In `ceil_mode` a window that starts beyond the input and low padding is dropped.
struct Pool {
  static constexpr const char* kName = "pool";
  static constexpr int kMin = 1, kMax = 1;
  enum Kind { kMaximum, kAverage, kLp };
  static constexpr const char* kKindNames[] = {"max", "average", "lp"};
  friend constexpr Names names(Kind) { return kKindNames; }
  Kind kind = kMaximum;
  Ints kernel, strides, dilations, pads_lo, pads_hi;
  bool ceil_mode = false, count_padding = false, channels_last = false;
  int64_t p = 2;
  Rounding rounding() const { return kind == kMaximum ? Rounding::kNone : Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("kind", s.kind), f("kernel", s.kernel), f("strides", s.strides);
    f("dilations", s.dilations), f("pads_lo", s.pads_lo), f("pads_hi", s.pads_hi);
    f("ceil_mode", s.ceil_mode), f("count_padding", s.count_padding);
    f("channels_last", s.channels_last), f("p", s.p);
  }
  bool operator==(const Pool&) const = default;
};

/// start, limit, delta (one element each) -> [count].
struct Range {
  static constexpr const char* kName = "range";
  static constexpr int kMin = 3, kMax = 3, kTarget = 0;
  Dim count;
  Rounding rounding() const { return Rounding::kEach; }
  static void attrs(auto& s, auto&& f) { f("count", s.count); }
  bool operator==(const Range&) const = default;
};

/// ONNX LSTM, GRU and RNN, layout 0. Inputs as ONNX orders them: x [t, n, i], w, r, bias,
/// lengths, initial h, initial c, peepholes; an absent one has no elements. Without w, x is its
/// product with it, [t, n, dirs * gates * hidden]. Results: y [t, dirs, n, hidden], y_h, LSTM: y_c.
struct Recurrent {
  static constexpr const char* kName = "recurrent";
  static constexpr int kMin = 3, kMax = 8;
  enum Kind { kLstm, kGru, kRnn };
  enum Direction { kForward, kReverse, kBidirectional };
  static constexpr const char* kKindNames[] = {"lstm", "gru", "rnn"};
  friend constexpr Names names(Kind) { return kKindNames; }
  static constexpr const char* kDirectionNames[] = {"forward", "reverse", "bidirectional"};
  friend constexpr Names names(Direction) { return kDirectionNames; }
  Kind kind = kLstm;
  Direction direction = kForward;
  int64_t hidden = 0;
  std::vector<ScalarProgram> activations;  ///< per direction: f, g, h (LSTM); f, g (GRU); f (RNN)
  double clip = 0;                         ///< 0: none
  bool input_forget = false, linear_before_reset = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("kind", s.kind), f("direction", s.direction), f("hidden", s.hidden);
    f("activations", s.activations), f("clip", s.clip), f("input_forget", s.input_forget);
    f("linear_before_reset", s.linear_before_reset);
  }
  bool operator==(const Recurrent&) const = default;
};

/// Folds `axes` (all where empty and not `none`). Over an empty axis: the identity; max and min of
/// nothing are -inf and inf (or the type's limits); the mean of nothing is NaN.
struct Reduce {
  static constexpr const char* kName = "reduce";
  static constexpr int kMin = 1, kMax = 1;
  enum Kind { kSum, kMean, kMaximum, kMinimum, kProduct };
  static constexpr const char* kKindNames[] = {"sum", "mean", "max", "min", "product"};
  friend constexpr Names names(Kind) { return kKindNames; }
  Kind kind = kSum;
  Ints axes;
  bool keep = true;
  Rounding rounding() const {
    return kind == kMaximum || kind == kMinimum ? Rounding::kNone : Rounding::kSum;
  }
  static void attrs(auto& s, auto&& f) { f("kind", s.kind), f("axes", s.axes), f("keep", s.keep); }
  bool operator==(const Reduce&) const = default;
};

/// The same elements in `sizes`. Optional input 1: target.
struct Reshape {
  static constexpr const char* kName = "reshape";
  static constexpr int kMin = 1, kMax = 2, kTarget = 1;
  Dims sizes;
  static void attrs(auto& s, auto&& f) { f("sizes", s.sizes); }
  bool operator==(const Reshape&) const = default;
};

/// ONNX Resize of every axis whose size or scale changes. `scales` are exact where given (as ONNX:
/// they and not the sizes drive the coordinates); empty means sizes/input. Optional input 1:
/// target (i64 sizes or f32 scales of all axes). Optional input 2: roi for crop_and_resize.
struct Resize {
  static constexpr const char* kName = "resize";
  static constexpr int kMin = 1, kMax = 3, kTarget = 1;
  enum Mode { kNearest, kLinear, kCubic };
  enum Coordinates {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kCropAndResize
  };
  enum Nearest { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };
  static constexpr const char* kModeNames[] = {"nearest", "linear", "cubic"};
  friend constexpr Names names(Mode) { return kModeNames; }
  static constexpr const char* kCoordinatesNames[] = {"half_pixel",         "half_pixel_symmetric",
                                                      "pytorch_half_pixel", "align_corners",
                                                      "asymmetric",         "crop_and_resize"};
  friend constexpr Names names(Coordinates) { return kCoordinatesNames; }
  static constexpr const char* kNearestNames[] = {"round_prefer_floor", "round_prefer_ceil",
                                                  "floor", "ceil"};
  friend constexpr Names names(Nearest) { return kNearestNames; }
  Mode mode = kNearest;
  Coordinates coordinates = kHalfPixel;
  Nearest nearest = kRoundPreferFloor;
  Dims sizes;                  ///< the result's shape
  std::vector<double> scales;  ///< per axis, or empty
  double cubic_a = -0.75, extrapolation = 0;
  bool exclude_outside = false, antialias = false;
  Rounding rounding() const { return mode == kNearest ? Rounding::kNone : Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("mode", s.mode), f("coordinates", s.coordinates), f("nearest", s.nearest);
    f("sizes", s.sizes), f("scales", s.scales), f("cubic_a", s.cubic_a);
    f("extrapolation", s.extrapolation), f("exclude_outside", s.exclude_outside);
    f("antialias", s.antialias);
  }
  bool operator==(const Resize&) const = default;
};

/// ONNX ReverseSequence.
struct ReverseSequence {
  static constexpr const char* kName = "reverse_sequence";
  static constexpr int kMin = 2, kMax = 2;
  int64_t batch_axis = 1, time_axis = 0;
  static void attrs(auto& s, auto&& f) {
    f("batch_axis", s.batch_axis), f("time_axis", s.time_axis);
  }
  bool operator==(const ReverseSequence&) const = default;
};

/// ONNX RoiAlign: x, rois, batch indices.
struct RoiAlign {
  static constexpr const char* kName = "roi_align";
  static constexpr int kMin = 3, kMax = 3;
  bool maximum = false, half_pixel = true;
  int64_t height = 1, width = 1, sampling_ratio = 0;
  double spatial_scale = 1;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("maximum", s.maximum), f("half_pixel", s.half_pixel), f("height", s.height);
    f("width", s.width), f("sampling_ratio", s.sampling_ratio);
    f("spatial_scale", s.spatial_scale);
  }
  bool operator==(const RoiAlign&) const = default;
};

/// ONNX Scan-9+. inputs: `states` initial states, `scanned` inputs, captures...; one region:
/// (states..., elements..., captures...) -> (states..., scan outputs...).
struct Scan {
  static constexpr const char* kName = "scan";
  static constexpr int kMin = 1, kMax = -1, kTarget = 0;
  int64_t states = 0, scanned = 0;
  Ints input_axes, input_reversed, output_axes, output_reversed;
  std::vector<TensorType> types;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) {
    f("states", s.states), f("scanned", s.scanned), f("input_axes", s.input_axes);
    f("input_reversed", s.input_reversed), f("output_axes", s.output_axes);
    f("output_reversed", s.output_reversed), f("types", s.types);
  }
  bool operator==(const Scan&) const = default;
};

/// ONNX ScatterElements and ScatterND: a copy of input 0 with updates applied in index order.
enum class ScatterKind { kAssign, kAdd, kMul, kMax, kMin };
inline constexpr const char* kScatterKindNames[] = {"assign", "add", "mul", "max", "min"};
constexpr Names names(ScatterKind) {
  return kScatterKindNames;
}
constexpr Rounding rounding_of(ScatterKind kind) {
  const bool folds = kind == ScatterKind::kAdd || kind == ScatterKind::kMul;
  return folds ? Rounding::kSum : Rounding::kNone;
}
struct ScatterElements {
  static constexpr const char* kName = "scatter_elements";
  static constexpr int kMin = 3, kMax = 3;
  int64_t axis = 0;
  ScatterKind kind = ScatterKind::kAssign;
  Rounding rounding() const { return rounding_of(kind); }
  static void attrs(auto& s, auto&& f) { f("axis", s.axis), f("kind", s.kind); }
  bool operator==(const ScatterElements&) const = default;
};
struct ScatterNd {
  static constexpr const char* kName = "scatter_nd";
  static constexpr int kMin = 3, kMax = 3;
  ScatterKind kind = ScatterKind::kAssign;
  Rounding rounding() const { return rounding_of(kind); }
  static void attrs(auto& s, auto&& f) { f("kind", s.kind); }
  bool operator==(const ScatterNd&) const = default;
};

/// The shape of the input as i64 [rank].
struct ShapeOf {
  static constexpr const char* kName = "shape_of";
  static constexpr int kMin = 1, kMax = 1;
  CARNOT_NO_ATTRS(ShapeOf)
};

/// Every axis: result i is x[start + i * step], i < size. Static form: starts, sizes, steps cover
/// all axes and starts are never negative. Optional input 1: target, i64 [2, rank] (starts, then
/// ends, as ONNX clamps them), where `sizes` has defined symbols; `starts` is then ignored.
struct Slice {
  static constexpr const char* kName = "slice";
  static constexpr int kMin = 1, kMax = 2, kTarget = 1;
  Dims starts, sizes;
  Ints steps;
  static void attrs(auto& s, auto&& f) {
    f("starts", s.starts), f("sizes", s.sizes), f("steps", s.steps);
  }
  bool operator==(const Slice&) const = default;
};

/// exp(x - max) / sum(exp(x - max)) along `axis`, or its logarithm.
struct Softmax {
  static constexpr const char* kName = "softmax";
  static constexpr int kMin = 1, kMax = 1;
  int64_t axis = -1;
  bool log = false;
  Rounding rounding() const { return Rounding::kSum; }
  static void attrs(auto& s, auto&& f) { f("axis", s.axis), f("log", s.log); }
  bool operator==(const Softmax&) const = default;
};

/// The `count` largest (or smallest) along `axis` and their i64 indices, sorted; ties go to the
/// lower index. Optional input 1: target (the count).
struct TopK {
  static constexpr const char* kName = "top_k";
  static constexpr int kMin = 1, kMax = 2, kTarget = 1;
  int64_t axis = -1;
  Dim count;
  bool largest = true, sorted = true;
  static void attrs(auto& s, auto&& f) {
    f("axis", s.axis), f("count", s.count), f("largest", s.largest), f("sorted", s.sorted);
  }
  bool operator==(const TopK&) const = default;
};

/// Result axis i is input axis perm[i].
struct Transpose {
  static constexpr const char* kName = "transpose";
  static constexpr int kMin = 1, kMax = 1;
  Ints perm;
  static void attrs(auto& s, auto&& f) { f("perm", s.perm); }
  bool operator==(const Transpose&) const = default;
};

/// ONNX Unique: y, first indices, inverse indices, counts. `flat` ignores `axis`.
struct Unique {
  static constexpr const char* kName = "unique";
  static constexpr int kMin = 1, kMax = 1, kTarget = 0;
  bool flat = true, sorted = true;
  int64_t axis = 0;
  Dim count;  ///< a defined symbol
  static void attrs(auto& s, auto&& f) {
    f("flat", s.flat), f("sorted", s.sorted), f("axis", s.axis), f("count", s.count);
  }
  bool operator==(const Unique&) const = default;
};

}  // namespace carnot::op
