// INetworkDefinition: a network that is being made.

#pragma once

#include "nvinfer/layers_attention.h"
#include "nvinfer/layers_filter.h"
#include "nvinfer/layers_flow.h"
#include "nvinfer/layers_math.h"
#include "nvinfer/layers_quantize.h"
#include "nvinfer/layers_recurrent.h"
#include "nvinfer/layers_shape.h"
#include "nvinfer/layers_vision.h"

namespace nvinfer1 {

/// A network that is being made. It owns its layers and tensors; weights belong to the program
/// until the engine is built. Calls that cannot be done return null or false and log why.
class INetworkDefinition : public INoCopy {
 public:
  virtual ~INetworkDefinition() noexcept = default;

  /// -1 for dynamic sizes. The name is copied and must be new.
  ITensor* addInput(char const* name, DataType type, Dims const& dimensions) noexcept {
    return mImpl->addInput(name, type, dimensions);
  }

  /// Outputs keep the order in which they are marked.
  void markOutput(ITensor& tensor) noexcept { mImpl->markOutput(tensor); }

  /// The tensor stays visible to an IDebugListener.
  bool markDebug(ITensor& tensor) noexcept { return mImpl->markDebug(tensor); }
  bool unmarkDebug(ITensor& tensor) noexcept { return mImpl->unmarkDebug(tensor); }
  bool isDebugTensor(ITensor const& tensor) const noexcept { return mImpl->isDebugTensor(tensor); }

  /// Marks those that fusion leaves.
  bool markUnfusedTensorsAsDebugTensors() noexcept {
    return mImpl->markUnfusedTensorsAsDebugTensors();
  }
  bool unmarkUnfusedTensorsAsDebugTensors() noexcept {
    return mImpl->unmarkUnfusedTensorsAsDebugTensors();
  }
  IActivationLayer* addActivation(ITensor& input, ActivationType type) noexcept {
    return mImpl->addActivation(input, type);
  }
  ILRNLayer* addLRN(ITensor& input, int64_t window, float alpha, float beta, float k) noexcept {
    return mImpl->addLRN(input, window, alpha, beta, k);
  }

  /// Along axis 1 where the mode is kCHANNEL.
  IScaleLayer* addScale(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                        Weights power) noexcept {
    return mImpl->addScale(input, mode, shift, scale, power);
  }
  ISoftMaxLayer* addSoftMax(ITensor& input) noexcept { return mImpl->addSoftMax(input); }

  /// nbInputs tensors of one rank.
  IConcatenationLayer* addConcatenation(ITensor* const* inputs, int32_t nbInputs) noexcept {
    return mImpl->addConcatenation(inputs, nbInputs);
  }
  IElementWiseLayer* addElementWise(ITensor& input1, ITensor& input2,
                                    ElementWiseOperation op) noexcept {
    return mImpl->addElementWise(input1, input2, op);
  }
  IUnaryLayer* addUnary(ITensor& input, UnaryOperation operation) noexcept {
    return mImpl->addUnary(input, operation);
  }
  IShuffleLayer* addShuffle(ITensor& input) noexcept { return mImpl->addShuffle(input); }
  IOneHotLayer* addOneHot(ITensor& indices, ITensor& values, ITensor& depth,
                          int32_t axis) noexcept {
    return mImpl->addOneHot(indices, values, depth, axis);
  }
  int32_t getNbLayers() const noexcept { return mImpl->getNbLayers(); }
  ILayer* getLayer(int32_t index) const noexcept { return mImpl->getLayer(index); }
  int32_t getNbInputs() const noexcept { return mImpl->getNbInputs(); }
  ITensor* getInput(int32_t index) const noexcept { return mImpl->getInput(index); }
  int32_t getNbOutputs() const noexcept { return mImpl->getNbOutputs(); }
  ITensor* getOutput(int32_t index) const noexcept { return mImpl->getOutput(index); }

  /// reduceAxes has a bit for each axis.
  IReduceLayer* addReduce(ITensor& input, ReduceOperation operation, uint32_t reduceAxes,
                          bool keepDimensions) noexcept {
    return mImpl->addReduce(input, operation, reduceAxes, keepDimensions);
  }

  /// reduceAxes has one bit.
  ITopKLayer* addTopK(ITensor& input, TopKOperation op, int32_t k, uint32_t reduceAxes) noexcept {
    return mImpl->addTopK(input, op, k, reduceAxes);
  }

