#pragma once
// Layers that move elements: shapes, slices, gathers, constants.
#include "layers_math.h"

namespace trt {

class Identity : public LayerOf<IIdentityLayer, apiv::VIdentityLayer> {
 public:
  explicit Identity(Network& net) : LayerOf(net, LayerType::kIDENTITY) {}
  Values emit(Emit&, const Values& in) override { return in; }
};

class Cast : public LayerOf<ICastLayer, apiv::VCastLayer> {
 public:
  explicit Cast(Network& net) : LayerOf(net, LayerType::kCAST) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(DataType, ToType, to, DataType::kFLOAT)
};

class Constant : public LayerOf<IConstantLayer, apiv::VConstantLayer> {
 public:
  explicit Constant(Network& net) : LayerOf(net, LayerType::kCONSTANT) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(Weights, Weights, weights, {})
  TRT_DIMS(Dimensions, dims)
  /// Of an imported model; the layer keeps it.
  void set_value(carnot::Tensor value);

 private:
  carnot::Tensor value_;
  bool has_value_ = false;  ///< while the user sets no other weights
};

class Shuffle : public LayerOf<IShuffleLayer, apiv::VShuffleLayer> {
 public:
  explicit Shuffle(Network& net);
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 2; }
  void setFirstTranspose(Permutation const& p) noexcept override { first = p, touch(); }
  Permutation const& getFirstTranspose() const noexcept override { return first; }
  void setSecondTranspose(Permutation const& p) noexcept override { second = p, touch(); }
  Permutation const& getSecondTranspose() const noexcept override { return second; }
  TRT_DIMS(ReshapeDimensions, reshape)
  TRT_PARAMETER(bool, ZeroIsPlaceholder, zero_copies, true)
  Permutation first{}, second{};

 private:
  Handle reshaped(Emit& e, Handle x, const Values& in) const;
};

class Slice : public LayerOf<ISliceLayer, apiv::VSliceLayer> {
 public:
  explicit Slice(Network& net) : LayerOf(net, LayerType::kSLICE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 6; }
  TRT_DIMS(Start, start)
  TRT_DIMS(Size, size)
  TRT_DIMS(Stride, stride)
  TRT_PARAMETER(SampleMode, Mode, mode, SampleMode::kSTRICT_BOUNDS)
  TRT_DIMS(Axes, axes)

 private:
  Ints sliced_axes(const Emit& e, const Values& in) const;
};

class Padding final : public LayerOf<IPaddingLayer, apiv::VPaddingLayer> {
 public:
  explicit Padding(Network& net) : LayerOf(net, LayerType::kPADDING) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_DIMS(PrePaddingNd, pre)
  TRT_DIMS(PostPaddingNd, post)
};

class Concatenation : public LayerOf<IConcatenationLayer, apiv::VConcatenationLayer> {
 public:
  explicit Concatenation(Network& net) : LayerOf(net, LayerType::kCONCATENATION) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(int32_t, Axis, axis, 0)
};

class ShapeLayer : public LayerOf<IShapeLayer, apiv::VShapeLayer> {
 public:
  explicit ShapeLayer(Network& net) : LayerOf(net, LayerType::kSHAPE) {}
  Values emit(Emit& e, const Values& in) override;
};

class Squeeze : public LayerOf<ISqueezeLayer, apiv::VSqueezeLayer> {
 public:
  explicit Squeeze(Network& net) : LayerOf(net, LayerType::kSQUEEZE) {}
  Values emit(Emit& e, const Values& in) override;
};

class Unsqueeze : public LayerOf<IUnsqueezeLayer, apiv::VUnsqueezeLayer> {
 public:
  explicit Unsqueeze(Network& net) : LayerOf(net, LayerType::kUNSQUEEZE) {}
  Values emit(Emit& e, const Values& in) override;
};

class Resize : public LayerOf<IResizeLayer, apiv::VResizeLayer> {
 public:
  explicit Resize(Network& net) : LayerOf(net, LayerType::kRESIZE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 2; }
  void setScales(float const* values, int32_t count) noexcept override;
  int32_t getScales(int32_t count, float* values) const noexcept override;
  TRT_DIMS(OutputDimensions, dims)
  TRT_PARAMETER(InterpolationMode, ResizeMode, mode, InterpolationMode::kNEAREST)
  TRT_PARAMETER(ResizeCoordinateTransformation, CoordinateTransformation, coordinates,
                ResizeCoordinateTransformation::kASYMMETRIC)
  TRT_PARAMETER(ResizeSelector, SelectorForSinglePixel, selector, ResizeSelector::kFORMULA)
  TRT_PARAMETER(ResizeRoundMode, NearestRounding, rounding, ResizeRoundMode::kFLOOR)
  TRT_PARAMETER(float, CubicCoeff, cubic, -0.75F)
  TRT_PARAMETER(bool, ExcludeOutside, exclude_outside, false)
  std::vector<float> scales;

