// The binary contract of compat/tensorrt: at which entry of its class's table each virtual function
// lies, and with which type. The facts are the .def files; a program compiled for TensorRT 10 calls
// by these numbers.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "NvInfer.h"
#include "NvInferPlugin.h"
#include "NvOnnxConfig.h"
#include "NvOnnxParser.h"
#include "impl/NvInferPythonPlugin.h"

namespace nvinfer1 {
namespace {

/// The entry that a pointer to a virtual member function names. The Itanium C++ ABI stores the
/// offset into the table, plus one.
template <typename Function, typename Class>
size_t entry_of(Function Class::*method) {
  static_assert(sizeof(method) == 2 * sizeof(ptrdiff_t), "not the Itanium C++ ABI");
  ptrdiff_t words[2];
  std::memcpy(words, &method, sizeof(words));
  return (words[0] & 1) != 0 ? static_cast<size_t>(words[0] - 1) / sizeof(void*) : SIZE_MAX;
}

/// Its function lies behind the last entry of the table of Class.
template <typename Class>
struct Appended : Class {
  Appended();
  virtual void appended() {}
};

#define SLOT(cls, index, method, ...)                                \
  {                                                                  \
    using Function = __VA_ARGS__;                                    \
    Function cls::*const member = &cls::method;                      \
    EXPECT_EQ(entry_of(member), size_t{index}) << #cls "::" #method; \
  }
#define COUNT(cls, entries) EXPECT_EQ(entry_of(&Appended<cls>::appended), size_t{entries}) << #cls;

TEST(TensorRtTables, Runtime){
#include "tests/tensorrt/tables_runtime.def"
}

TEST(TensorRtTables, Layers){
#include "tests/tensorrt/tables_layers.def"
}

TEST(TensorRtTables, Builder){
#include "tests/tensorrt/tables_builder.def"
}

TEST(TensorRtTables, Interfaces) {
#include "tests/tensorrt/tables_interfaces.def"
}

#undef SLOT
#undef COUNT

/// The pointers to the table lie where inline calls of other programs look for them.
TEST(TensorRtTables, Sizes) {
  EXPECT_EQ(sizeof(IHostMemory), 2 * sizeof(void*));
  EXPECT_EQ(sizeof(INetworkDefinition), 2 * sizeof(void*));
  EXPECT_EQ(sizeof(ILayer), 2 * sizeof(void*));
  EXPECT_EQ(sizeof(IConvolutionLayer), 3 * sizeof(void*));
  EXPECT_EQ(sizeof(ILoopOutputLayer), 4 * sizeof(void*));
  EXPECT_EQ(sizeof(Dims), 72U);
  EXPECT_EQ(sizeof(Weights), 24U);
  EXPECT_EQ(sizeof(PluginTensorDesc), 88U);
  EXPECT_EQ(sizeof(DynamicPluginTensorDesc), 304U);
  EXPECT_EQ(sizeof(TimingCacheValue), 16U);
}

}  // namespace
}  // namespace nvinfer1
