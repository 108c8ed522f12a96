#pragma once
// Network: INetworkDefinition.
#include <array>
#include <set>
#include <unordered_set>

#include "legacy.h"
#include "scope.h"

namespace trt {

class Builder;
class Loop;
class Plugin;
struct PluginRecord;
class Conditional;
class Attention;

/// The smallest, likely and largest values of sizes, where they are known.
using SizeRanges = std::array<carnot::Symbols, 3>;

class Network final : public INetworkDefinition, public apiv::VNetworkDefinition {
 public:
  Network(IBuilder& builder, const Reporter& reporter, NetworkDefinitionCreationFlags flags);
  ~Network() noexcept override;

  ITensor* addInput(char const* name, DataType type, Dims const& dimensions) noexcept override;
  void markOutput(ITensor& tensor) noexcept override;
  IActivationLayer* addActivation(ITensor& input, ActivationType type) noexcept override;
  ILRNLayer* addLRN(ITensor& input, int64_t window, float alpha, float beta,
                    float k) noexcept override;
  IScaleLayer* addScale(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                        Weights power) noexcept override;
  ISoftMaxLayer* addSoftMax(ITensor& input) noexcept override;
  IConcatenationLayer* addConcatenation(ITensor* const* inputs, int32_t nbInputs) noexcept override;
  IElementWiseLayer* addElementWise(ITensor& input1, ITensor& input2,
                                    ElementWiseOperation op) noexcept override;
  IUnaryLayer* addUnary(ITensor& input, UnaryOperation operation) noexcept override;
  IShuffleLayer* addShuffle(ITensor& input) noexcept override;
  int32_t getNbLayers() const noexcept override;
  ILayer* getLayer(int32_t index) const noexcept override;
  int32_t getNbInputs() const noexcept override;
  ITensor* getInput(int32_t index) const noexcept override;
  int32_t getNbOutputs() const noexcept override;
  ITensor* getOutput(int32_t index) const noexcept override;
  IReduceLayer* addReduce(ITensor& input, ReduceOperation operation, uint32_t reduceAxes,
                          bool keepDimensions) noexcept override;
  ITopKLayer* addTopK(ITensor& input, TopKOperation op, int32_t k,
                      uint32_t reduceAxes) noexcept override;
  IGatherLayer* addGather(ITensor& data, ITensor& indices, int32_t axis) noexcept override;
  IRaggedSoftMaxLayer* addRaggedSoftMax(ITensor& input, ITensor& bounds) noexcept override;
  IMatrixMultiplyLayer* addMatrixMultiply(ITensor& input0, MatrixOperation op0, ITensor& input1,
                                          MatrixOperation op1) noexcept override;
  IConstantLayer* addConstant(Dims const& dimensions, Weights weights) noexcept override;
  IIdentityLayer* addIdentity(ITensor& input) noexcept override;
  void removeTensor(ITensor& tensor) noexcept override;
  void unmarkOutput(ITensor& tensor) noexcept override;
  IPluginV2Layer* addPluginV2(ITensor* const* inputs, int32_t nbInputs,
                              IPluginV2& plugin) noexcept override;
  IPluginV3Layer* addPluginV3(ITensor* const* inputs, int32_t nbInputs, ITensor* const* shapeInputs,
                              int32_t nbShapeInputs, IPluginV3& plugin) noexcept override;
  ISliceLayer* addSlice(ITensor& input, Dims const& start, Dims const& size,
                        Dims const& stride) noexcept override;
  void setName(char const* name) noexcept override;
  char const* getName() const noexcept override;
  IShapeLayer* addShape(ITensor& input) noexcept override;
  bool hasImplicitBatchDimension() const noexcept override;
  bool markOutputForShapes(ITensor& tensor) noexcept override;
  bool unmarkOutputForShapes(ITensor& tensor) noexcept override;
  IParametricReLULayer* addParametricReLU(ITensor& input, ITensor& slope) noexcept override;
  IConvolutionLayer* addConvolutionNd(ITensor& input, int64_t nbOutputMaps, Dims const& kernelSize,
                                      Weights kernelWeights, Weights biasWeights) noexcept override;
  IPoolingLayer* addPoolingNd(ITensor& input, PoolingType type,
                              Dims const& windowSize) noexcept override;
  IDeconvolutionLayer* addDeconvolutionNd(ITensor& input, int64_t nbOutputMaps,
                                          Dims const& kernelSize, Weights kernelWeights,
                                          Weights biasWeights) noexcept override;
  IScaleLayer* addScaleNd(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                          Weights power, int32_t channelAxis) noexcept override;
  IResizeLayer* addResize(ITensor& input) noexcept override;
  ILoop* addLoop() noexcept override;
  ISelectLayer* addSelect(ITensor& condition, ITensor& thenInput,
                          ITensor& elseInput) noexcept override;
  IFillLayer* addFill(Dims const& dimensions, FillOperation op) noexcept override;
  IPaddingLayer* addPaddingNd(ITensor& input, Dims const& prePadding,
                              Dims const& postPadding) noexcept override;
  bool setWeightsName(Weights weights, char const* name) noexcept override;
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override;
  IErrorRecorder* getErrorRecorder() const noexcept override;
  IDequantizeLayer* addDequantize(ITensor& input, ITensor& scale) noexcept override;
  IQuantizeLayer* addQuantize(ITensor& input, ITensor& scale) noexcept override;
  IGatherLayer* addGatherV2(ITensor& data, ITensor& indices, GatherMode mode) noexcept override;
  IIfConditional* addIfConditional() noexcept override;
  IScatterLayer* addScatter(ITensor& data, ITensor& indices, ITensor& updates,
                            ScatterMode mode) noexcept override;
  IEinsumLayer* addEinsum(ITensor* const* inputs, int32_t nbInputs,
                          char const* equation) noexcept override;
  IAssertionLayer* addAssertion(ITensor& condition, char const* message) noexcept override;
  IOneHotLayer* addOneHot(ITensor& indices, ITensor& values, ITensor& depth,
                          int32_t axis) noexcept override;
  INonZeroLayer* addNonZero(ITensor& input) noexcept override;
  IGridSampleLayer* addGridSample(ITensor& input, ITensor& grid) noexcept override;
  INMSLayer* addNMS(ITensor& boxes, ITensor& scores,
                    ITensor& maxOutputBoxesPerClass) noexcept override;
  IReverseSequenceLayer* addReverseSequence(ITensor& input,
                                            ITensor& sequenceLens) noexcept override;
  INormalizationLayer* addNormalization(ITensor& input, ITensor& scale, ITensor& bias,
                                        uint32_t axesMask) noexcept override;
  ICastLayer* addCast(ITensor& input, DataType toType) noexcept override;
  IBuilder& getBuilder() const noexcept override;
  NetworkDefinitionCreationFlags getFlags() const noexcept override;
  bool getFlag(NetworkDefinitionCreationFlag networkDefinitionCreationFlag) const noexcept override;
  IQuantizeLayer* addQuantizeV2(ITensor& input, ITensor& scale,
                                DataType outputType) noexcept override;
  IDequantizeLayer* addDequantizeV2(ITensor& input, ITensor& scale,
                                    DataType outputType) noexcept override;
  IFillLayer* addFillV2(Dims const& dimensions, FillOperation op,
                        DataType outputType) noexcept override;
  bool markDebug(ITensor& tensor) noexcept override;
  bool unmarkDebug(ITensor& tensor) noexcept override;
  bool isDebugTensor(ITensor const& tensor) const noexcept override;
  bool markWeightsRefittable(char const* name) noexcept override;
  bool unmarkWeightsRefittable(char const* name) noexcept override;
  bool areWeightsMarkedRefittable(char const* name) const noexcept override;
  ISqueezeLayer* addSqueeze(ITensor& input, ITensor& axes) noexcept override;
  IUnsqueezeLayer* addUnsqueeze(ITensor& input, ITensor& axes) noexcept override;
  IDynamicQuantizeLayer* addDynamicQuantize(ITensor& input, int32_t axis, int32_t blockSize,
                                            DataType toType, DataType scaleType) noexcept override;
  ICumulativeLayer* addCumulative(ITensor& input, ITensor& axis, CumulativeOperation operation,
                                  bool exclusive, bool reverse) noexcept override;
  bool markUnfusedTensorsAsDebugTensors() noexcept override;
  bool unmarkUnfusedTensorsAsDebugTensors() noexcept override;
  ITopKLayer* addTopKV2(ITensor& input, TopKOperation op, int32_t k, uint32_t reduceAxes,
                        DataType indicesType) noexcept override;
  INonZeroLayer* addNonZeroV2(ITensor& input, DataType indicesType) noexcept override;
  INMSLayer* addNMSV2(ITensor& boxes, ITensor& scores, ITensor& maxOutputBoxesPerClass,
                      DataType indicesType) noexcept override;
  IAttention* addAttention(ITensor& query, ITensor& key, ITensor& value,
                           AttentionNormalizationOp normOp, bool isCausal) noexcept override;
  IRotaryEmbeddingLayer* addRotaryEmbedding(ITensor& input, ITensor& cosCache, ITensor& sinCache,
                                            bool interleaved,
                                            int32_t rotaryEmbeddingDim) noexcept override;
  IDynamicQuantizeLayer* addDynamicQuantizeV2(ITensor& input, Dims const& blockShape,
                                              DataType toType,
                                              DataType scaleType) noexcept override;
  IKVCacheUpdateLayer* addKVCacheUpdate(ITensor& cache, ITensor& update, ITensor& writeIndices,
                                        KVCacheMode cacheMode) noexcept override;
  INormalizationLayer* addNormalizationV2(ITensor& input, ITensor& scale, ITensor& bias,
                                          uint32_t axesMask) noexcept override;
  IMoELayer* addMoE(ITensor& hiddenStates, ITensor& selectedExpertsForTokens,
                    ITensor& scoresForSelectedExperts) noexcept override;
  IDistCollectiveLayer* addDistCollective(ITensor& input, CollectiveOperation distCollectiveOp,
                                          ReduceOperation reduceOp, int64_t root, int64_t* groups,
                                          int64_t groupSize) noexcept override;

