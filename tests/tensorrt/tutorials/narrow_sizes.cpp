// Sources of versions 7 and 8, compiled with CARNOT_TENSORRT_SOURCE: sizes are `int`, and plugins
// of each kind see them so. The network: image -> Half (dynamic) -> Twice (with formats) ->
// NonZero.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "NvInfer.h"

using namespace nvinfer1;

static_assert(NV_TENSORRT_MAJOR == CARNOT_TENSORRT_SOURCE, "programs choose by it");
static_assert(std::is_same<decltype(Dims::d), int32_t[8]>::value, "sizes have 32 bits");

namespace {

#if NV_TENSORRT_MAJOR < 8
using Outputs = void**;  // of plugins without dynamic shapes
#else
using Outputs = void* const*;
#endif

class Logger : public ILogger {
  void log(Severity severity, const char* msg) noexcept override {
    if (severity <= Severity::kWARNING) std::printf("%s\n", msg);
  }
} logger;

int volume(const Dims& dims) {
  int product = 1;
  for (int i = 0; i < dims.nbDims; ++i) product *= std::max(dims.d[i], 1);
  return product;
}

void scale(const void* from, void* to, int count, float factor) {
  for (int i = 0; i < count; ++i) {
    static_cast<float*>(to)[i] = factor * static_cast<const float*>(from)[i];
  }
}

bool isLinearFloat(const PluginTensorDesc& desc) {
  return desc.type == DataType::kFLOAT && desc.format == TensorFormat::kLINEAR;
}

/// What every plugin of version 2 says of itself.
template <typename Base>
class Named : public Base {
 public:
  explicit Named(const char* type) : mType(type) {}
  const char* getPluginType() const noexcept override { return mType; }
  const char* getPluginVersion() const noexcept override { return "1"; }
  int getNbOutputs() const noexcept override { return 1; }
  int initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  size_t getSerializationSize() const noexcept override { return 0; }
  void serialize(void*) const noexcept override {}
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(const char* space) noexcept override { mNamespace = space; }
  const char* getPluginNamespace() const noexcept override { return mNamespace.c_str(); }
  DataType getOutputDataType(int, const DataType* types, int) const noexcept override {
    return types[0];
  }

 private:
  const char* mType;
  std::string mNamespace;
};

class Half : public Named<IPluginV2DynamicExt> {
 public:
  Half() : Named("NarrowHalf") {}
  IPluginV2DynamicExt* clone() const noexcept override { return new Half(); }
  DimsExprs getOutputDimensions(int, const DimsExprs* inputs, int,
                                IExprBuilder& builder) noexcept override {
    DimsExprs out = inputs[0];
    const IDimensionExpr* last = inputs[0].d[1];
    const int known = last->isConstant() ? std::max(last->getConstantValue(), 1) : 4;
    out.d[1] = builder.constant(known);
    return out;
  }
  bool supportsFormatCombination(int pos, const PluginTensorDesc* inOut, int,
                                 int) noexcept override {
    return isLinearFloat(inOut[pos]);
  }
  void configurePlugin(const DynamicPluginTensorDesc* in, int, const DynamicPluginTensorDesc* out,
                       int) noexcept override {
    mMax = std::max(in[0].max.d[0], out[0].max.d[0]);
  }
  size_t getWorkspaceSize(const PluginTensorDesc* inputs, int, const PluginTensorDesc*,
                          int) const noexcept override {
    return static_cast<size_t>(volume(inputs[0].dims)) * sizeof(float);
  }
  int enqueue(const PluginTensorDesc* inputDesc, const PluginTensorDesc* outputDesc,
              const void* const* inputs, void* const* outputs, void* workspace,
              cudaStream_t) noexcept override {
    const int count = volume(inputDesc[0].dims);
    if (count != volume(outputDesc[0].dims) || inputDesc[0].dims.d[0] > mMax) return 1;
    scale(inputs[0], workspace, count, 0.5F);
    std::memcpy(outputs[0], workspace, static_cast<size_t>(count) * sizeof(float));
    return 0;
  }

 private:
  int mMax{0};
};

/// The part of plugins that knows one shape.
template <typename Base>
class Fixed : public Named<Base> {
 public:
  using Named<Base>::Named;
  Dims getOutputDimensions(int, const Dims* inputs, int) noexcept override { return inputs[0]; }
  size_t getWorkspaceSize(int) const noexcept override { return 0; }
  int enqueue(int batchSize, const void* const* inputs, Outputs outputs, void*,
              cudaStream_t) noexcept override {
    scale(inputs[0], outputs[0], batchSize * mCount, 2.0F);
    return 0;
  }

