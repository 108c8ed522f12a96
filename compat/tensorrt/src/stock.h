#pragma once
// The plugins that come with TensorRT, as layers of Carnot's own operations: a network that has one
// has its operations, and a plan no plugin.
#include "emit.h"
#include "plugin_record.h"

namespace trt {

/// The fields that a stock plugin was made with.
class StockFields {
 public:
  explicit StockFields(std::vector<KeptField> kept) : kept_(std::move(kept)) {}
  bool has(const char* name) const { return find(name) != nullptr; }
  double number(const char* name, double otherwise) const;
  int64_t integer(const char* name, int64_t otherwise) const {
    return static_cast<int64_t>(number(name, static_cast<double>(otherwise)));
  }
  bool flag(const char* name, bool otherwise) const { return number(name, otherwise) != 0; }
  std::string text(const char* name, const char* otherwise) const;
  std::vector<double> numbers(const char* name) const;
  /// All of a field's elements [count]; none where it is not given.
  carnot::Tensor tensor(const char* name) const;
  const std::vector<KeptField>& kept() const { return kept_; }

 private:
  const KeptField* find(const char* name) const;
  std::vector<KeptField> kept_;
};

/// Which interface programs meet: IPluginV2Ext, which sees no batch, IPluginV2DynamicExt or
/// IPluginV3.
enum class StockKind : uint8_t { kBatched, kDynamic, kV3 };

/// A row of the tables in stock_*.cc.
struct StockRow {
  const char *name, *version;
  StockKind kind;
  /// As many results as the field numLayers says, or as the field output_lengths has numbers.
  static constexpr int32_t kByLayers = -1, kByLengths = -2;
  int32_t results;
  /// "epsilon:f relu:i": names and types (f float, i int32, c text, t the address of a
  /// plugin::softmaxTree) of its fields.
  const char* fields;
  Values (*emit)(Emit& e, const Values& in, const StockFields& fields);
  /// Types of the results where sizes are not known yet, the last for all that follow: of input 0
  /// (=) or 1 (1), INT32 (i), FP32 (f), what output_fp16 says (h).
  std::string_view types = "=";
};
std::span<const StockRow> stock_bert();
std::span<const StockRow> stock_detection();
std::span<const StockRow> stock_layers();
std::span<const StockRow> stock_models();
std::span<const StockRow> stock_points();
std::span<const StockRow> stock_pools();
std::span<const StockRow> stock_regions();
std::vector<const StockRow*> stock_rows();

/// What a stock plugin is, behind IPluginV2 or IPluginV3.
class StockPlugin {
 public:
  StockPlugin(const StockRow& row_in, std::vector<KeptField> kept)
      : row(row_in), fields(std::move(kept)) {}
  virtual ~StockPlugin() = default;
  int32_t results() const {
    if (row.results == StockRow::kByLengths) {
      return static_cast<int32_t>(fields.tensor("output_lengths").elements());
    }
    if (row.results != StockRow::kByLayers) return row.results;
    return static_cast<int32_t>(fields.integer("numLayers", 6));
  }
  const StockRow& row;
  const StockFields fields;
};

/// The fields that a program gives: of a tree of classes the sizes of its groups.
std::vector<KeptField> keep(const StockRow& row, const PluginFieldCollection* fields);
/// Whether a plugin's field is an address, which no model can give.
bool is_address(std::string_view plugin, std::string_view field);
/// The creator of a row, which lives as long as the program.
IPluginCreatorInterface* stock_creator(std::string_view name, std::string_view version);
IPluginV2* make_stock_v2(const StockRow& row, std::vector<KeptField> fields);
IPluginV3* make_stock_v3(const StockRow& row, std::vector<KeptField> fields);

/// Fields as one string, by way of the record that plans keep, and back.
std::string pack(const std::vector<KeptField>& fields);
std::vector<KeptField> unpack(const void* data, size_t size);

}  // namespace trt