  Reporter& reporter() { return reporter_; }
  const std::vector<std::unique_ptr<Layer>>& layers() const { return layers_; }
  const std::vector<std::unique_ptr<NetTensor>>& inputs() const { return inputs_; }
  const std::vector<NetTensor*>& outputs() const { return outputs_; }
  bool is_strongly_typed() const { return (flags_ >> 1 & 1) != 0; }

  /// A parameter of a layer, or of an input, has changed.
  void changed() { ++epoch_; }
  /// The value's type in the network as it stands; an error where a layer cannot be translated.
  carnot::Result<Handle> probe(const NetTensor& tensor);
  Emit& probed() { return probe_->emit; }
  using Sizes = std::map<std::string, carnot::Dim, std::less<>>;
  /// The whole as a Network of ours, outputs marked. `with_precisions`: layers compute in the
  /// precisions that were set on them. `fixed`: what symbols of inputs' sizes stand for.
  carnot::Result<carnot::Network> translate(bool with_precisions = false, const Sizes& fixed = {});
  /// The same for an engine: plugins are configured for these sizes, and their state is in it.
  carnot::Result<carnot::Network> translate_for_engine(SizeRanges ranges, bool with_precisions,
                                                       const Sizes& fixed);
  bool is_building() const { return building_; }
  /// How inputs and outputs lie in memory, since the last translate_for_engine().
  const std::map<std::string, StoredFormat, std::less<>>& formats() const { return formats_; }

