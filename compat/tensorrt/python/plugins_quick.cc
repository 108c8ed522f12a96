// Quick plugins in Python: the native objects of their parts and of their creators.
#include <algorithm>

#include "impl/NvInferPythonPlugin.h"
#include "plugins.h"

namespace trt_python {
namespace {

class Core final : public CoreOfPython<IPluginV3QuickCore>, public QuickPart {
 public:
  using CoreOfPython::CoreOfPython;
  IPluginCapability* capability() override { return this; }
};

/// An expression as the library takes it, of an ISymExpr of Python or of a size itself.
class Expression final : public ISymExpr {
 public:
  explicit Expression(nb::handle value) {
    nb::object expression = nb::getattr(value, "expr", nb::borrow(value));
    expression_ = nb::cast<IDimensionExpr*>(expression);
    if (nb::hasattr(value, "dtype")) {
      data_type_ = nb::cast<PluginArgDataType>(nb::object(value.attr("dtype")));
    }
  }
  PluginArgType getType() const noexcept override { return PluginArgType::kINT; }
  PluginArgDataType getDataType() const noexcept override { return data_type_; }
  void* getExpr() noexcept override { return expression_; }

 private:
  IDimensionExpr* expression_ = nullptr;
  PluginArgDataType data_type_ = PluginArgDataType::kINT32;
};

/// A name of KernelLaunchParams, and how the library is told.
struct LaunchNumber {
  const char* name;
  bool (IKernelLaunchParams::*set)(ISymExpr*);
};
constexpr LaunchNumber kLaunchNumbers[] = {
    {"grid_x", &IKernelLaunchParams::setGridX},
    {"grid_y", &IKernelLaunchParams::setGridY},
    {"grid_z", &IKernelLaunchParams::setGridZ},
    {"block_x", &IKernelLaunchParams::setBlockX},
    {"block_y", &IKernelLaunchParams::setBlockY},
    {"block_z", &IKernelLaunchParams::setBlockZ},
    {"shared_mem", &IKernelLaunchParams::setSharedMem},
};

class Build final : public IPluginV3QuickAOTBuild, public QuickPart {
 public:
  explicit Build(nb::handle self)
      : self_(self), compiles_(nb::isinstance(self, plugin_part("IPluginV3QuickAOTBuild"))) {}
  IPluginCapability* capability() override { return this; }
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return {compiles_ ? "PLUGIN_V3QUICKAOT_BUILD" : "PLUGIN_V3QUICK_BUILD", 1, 0};
  }
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }

  int32_t getOutputDataTypes(DataType* types, int32_t outputs, DataType const* input_types,
                             int32_t const* ranks, int32_t inputs) const noexcept override {
    return guarded("get_output_data_types", 1, [&] {
      const auto result = nb::cast<std::vector<DataType>>(self_.attr("get_output_data_types")(
          list_of(input_types, inputs), list_of(ranks, inputs)));
      if (result.size() != static_cast<size_t>(outputs)) {
        throw nb::value_error("get_output_data_types() gives one type for each output");
      }
      std::copy(result.begin(), result.end(), types);
      return 0;
    });
  }
  int32_t getOutputShapes(DimsExprs const* inputs, int32_t input_count, DimsExprs const* values,
                          int32_t value_count, DimsExprs* outputs, int32_t output_count,
                          IExprBuilder& builder) noexcept override {
    return guarded("get_output_shapes", 1, [&] {
      nb::object result = self_.attr("get_output_shapes")(
          list_of(inputs, input_count), list_of(values, value_count),
          nb::cast(&builder, nb::rv_policy::reference));
      if (nb::len(result) != static_cast<size_t>(output_count)) {
        throw nb::value_error("get_output_shapes() gives one shape for each output");
      }
      for (int32_t i = 0; i < output_count; ++i) {
        outputs[i] = nb::cast<DimsExprs>(nb::object(result[i]));
      }
      return 0;
    });
  }
  int32_t configurePlugin(DynamicPluginTensorDesc64 const* in, int32_t inputs,
                          DynamicPluginTensorDesc64 const* out, int32_t outputs) noexcept override {
    return guarded("configure_plugin", 1, [&] {
      self_.attr("configure_plugin")(list_of(in, inputs), list_of(out, outputs));
      return 0;
    });
  }
  int32_t getNbSupportedFormatCombinations(DynamicPluginTensorDesc64 const* all, int32_t inputs,
                                           int32_t outputs) noexcept override {
    return guarded("get_supported_format_combinations", -1, [&] {
      const int32_t count = inputs + outputs;
      combinations_ = nb::cast<std::vector<PluginTensorDesc64>>(
          self_.attr("get_supported_format_combinations")(list_of(all, count), inputs));
      const auto given = static_cast<int32_t>(combinations_.size());
      if (count == 0 || given % count != 0) {
        throw nb::value_error(
            "get_supported_format_combinations() gives a description of each tensor, one "
            "combination after another");
      }
      return given / count;
    });
  }
  int32_t getSupportedFormatCombinations(DynamicPluginTensorDesc64 const*, int32_t inputs,
                                         int32_t outputs, PluginTensorDesc64* out,
                                         int32_t count) noexcept override {
    const auto wanted = static_cast<size_t>(count) * static_cast<size_t>(inputs + outputs);
    if (combinations_.size() < wanted) return 1;
    std::copy_n(combinations_.begin(), wanted, out);
    return 0;
  }
  int32_t getNbOutputs() const noexcept override {
    return guarded("get_num_outputs", 0,
                   [&] { return nb::cast<int32_t>(self_.attr("get_num_outputs")()); });
  }
  int32_t getAliasedInput(int32_t output) noexcept override {
    return guarded("get_aliased_input", -1,
                   [&] { return nb::cast<int32_t>(self_.attr("get_aliased_input")(output)); });
  }
  int32_t getNbTactics() noexcept override {
    return guarded("get_valid_tactics", 0, [&] {
      tactics_ = nb::cast<std::vector<int32_t>>(self_.attr("get_valid_tactics")());
      return static_cast<int32_t>(tactics_.size());
    });
  }
  int32_t getValidTactics(int32_t* tactics, int32_t count) noexcept override {
    if (tactics_.size() < static_cast<size_t>(count)) return 1;
    std::copy_n(tactics_.begin(), count, tactics);
    return 0;
  }
  int32_t setTactic(int32_t tactic) noexcept override {
    return guarded("set_tactic", 1, [&] {
      self_.attr("set_tactic")(tactic);
      return 0;
    });
  }
  int32_t getLaunchParams(DimsExprs const* inputs, DynamicPluginTensorDesc64 const* all,
                          int32_t input_count, int32_t outputs, IKernelLaunchParams* launch,
                          ISymExprs* extra, IExprBuilder& builder) noexcept override {
    return guarded("get_launch_params", 1, [&] {
      nb::object numbers = plugin_part("KernelLaunchParams")();
      nb::object arguments = plugin_part("ISymExprs")();
      self_.attr("get_launch_params")(list_of(inputs, input_count),
                                      list_of(all, input_count + outputs), input_count, numbers,
                                      arguments, nb::cast(&builder, nb::rv_policy::reference));
      for (const LaunchNumber& number : kLaunchNumbers) {
        nb::object value = numbers.attr(number.name);
        if (value.is_none()) continue;
        Expression expression(value);
        (launch->*number.set)(&expression);
      }
      const auto count = static_cast<int32_t>(nb::len(arguments));
      extra->setNbSymExprs(count);
      for (int32_t i = 0; i < count; ++i) {
        Expression expression(nb::object{arguments[i]});
        extra->setSymExpr(i, &expression);
      }
      return 0;
    });
  }
  int32_t getKernel(PluginTensorDesc64 const* in, int32_t inputs, PluginTensorDesc64 const* out,
                    int32_t outputs, const char** name, char** image,
                    int32_t* bytes) noexcept override {
    return guarded("get_kernel", 1, [&] {
      nb::tuple result =
          nb::cast<nb::tuple>(self_.attr("get_kernel")(list_of(in, inputs), list_of(out, outputs)));
      const auto text = [](nb::handle value) {
        if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
        const auto raw = nb::cast<nb::bytes>(value);
        return std::string(raw.c_str(), raw.size());
      };
      if (result.size() != 2) throw nb::value_error("get_kernel() gives a name and a kernel");
      name_ = text(result[0]), image_ = text(result[1]);
      *name = name_.c_str(), *image = image_.data();
      *bytes = static_cast<int32_t>(image_.size());
      return 0;
    });
  }

