#include "stock.h"

#include <algorithm>
#include <cstring>

#include "plugin.h"
#include "plugin_fields.h"
#include "registry.h"

namespace trt {

namespace {

/// Fields as one string, by way of the record that plans keep.
std::string pack(const std::vector<KeptField>& fields) {
  PluginRecord record;
  record.fields = fields;
  return write(record);
}

std::vector<KeptField> unpack(const void* data, size_t size) {
  carnot::Result<PluginRecord> record =
      read_plugin(std::string(static_cast<const char*>(data), size));
  return record.ok() ? std::move(record->fields) : std::vector<KeptField>();
}

constexpr int32_t kNotRunAlone = 1;  // of enqueue(): only the network's operations compute

class StockV2 final : public IPluginV2DynamicExt, public StockPlugin {
 public:
  using StockPlugin::StockPlugin;
  char const* getPluginType() const noexcept override { return row.name; }
  char const* getPluginVersion() const noexcept override { return row.version; }
  int32_t getNbOutputs() const noexcept override { return results(); }
  int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  size_t getSerializationSize() const noexcept override { return pack(fields.kept()).size(); }
  void serialize(void* to) const noexcept override {
    const std::string text = pack(fields.kept());
    std::memcpy(to, text.data(), text.size());
  }
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(char const* space) noexcept override { space_ = space ? space : ""; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }
  DataType getOutputDataType(int32_t, DataType const* types,
                             int32_t count) const noexcept override {
    return count > 0 ? types[0] : DataType::kFLOAT;
  }
  IPluginV2DynamicExt* clone() const noexcept override {
    auto* const out = new (std::nothrow) StockV2(row, fields.kept());
    if (out) out->space_ = space_;
    return out;
  }
  DimsExprs getOutputDimensions(int32_t, DimsExprs const* in, int32_t count,
                                IExprBuilder&) noexcept override {
    return count > 0 ? in[0] : DimsExprs{};
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return io[pos].format == TensorFormat::kLINEAR;
  }
  void configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                       int32_t) noexcept override {}
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const*, PluginTensorDesc const*, void const* const*,
                  void* const*, void*, cudaStream_t) noexcept override {
    return kNotRunAlone;
  }

 private:
  std::string space_;
};

class StockV3 final : public IPluginV3,
                      public IPluginV3OneCore,
                      public IPluginV3OneBuild,
                      public IPluginV3OneRuntime,
                      public StockPlugin {
 public:
  using StockPlugin::StockPlugin;
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
  IPluginV3* clone() noexcept override { return new (std::nothrow) StockV3(row, fields.kept()); }
  char const* getPluginName() const noexcept override { return row.name; }
  char const* getPluginVersion() const noexcept override { return row.version; }
  char const* getPluginNamespace() const noexcept override { return ""; }
  int32_t configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                          int32_t) noexcept override {
    return 0;
  }
  int32_t getOutputDataTypes(DataType* out, int32_t results, DataType const* in,
                             int32_t count) const noexcept override {
    std::fill(out, out + results, count > 0 ? in[0] : DataType::kFLOAT);
    return 0;
  }
  int32_t getOutputShapes(DimsExprs const* in, int32_t count, DimsExprs const*, int32_t,
                          DimsExprs* out, int32_t results, IExprBuilder&) noexcept override {
    std::fill(out, out + results, count > 0 ? in[0] : DimsExprs{});
    return 0;
  }
  bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return io[pos].desc.format == TensorFormat::kLINEAR;
  }
  int32_t getNbOutputs() const noexcept override { return results(); }
  int32_t onShapeChange(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                        int32_t) noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const*, PluginTensorDesc const*, void const* const*,
                  void* const*, void*, cudaStream_t) noexcept override {
    return kNotRunAlone;
  }
  IPluginV3* attachToContext(IPluginResourceContext*) noexcept override { return clone(); }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    pointers_ = fields_of(fields.kept());
    collection_ = {static_cast<int32_t>(pointers_.size()), pointers_.data()};
    return &collection_;
  }

 private:
  std::vector<PluginField> pointers_;
  PluginFieldCollection collection_{};
};

/// The fields that a row names, without data.
class DeclaredFields {
 public:
  explicit DeclaredFields(const char* text) {
    std::istringstream in(text);
    for (std::string word; in >> word;) {
      const size_t colon = word.find(':');
      names_.push_back(word.substr(0, colon));
      types_.push_back(word[colon + 1] == 'f'   ? PluginFieldType::kFLOAT32
                       : word[colon + 1] == 'i' ? PluginFieldType::kINT32
                                                : PluginFieldType::kCHAR);
    }
    for (size_t i = 0; i < names_.size(); ++i) {
      fields_.emplace_back(names_[i].c_str(), nullptr, types_[i], 1);
    }
    collection_ = {static_cast<int32_t>(fields_.size()), fields_.data()};
  }
  DeclaredFields(const DeclaredFields&) = delete;
  DeclaredFields& operator=(const DeclaredFields&) = delete;
  const PluginFieldCollection* get() const { return &collection_; }

 private:
  std::vector<std::string> names_;
  std::vector<PluginFieldType> types_;
  std::vector<PluginField> fields_;
  PluginFieldCollection collection_{};
};