  /// With the type of the positions.
  ITopKLayer* addTopK(ITensor& input, TopKOperation op, int32_t k, uint32_t reduceAxes,
                      DataType indicesType) noexcept {
    return mImpl->addTopKV2(input, op, k, reduceAxes, indicesType);
  }

  /// Of mode kDEFAULT.
  IGatherLayer* addGather(ITensor& data, ITensor& indices, int32_t axis) noexcept {
    return mImpl->addGather(data, indices, axis);
  }
  IGatherLayer* addGatherV2(ITensor& data, ITensor& indices, GatherMode mode) noexcept {
    return mImpl->addGatherV2(data, indices, mode);
  }
  IRaggedSoftMaxLayer* addRaggedSoftMax(ITensor& input, ITensor& bounds) noexcept {
    return mImpl->addRaggedSoftMax(input, bounds);
  }
  IMatrixMultiplyLayer* addMatrixMultiply(ITensor& input0, MatrixOperation op0, ITensor& input1,
                                          MatrixOperation op1) noexcept {
    return mImpl->addMatrixMultiply(input0, op0, input1, op1);
  }
  INonZeroLayer* addNonZero(ITensor& input) noexcept { return mImpl->addNonZero(input); }
  INonZeroLayer* addNonZero(ITensor& input, DataType indicesType) noexcept {
    return mImpl->addNonZeroV2(input, indicesType);
  }

  /// The number of weights is that of the dimensions' elements.
  IConstantLayer* addConstant(Dims const& dimensions, Weights weights) noexcept {
    return mImpl->addConstant(dimensions, weights);
  }
  IIdentityLayer* addIdentity(ITensor& input) noexcept { return mImpl->addIdentity(input); }
  ICastLayer* addCast(ITensor& input, DataType toType) noexcept {
    return mImpl->addCast(input, toType);
  }

  /// Takes the output of a removed layer out of the network.
  void removeTensor(ITensor& tensor) noexcept { mImpl->removeTensor(tensor); }
  void unmarkOutput(ITensor& tensor) noexcept { mImpl->unmarkOutput(tensor); }

  /// Clones the plugin.
  IPluginV2Layer* addPluginV2(ITensor* const* inputs, int32_t nbInputs,
                              IPluginV2& plugin) noexcept {
    return mImpl->addPluginV2(inputs, nbInputs, plugin);
  }

  /// Clones the plugin. shapeInputs are inputs that shapes depend on.
  IPluginV3Layer* addPluginV3(ITensor* const* inputs, int32_t nbInputs, ITensor* const* shapeInputs,
                              int32_t nbShapeInputs, IPluginV3& plugin) noexcept {
    return mImpl->addPluginV3(inputs, nbInputs, shapeInputs, nbShapeInputs, plugin);
  }
  ISliceLayer* addSlice(ITensor& input, Dims const& start, Dims const& size,
                        Dims const& stride) noexcept {
    return mImpl->addSlice(input, start, size, stride);
  }
  void setName(char const* name) noexcept { mImpl->setName(name); }
  char const* getName() const noexcept { return mImpl->getName(); }
  IShapeLayer* addShape(ITensor& input) noexcept { return mImpl->addShape(input); }

  /// True only for networks of IBuilder::createNetwork().
  bool hasImplicitBatchDimension() const noexcept { return mImpl->hasImplicitBatchDimension(); }

  /// What createNetworkV2() was given.
  NetworkDefinitionCreationFlags getFlags() const noexcept { return mImpl->getFlags(); }
  bool getFlag(NetworkDefinitionCreationFlag networkDefinitionCreationFlag) const noexcept {
    return mImpl->getFlag(networkDefinitionCreationFlag);
  }

  /// The output's values are on the host.
  bool markOutputForShapes(ITensor& tensor) noexcept { return mImpl->markOutputForShapes(tensor); }
  bool unmarkOutputForShapes(ITensor& tensor) noexcept {
    return mImpl->unmarkOutputForShapes(tensor);
  }
  IParametricReLULayer* addParametricReLU(ITensor& input, ITensor& slope) noexcept {
    return mImpl->addParametricReLU(input, slope);
  }