 private:
  nb::handle self_;
  bool compiles_;
  std::vector<PluginTensorDesc64> combinations_;
  std::vector<int32_t> tactics_;
  std::string name_, image_;
};

class Run final : public IPluginV3QuickRuntime, public QuickPart {
 public:
  explicit Run(nb::handle self) : self_(self) {}
  IPluginCapability* capability() override { return this; }
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }
  int32_t setTactic(int32_t tactic) noexcept override {
    return guarded("set_tactic", 1, [&] {
      self_.attr("set_tactic")(tactic);
      return 0;
    });
  }
  int32_t enqueue(PluginTensorDesc64 const* in, PluginTensorDesc64 const* out,
                  void const* const* inputs, void* const* outputs, Dims64 const* input_strides,
                  Dims64 const* output_strides, int32_t input_count, int32_t output_count,
                  cudaStream_t stream) noexcept override {
    return guarded("enqueue", 1, [&] {
      self_.attr("enqueue")(list_of(in, input_count), list_of(out, output_count),
                            addresses_of(inputs, input_count), addresses_of(outputs, output_count),
                            list_of(input_strides, input_count),
                            list_of(output_strides, output_count), address(stream));
      return 0;
    });
  }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    return fields_.serialized_of(self_);
  }

 private:
  nb::handle self_;
  Fields fields_;
};

/// Makes quick plugins, in Python.
class PythonCreatorQuick final : public CreatorOfPython<IPluginCreatorV3Quick> {
 public:
  using CreatorOfPython::CreatorOfPython;
  IPluginV3* createPlugin(AsciiChar const* name, AsciiChar const* space,
                          PluginFieldCollection const* fields, TensorRTPhase phase,
                          QuickPluginCreationRequest request) noexcept override {
    return guarded("create_plugin", static_cast<IPluginV3*>(nullptr), [&]() -> IPluginV3* {
      return released_plugin_v3(
          self_.attr("create_plugin")(name, space, fields_of(fields), phase, request));
    });
  }
  void release() { delete this; }
};

}  // namespace

std::unique_ptr<QuickPart> quick_part(nb::handle part, PluginCapabilityType type) {
  const auto is = [&](const char* name) { return nb::isinstance(part, plugin_part(name)); };
  switch (type) {
    case PluginCapabilityType::kCORE:
      if (is("IPluginV3QuickCore")) return std::make_unique<Core>(part);
      break;
    case PluginCapabilityType::kBUILD:
      if (is("IPluginV3QuickBuild")) return std::make_unique<Build>(part);
      break;
    case PluginCapabilityType::kRUNTIME:
      if (is("IPluginV3QuickRuntime")) return std::make_unique<Run>(part);
      break;
  }
  return nullptr;
}

IPluginCreatorInterface* native_creator_quick(nb::handle creator) {
  return adapter_of<PythonCreatorQuick>(creator, "IPluginCreatorV3Quick");
}

}  // namespace trt_python
