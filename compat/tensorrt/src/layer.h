#pragma once
// NetTensor and Layer: what an INetworkDefinition is made of. A layer keeps its user's parameters
// and is translated to operations when somebody asks for shapes, or builds (scope.h).
#include <cmath>
#include <map>
#include <memory>

#include "emit.h"

namespace trt {

class Network;
class Layer;
class Scope;

/// Half of a dynamic range in steps of INT8.
inline float scale_of_range(float min, float max) {
  return std::max(std::abs(min), std::abs(max)) / 127;
}

class NetTensor final : public ITensor, public apiv::VTensor {
 public:
  NetTensor(Network& network, Layer* producer, int32_t index);
  ~NetTensor() noexcept override;

  void setName(char const* name) noexcept override;
  char const* getName() const noexcept override { return name.c_str(); }
  void setDimensions(Dims const& dimensions) noexcept override;
  Dims getDimensions() const noexcept override;
  void setType(DataType type) noexcept override;
  DataType getType() const noexcept override;
  bool setDynamicRange(float min, float max) noexcept override;
  bool isNetworkInput() const noexcept override { return producer == nullptr; }
  bool isNetworkOutput() const noexcept override;
  void setBroadcastAcrossBatch(bool) noexcept override;
  bool getBroadcastAcrossBatch() const noexcept override { return false; }
  TensorLocation getLocation() const noexcept override { return location_; }
  void setLocation(TensorLocation location) noexcept override;
  bool dynamicRangeIsSet() const noexcept override { return range_set_; }
  void resetDynamicRange() noexcept override { range_set_ = false; }
  float getDynamicRangeMin() const noexcept override { return range_set_ ? range_min_ : kNoRange; }
  float getDynamicRangeMax() const noexcept override { return range_set_ ? range_max_ : kNoRange; }
  void setAllowedFormats(TensorFormats formats) noexcept override;
  TensorFormats getAllowedFormats() const noexcept override { return formats_; }
  bool isShapeTensor() const noexcept override;
  bool isExecutionTensor() const noexcept override;
  void setDimensionName(int32_t index, char const* name) noexcept override;
  char const* getDimensionName(int32_t index) const noexcept override;

  void keep_dimension_name(int32_t i, std::string text) { dimension_names_[i] = std::move(text); }

  Network& network;
  Layer* const producer;  ///< null for a network input
  const int32_t index;    ///< which output of the producer
  std::string name;
  // Of inputs: `type` as the network computes with it, which the user may have set otherwise.
  carnot::TensorType type;
  std::optional<DataType> wanted_type;
  bool removed = false;   ///< from its network
  bool type_set = false;  ///< of others: by setType(), not for its layer by setOutputType()

  /// Half of the dynamic range in steps of INT8; 0 where there is no range.
  float scale() const { return range_set_ ? scale_of_range(range_min_, range_max_) : 0; }

 private:
  static constexpr TensorFormats kAllFormats = (1u << 13) - 1;
  static constexpr float kNoRange = std::numeric_limits<float>::quiet_NaN();
  TensorLocation location_ = TensorLocation::kDEVICE;
  bool range_set_ = false;
  float range_min_ = 0, range_max_ = 0;
  TensorFormats formats_ = kAllFormats;
  mutable std::map<int32_t, std::string> dimension_names_;
};

/// What every layer is to us; LayerOf makes it TensorRT's.
class Layer {
 public:
  Layer(Network& net, LayerType layer_type) : network(net), kind(layer_type) {}
  virtual ~Layer() = default;
  virtual ILayer* face() = 0;
  /// The layer's results from its inputs, absent ones being invalid handles.
  virtual Values emit(Emit& e, const Values& in) = 0;
  /// For layers at the edge of a loop or conditional, which need more than their inputs: emits into
  /// the scope and says so.
  virtual bool emit_edge(Scope&) { return false; }
  /// The first so many inputs decide what the results' types are.
  virtual size_t shaping_inputs() const { return inputs.size(); }
  /// From this input on the values are sizes and the like; behind all inputs where none are.
  virtual ptrdiff_t first_shape_input() const {
    const bool behind_data =
        kind == LayerType::kSHUFFLE || kind == LayerType::kSLICE || kind == LayerType::kRESIZE;
    return behind_data ? 1 : kind == LayerType::kFILL ? 0 : static_cast<ptrdiff_t>(inputs.size());
  }
  /// What it computes from: its inputs, but where other layers only show how they come about.
  virtual const std::vector<NetTensor*>& reads() const { return inputs; }
  /// How many inputs setInput() may reach.
  virtual int32_t inputs_max() const { return static_cast<int32_t>(inputs.size()); }
  /// What the user should see as the type of this kind in names: "Convolution".
  const char* kind_name() const;