  /// kernelSize has two or three sizes. Weights that are empty come by setInput().
  IConvolutionLayer* addConvolutionNd(ITensor& input, int64_t nbOutputMaps, Dims const& kernelSize,
                                      Weights kernelWeights, Weights biasWeights) noexcept {
    return mImpl->addConvolutionNd(input, nbOutputMaps, kernelSize, kernelWeights, biasWeights);
  }
  /// A stride of 1, until the layer is told otherwise; before version 10 that of the window.
  IPoolingLayer* addPoolingNd(ITensor& input, PoolingType type, Dims const& windowSize) noexcept {
    return CARNOT_TENSORRT_SOURCE < 10 ? carnotTrtAddPooling(input, type, windowSize)
                                       : mImpl->addPoolingNd(input, type, windowSize);
  }
  IDeconvolutionLayer* addDeconvolutionNd(ITensor& input, int64_t nbOutputMaps, Dims kernelSize,
                                          Weights kernelWeights, Weights biasWeights) noexcept {
    return mImpl->addDeconvolutionNd(input, nbOutputMaps, kernelSize, kernelWeights, biasWeights);
  }
  IScaleLayer* addScaleNd(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                          Weights power, int32_t channelAxis) noexcept {
    return mImpl->addScaleNd(input, mode, shift, scale, power, channelAxis);
  }

  /// Nearest, until the layer is told otherwise.
  IResizeLayer* addResize(ITensor& input) noexcept { return mImpl->addResize(input); }
  ILoop* addLoop() noexcept { return mImpl->addLoop(); }
  IIfConditional* addIfConditional() noexcept { return mImpl->addIfConditional(); }

  /// thenInput where the condition is true.
  ISelectLayer* addSelect(ITensor& condition, ITensor& thenInput, ITensor& elseInput) noexcept {
    return mImpl->addSelect(condition, thenInput, elseInput);
  }
  IAssertionLayer* addAssertion(ITensor& condition, char const* message) noexcept {
    return mImpl->addAssertion(condition, message);
  }

  /// Of kFLOAT.
  IFillLayer* addFill(Dims const& dimensions, FillOperation op) noexcept {
    return mImpl->addFill(dimensions, op);
  }

  /// With the type of its elements.
  IFillLayer* addFill(Dims const& dimensions, FillOperation op, DataType outputType) noexcept {
    return mImpl->addFillV2(dimensions, op, outputType);
  }
  IPaddingLayer* addPaddingNd(ITensor& input, Dims const& prePadding,
                              Dims const& postPadding) noexcept {
    return mImpl->addPaddingNd(input, prePadding, postPadding);
  }

  /// By which IRefitter finds them. False for weights of no layer.
  bool setWeightsName(Weights weights, char const* name) noexcept {
    return mImpl->setWeightsName(weights, name);
  }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  /// To kFLOAT, or what setToType() says.
  IDequantizeLayer* addDequantize(ITensor& input, ITensor& scale) noexcept {
    return mImpl->addDequantize(input, scale);
  }
  IDequantizeLayer* addDequantize(ITensor& input, ITensor& scale, DataType outputType) noexcept {
    return mImpl->addDequantizeV2(input, scale, outputType);
  }
  IScatterLayer* addScatter(ITensor& data, ITensor& indices, ITensor& updates,
                            ScatterMode mode) noexcept {
    return mImpl->addScatter(data, indices, updates, mode);
  }

  /// To kINT8, or what setToType() says.
  IQuantizeLayer* addQuantize(ITensor& input, ITensor& scale) noexcept {
    return mImpl->addQuantize(input, scale);
  }
  IQuantizeLayer* addQuantize(ITensor& input, ITensor& scale, DataType outputType) noexcept {
    return mImpl->addQuantizeV2(input, scale, outputType);
  }

  /// In blocks of blockSize elements along an axis.
  IDynamicQuantizeLayer* addDynamicQuantize(ITensor& input, int32_t axis, int32_t blockSize,
                                            DataType outputType, DataType scaleType) noexcept {
    return mImpl->addDynamicQuantize(input, axis, blockSize, outputType, scaleType);
  }

