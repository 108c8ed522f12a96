#include "onnx/node_import.h"

#include <algorithm>

#include "base/text.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

/// The AttributeProto field number that holds a value of each attribute type, by type.
constexpr uint32_t kFields[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 22, 23, 14, 15};
constexpr const char* kTypeNames[] = {"UNDEFINED",      "FLOAT",      "INT",        "STRING",
                                      "TENSOR",         "GRAPH",      "FLOATS",     "INTS",
                                      "STRINGS",        "TENSORS",    "GRAPHS",     "SPARSE_TENSOR",
                                      "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"};

}  // namespace

NodeImport::NodeImport(Session& session, Scope& scope, const NodeProto& node, int64_t opset,
                       Origin origin)
    : Emit(*scope.graph, *scope.known, session.fresh(), std::move(origin)),
      session_(session),
      scope_(scope),
      node_(node),
      opset_(opset) {}

std::string_view NodeImport::hint() const {
  for (const std::string_view output : node_.outputs) {
    if (!output.empty()) return output;
  }
  return node_.name;
}

bool NodeImport::has_input(size_t index) const {
  if (index >= node_.inputs.size() || node_.inputs[index].empty()) return false;
  const Binding* const binding = scope_.find(node_.inputs[index]);
  return binding && binding->kind != Binding::kAbsent;
}

Value* NodeImport::opt(size_t index) {
  return has_input(index) ? session_.resolve(scope_, node_.inputs[index], origin()) : nullptr;
}

Value* NodeImport::in(size_t index) {
  Value* const value = opt(index);
  if (!value) invalid("needs its input ", index);
  return value;
}

Values NodeImport::all_inputs() {
  Values out;
  for (size_t i = 0; i < input_count(); ++i) out.push_back(in(i));
  return out;
}

bool NodeImport::wants(size_t index) const {
  return index < node_.outputs.size() && !node_.outputs[index].empty();
}

void NodeImport::out(size_t index, Value* value) {
  if (!wants(index)) return;
  Binding binding;
  binding.kind = Binding::kValue;
  binding.value = value;
  session_.define(scope_, node_.outputs[index], std::move(binding));
}

const AttributeProto* NodeImport::find(std::string_view name) const {
  for (const AttributeProto& attribute : node_.attributes) {
    if (attribute.name != name) continue;
    if (attribute.ref_name.empty()) return &attribute;
    if (!scope_.attributes) {
      invalid("the attribute ", quote(name), " refers to a function's attribute, outside of one");
    }
    const auto given = scope_.attributes->find(attribute.ref_name);
    return given == scope_.attributes->end() ? nullptr : given->second;
  }
  return nullptr;
}

const AttributeProto* NodeImport::find(std::string_view name, AttributeProto::Type type) const {
  const AttributeProto* const attribute = find(name);
  if (!attribute) return nullptr;
  const auto count = static_cast<int64_t>(std::size(kFields));
  if (attribute->type < 0 || attribute->type >= count) {
    invalid("the attribute ", quote(name), " has the unknown type ", attribute->type);
  }
  if (attribute->type != type) {
    invalid("the attribute ", quote(name), " is of type ", kTypeNames[attribute->type],
            ", expected ", kTypeNames[type]);
  }
  uint32_t values = 0;
  for (const uint32_t field : kFields) values |= field ? 1u << field : 0;
  if ((attribute->fields & values & ~(1u << kFields[type])) != 0) {
    invalid("the attribute ", quote(name), " has values of several types");
  }
  return attribute;
}

int64_t NodeImport::integer(std::string_view name, int64_t otherwise) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kInt);
  return attribute ? attribute->i : otherwise;
}

int64_t NodeImport::integer(std::string_view name) const {
  if (!has(name)) invalid("needs the attribute ", quote(name));
  return integer(name, 0);
}

double NodeImport::real(std::string_view name, double otherwise) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kFloat);
  return attribute ? static_cast<double>(attribute->f) : otherwise;
}

std::string NodeImport::text(std::string_view name, std::string_view otherwise) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kString);
  return std::string(attribute ? attribute->s : otherwise);
}

std::vector<int64_t> NodeImport::integers(std::string_view name,
                                          std::vector<int64_t> otherwise) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kInts);
  return attribute ? attribute->ints : std::move(otherwise);
}

std::vector<double> NodeImport::reals(std::string_view name) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kFloats);
  if (!attribute) return {};
  return {attribute->floats.begin(), attribute->floats.end()};
}

std::vector<std::string> NodeImport::texts(std::string_view name) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kStrings);
  if (!attribute) return {};
  return {attribute->strings.begin(), attribute->strings.end()};
}

std::optional<Tensor> NodeImport::tensor(std::string_view name) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kTensor);
  if (!attribute) return std::nullopt;
  if (!attribute->t) invalid("the attribute ", quote(name), " has no value");
  return session_.read(*attribute->t);
}

const GraphProto& NodeImport::subgraph(std::string_view name) const {
  const AttributeProto* const attribute = find(name, AttributeProto::kGraph);
  if (!attribute || !attribute->g) invalid("needs the graph ", quote(name));
  return *attribute->g;
}

DType NodeImport::dtype(std::string_view name, DType otherwise) const {
  if (!has(name)) return otherwise;
  const Result<DType> out = dtype_of(integer(name, 0));
  if (!out.ok()) throw ImportFailure{Status(out.status()).with(cat("attribute ", quote(name)))};
  return *out;
}

int64_t NodeImport::axis(int64_t value, int64_t rank) const {
  if (value < -rank || value >= rank) {
    invalid("the axis ", value, " is out of range for a tensor of rank ", rank);
  }
  return value < 0 ? value + rank : value;
}

std::vector<int64_t> NodeImport::axes(std::vector<int64_t> values, int64_t rank) const {
  for (int64_t& value : values) value = axis(value, rank);
  std::vector<int64_t> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    invalid("an axis is named twice");
  }
  return values;
}

std::vector<int64_t> NodeImport::known_integers(size_t index, const char* what) {
  const std::optional<std::vector<int64_t>> out = known_ints(in(index));
  if (!out) unsupported(what, " (input ", index, ") must be constant");
  return *out;
}

std::optional<std::vector<int64_t>> NodeImport::attribute_or_input(std::string_view name,
                                                                   size_t index) {
  if (has(name)) return integers(name);
  if (!has_input(index)) return std::nullopt;
  return known_integers(index, std::string(name).c_str());
}

}  // namespace carnot::onnx