  void touch();  ///< a parameter has changed
  /// Reports a value that means nothing; the parameter stays as it was.
  void refuse_value(const char* setter, const std::string& why);
  /// Whether it can be the layer's name, or text about it; else an error.
  bool takes_text(const char* setter, const char* text);
  /// Whether the setter is one of weakly typed networks, as this is; else an error.
  bool takes_types(const char* setter);
  void renew();  ///< an input or an output's type has
  bool set_input(int32_t index, NetTensor* tensor);
  NetTensor* input(size_t i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  void add_outputs(int count);

  Network& network;
  const LayerType kind;
  std::string name, metadata;
  std::vector<std::string> origin;  ///< ONNX nodes; else the layer's name counts
  std::vector<NetTensor*> inputs;
  std::vector<std::unique_ptr<NetTensor>> outputs;
  std::optional<DataType> precision;
  std::map<int32_t, DataType> output_types;
  int32_t ranks = 1;

  // The last translation (scope.h): its inputs' and own ages, and what went wrong.
  int64_t revision = 0;
  bool parameters_set = false;  ///< by the user, since the layer was added
};

/// Whether an enumeration has this value; numbers have all.
template <class T>
bool is_legal(const T& given) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<int32_t>(given) >= 0 && static_cast<int32_t>(given) < EnumMax<T>();
  } else if constexpr (std::is_same_v<T, Dims>) {
    return given.nbDims >= -1 && given.nbDims <= Dims::MAX_DIMS;  // -1: none are set
  } else {
    return true;
  }
}
template <class T>
std::string text_of_value(const T& given) {
  if constexpr (std::is_enum_v<T>) {
    return cat("there is no value ", static_cast<int32_t>(given), "; those of 0 to ",
               EnumMax<T>() - 1, " are known");
  } else if constexpr (std::is_same_v<T, Dims>) {
    return text_of(given);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return cat(given, " is out of range");
  } else {
    return "out of range";
  }
}

/// ILayer's calls over a Layer.
template <class I, class... V>
class LayerOf : public I, public apiv::VLayer, public V..., public Layer {
 public:
  LayerOf(Network& net, LayerType type) : Layer(net, type) {
    this->mLayer = this;
    (set_impl(static_cast<V*>(this)), ...);
  }
  ILayer* face() override { return this; }

  LayerType getType() const noexcept override { return kind; }
  void setName(char const* text) noexcept override {
    if (takes_text("setName", text)) name = text;
  }
  char const* getName() const noexcept override { return name.c_str(); }
  int32_t getNbInputs() const noexcept override { return static_cast<int32_t>(inputs.size()); }
  ITensor* getInput(int32_t i) const noexcept override {
    return i < 0 ? nullptr : input(static_cast<size_t>(i));
  }
  int32_t getNbOutputs() const noexcept override { return static_cast<int32_t>(outputs.size()); }
  ITensor* getOutput(int32_t i) const noexcept override {
    return i >= 0 && i < getNbOutputs() ? outputs[static_cast<size_t>(i)].get() : nullptr;
  }
  void setInput(int32_t i, ITensor& tensor) noexcept override {
    set_input(i, static_cast<NetTensor*>(&tensor));
  }
  void setPrecision(DataType type) noexcept override {
    if (!is_known(type)) return refuse_value("setPrecision", text_of_value(type));
    if (!takes_types("setPrecision")) return;
    precision = type;
  }
  DataType getPrecision() const noexcept override { return precision.value_or(DataType::kFLOAT); }
  bool precisionIsSet() const noexcept override { return precision.has_value(); }
  void resetPrecision() noexcept override { precision.reset(); }
  void setOutputType(int32_t i, DataType type) noexcept override {
    if (!is_known(type)) return refuse_value("setOutputType", text_of_value(type));
    if (i < 0 || i >= getNbOutputs()) {
      return refuse_value("setOutputType", cat("there is no output ", i, " of ", getNbOutputs()));
    }
    if (!takes_types("setOutputType")) return;
    output_types[i] = type;
    renew();
  }
  DataType getOutputType(int32_t i) const noexcept override {
    const auto wanted = output_types.find(i);
    if (wanted != output_types.end()) return wanted->second;
    const ITensor* const out = getOutput(i);
    return out ? out->getType() : DataType::kFLOAT;
  }
  bool outputTypeIsSet(int32_t i) const noexcept override { return output_types.count(i) > 0; }
  void resetOutputType(int32_t i) noexcept override {
    if (output_types.erase(i) > 0) renew();
  }
  void setMetadata(char const* text) noexcept override {
    if (takes_text("setMetadata", text)) metadata = text;
  }
  char const* getMetadata() const noexcept override { return metadata.c_str(); }
  bool setNbRanks(int32_t count) noexcept override {
    if (count != 1) refuse_value("setNbRanks", cat(count, ": an engine runs on one device"));
    return count == 1;
  }
  int32_t getNbRanks() const noexcept override { return ranks; }

 private:
  template <class T>
  void set_impl(T* impl) {
    this->mImpl = impl;
  }
};

/// A parameter of a layer: member, setter and getter.
#define TRT_PARAMETER(Type, Name, member, initial)                                \
 public:                                                                          \
  void set##Name(Type given) noexcept override {                                  \
    if (!is_legal(given)) return refuse_value("set" #Name, text_of_value(given)); \
    member = given;                                                               \
    touch();                                                                      \
  }                                                                               \
  Type get##Name() const noexcept override {                                      \
    return member;                                                                \
  }                                                                               \
  Type member = initial;

#define TRT_DIMS(Name, member)                                                    \
 public:                                                                          \
  void set##Name(Dims const& given) noexcept override {                           \
    if (!is_legal(given)) return refuse_value("set" #Name, text_of_value(given)); \
    member = given;                                                               \
    touch();                                                                      \
  }                                                                               \
  Dims get##Name() const noexcept override {                                      \
    return member;                                                                \
  }                                                                               \
  Dims member{};

/// One whose setter says whether it took the value.
#define TRT_CHECKED(Type, Name, member, initial, legal)                          \
 public:                                                                         \
  bool set##Name(Type given) noexcept override {                                 \
    if (!(legal)) return refuse_value("set" #Name, text_of_value(given)), false; \
    member = given;                                                              \
    touch();                                                                     \
    return true;                                                                 \
  }                                                                              \
  Type get##Name() const noexcept override {                                     \
    return member;                                                               \
  }                                                                              \
  Type member = initial;

}  // namespace trt