  /// In blocks of a shape.
  IDynamicQuantizeLayer* addDynamicQuantizeV2(ITensor& input, Dims const& blockShape,
                                              DataType outputType, DataType scaleType) noexcept {
    return mImpl->addDynamicQuantizeV2(input, blockShape, outputType, scaleType);
  }
  IEinsumLayer* addEinsum(ITensor* const* inputs, int32_t nbInputs, char const* equation) noexcept {
    return mImpl->addEinsum(inputs, nbInputs, equation);
  }
  IGridSampleLayer* addGridSample(ITensor& input, ITensor& grid) noexcept {
    return mImpl->addGridSample(input, grid);
  }
  INMSLayer* addNMS(ITensor& boxes, ITensor& scores, ITensor& maxOutputBoxesPerClass) noexcept {
    return mImpl->addNMS(boxes, scores, maxOutputBoxesPerClass);
  }
  INMSLayer* addNMS(ITensor& boxes, ITensor& scores, ITensor& maxOutputBoxesPerClass,
                    DataType indicesType) noexcept {
    return mImpl->addNMSV2(boxes, scores, maxOutputBoxesPerClass, indicesType);
  }
  IReverseSequenceLayer* addReverseSequence(ITensor& input, ITensor& sequenceLens) noexcept {
    return mImpl->addReverseSequence(input, sequenceLens);
  }

  /// scale and bias are [1, C, 1..].
  INormalizationLayer* addNormalization(ITensor& input, ITensor& scale, ITensor& bias,
                                        uint32_t axesMask) noexcept {
    return mImpl->addNormalization(input, scale, bias, axesMask);
  }

  /// axis is a constant scalar.
  ICumulativeLayer* addCumulative(ITensor& input, ITensor& axis, CumulativeOperation operation,
                                  bool exclusive, bool reverse) noexcept {
    return mImpl->addCumulative(input, axis, operation, exclusive, reverse);
  }
  IAttention* addAttention(ITensor& query, ITensor& key, ITensor& value,
                           AttentionNormalizationOp normOp, bool causal) noexcept {
    return mImpl->addAttention(query, key, value, normOp, causal);
  }
  IRotaryEmbeddingLayer* addRotaryEmbedding(ITensor& input, ITensor& cosCache, ITensor& sinCache,
                                            bool interleaved, int32_t rotaryEmbeddingDim) noexcept {
    return mImpl->addRotaryEmbedding(input, cosCache, sinCache, interleaved, rotaryEmbeddingDim);
  }
  IKVCacheUpdateLayer* addKVCacheUpdate(ITensor& cache, ITensor& update, ITensor& writeIndices,
                                        KVCacheMode cacheMode) noexcept {
    return mImpl->addKVCacheUpdate(cache, update, writeIndices, cacheMode);
  }

  /// Null: there are no mixtures of experts here.
  IMoELayer* addMoE(ITensor& hiddenStates, ITensor& selectedExpertsForTokens,
                    ITensor& scoresForSelectedExperts) noexcept {
    return mImpl->addMoE(hiddenStates, selectedExpertsForTokens, scoresForSelectedExperts);
  }

  /// Null: one process has one device.
  TRT_NODISCARD IDistCollectiveLayer* addDistCollective(ITensor& input,
                                                        CollectiveOperation distCollectiveOp,
                                                        ReduceOperation reduceOp, int64_t root,
                                                        int64_t* groups,
                                                        int64_t groupSize) noexcept {
    return mImpl->addDistCollective(input, distCollectiveOp, reduceOp, root, groups, groupSize);
  }
  virtual IBuilder& getBuilder() const noexcept { return mImpl->getBuilder(); }

  /// For BuilderFlag::kREFIT_INDIVIDUAL. False for unknown names.
  bool markWeightsRefittable(char const* name) noexcept {
    return mImpl->markWeightsRefittable(name);
  }
  bool unmarkWeightsRefittable(char const* name) noexcept {
    return mImpl->unmarkWeightsRefittable(name);
  }
  bool areWeightsMarkedRefittable(char const* name) const noexcept {
    return mImpl->areWeightsMarkedRefittable(name);
  }
  ISqueezeLayer* addSqueeze(ITensor& input, ITensor& axes) noexcept {
    return mImpl->addSqueeze(input, axes);
  }
  IUnsqueezeLayer* addUnsqueeze(ITensor& input, ITensor& axes) noexcept {
    return mImpl->addUnsqueeze(input, axes);
  }

