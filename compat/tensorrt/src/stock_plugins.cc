// Stock plugins behind the interfaces that TensorRT's have: without a batch (IPluginV2Ext), with
// sizes that vary (IPluginV2DynamicExt), and IPluginV3.
#include <algorithm>
#include <cstring>

#include "stock_alone.h"

namespace trt {

namespace {

/// A field beside those of the plugin: how many inputs enqueue() has, which is not told it.
constexpr const char* kInputs = "carnot.inputs";

std::vector<KeptField> with_inputs(std::vector<KeptField> fields, int32_t inputs) {
  if (inputs > 0) {
    KeptField& field = fields.emplace_back();
    field.name = kInputs;
    field.type = PluginFieldType::kINT32;
    field.length = 1;
    field.data.assign(reinterpret_cast<const char*>(&inputs), sizeof inputs);
  }
  return fields;
}

/// Makes one of its fields, that one taken out.
template <class T>
T* made(const StockRow& row, std::vector<KeptField> fields) {
  int32_t inputs = 0;
  const auto is_it = [](const KeptField& field) { return field.name == kInputs; };
  const auto found = std::find_if(fields.begin(), fields.end(), is_it);
  if (found != fields.end()) {
    if (found->data.size() == sizeof inputs) {
      std::memcpy(&inputs, found->data.data(), sizeof inputs);
    }
    fields.erase(found);
  }
  return new (std::nothrow) T(row, std::move(fields), inputs);
}

/// What those of version 2 share.
template <class Base>
class StockV2 : public Base, public StockPlugin {
 public:
  StockV2(const StockRow& row_in, std::vector<KeptField> kept, int32_t inputs)
      : StockPlugin(row_in, std::move(kept)), inputs_(inputs), alone_(*this) {}
  char const* getPluginType() const noexcept override { return row.name; }
  char const* getPluginVersion() const noexcept override { return row.version; }
  int32_t getNbOutputs() const noexcept override { return results(); }
  int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override { alone_.forget(); }
  size_t getSerializationSize() const noexcept override { return state().size(); }
  void serialize(void* to) const noexcept override {
    const std::string text = state();
    std::memcpy(to, text.data(), text.size());
  }
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(char const* space) noexcept override { space_ = space ? space : ""; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }
  DataType getOutputDataType(int32_t result, DataType const* types,
                             int32_t count) const noexcept override {
    return alone_.type(result, types, count);
  }

 protected:
  template <class Derived>
  Derived* again() const {
    Derived* const out = made<Derived>(row, with_inputs(fields.kept(), inputs_));
    if (out) out->setPluginNamespace(space_.c_str());
    return out;
  }
  int32_t inputs_;
  StockAlone alone_;

 private:
  std::string state() const { return pack(with_inputs(fields.kept(), inputs_)); }
  std::string space_;
};

class StockDynamic final : public StockV2<IPluginV2DynamicExt> {
 public:
  using StockV2::StockV2;
  IPluginV2DynamicExt* clone() const noexcept override { return again<StockDynamic>(); }
  DimsExprs getOutputDimensions(int32_t result, DimsExprs const* in, int32_t count,
                                IExprBuilder& builder) noexcept override {
    inputs_ = count;
    return alone_.sizes(result, in, count, builder);
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t count,
                                 int32_t) noexcept override {
    return alone_.takes(pos, io, count);
  }
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t count,
                       DynamicPluginTensorDesc const*, int32_t) noexcept override {
    inputs_ = count;
    std::vector<PluginTensorDesc> described;
    for (int32_t i = 0; i < count; ++i) described.push_back(in[i].desc);
    alone_.prepare(described.data(), count);
  }
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* described, PluginTensorDesc const*, void const* const* in,
                  void* const* out, void*, cudaStream_t stream) noexcept override {
    return alone_.run(described, in, inputs_, out, stream);
  }
};

class StockBatched final : public StockV2<IPluginV2Ext> {
 public:
  using StockV2::StockV2;
  IPluginV2Ext* clone() const noexcept override {
    StockBatched* const out = again<StockBatched>();
    if (out) out->types_ = types_, out->shared_ = shared_;
    return out;
  }
  Dims getOutputDimensions(int32_t result, Dims const* in, int32_t count) noexcept override {
    return alone_.sizes(result, in, count);
  }
  bool supportsFormat(DataType type, PluginFormat format) const noexcept override {
    return format == PluginFormat::kLINEAR && (type == DataType::kFLOAT || type == DataType::kHALF);
  }
  bool isOutputBroadcastAcrossBatch(int32_t, bool const*, int32_t) const noexcept override {
    return false;
  }
  bool canBroadcastInputAcrossBatch(int32_t) const noexcept override { return false; }
  void configurePlugin(Dims const* in, int32_t count, Dims const*, int32_t, DataType const* types,
                       DataType const*, bool const* shared, bool const*, PluginFormat,
                       int32_t) noexcept override {
    inputs_ = count;
    types_.clear(), shared_.clear();
    for (int32_t i = 0; i < count; ++i) {
      shared_.push_back(shared && shared[i]);
      add(types ? types[i] : DataType::kFLOAT, in[i]);
    }
  }
  // As programs configure those that are IPluginV2 alone.
  void configureWithFormat(Dims const* in, int32_t count, Dims const*, int32_t, DataType type,
                           PluginFormat, int32_t) noexcept override {
    inputs_ = count;
    types_.clear();
    shared_.assign(static_cast<size_t>(count), false);
    for (int32_t i = 0; i < count; ++i) add(type, in[i]);
  }
  size_t getWorkspaceSize(int32_t) const noexcept override { return 0; }
  int32_t enqueue(int32_t batch, void const* const* in, void* const* out, void*,
                  cudaStream_t stream) noexcept override {
    Types types = types_;
    for (size_t i = 0; i < types.size(); ++i) types[i].dims[0] = shared_[i] ? 1 : batch;
    return types.empty() ? kNotConfigured : alone_.run(types, in, out, stream);
  }