 protected:
  int mCount{0};
};

class Twice : public Fixed<IPluginV2IOExt> {
 public:
  Twice() : Fixed("NarrowTwice") {}
  IPluginV2Ext* clone() const noexcept override { return new Twice(*this); }
  bool isOutputBroadcastAcrossBatch(int, const bool*, int) const noexcept override { return false; }
  bool canBroadcastInputAcrossBatch(int) const noexcept override { return false; }
  bool supportsFormatCombination(int pos, const PluginTensorDesc* inOut, int,
                                 int) const noexcept override {
    return isLinearFloat(inOut[pos]);
  }
  void configurePlugin(const PluginTensorDesc* in, int, const PluginTensorDesc*,
                       int) noexcept override {
    mCount = volume(in[0].dims);
  }
};

class TwiceExt : public Fixed<IPluginV2Ext> {
 public:
  TwiceExt() : Fixed("NarrowTwiceExt") {}
  IPluginV2Ext* clone() const noexcept override { return new TwiceExt(*this); }
  bool isOutputBroadcastAcrossBatch(int, const bool*, int) const noexcept override { return false; }
  bool canBroadcastInputAcrossBatch(int) const noexcept override { return false; }
  bool supportsFormat(DataType type, PluginFormat format) const noexcept override {
    return type == DataType::kFLOAT && format == PluginFormat::kLINEAR;
  }
  void configurePlugin(const Dims* in, int, const Dims*, int, const DataType*, const DataType*,
                       const bool*, const bool*, PluginFormat, int) noexcept override {
    const int* sizes = in[0].d;
    mCount = sizes[0] * (in[0].nbDims > 1 ? sizes[1] : 1);
  }
};

class Memory : public IOutputAllocator {
 public:
  void* reallocateOutput(const char*, void*, uint64_t size, uint64_t) noexcept override {
    mBytes.resize(std::max(size, uint64_t{1}));
    return mBytes.data();
  }
  void notifyShape(const char*, const Dims& dims) noexcept override {
    mFound = std::min(dims.d[1], 1000);
  }
  std::vector<char> mBytes;
  int mFound{-1};
};

template <typename T>
struct Destroy {
  void operator()(T* object) const { object->destroy(); }
};
template <typename T>
std::unique_ptr<T, Destroy<T>> own(T* object) {
  return std::unique_ptr<T, Destroy<T>>(object);
}

#if NV_TENSORRT_MAJOR < 8
/// Programs of version 7 have blocks of their own; Dims had a third member.
class OwnMemory : public IHostMemory {
 public:
  void* data() const noexcept override { return const_cast<char*>(mBytes); }
  std::size_t size() const noexcept override { return sizeof(mBytes); }
  DataType type() const noexcept override { return DataType::kINT8; }
  void destroy() noexcept override { delete this; }

