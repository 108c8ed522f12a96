#include "stock.h"

#include <algorithm>
#include <cstring>

#include "NvInferPluginUtils.h"
#include "plugin.h"
#include "plugin_fields.h"
#include "registry.h"

namespace trt {

namespace {

/// The fields that a row names, without data.
class DeclaredFields {
 public:
  explicit DeclaredFields(const char* text) {
    std::istringstream in(text);
    for (std::string word; in >> word;) {
      const size_t colon = word.find(':');
      names_.push_back(word.substr(0, colon));
      types_.push_back(word[colon + 1] == 'f'   ? PluginFieldType::kFLOAT32
                       : word[colon + 1] == 'c' ? PluginFieldType::kCHAR
                                                : PluginFieldType::kINT32);
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
    return made(keep(row_, fc));
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
    return make_stock_v3(row_, keep(row_, fc));
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
      if (row->kind == StockKind::kV3) {
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

namespace {

/// Whether a row's text has the field with this type.
bool declares(const StockRow& row, std::string_view field, char type) {
  const std::string text = cat(' ', row.fields, ' '), word = cat(' ', field, ':', type, ' ');
  return text.find(word) != std::string::npos;
}

}  // namespace

bool is_address(std::string_view plugin, std::string_view field) {
  const std::vector<const StockRow*> rows = stock_rows();
  return std::any_of(rows.begin(), rows.end(), [&](const StockRow* row) {
    return row->name == plugin && declares(*row, field, 't');
  });
}

std::vector<KeptField> keep(const StockRow& row, const PluginFieldCollection* fields) {
  std::vector<KeptField> out;
  for (int32_t i = 0; fields && fields->fields && i < fields->nbFields; ++i) {
    const PluginField& field = fields->fields[i];
    if (!field.name || !declares(row, field.name, 't')) {
      const PluginFieldCollection one{1, &field};
      out.push_back(std::move(keep(&one)[0]));
      continue;
    }
    const auto* const tree = static_cast<const plugin::softmaxTree*>(field.data);
    if (!tree) continue;
    const int32_t groups = tree->groupSize ? std::max(tree->groups, 0) : 0;
    KeptField kept{field.name, "", PluginFieldType::kINT32, groups};
    kept.data.assign(reinterpret_cast<const char*>(tree->groupSize),
                     static_cast<size_t>(groups) * sizeof(int32_t));
    out.push_back(std::move(kept));
  }
  return out;
}

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
    if (found && row->kind != StockKind::kV3) return make_stock_v2(*row, keep(*row, fields));
  }
  return nullptr;
}