  /// Float tensors that a run computes, inputs among them: not constants, not inside of loops and
  /// branches.
  std::vector<NetTensor*> measured_tensors();
  /// Whether the network says itself what is quantized: it has layers whose results are INT8.
  bool is_quantized();
  /// From now on translations have these tensors as outputs, named kDebugPrefix and their place in
  /// the list, in place of debug tensors; layers compute and inputs are in the types of the
  /// network, whatever was set on them. Null: as before.
  void observe(const std::vector<NetTensor*>* tensors) { observed_ = tensors; }
  const SizeRanges& size_ranges() const { return size_ranges_; }
  /// Whether markUnfusedTensorsAsDebugTensors() was called.
  bool shows_unfused() const { return shows_unfused_; }
  /// From now on translations have as outputs, named kUnfusedPrefix and their name, the results of
  /// layers that kernels end with: the last origins of an engine's steps.
  void set_unfused(const std::set<std::string>& origins);
  /// Constants of the last translate_for_engine() that are the scale of an INT8 tensor: its name.
  const std::map<const void*, std::string>& scales() const { return scales_; }
  /// The name that was set for weights; empty where there is none.
  std::string name_of_weights(const Weights& weights) const {
    const auto found = weight_names_.find(weights.values);
    return found == weight_names_.end() ? "" : found->second;
  }
  /// A clone of the plugin that a plan of this network means; or none.
  Plugin plugin_of(const PluginRecord& record) const;

