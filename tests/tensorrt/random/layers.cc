// Random calls on networks: every add call, every setter of every layer.
#include <functional>

#include "random.h"

namespace calls {

namespace {

using Setter = std::function<void(Random&, ILayer&)>;

template <class L, class F>
Setter setter(F f) {
  return [f](Random& r, ILayer& layer) { f(r, static_cast<L&>(layer)); };
}

#define SET(L, call) setter<L>([]([[maybe_unused]] Random& r, L& l) { (void)(call); })

void set_scales(Random& r, IResizeLayer& layer) {
  const float scales[] = {r.real() + 2, r.real(), r.real(), 2.0F};
  layer.setScales(r.once_in(20) ? nullptr : scales, std::min(r.int32(), 4));
}

template <class L>
std::vector<Setter> filters() {
  return {SET(L, l.setNbOutputMaps(r.integer())),
          SET(L, l.setNbGroups(r.integer())),
          SET(L, l.setKernelWeights(r.weights(144))),
          SET(L, l.setBiasWeights(r.weights(4))),
          SET(L, l.setPrePadding(r.dims(2))),
          SET(L, l.setPostPadding(r.dims(2))),
          SET(L, l.setPaddingMode(r.value<PaddingMode>())),
          SET(L, l.setKernelSizeNd(r.dims(2))),
          SET(L, l.setStrideNd(r.dims(2))),
          SET(L, l.setPaddingNd(r.dims(2))),
          SET(L, l.setDilationNd(r.dims(2)))};
}

std::vector<Setter> index_setters(LayerType type) {
  switch (type) {
    case LayerType::kCONCATENATION:
      return {SET(IConcatenationLayer, l.setAxis(r.int32()))};
    case LayerType::kGATHER:
      return {SET(IGatherLayer, l.setGatherAxis(r.int32())),
              SET(IGatherLayer, l.setNbElementWiseDims(r.int32())),
              SET(IGatherLayer, l.setMode(r.value<GatherMode>()))};
    case LayerType::kSCATTER:
      return {SET(IScatterLayer, l.setMode(r.value<ScatterMode>())),
              SET(IScatterLayer, l.setAxis(r.int32()))};
    case LayerType::kPADDING:
      return {SET(IPaddingLayer, l.setPrePaddingNd(r.dims(2))),
              SET(IPaddingLayer, l.setPostPaddingNd(r.dims(2)))};
    case LayerType::kSHUFFLE:
      return {SET(IShuffleLayer, l.setFirstTranspose(r.order())),
              SET(IShuffleLayer, l.setSecondTranspose(r.order())),
              SET(IShuffleLayer, l.setReshapeDimensions(r.dims())),
              SET(IShuffleLayer, l.setZeroIsPlaceholder(r.flag()))};
    case LayerType::kSLICE:
      return {SET(ISliceLayer, l.setStart(r.dims())), SET(ISliceLayer, l.setSize(r.dims())),
              SET(ISliceLayer, l.setStride(r.dims())), SET(ISliceLayer, l.setAxes(r.dims())),
              SET(ISliceLayer, l.setMode(r.value<SampleMode>()))};
    case LayerType::kNON_ZERO:
      return {SET(INonZeroLayer, l.setIndicesType(r.type()))};
    case LayerType::kONE_HOT:
      return {SET(IOneHotLayer, l.setAxis(r.int32()))};
    case LayerType::kREVERSE_SEQUENCE:
      return {SET(IReverseSequenceLayer, l.setBatchAxis(r.int32())),
              SET(IReverseSequenceLayer, l.setSequenceAxis(r.int32()))};
    case LayerType::kGRID_SAMPLE:
      return {SET(IGridSampleLayer, l.setInterpolationMode(r.value<InterpolationMode>())),
              SET(IGridSampleLayer, l.setAlignCorners(r.flag())),
              SET(IGridSampleLayer, l.setSampleMode(r.value<SampleMode>()))};
    case LayerType::kRESIZE:
      return {SET(IResizeLayer, l.setOutputDimensions(r.dims())),
              SET(IResizeLayer, set_scales(r, l)),
              SET(IResizeLayer, l.setResizeMode(r.value<InterpolationMode>())),
              SET(IResizeLayer,
                  l.setCoordinateTransformation(r.value<ResizeCoordinateTransformation>())),
              SET(IResizeLayer, l.setSelectorForSinglePixel(r.value<ResizeSelector>())),
              SET(IResizeLayer, l.setNearestRounding(r.value<ResizeRoundMode>())),
              SET(IResizeLayer, l.setCubicCoeff(r.real())),
              SET(IResizeLayer, l.setExcludeOutside(r.flag()))};
    case LayerType::kNMS:
      return {SET(INMSLayer, l.setBoundingBoxFormat(r.value<BoundingBoxFormat>())),
              SET(INMSLayer, l.setTopKBoxLimit(r.int32())),
              SET(INMSLayer, l.setIndicesType(r.type()))};
    default:
      return {};
  }
}

std::vector<Setter> math_setters(LayerType type) {
  switch (type) {
    case LayerType::kACTIVATION:
      return {SET(IActivationLayer, l.setActivationType(r.value<ActivationType>())),
              SET(IActivationLayer, l.setAlpha(r.real())),
              SET(IActivationLayer, l.setBeta(r.real()))};
    case LayerType::kELEMENTWISE:
      return {SET(IElementWiseLayer, l.setOperation(r.value<ElementWiseOperation>()))};
    case LayerType::kUNARY:
      return {SET(IUnaryLayer, l.setOperation(r.value<UnaryOperation>()))};
    case LayerType::kREDUCE:
      return {SET(IReduceLayer, l.setOperation(r.value<ReduceOperation>())),
              SET(IReduceLayer, l.setReduceAxes(static_cast<uint32_t>(r.integer()))),
              SET(IReduceLayer, l.setKeepDimensions(r.flag()))};
    case LayerType::kTOPK:
      return {SET(ITopKLayer, l.setOperation(r.value<TopKOperation>())),
              SET(ITopKLayer, l.setK(r.int32())),
              SET(ITopKLayer, l.setReduceAxes(static_cast<uint32_t>(r.integer()))),
              SET(ITopKLayer, l.setIndicesType(r.type()))};
    case LayerType::kMATRIX_MULTIPLY:
      return {SET(IMatrixMultiplyLayer, l.setOperation(r.int32(), r.value<MatrixOperation>()))};
    case LayerType::kEINSUM:
      return {SET(IEinsumLayer, l.setEquation(r.text()))};
    case LayerType::kCUMULATIVE:
      return {SET(ICumulativeLayer, l.setOperation(r.value<CumulativeOperation>())),
              SET(ICumulativeLayer, l.setExclusive(r.flag())),
              SET(ICumulativeLayer, l.setReverse(r.flag()))};
    case LayerType::kCAST:
      return {SET(ICastLayer, l.setToType(r.type()))};
    case LayerType::kCONSTANT:
      return {SET(IConstantLayer, l.setWeights(r.weights(8))),
              SET(IConstantLayer, l.setDimensions(r.dims()))};
    case LayerType::kFILL:
      return {SET(IFillLayer, l.setDimensions(r.dims())),
              SET(IFillLayer, l.setOperation(r.value<FillOperation>())),
              SET(IFillLayer, l.setAlpha(static_cast<double>(r.real()))),
              SET(IFillLayer, l.setBeta(static_cast<double>(r.real()))),
              SET(IFillLayer, l.setAlphaInt64(r.integer())),
              SET(IFillLayer, l.setBetaInt64(r.integer())),
              SET(IFillLayer, l.setToType(r.type()))};
    case LayerType::kLRN:
      return {SET(ILRNLayer, l.setWindowSize(r.integer())), SET(ILRNLayer, l.setAlpha(r.real())),
              SET(ILRNLayer, l.setBeta(r.real())), SET(ILRNLayer, l.setK(r.real()))};
    case LayerType::kSCALE:
      return {SET(IScaleLayer, l.setMode(r.value<ScaleMode>())),
              SET(IScaleLayer, l.setShift(r.weights(4))),
              SET(IScaleLayer, l.setScale(r.weights(1))),
              SET(IScaleLayer, l.setPower(r.weights(1))),
              SET(IScaleLayer, l.setChannelAxis(r.int32()))};
    case LayerType::kSOFTMAX:
      return {SET(ISoftMaxLayer, l.setAxes(static_cast<uint32_t>(r.integer())))};
    case LayerType::kNORMALIZATION:
      return {SET(INormalizationLayer, l.setEpsilon(r.real())),
              SET(INormalizationLayer, l.setAxes(static_cast<uint32_t>(r.integer()))),
              SET(INormalizationLayer, l.setNbGroups(r.integer())),
              SET(INormalizationLayer, l.setComputePrecision(r.type()))};
    case LayerType::kASSERTION:
      return {SET(IAssertionLayer, l.setMessage(r.text()))};
    default:
      return {};
  }
}

std::vector<Setter> other_setters(LayerType type) {
  switch (type) {
    case LayerType::kCONVOLUTION:
      return filters<IConvolutionLayer>();
    case LayerType::kDECONVOLUTION:
      return filters<IDeconvolutionLayer>();
    case LayerType::kPOOLING:
      return {SET(IPoolingLayer, l.setPoolingType(r.value<PoolingType>())),
              SET(IPoolingLayer, l.setBlendFactor(r.real())),
              SET(IPoolingLayer, l.setAverageCountExcludesPadding(r.flag())),
              SET(IPoolingLayer, l.setPrePadding(r.dims(2))),
              SET(IPoolingLayer, l.setPostPadding(r.dims(2))),
              SET(IPoolingLayer, l.setPaddingMode(r.value<PaddingMode>())),
              SET(IPoolingLayer, l.setWindowSizeNd(r.dims(2))),
              SET(IPoolingLayer, l.setStrideNd(r.dims(2))),
              SET(IPoolingLayer, l.setPaddingNd(r.dims(2)))};
    case LayerType::kQUANTIZE:
      return {SET(IQuantizeLayer, l.setAxis(r.int32())), SET(IQuantizeLayer, l.setToType(r.type())),
              SET(IQuantizeLayer, l.setBlockShape(r.dims()))};
    case LayerType::kDEQUANTIZE:
      return {SET(IDequantizeLayer, l.setAxis(r.int32())),
              SET(IDequantizeLayer, l.setToType(r.type())),
              SET(IDequantizeLayer, l.setBlockShape(r.dims()))};
    case LayerType::kDYNAMIC_QUANTIZE:
      return {SET(IDynamicQuantizeLayer, l.setAxis(r.int32())),
              SET(IDynamicQuantizeLayer, l.setToType(r.type())),
              SET(IDynamicQuantizeLayer, l.setScaleType(r.type())),
              SET(IDynamicQuantizeLayer, l.setBlockSize(r.int32())),
              SET(IDynamicQuantizeLayer, l.setBlockShape(r.dims()))};
    case LayerType::kLOOP_OUTPUT:
      return {SET(ILoopOutputLayer, l.setAxis(r.int32()))};
    case LayerType::kITERATOR:
      return {SET(IIteratorLayer, l.setAxis(r.int32())),
              SET(IIteratorLayer, l.setReverse(r.flag()))};
    case LayerType::kROTARY_EMBEDDING:
      return {SET(IRotaryEmbeddingLayer, l.setInterleaved(r.flag())),
              SET(IRotaryEmbeddingLayer, l.setRotaryEmbeddingDim(r.int32()))};
    case LayerType::kMOE:
      return {SET(IMoELayer, l.setActivationType(r.value<MoEActType>())),
              SET(IMoELayer, l.setQuantizationToType(r.type())),
              SET(IMoELayer, l.setQuantizationBlockShape(r.dims())),
              SET(IMoELayer, l.setDynQOutputScaleType(r.type())),
              SET(IMoELayer, l.setSwigluParams(r.real(), r.real(), r.real()))};
    default:
      return {};
  }
}

std::vector<Setter> setters_of(LayerType type) {
  std::vector<Setter> all = {
      SET(ILayer, l.setName(r.text())),
      SET(ILayer, l.setMetadata(r.text())),
      SET(ILayer, l.setPrecision(r.type())),
      SET(ILayer, l.resetPrecision()),
      SET(ILayer, l.setOutputType(r.int32(), r.type())),
      SET(ILayer, l.resetOutputType(r.int32())),
      SET(ILayer, l.getInput(r.int32())),
      SET(ILayer, l.getOutput(r.int32())),
      SET(ILayer, l.getOutputType(r.int32())),
      SET(ILayer, l.outputTypeIsSet(r.int32())),
  };
  for (const auto& some : {index_setters(type), math_setters(type), other_setters(type)}) {
    for (int copy = 0; copy < 3; ++copy) all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

/// Arguments for an add call: tensors of the network, or of another one.
struct Call {
  Random& r;
  INetworkDefinition& n;
  const std::vector<ITensor*>& tensors;
  std::vector<ILoop*>& loops;
  std::vector<IIfConditional*>& conditionals;

  ITensor& t() { return *r.pick(tensors); }
};
using Add = void (*)(Call&);

ITensor& constant(Call& c, std::initializer_list<int64_t> sizes, DataType type) {
  static int64_t values[8] = {0, 1, 0, 2, 1, 0, 0, 1};
  Dims d{};
  int64_t count = 1;
  for (const int64_t size : sizes) d.d[d.nbDims++] = size, count *= size;
  IConstantLayer* const layer = c.n.addConstant(d, {type, values, count});
  return layer && layer->getOutput(0) ? *layer->getOutput(0) : c.t();
}
ITensor& number(Call& c) {
  return c.r.once_in(8) ? c.t() : constant(c, {}, DataType::kINT32);
}

constexpr Add kAdds[] = {
    [](Call& c) { c.n.addActivation(c.t(), c.r.value<ActivationType>()); },
    [](Call& c) { c.n.addLRN(c.t(), c.r.integer(), c.r.real(), c.r.real(), c.r.real()); },
    [](Call& c) {
      c.n.addScale(c.t(), c.r.value<ScaleMode>(), c.r.weights(1), c.r.weights(1), c.r.weights(1));
    },
    [](Call& c) {
      c.n.addScaleNd(c.t(), c.r.value<ScaleMode>(), c.r.weights(3), c.r.weights(3), {},
                     c.r.int32());
    },
    [](Call& c) { c.n.addSoftMax(c.t()); },
    [](Call& c) {
      ITensor* list[] = {&c.t(), &c.t(), c.r.once_in(20) ? nullptr : &c.t()};
      c.n.addConcatenation(c.r.once_in(20) ? nullptr : list, std::min(c.r.int32(), 3));
    },
    [](Call& c) { c.n.addElementWise(c.t(), c.t(), c.r.value<ElementWiseOperation>()); },
    [](Call& c) { c.n.addUnary(c.t(), c.r.value<UnaryOperation>()); },
    [](Call& c) { c.n.addShuffle(c.t()); },
    [](Call& c) {
      c.n.addReduce(c.t(), c.r.value<ReduceOperation>(), static_cast<uint32_t>(c.r.integer()),
                    c.r.flag());
    },
    [](Call& c) {
      c.n.addTopK(c.t(), c.r.value<TopKOperation>(), c.r.int32(),
                  static_cast<uint32_t>(c.r.integer()), c.r.type());
    },
    [](Call& c) { c.n.addGather(c.t(), c.r.flag() ? c.t() : number(c), c.r.int32()); },
    [](Call& c) { c.n.addGatherV2(c.t(), c.t(), c.r.value<GatherMode>()); },
    [](Call& c) { c.n.addRaggedSoftMax(c.t(), c.t()); },
    [](Call& c) {
      c.n.addMatrixMultiply(c.t(), c.r.value<MatrixOperation>(), c.t(),
                            c.r.value<MatrixOperation>());
    },
    [](Call& c) { c.n.addNonZero(c.t(), c.r.type()); },
    [](Call& c) { c.n.addConstant(c.r.dims(), c.r.weights(c.r.integer())); },
    [](Call& c) { c.n.addIdentity(c.t()); },
    [](Call& c) { c.n.addCast(c.t(), c.r.type()); },
    [](Call& c) { c.n.addSlice(c.t(), c.r.dims(), c.r.dims(), c.r.dims()); },
    [](Call& c) { c.n.addShape(c.t()); },
    [](Call& c) { c.n.addParametricReLU(c.t(), c.t()); },
    [](Call& c) {
      c.n.addConvolutionNd(c.t(), c.r.integer(), c.r.dims(2), c.r.weights(c.r.below(200)), {});
    },
    [](Call& c) { c.n.addPoolingNd(c.t(), c.r.value<PoolingType>(), c.r.dims(2)); },
    [](Call& c) {
      c.n.addDeconvolutionNd(c.t(), c.r.integer(), c.r.dims(2), c.r.weights(c.r.below(200)), {});
    },
    [](Call& c) { c.n.addResize(c.t()); },
    [](Call& c) { c.loops.push_back(c.n.addLoop()); },
    [](Call& c) { c.conditionals.push_back(c.n.addIfConditional()); },
    [](Call& c) { c.n.addSelect(c.t(), c.t(), c.t()); },
    [](Call& c) { c.n.addAssertion(c.t(), c.r.text()); },
    [](Call& c) { c.n.addFill(c.r.dims(), c.r.value<FillOperation>(), c.r.type()); },
    [](Call& c) { c.n.addPaddingNd(c.t(), c.r.dims(2), c.r.dims(2)); },
    [](Call& c) { c.n.addDequantize(c.t(), c.t(), c.r.type()); },
    [](Call& c) { c.n.addScatter(c.t(), c.t(), c.t(), c.r.value<ScatterMode>()); },
    [](Call& c) { c.n.addQuantize(c.t(), c.t(), c.r.type()); },
    [](Call& c) {
      c.n.addDynamicQuantize(c.t(), c.r.int32(), c.r.int32(), c.r.type(), c.r.type());
    },
    [](Call& c) { c.n.addDynamicQuantizeV2(c.t(), c.r.dims(), c.r.type(), c.r.type()); },
    [](Call& c) {
      ITensor* list[] = {&c.t(), c.r.once_in(20) ? nullptr : &c.t()};
      c.n.addEinsum(c.r.once_in(20) ? nullptr : list, std::min(c.r.int32(), 2), c.r.text());
    },
    [](Call& c) { c.n.addGridSample(c.t(), c.t()); },
    [](Call& c) { c.n.addNMS(c.t(), c.t(), number(c), c.r.type()); },
    [](Call& c) { c.n.addReverseSequence(c.t(), c.t()); },
    [](Call& c) {
      c.n.addNormalization(c.t(), c.t(), c.t(), static_cast<uint32_t>(c.r.integer()));
    },
    [](Call& c) {
      c.n.addCumulative(c.t(), number(c), c.r.value<CumulativeOperation>(), c.r.flag(), c.r.flag());
    },
    [](Call& c) {
      IAttention* const a =
          c.n.addAttention(c.t(), c.t(), c.t(), c.r.value<AttentionNormalizationOp>(), c.r.flag());
      if (!a) return;
      if (c.r.flag()) a->setMask(c.t());
      if (c.r.once_in(4)) a->setInput(c.r.int32(), c.t());
      a->setName(c.r.text()), a->setMetadata(c.r.text()), a->setDecomposable(c.r.flag());
      a->setNormalizationOperation(c.r.value<AttentionNormalizationOp>());
      a->setNormalizationQuantizeToType(c.r.type()), a->setNbRanks(c.r.int32());
      if (c.r.once_in(4)) a->setNormalizationQuantizeScale(c.t());
    },
    [](Call& c) { c.n.addRotaryEmbedding(c.t(), c.t(), c.t(), c.r.flag(), c.r.int32()); },
    [](Call& c) { c.n.addKVCacheUpdate(c.t(), c.t(), c.t(), c.r.value<KVCacheMode>()); },
    [](Call& c) {
      IMoELayer* const m = c.n.addMoE(c.t(), c.t(), c.t());
      if (m && !c.r.once_in(4)) m->setGatedWeights(c.t(), c.t(), c.t(), c.r.value<MoEActType>());
      if (m && c.r.once_in(4)) m->setGatedBiases(c.t(), c.t(), c.t());
      if (m && c.r.once_in(4)) m->setQuantizationStatic(c.t(), c.r.type());
    },
    [](Call& c) { c.n.addSqueeze(c.t(), number(c)); },
    [](Call& c) { c.n.addUnsqueeze(c.t(), number(c)); },
    [](Call& c) {
      c.n.addOneHot(c.t(), c.r.flag() ? c.t() : constant(c, {2}, DataType::kFLOAT), number(c),
                    c.r.int32());
    },
    [](Call& c) {
      int64_t groups[] = {0, 1};
      (void)c.n.addDistCollective(c.t(), c.r.value<CollectiveOperation>(),
                                  c.r.value<ReduceOperation>(), c.r.integer(),
                                  c.r.flag() ? groups : nullptr, c.r.below(3));
    },
    [](Call& c) {
      ILoop* const loop = c.r.pick(c.loops);
      if (!loop) return;
      switch (c.r.below(5)) {
        case 0:
          loop->addTripLimit(number(c), c.r.value<TripLimit>());
          break;
        case 1:
          loop->addIterator(c.t(), c.r.int32(), c.r.flag());
          break;
        case 2:
          loop->addRecurrence(c.t());
          break;
        case 3:
          loop->addLoopOutput(c.t(), c.r.value<LoopOutput>(), c.r.int32());
          break;
        default:
          loop->setName(c.r.text());
      }
    },
    [](Call& c) {
      IIfConditional* const branch = c.r.pick(c.conditionals);
      if (!branch) return;
      switch (c.r.below(4)) {
        case 0:
          branch->setCondition(c.t());
          break;
        case 1:
          branch->addInput(c.t());
          break;
        case 2:
          branch->addOutput(c.t(), c.t());
          break;
        default:
          branch->setName(c.r.text());
      }
    },
};

}  // namespace

void set_something(Random& r, ILayer& layer, const std::vector<ITensor*>& tensors) {
  if (r.once_in(4)) return layer.setInput(r.int32(), *r.pick(tensors));
  const std::vector<Setter> all = setters_of(layer.getType());
  all[static_cast<size_t>(r.below(static_cast<int64_t>(all.size())))](r, layer);
}

void add_something(Random& r, INetworkDefinition& network, const std::vector<ITensor*>& tensors,
                   std::vector<ILoop*>& loops, std::vector<IIfConditional*>& conditionals) {
  Call call{r, network, tensors, loops, conditionals};
  kAdds[r.below(static_cast<int64_t>(std::size(kAdds)))](call);
}

}  // namespace calls