class StockCreator final : public IPluginCreator {
 public:
  explicit StockCreator(const StockRow& row) : row_(row), fields_(row.fields) {}
  char const* getPluginName() const noexcept override { return row_.name; }
  char const* getPluginVersion() const noexcept override { return row_.version; }
  PluginFieldCollection const* getFieldNames() noexcept override { return fields_.get(); }
  IPluginV2* createPlugin(char const*, PluginFieldCollection const* fc) noexcept override {
    return made(keep(fc));
  }
  IPluginV2* deserializePlugin(char const*, void const* data, size_t size) noexcept override {
    return made(unpack(data, size));
  }
  void setPluginNamespace(char const* space) noexcept override { space_ = space ? space : ""; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 private:
  IPluginV2* made(std::vector<KeptField> kept) const {
    IPluginV2* const plugin = make_stock_v2(row_, std::move(kept));
    if (plugin) plugin->setPluginNamespace(space_.c_str());
    return plugin;
  }
  const StockRow& row_;
  DeclaredFields fields_;
  std::string space_;
};

class StockCreatorV3 final : public IPluginCreatorV3One {
 public:
  explicit StockCreatorV3(const StockRow& row) : row_(row), fields_(row.fields) {}
  IPluginV3* createPlugin(char const*, PluginFieldCollection const* fc,
                          TensorRTPhase) noexcept override {
    return new (std::nothrow) StockV3(row_, keep(fc));
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return fields_.get(); }
  char const* getPluginName() const noexcept override { return row_.name; }
  char const* getPluginVersion() const noexcept override { return row_.version; }
  char const* getPluginNamespace() const noexcept override { return ""; }

 private:
  const StockRow& row_;
  DeclaredFields fields_;
};

/// All creators; they stay, as registered ones must.
const std::vector<std::pair<const StockRow*, IPluginCreatorInterface*>>& creators() {
  static const auto* const all = [] {
    auto* out = new std::vector<std::pair<const StockRow*, IPluginCreatorInterface*>>;
    for (const StockRow* row : stock_rows()) {
      IPluginCreatorInterface* creator = nullptr;
      if (row->v3) {
        creator = new StockCreatorV3(*row);
      } else {
        creator = new StockCreator(*row);
      }
      out->emplace_back(row, creator);
    }
    return out;
  }();
  return *all;
}

}  // namespace

const KeptField* StockFields::find(const char* name) const {
  for (const KeptField& field : kept_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

carnot::Tensor StockFields::tensor(const char* name) const {
  const KeptField* const field = find(name);
  if (!field) return carnot::Tensor::zeros(DType::kF32, {0});
  const DType dtype = [&] {
    switch (field->type) {
      case PluginFieldType::kFLOAT16:
        return DType::kF16;
      case PluginFieldType::kBF16:
        return DType::kBF16;
      case PluginFieldType::kFLOAT32:
        return DType::kF32;
      case PluginFieldType::kFLOAT64:
        return DType::kF64;
      case PluginFieldType::kINT64:
        return DType::kI64;
      case PluginFieldType::kINT16:
        return DType::kI16;
      case PluginFieldType::kINT8:
      case PluginFieldType::kCHAR:
        return DType::kI8;
      default:
        return DType::kI32;
    }
  }();
  const size_t count = field->data.size() / bytes_of(field->type, 1);
  carnot::Tensor out = take(carnot::Tensor::allocate(dtype, {static_cast<int64_t>(count)}));
  std::memcpy(out.mutable_data(), field->data.data(), std::min(out.bytes(), field->data.size()));
  return out;
}

std::vector<double> StockFields::numbers(const char* name) const {
  const carnot::Tensor values = tensor(name);
  std::vector<double> out(static_cast<size_t>(values.elements()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = values.get(static_cast<int64_t>(i));
  return out;
}

double StockFields::number(const char* name, double otherwise) const {
  const std::vector<double> all = numbers(name);
  return all.empty() ? otherwise : all[0];
}

std::string StockFields::text(const char* name, const char* otherwise) const {
  const KeptField* const field = find(name);
  return field ? field->data.c_str() : otherwise;
}

std::vector<const StockRow*> stock_rows() {
  std::vector<const StockRow*> out;
  for (const auto rows : {stock_bert(), stock_detection(), stock_layers(), stock_models(),
                          stock_points(), stock_pools(), stock_regions()}) {
    for (const StockRow& row : rows) out.push_back(&row);
  }
  return out;
}

IPluginV2* make_stock_v2(const StockRow& row, std::vector<KeptField> fields) {
  return new (std::nothrow) StockV2(row, std::move(fields));
}

IPluginCreatorInterface* stock_creator(std::string_view name, std::string_view version) {
  for (const auto& [row, creator] : creators()) {
    if (row->name == name && row->version == version) return creator;
  }
  return nullptr;
}

}  // namespace trt

extern "C" TENSORRTAPI bool carnotTrtRegisterPlugins(char const* space) noexcept {
  using namespace trt;
  bool good = true;
  for (const auto& [row, creator] : creators()) {
    if (plugin_registry().getCreator(row->name, row->version, space)) continue;
    good = plugin_registry().registerCreator(*creator, space ? space : "") && good;
  }
  return good;
}

/// A stock plugin of version 2 by name and version; null where there is none.
extern "C" TENSORRTAPI nvinfer1::IPluginV2* carnotTrtMakePlugin(
    char const* name, char const* version, nvinfer1::PluginFieldCollection const* fields) noexcept {
  using namespace trt;
  for (const StockRow* row : stock_rows()) {
    const bool found = std::strcmp(row->name, name) == 0 && std::strcmp(row->version, version) == 0;
    if (found && !row->v3) return make_stock_v2(*row, keep(fields));
  }
  return nullptr;
}