  NetTensor* new_input(std::string name, carnot::TensorType type);
  void resize_input(NetTensor& input, const Dims& dims);
  /// Sizes of one name are equal.
  void name_size(NetTensor& input, int32_t axis, const char* name);
  /// Whether some layer computes a shape from this input's values.
  bool feeds_a_shape(const NetTensor& input) const;
  template <class T>
  T* keep(std::unique_ptr<T> layer, int outputs) {
    name_layer(*layer, outputs);
    T* const out = layer.get();
    layers_.push_back(std::move(layer));
    return out;
  }
  /// Takes the last layers back, from this one on; nobody uses them.
  void drop_layers(size_t from);
  /// Keeps a copy of a model's bytes, which imported weights point into.
  std::span<const std::byte> keep_bytes(std::vector<std::byte> bytes) {
    kept_bytes_.push_back(std::move(bytes));
    return kept_bytes_.back();
  }
  /// An output of a model: under the model's name for it, and of a type that TensorRT has.
  void mark_named(NetTensor& tensor, const carnot::TensorSpec& spec);
  /// Not what is null, another network's, or removed.
  bool owns(const ITensor* tensor) const {
    const auto* const t = static_cast<const NetTensor*>(tensor);
    return t && &t->network == this && !t->removed;
  }
  /// Why owns() is false.
  std::string why_not_owned(const ITensor* tensor) const;
  void mark(NetTensor& tensor);
  int64_t& fresh() { return fresh_; }
  /// Layers that compute from what one of the roots gives, without `stops` and what is behind them.
  std::set<const Layer*> dependents(const std::set<const Layer*>& roots,
                                    const std::set<const Layer*>& stops) const;

  /// Makes a layer of these inputs, which `set` fills in; null, and an error, where an input is
  /// another network's.
  template <class T, class F>
  T* add(const char* call, std::initializer_list<const ITensor*> tensors, int outputs, F&& set);

 private:
  struct Age {
    int64_t checked_epoch = -1, revision = -1;
    std::vector<int64_t> inputs;
    int64_t id = 0;
    carnot::Status problem;
  };
  void name_layer(Layer& layer, int outputs);
  void check(Layer& layer);
  Handle probe_or_throw(const NetTensor& tensor);
  std::set<const Layer*> layers_in_bodies() const;
  int64_t id_of(const NetTensor* tensor);
  bool are_mine(const char* call, ITensor* const* tensors, int32_t count);
  /// Whether it may be named in this call; else an error.
  bool is_mine(const char* call, const ITensor& tensor) const;
  /// " (input 0 is 'x' [2, 3], ...)", behind what is wrong with a layer of these inputs.
  std::string described(const std::vector<ITensor*>& inputs);
  Layer* add_output_copy(NetTensor& tensor, carnot::DType dtype);

  IBuilder& builder_;
  Reporter reporter_;
  NetworkDefinitionCreationFlags flags_;
  std::string name_ = "Unnamed Network 0";
  std::vector<std::unique_ptr<NetTensor>> inputs_;
  std::vector<std::unique_ptr<NetTensor>> removed_;  ///< inputs: programs may know them still
  std::vector<NetTensor*> outputs_;
  std::set<const NetTensor*> shape_outputs_;
  std::vector<NetTensor*> debug_;
  const std::vector<NetTensor*>* observed_ = nullptr;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::unique_ptr<Conditional>> conditionals_;
  std::vector<std::unique_ptr<Attention>> attentions_;
  std::map<const void*, std::string> weight_names_;
  std::set<std::string, std::less<>> refittable_;
  std::vector<std::vector<std::byte>> kept_bytes_;
  std::map<std::string, carnot::Dim, std::less<>> pinned_;
  bool shows_unfused_ = false;
  std::vector<NetTensor*> unfused_;
  bool building_ = false;
  std::map<std::string, StoredFormat, std::less<>> formats_;
  std::map<const void*, std::string> scales_;
  SizeRanges size_ranges_;

  std::unique_ptr<Scope> probe_;
  std::unordered_map<const Layer*, Age> ages_;
  std::unordered_map<const NetTensor*, int64_t> input_ids_;
  std::unordered_map<const NetTensor*, std::string> input_stamps_;
  int64_t epoch_ = 0, next_id_ = 1, fresh_ = 0;
};

}  // namespace trt