 private:
  static constexpr int32_t kNotConfigured = 2;
  void add(DataType type, const Dims& dims) {
    carnot::TensorType& made = types_.emplace_back();
    made.dtype = dtype_of(type).value_or(DType::kF32);
    made.dims.emplace_back(1);
    for (const int64_t size : ints_of(dims)) made.dims.emplace_back(size);
  }
  Types types_;               ///< with an axis for the batch
  std::vector<bool> shared_;  ///< by all samples
};

class StockV3 final : public IPluginV3,
                      public IPluginV3OneCore,
                      public IPluginV3OneBuild,
                      public IPluginV3OneRuntime,
                      public StockPlugin {
 public:
  StockV3(const StockRow& row_in, std::vector<KeptField> kept, int32_t inputs)
      : StockPlugin(row_in, std::move(kept)), inputs_(inputs), alone_(*this) {}
  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
    switch (type) {
      case PluginCapabilityType::kCORE:
        return static_cast<IPluginV3OneCore*>(this);
      case PluginCapabilityType::kBUILD:
        return static_cast<IPluginV3OneBuild*>(this);
      case PluginCapabilityType::kRUNTIME:
        return static_cast<IPluginV3OneRuntime*>(this);
    }
    return nullptr;
  }
  IPluginV3* clone() noexcept override {
    return made<StockV3>(row, with_inputs(fields.kept(), inputs_));
  }
  char const* getPluginName() const noexcept override { return row.name; }
  char const* getPluginVersion() const noexcept override { return row.version; }
  char const* getPluginNamespace() const noexcept override { return ""; }
  int32_t configurePlugin(DynamicPluginTensorDesc const*, int32_t count,
                          DynamicPluginTensorDesc const*, int32_t) noexcept override {
    inputs_ = count;
    return 0;
  }
  int32_t getOutputDataTypes(DataType* out, int32_t results, DataType const* in,
                             int32_t count) const noexcept override {
    for (int32_t i = 0; i < results; ++i) out[i] = alone_.type(i, in, count);
    return 0;
  }
  int32_t getOutputShapes(DimsExprs const* in, int32_t count, DimsExprs const*, int32_t,
                          DimsExprs* out, int32_t results,
                          IExprBuilder& builder) noexcept override {
    inputs_ = count;
    bool good = true;
    for (int32_t i = 0; i < results; ++i) {
      out[i] = alone_.sizes(i, in, count, builder);
      good = good && out[i].nbDims >= 0;
    }
    return good ? 0 : 1;
  }
  bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc const* io, int32_t count,
                                 int32_t results) noexcept override {
    std::vector<PluginTensorDesc> all;
    for (int32_t i = 0; i < count + results; ++i) all.push_back(io[i].desc);
    return alone_.takes(pos, all.data(), count);
  }
  int32_t getNbOutputs() const noexcept override { return results(); }
  int32_t onShapeChange(PluginTensorDesc const* in, int32_t count, PluginTensorDesc const*,
                        int32_t) noexcept override {
    inputs_ = count;
    alone_.prepare(in, count);
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* described, PluginTensorDesc const*, void const* const* in,
                  void* const* out, void*, cudaStream_t stream) noexcept override {
    return alone_.run(described, in, inputs_, out, stream);
  }
  IPluginV3* attachToContext(IPluginResourceContext*) noexcept override { return clone(); }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    written_ = with_inputs(fields.kept(), inputs_);
    pointers_ = fields_of(written_);
    collection_ = {static_cast<int32_t>(pointers_.size()), pointers_.data()};
    return &collection_;
  }

 private:
  int32_t inputs_;
  StockAlone alone_;
  std::vector<KeptField> written_;
  std::vector<PluginField> pointers_;
  PluginFieldCollection collection_{};
};

}  // namespace

IPluginV2* make_stock_v2(const StockRow& row, std::vector<KeptField> fields) {
  if (row.kind == StockKind::kBatched) return made<StockBatched>(row, std::move(fields));
  return made<StockDynamic>(row, std::move(fields));
}

IPluginV3* make_stock_v3(const StockRow& row, std::vector<KeptField> fields) {
  return made<StockV3>(row, std::move(fields));
}

}  // namespace trt
