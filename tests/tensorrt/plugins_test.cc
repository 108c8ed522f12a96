// Plugins as programs write them compile; the registry finds, makes and forgets them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "NvInferPlugin.h"

namespace nvinfer1 {
namespace {

/// Version 2 with dynamic shapes: y = x.
class CopyV2 final : public IPluginV2DynamicExt {
 public:
  char const* getPluginType() const noexcept override { return "Copy"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return 1; }
  DimsExprs getOutputDimensions(int32_t, DimsExprs const* inputs, int32_t,
                                IExprBuilder&) noexcept override {
    return inputs[0];
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut, int32_t,
                                 int32_t) noexcept override {
    return inOut[pos].type == DataType::kFLOAT && inOut[pos].format == TensorFormat::kLINEAR;
  }
  void configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                       int32_t) noexcept override {}
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const*, void const* const* inputs,
                  void* const* outputs, void*, cudaStream_t) noexcept override {
    size_t bytes = sizeof(float);
    for (int32_t i = 0; i < in->dims.nbDims; i++) bytes *= static_cast<size_t>(in->dims.d[i]);
    std::memcpy(outputs[0], inputs[0], bytes);
    return 0;
  }
  DataType getOutputDataType(int32_t, DataType const* types, int32_t) const noexcept override {
    return types[0];
  }
  int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  size_t getSerializationSize() const noexcept override { return 0; }
  void serialize(void*) const noexcept override {}
  void destroy() noexcept override { delete this; }
  IPluginV2DynamicExt* clone() const noexcept override { return new CopyV2; }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 private:
  std::string space_;
};

class CopyV2Creator : public IPluginCreator {
 public:
  char const* getPluginName() const noexcept override { return "Copy"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  IPluginV2* createPlugin(char const*, PluginFieldCollection const*) noexcept override {
    return new CopyV2;
  }
  IPluginV2* deserializePlugin(char const*, void const*, size_t) noexcept override {
    return new CopyV2;
  }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 private:
  PluginFieldCollection fields_{};
  std::string space_;
};
REGISTER_TENSORRT_PLUGIN(CopyV2Creator);

/// Version 3: the three parts in one object.
class CopyV3 final : public IPluginV3,
                     public IPluginV3OneCore,
                     public IPluginV3OneBuildV2,
                     public IPluginV3OneRuntime {
 public:
  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
    switch (type) {
      case PluginCapabilityType::kCORE:
        return static_cast<IPluginV3OneCore*>(this);
      case PluginCapabilityType::kBUILD:
        return static_cast<IPluginV3OneBuildV2*>(this);
      case PluginCapabilityType::kRUNTIME:
        return static_cast<IPluginV3OneRuntime*>(this);
    }
    return nullptr;
  }
  IPluginV3* clone() noexcept override { return new CopyV3; }
  char const* getPluginName() const noexcept override { return "Copy"; }
  char const* getPluginVersion() const noexcept override { return "2"; }
  char const* getPluginNamespace() const noexcept override { return "test"; }
  int32_t configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                          int32_t) noexcept override {
    return 0;
  }
  int32_t getOutputDataTypes(DataType* out, int32_t, DataType const* in,
                             int32_t) const noexcept override {
    return out[0] = in[0], 0;
  }
  int32_t getOutputShapes(DimsExprs const* inputs, int32_t, DimsExprs const*, int32_t,
                          DimsExprs* outputs, int32_t, IExprBuilder&) noexcept override {
    return outputs[0] = inputs[0], 0;
  }
  bool supportsFormatCombination(int32_t, DynamicPluginTensorDesc const*, int32_t,
                                 int32_t) noexcept override {
    return true;
  }
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t onShapeChange(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                        int32_t) noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const*, PluginTensorDesc const*, void const* const*,
                  void* const*, void*, cudaStream_t) noexcept override {
    return 0;
  }
  IPluginV3* attachToContext(IPluginResourceContext*) noexcept override { return clone(); }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override { return &fields_; }

 private:
  PluginFieldCollection fields_{};
};

class CopyV3Creator : public IPluginCreatorV3One {
 public:
  IPluginV3* createPlugin(char const*, PluginFieldCollection const*,
                          TensorRTPhase) noexcept override {
    return new CopyV3;
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  char const* getPluginName() const noexcept override { return "Copy"; }
  char const* getPluginVersion() const noexcept override { return "2"; }
  char const* getPluginNamespace() const noexcept override { return "test"; }

 private:
  PluginFieldCollection fields_{};
};

struct Counted final : IPluginResource {
  explicit Counted(int& alive) : alive_(alive) { alive_++; }
  int32_t release() noexcept override {
    delete this;
    return 0;
  }
  IPluginResource* clone() noexcept override { return new Counted(alive_); }
  ~Counted() noexcept override { alive_--; }