 private:
  char mBytes[3]{'a', 'b', 'c'};
};
bool ofVersion7() {
  IHostMemory* memory = new OwnMemory();
  const bool same = memory->size() == 3 && static_cast<char*>(memory->data())[2] == 'c';
  memory->destroy();
  const Dims dims{2, {3, 4}, {DimensionType::kCHANNEL, DimensionType::kSPATIAL}};
  return same && volume(dims) == 12;
}
#else
bool ofVersion7() {
  return true;
}
#endif

/// A plan's path through memory, then a run with a dynamic first size.
bool explicitBatch() {
  auto builder = own(createInferBuilder(logger));
  auto network = own(builder->createNetworkV2(1U));
  ITensor* image = network->addInput("image", DataType::kFLOAT, Dims2{-1, 4});
  Half half;
  image = network->addPluginV2(&image, 1, half)->getOutput(0);
  IConstantLayer* one =
      network->addConstant(Dims2{1, 1}, Weights{DataType::kFLOAT, "\0\0\x80\x3f", 1});
  image =
      network->addElementWise(*image, *one->getOutput(0), ElementWiseOperation::kSUB)->getOutput(0);
  image->setName("result");
  network->markOutput(*image);
  ITensor* found = network->addNonZero(*image)->getOutput(0);
  found->setName("found");
  network->markOutput(*found);
  if (std::min(image->getDimensions().d[1], 100) != 4) return false;

  auto config = own(builder->createBuilderConfig());
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  profile->setDimensions("image", OptProfileSelector::kMIN, Dims2{1, 4});
  profile->setDimensions("image", OptProfileSelector::kOPT, Dims2{2, 4});
  profile->setDimensions("image", OptProfileSelector::kMAX, Dims2{5, 4});
  config->addOptimizationProfile(profile);
  auto engine = own(builder->buildEngineWithConfig(*network, *config));
  if (!engine) return false;
  auto context = own(engine->createExecutionContext());
  float in[12], out[12];
  for (int i = 0; i < 12; ++i) in[i] = i < 9 ? 2.0F : 6.0F;
  Memory memory;
  context->setInputShape("image", Dims2{3, 4});
  context->setTensorAddress("image", in);
  context->setTensorAddress("result", out);
  context->setOutputAllocator("found", &memory);
  const Dims shape = context->getTensorShape("result");
  if (!context->enqueueV3(nullptr) || std::min(shape.d[0], 9) != 3) return false;
  return out[0] == 0 && out[11] == 2 && memory.mFound == 3;
}

/// Plugins that know one shape, in a network with an implicit batch.
template <typename Plugin>
bool implicitBatch() {
  auto builder = own(createInferBuilder(logger));
  auto network = own(builder->createNetworkV2(0U));
  if (!network->hasImplicitBatchDimension()) return false;
  ITensor* data = network->addInput("data", DataType::kFLOAT, Dims2{2, 3});
  Plugin plugin;
  data = network->addPluginV2(&data, 1, plugin)->getOutput(0);
  data->setName("twice");
  network->markOutput(*data);
  builder->setMaxBatchSize(2);
  auto engine = own(builder->buildCudaEngine(*network));
  if (!engine || std::max(engine->getBindingDimensions(1).d[1], 0) != 3) return false;
  auto context = own(engine->createExecutionContext());
  float in[12], out[12];
  for (int i = 0; i < 12; ++i) in[i] = static_cast<float>(i);
  void* buffers[] = {in, out};
  return context->execute(2, buffers) && out[0] == 0 && out[11] == 22;
}

const char* nameOf(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::kEXPLICIT_ROUND_DOWN:
      return "down";
    case PaddingMode::kEXPLICIT_ROUND_UP:
      return "up";
    case PaddingMode::kCAFFE_ROUND_DOWN:
      return "caffe down";
    case PaddingMode::kCAFFE_ROUND_UP:
      return "caffe up";
    default:
      return "same";
  }
}

/// Six modes, of which libraries of version 10 know four.
bool paddingModes() {
  auto builder = own(createInferBuilder(logger));
  auto network = own(builder->createNetworkV2(1U));
  ITensor* image = network->addInput("image", DataType::kFLOAT, Dims4{1, 1, 4, 4});
  IPoolingLayer* pool = network->addPoolingNd(*image, PoolingType::kMAX, DimsHW{3, 3});
  const bool apart = pool->getStrideNd().d[0] == 3;  // windows were side by side
  pool->setStrideNd(DimsHW{2, 2});
  pool->setPaddingMode(PaddingMode::kCAFFE_ROUND_UP);
  const bool up = std::min(pool->getOutput(0)->getDimensions().d[2], 9) == 2;
  return apart && up && std::strcmp(nameOf(pool->getPaddingMode()), "up") == 0 &&
         std::strcmp(nameOf(PaddingMode::kCAFFE_ROUND_UP), "caffe up") == 0;
}

/// Programs that look the libraries' functions up pass the version themselves. Those compiled with
/// NVIDIA's headers of then have another interface.
bool versions() {
  IBuilder* builder =
      static_cast<IBuilder*>(createInferBuilder_INTERNAL(&logger, NV_TENSORRT_VERSION));
  if (!builder) return false;
  builder->destroy();
  return !createInferBuilder_INTERNAL(&logger, 8601) && !createInferRuntime_INTERNAL(&logger, 7203);
}

}  // namespace

int main() {
  const bool results[] = {
      ofVersion7(), explicitBatch(), implicitBatch<Twice>(), implicitBatch<TwiceExt>(),
      versions(),   paddingModes()};
  for (size_t i = 0; i < 6; ++i) {
    if (!results[i]) std::printf("part %zu failed\n", i);
  }
  return std::count(results, results + 6, true) == 6 ? 0 : 1;
}