 private:
  carnot::op::Resize operation() const;
};

class Gather : public LayerOf<IGatherLayer, apiv::VGatherLayer> {
 public:
  explicit Gather(Network& net) : LayerOf(net, LayerType::kGATHER) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(int32_t, GatherAxis, axis, 0)
  TRT_PARAMETER(int32_t, NbElementWiseDims, batch, 0)
  TRT_PARAMETER(GatherMode, Mode, mode, GatherMode::kDEFAULT)
};

class Scatter : public LayerOf<IScatterLayer, apiv::VScatterLayer> {
 public:
  explicit Scatter(Network& net) : LayerOf(net, LayerType::kSCATTER) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(ScatterMode, Mode, mode, ScatterMode::kELEMENT)
  TRT_PARAMETER(int32_t, Axis, axis, 0)
};

class NonZero : public LayerOf<INonZeroLayer, apiv::VNonZeroLayer> {
 public:
  explicit NonZero(Network& net) : LayerOf(net, LayerType::kNON_ZERO) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_CHECKED(DataType, IndicesType, indices, DataType::kINT32, is_index_type(given))
};

class OneHot : public LayerOf<IOneHotLayer, apiv::VOneHotLayer> {
 public:
  explicit OneHot(Network& net) : LayerOf(net, LayerType::kONE_HOT) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(int32_t, Axis, axis, -1)
};

class GridSample : public LayerOf<IGridSampleLayer, apiv::VGridSampleLayer> {
 public:
  explicit GridSample(Network& net) : LayerOf(net, LayerType::kGRID_SAMPLE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(InterpolationMode, InterpolationMode, mode, InterpolationMode::kLINEAR)
  TRT_PARAMETER(bool, AlignCorners, align, false)
  TRT_CHECKED(SampleMode, SampleMode, sample, SampleMode::kFILL,
              given == SampleMode::kFILL || given == SampleMode::kCLAMP ||
                  given == SampleMode::kREFLECT)
};

class ReverseSequence : public LayerOf<IReverseSequenceLayer, apiv::VReverseSequenceLayer> {
 public:
  explicit ReverseSequence(Network& net) : LayerOf(net, LayerType::kREVERSE_SEQUENCE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(int32_t, BatchAxis, batch_axis, 1)
  TRT_PARAMETER(int32_t, SequenceAxis, sequence_axis, 0)
};

class Assertion final : public LayerOf<IAssertionLayer, apiv::VAssertionLayer> {
 public:
  explicit Assertion(Network& net) : LayerOf(net, LayerType::kASSERTION) {}
  Values emit(Emit& e, const Values& in) override;
  void setMessage(char const* text) noexcept override {
    if (text) message = text;
  }
  char const* getMessage() const noexcept override { return message.c_str(); }
  std::string message;
};

class Fill : public LayerOf<IFillLayer, apiv::VFillLayer> {
 public:
  explicit Fill(Network& net) : LayerOf(net, LayerType::kFILL) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 3; }
  TRT_DIMS(Dimensions, dims)
  TRT_PARAMETER(FillOperation, Operation, operation, FillOperation::kLINSPACE)
  void setAlpha(double value) noexcept override { alpha = value, integers = false, touch(); }
  double getAlpha() const noexcept override { return alpha; }
  void setBeta(double value) noexcept override { beta = value, integers = false, touch(); }
  double getBeta() const noexcept override { return beta; }
  void setAlphaInt64(int64_t value) noexcept override {
    alpha_int = value, integers = true, touch();
  }
  int64_t getAlphaInt64() const noexcept override { return alpha_int; }
  void setBetaInt64(int64_t value) noexcept override { beta_int = value, integers = true, touch(); }
  int64_t getBetaInt64() const noexcept override { return beta_int; }
  bool isAlphaBetaInt64() const noexcept override { return integers; }
  TRT_PARAMETER(DataType, ToType, to, DataType::kFLOAT)
  double alpha = 0, beta = 1;
  int64_t alpha_int = 0, beta_int = 1;
  bool integers = false;
  uint32_t seed = 0;  ///< a network's random layers differ

 private:
  Handle linear(Emit& e, const Values& in, const carnot::Dims& sizes) const;
  Handle random(Emit& e, const Values& in, const carnot::Dims& sizes) const;
};

class Nms : public LayerOf<INMSLayer, apiv::VNMSLayer> {
 public:
  explicit Nms(Network& net) : LayerOf(net, LayerType::kNMS) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 5; }
  TRT_PARAMETER(BoundingBoxFormat, BoundingBoxFormat, format, BoundingBoxFormat::kCORNER_PAIRS)
  TRT_PARAMETER(int32_t, TopKBoxLimit, limit, 5000)
  TRT_CHECKED(DataType, IndicesType, indices, DataType::kINT32, is_index_type(given))
};

}  // namespace trt