 private:
  int& alive_;
};

TEST(TensorRtPlugins, TheMacroRegisters) {
  IPluginCreator* creator = getPluginRegistry()->getPluginCreator("Copy", "1");
  ASSERT_NE(creator, nullptr);
  EXPECT_EQ(getPluginRegistry()->getCreator("Copy", "1"), creator);
  EXPECT_EQ(getPluginRegistry()->getCreator("Copy", "9"), nullptr);
  EXPECT_EQ(getPluginRegistry()->getCreator(nullptr, "1"), nullptr);
  EXPECT_STREQ(creator->getInterfaceInfo().kind, "PLUGIN CREATOR_V1");
  IPluginV2* plugin = creator->createPlugin("one", creator->getFieldNames());
  EXPECT_EQ(plugin->getTensorRTVersion() >> 24, static_cast<int>(PluginVersion::kV2_DYNAMICEXT));
  EXPECT_EQ(plugin->getTensorRTVersion() & 0xFFFFFF, NV_TENSORRT_VERSION);
  plugin->destroy();
  EXPECT_FALSE(getPluginRegistry()->registerCreator(*creator, ""));  // the name is taken
}

TEST(TensorRtPlugins, VersionThree) {
  IPluginRegistry& registry = *getPluginRegistry();
  CopyV3Creator creator;
  IPluginCreatorInterface& base = creator;
  ASSERT_TRUE(registry.registerCreator(base, "test"));
  EXPECT_EQ(registry.getCreator("Copy", "2", "test"), &creator);
  EXPECT_EQ(registry.getCreator("Copy", "2", ""), nullptr);
  int32_t count = 0, old = 0;
  IPluginCreatorInterface* const* all = registry.getAllCreators(&count);
  registry.getPluginCreatorList(&old);
  EXPECT_EQ(count, old + 1);  // this one is not of version 2
  EXPECT_NE(std::find(all, all + count, &creator), all + count);
  std::unique_ptr<IPluginV3> plugin(
      creator.createPlugin("one", creator.getFieldNames(), TensorRTPhase::kBUILD));
  EXPECT_STREQ(plugin->getInterfaceInfo().kind, "PLUGIN");
  auto* build = plugin->getCapabilityInterface(PluginCapabilityType::kBUILD);
  EXPECT_EQ(build->getInterfaceInfo().major, 2);
  EXPECT_EQ(static_cast<IPluginV3OneBuildV2*>(build)->getAliasedInput(0), -1);
  EXPECT_TRUE(registry.deregisterCreator(base));
  EXPECT_FALSE(registry.deregisterCreator(base));
  EXPECT_EQ(registry.getCreator("Copy", "2", "test"), nullptr);
}

TEST(TensorRtPlugins, ResourcesAreSharedByKey) {
  IPluginRegistry& registry = *getPluginRegistry();
  int alive = 0;
  {
    Counted mine(alive);
    IPluginResource* first = registry.acquirePluginResource("key", &mine);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(registry.acquirePluginResource("key", &mine), first);
  }
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(registry.releasePluginResource("key"), 0);
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(registry.releasePluginResource("key"), 0);
  EXPECT_EQ(alive, 0);
  EXPECT_NE(registry.releasePluginResource("key"), 0);
}

struct LastError final : IErrorRecorder {
  int32_t getNbErrors() const noexcept override { return text.empty() ? 0 : 1; }
  ErrorCode getErrorCode(int32_t) const noexcept override { return ErrorCode::kFAILED_EXECUTION; }
  ErrorDesc getErrorDesc(int32_t) const noexcept override { return text.c_str(); }
  bool hasOverflowed() const noexcept override { return false; }
  void clear() noexcept override { text.clear(); }
  bool reportError(ErrorCode, ErrorDesc why) noexcept override { return text = why, true; }
  RefCount incRefCount() noexcept override { return 1; }
  RefCount decRefCount() noexcept override { return 1; }
  std::string text;
};

TEST(TensorRtPlugins, LibrariesBringCreators) {
  IPluginRegistry& registry = *getPluginRegistry();
  IPluginRegistry::PluginLibraryHandle library = registry.loadLibrary(CARNOT_PLUGIN_LIBRARY);
  ASSERT_NE(library, nullptr);
  IPluginCreatorInterface* const creator = registry.getCreator("OfALibrary", "1");
  ASSERT_NE(creator, nullptr);
  LastError last;
  registry.setErrorRecorder(&last);
  const PluginFieldCollection none{};
  EXPECT_FALSE(
      static_cast<IPluginCreatorV3One*>(creator)->createPlugin("p", &none, TensorRTPhase::kBUILD));
  EXPECT_NE(last.text.find("none is made"), std::string::npos) << last.text;
  registry.setErrorRecorder(nullptr);
  registry.deregisterLibrary(library);
  EXPECT_EQ(registry.getCreator("OfALibrary", "1"), nullptr);
}

TEST(TensorRtPlugins, LibrariesThatAreNone) {
  EXPECT_EQ(getPluginRegistry()->loadLibrary("/nonexistent/libplugin.so"), nullptr);
  EXPECT_EQ(getPluginRegistry()->loadLibrary(nullptr), nullptr);
  EXPECT_TRUE(initLibNvInferPlugins(nullptr, ""));
}

}  // namespace
}  // namespace nvinfer1
