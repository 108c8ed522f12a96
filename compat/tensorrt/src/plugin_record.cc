#include "plugin_record.h"

#include <cstring>

#include "plan_bytes.h"
#include "plugin_fields.h"

namespace trt {

namespace {

using carnot::Dim;

/// 1 where a < b.
Dim less(const Dim& a, const Dim& b) {
  return min(max(b - a, Dim(0)), Dim(1));
}

Dim apply(DimensionOperation operation, const Dim& a, const Dim& b) {
  switch (operation) {
    case DimensionOperation::kSUM:
      return a + b;
    case DimensionOperation::kPROD:
      return a * b;
    case DimensionOperation::kMAX:
      return max(a, b);
    case DimensionOperation::kMIN:
      return min(a, b);
    case DimensionOperation::kSUB:
      return a - b;
    case DimensionOperation::kEQUAL:
      return Dim(1) - less(a, b) - less(b, a);
    case DimensionOperation::kLESS:
      return less(a, b);
    case DimensionOperation::kFLOOR_DIV:
      return floor_div(a, b);
    case DimensionOperation::kCEIL_DIV:
      return ceil_div(a, b);
  }
  return a;
}

constexpr int64_t kRecordVersion = 3;
void read_kernel(BytesReader& r, int64_t last, CompiledKernel& out) {
  out.name = r.string(), out.image = r.string();
  for (int64_t i = r.count(); i > 0; --i)
    out.launch.push_back(r.number(CompiledKernel::kNone, last));
  for (int64_t i = r.count(); i > 0; --i) {
    CompiledKernel::Argument argument;
    argument.bytes = r.number(1, 4);
    argument.size = r.number(0, last);
    out.arguments.push_back(argument);
  }
}

constexpr int64_t kFormatLast = static_cast<int64_t>(TensorFormat::kDHWC);

}  // namespace

Dim SizeTable::dim(size_t i, const Leaf& leaf) const {
  const Size& size = sizes_[i];
  if (size.kind == Kind::kConstant) return Dim(size.a);
  if (size.kind != Kind::kOperation) return leaf(size);
  return apply(size.operation, dim(static_cast<size_t>(size.a), leaf),
               dim(static_cast<size_t>(size.b), leaf));
}

bool SizeTable::is_told(size_t i) const {
  const Size& size = sizes_[i];
  if (size.kind == Kind::kSizeTensor) return true;
  return size.kind == Kind::kOperation &&
         (is_told(static_cast<size_t>(size.a)) || is_told(static_cast<size_t>(size.b)));
}

std::optional<int64_t> SizeTable::number(size_t i, std::span<const carnot::Shape> inputs,
                                         std::span<const int64_t> told_by_output) const {
  const Size& size = sizes_[i];
  const auto a = static_cast<size_t>(size.a), b = static_cast<size_t>(size.b);
  if (size.kind == Kind::kConstant) return size.a;
  if (size.kind == Kind::kInput) {
    if (a >= inputs.size() || b >= inputs[a].size()) return std::nullopt;
    return inputs[a][b];
  }
  if (size.kind == Kind::kShapeValue) return std::nullopt;
  if (size.kind == Kind::kSizeTensor) {
    if (told_by_output.empty()) return number(b, inputs, told_by_output);
    if (a >= told_by_output.size()) return std::nullopt;
    return told_by_output[a];
  }
  const auto left = number(a, inputs, told_by_output), right = number(b, inputs, told_by_output);
  if (!left || !right) return std::nullopt;
  const carnot::Result<int64_t> value =
      carnot::evaluate(apply(size.operation, Dim(*left), Dim(*right)), {});
  return value.ok() ? std::optional(*value) : std::nullopt;
}

std::optional<int64_t> SizeTable::bound(size_t i, std::span<const carnot::Shape> inputs) const {
  return number(i, inputs, {});
}

std::optional<int64_t> SizeTable::told(size_t i, std::span<const carnot::Shape> inputs,
                                       std::span<const int64_t> told_by_output) const {
  return number(i, inputs, told_by_output);
}

std::vector<KeptField> keep(const PluginFieldCollection* fields) {
  std::vector<KeptField> out;
  for (int32_t i = 0; fields && fields->fields && i < fields->nbFields; ++i) {
    const PluginField& field = fields->fields[i];
    KeptField kept{field.name ? field.name : "", "", field.type, std::max(field.length, 0)};
    const size_t bytes = bytes_of(field.type, static_cast<size_t>(kept.length));
    if (field.data && bytes > 0) kept.data.assign(static_cast<const char*>(field.data), bytes);
    out.push_back(std::move(kept));
  }
  return out;
}

std::vector<PluginField> fields_of(const std::vector<KeptField>& kept) {
  std::vector<PluginField> out;
  for (const KeptField& field : kept) {
    out.emplace_back(field.name.c_str(), field.data.data(), field.type, field.length);
  }
  return out;
}

std::string write(const PluginRecord& record) {
  BytesWriter w;
  w.put(kRecordVersion);
  w.put(record.generation);
  for (const auto* text :
       {&record.layer, &record.name, &record.version, &record.space, &record.state}) {
    w.put(*text);
  }
  w.put(static_cast<int64_t>(record.fields.size()));
  for (const KeptField& field : record.fields) {
    w.put(field.name), w.put(field.data);
    w.put(static_cast<int64_t>(field.type)), w.put(field.length);
  }
  w.put(record.tactic), w.put(record.workspace), w.put(record.batch_is_an_axis ? 1 : 0);
  w.put(record.inputs);
  w.put(static_cast<int64_t>(record.types.size()));
  for (const DataType type : record.types) w.put(static_cast<int64_t>(type));
  w.put(static_cast<int64_t>(record.formats.size()));
  for (const StoredFormat& f : record.formats) {
    w.put(static_cast<int64_t>(f.format)), w.put(f.channels);
  }
  w.put(static_cast<int64_t>(record.sizes.count()));
  for (size_t i = 0; i < record.sizes.count(); ++i) {
    const SizeTable::Size& size = record.sizes[i];
    w.put(static_cast<int64_t>(size.kind)), w.put(static_cast<int64_t>(size.operation));
    w.put(size.a), w.put(size.b);
  }
  w.put(static_cast<int64_t>(record.results.size()));
  for (const auto& result : record.results) {
    w.put(static_cast<int64_t>(result.size()));
    for (const int64_t size : result) w.put(size);
  }
  w.put(record.kernel.name), w.put(record.kernel.image);
  w.put(static_cast<int64_t>(record.kernel.launch.size()));
  for (const int64_t size : record.kernel.launch) w.put(size);
  w.put(static_cast<int64_t>(record.kernel.arguments.size()));
  for (const CompiledKernel::Argument& a : record.kernel.arguments) w.put(a.bytes), w.put(a.size);
  return std::move(w.out);
}

carnot::Result<PluginRecord> read_plugin(const std::string& text) {
  const carnot::Status malformed(carnot::Code::kCorruptEngine, "the plan's plugin is malformed");
  PluginRecord out;
  BytesReader r(text);
  if (r.number() != kRecordVersion) return malformed;
  out.generation = static_cast<int>(r.number(0, PluginRecord::kCompiled));
  for (auto* to : {&out.layer, &out.name, &out.version, &out.space, &out.state}) *to = r.string();
  for (int64_t i = r.count(); i > 0; --i) {
    KeptField field;
    field.name = r.string(), field.data = r.string();
    field.type = static_cast<PluginFieldType>(r.number(0, 13));
    field.length = static_cast<int32_t>(r.number(0, INT32_MAX));
    const size_t bytes = bytes_of(field.type, static_cast<size_t>(field.length));
    if (!field.data.empty() && field.data.size() < bytes) return malformed;
    out.fields.push_back(std::move(field));
  }
  out.tactic = static_cast<int32_t>(r.number(INT32_MIN, INT32_MAX));
  out.workspace = r.number(0, INT64_MAX);
  out.batch_is_an_axis = r.number(0, 1) != 0;
  out.inputs = static_cast<int32_t>(r.number(0, INT32_MAX));
  for (int64_t i = r.count(); i > 0; --i) {
    out.types.push_back(static_cast<DataType>(r.number(0, static_cast<int64_t>(DataType::kE8M0))));
  }
  for (int64_t i = r.count(); i > 0; --i) {
    StoredFormat format;
    format.format = static_cast<TensorFormat>(r.number(0, kFormatLast));
    format.channels = r.number(0, INT32_MAX);
    if (format.format != TensorFormat::kLINEAR && !format_row(format.format)) return malformed;
    out.formats.push_back(format);
  }
  for (int64_t i = r.count(); i > 0; --i) {
    SizeTable::Size size;
    size.kind = static_cast<SizeTable::Kind>(r.number(0, 4));
    size.operation = static_cast<DimensionOperation>(r.number(0, 8));
    const auto before = static_cast<int64_t>(out.sizes.count()) - 1;
    const bool refers = size.kind == SizeTable::Kind::kOperation;
    size.a = refers ? r.number(0, before) : r.number();
    size.b = refers || size.kind == SizeTable::Kind::kSizeTensor ? r.number(0, before) : r.number();
    if (before < 0 && (refers || size.kind == SizeTable::Kind::kSizeTensor)) return malformed;
    out.sizes.add(size);
  }
  for (int64_t i = r.count(); i > 0; --i) {
    auto& result = out.results.emplace_back();
    for (int64_t k = r.count(); k > 0; --k) {
      result.push_back(r.number(0, static_cast<int64_t>(out.sizes.count()) - 1));
    }
  }
  read_kernel(r, static_cast<int64_t>(out.sizes.count()) - 1, out.kernel);
  const bool launches = out.generation != PluginRecord::kCompiled || out.kernel.launch.size() == 7;
  const bool whole = r.done() && launches &&
                     static_cast<size_t>(out.inputs) + out.results.size() == out.types.size() &&
                     out.formats.size() == out.types.size();
  return whole ? carnot::Result<PluginRecord>(std::move(out)) : malformed;
}

}  // namespace trt