  /// scale and bias have the shape of the normalized axes.
  TRT_NODISCARD INormalizationLayer* addNormalizationV2(ITensor& input, ITensor& scale,
                                                        ITensor& bias, uint32_t axesMask) noexcept {
    return mImpl->addNormalizationV2(input, scale, bias, axesMask);
  }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  IConvolutionLayer* addConvolution(ITensor& input, int32_t nbOutputMaps, DimsHW kernelSize,
                                    Weights kernelWeights, Weights biasWeights) noexcept {
    return addConvolutionNd(input, nbOutputMaps, kernelSize, kernelWeights, biasWeights);
  }

  IDeconvolutionLayer* addDeconvolution(ITensor& input, int32_t nbOutputMaps, DimsHW kernelSize,
                                        Weights kernelWeights, Weights biasWeights) noexcept {
    return addDeconvolutionNd(input, nbOutputMaps, kernelSize, kernelWeights, biasWeights);
  }

  IPoolingLayer* carnotTrtAddPooling(ITensor& input, PoolingType type,
                                     Dims const& windowSize) noexcept {
    IPoolingLayer* const layer = mImpl->addPoolingNd(input, type, windowSize);
    if (layer) layer->setStrideNd(windowSize);
    return layer;
  }
  IPoolingLayer* addPooling(ITensor& input, PoolingType type, DimsHW windowSize) noexcept {
    return carnotTrtAddPooling(input, type, windowSize);
  }

  IPaddingLayer* addPadding(ITensor& input, DimsHW prePadding, DimsHW postPadding) noexcept {
    return addPaddingNd(input, prePadding, postPadding);
  }

  /// input [.., C, H, W] -> [.., nbOutputs, 1, 1]: a convolution whose window is the whole image.
  /// kernelWeights are [nbOutputs, C * H * W]; C, H and W must be known.
  IFullyConnectedLayer* addFullyConnected(ITensor& input, int32_t nbOutputs, Weights kernelWeights,
                                          Weights biasWeights) noexcept {
    Dims const dims = input.getDimensions();
    DimsHW const window = dims.nbDims >= 3
                              ? DimsHW{dims.d[dims.nbDims - 2], dims.d[dims.nbDims - 1]}
                              : DimsHW{-1, -1};
    // The class adds no members to the convolution's.
    return static_cast<IFullyConnectedLayer*>(
        static_cast<void*>(addConvolutionNd(input, nbOutputs, window, kernelWeights, biasWeights)));
  }

  /// A stack of recurrent layers over input [.., steps, width] (versions 4 to 8). getType() tells
  /// kIDENTITY.
  IRNNv2Layer* addRNNv2(ITensor& input, int32_t layerCount, int32_t hiddenSize, int32_t maxSeqLen,
                        RNNOperation op) noexcept {
    return carnotTrtAddRNNv2(this, &input, layerCount, hiddenSize, maxSeqLen, op);
  }

  /// As the overload with MatrixOperation (versions 5 to 7).
  IMatrixMultiplyLayer* addMatrixMultiply(ITensor& input0, bool transpose0, ITensor& input1,
                                          bool transpose1) noexcept {
    return addMatrixMultiply(
        input0, transpose0 ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE, input1,
        transpose1 ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE);
  }

  /// As addAttention(), with the mask as version 11 names it. Null for kLOWER_RIGHT, which is not
  /// supported.
  IAttention* addAttentionV2(ITensor& query, ITensor& key, ITensor& value,
                             AttentionNormalizationOp normOp, CausalMaskKind causalKind) noexcept {
    return causalKind == CausalMaskKind::kLOWER_RIGHT
               ? nullptr
               : addAttention(query, key, value, normOp, causalKind == CausalMaskKind::kUPPER_LEFT);
  }

#if CARNOT_TENSORRT_SOURCE < 8
  /// Null, and an error: see nvinfer/plugins_v1.h.
  IPluginLayer* addPlugin(ITensor* const* inputs, int32_t nbInputs, IPlugin& plugin) noexcept;
  IPluginLayer* addPluginExt(ITensor* const* inputs, int32_t nbInputs, IPluginExt& plugin) noexcept;
#endif

  /// Always false: explicit precision (versions 6 to 8) is what Q/DQ layers say.
  bool hasExplicitPrecision() const noexcept {
    return false;
  }

 protected:
  apiv::VNetworkDefinition* mImpl;
};

}  // namespace nvinfer1
