// Networks as bytes: the graph's text, its nodes' origins, and the constants that the text names.
#include "carnot/network_file.h"

#include <cstring>

#include "base/checked.h"
#include "ir/graph.h"
#include "ir/text.h"

namespace carnot {

namespace {

constexpr char kMagic[] = "carnot network 1\n";
constexpr size_t kAlignment = 64;  // of constants, from the beginning

class Writer {
 public:
  void number(uint64_t value) { raw(&value, sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    raw(value.data(), value.size());
  }
  void tensor(const Tensor& t) {
    number(static_cast<uint64_t>(t.dtype()));
    number(t.shape().size());
    for (const int64_t size : t.shape()) number(static_cast<uint64_t>(size));
    bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment);
    raw(t.data(), t.bytes());
  }
  std::vector<std::byte> bytes;

  void raw(const void* from, size_t size) {
    const auto* const begin = static_cast<const std::byte*>(from);
    bytes.insert(bytes.end(), begin, begin + size);
  }
};

Status malformed() {
  return error(Code::kCorruptEngine, "the saved network is cut or altered");
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  Result<std::span<const std::byte>> raw(uint64_t size) {
    if (size > bytes_.size() - at_) return malformed();
    at_ += static_cast<size_t>(size);
    return bytes_.subspan(at_ - static_cast<size_t>(size), static_cast<size_t>(size));
  }
  Result<uint64_t> number() {
    CARNOT_ASSIGN(const auto from, raw(8));
    uint64_t value = 0;
    std::memcpy(&value, from.data(), 8);
    return value;
  }
  Result<uint64_t> count() {  // of things of 8 bytes at least
    CARNOT_ASSIGN(const uint64_t value, number());
    if (value > (bytes_.size() - at_) / 8) return malformed();
    return value;
  }
  Result<std::string_view> text() {
    CARNOT_ASSIGN(const uint64_t size, number());
    CARNOT_ASSIGN(const auto from, raw(size));
    return std::string_view(reinterpret_cast<const char*>(from.data()), from.size());
  }
  Result<Tensor> tensor() {
    CARNOT_ASSIGN(const uint64_t dtype, number());
    CARNOT_ASSIGN(const uint64_t rank, count());
    if (dtype >= static_cast<uint64_t>(DType::kString)) return malformed();
    Shape shape;
    for (uint64_t i = 0; i < rank; ++i) {
      CARNOT_ASSIGN(const uint64_t size, number());
      shape.push_back(static_cast<int64_t>(size));
    }
    const auto type = static_cast<DType>(dtype);
    CARNOT_ASSIGN(const int64_t elements, element_count(shape));
    CARNOT_ASSIGN(const int64_t size, byte_size(elements, bits_of(type)));
    const size_t gap = (kAlignment - at_ % kAlignment) % kAlignment;
    CARNOT_RETURN_IF_ERROR(raw(gap).status());
    CARNOT_ASSIGN(const auto from, raw(static_cast<uint64_t>(size)));
    return Tensor::wrap(type, std::move(shape), from, nullptr);
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<std::byte>> save_network(const Network& network) {
  const Graph& graph = network.graph();
  ConstantTable constants;
  const std::string text = print(graph, {.origins = false, .constants = &constants});
  Writer out;
  out.raw(kMagic, sizeof kMagic - 1);
  out.text(text);
  const std::vector<Node*> nodes = graph.nodes();
  out.number(nodes.size());
  for (const Node* node : nodes) {
    out.number(node->origin.size());
    for (const std::string& name : node->origin) out.text(name);
  }
  out.number(constants.all().size());
  for (const auto& [hash, tensor] : constants.all()) {
    CARNOT_ASSIGN(const Tensor dense, tensor.dense());
    out.tensor(dense);
  }
  return std::move(out.bytes);
}

Result<Network> load_network(std::span<const std::byte> bytes) {
  Reader in(bytes);
  CARNOT_ASSIGN(const auto magic, in.raw(sizeof kMagic - 1));
  if (std::memcmp(magic.data(), kMagic, magic.size()) != 0) return malformed();
  CARNOT_ASSIGN(const std::string_view text, in.text());
  std::vector<Origin> origins;
  CARNOT_ASSIGN(const uint64_t nodes, in.count());
  for (uint64_t i = 0; i < nodes; ++i) {
    CARNOT_ASSIGN(const uint64_t names, in.count());
    Origin& origin = origins.emplace_back();
    for (uint64_t k = 0; k < names; ++k) {
      CARNOT_ASSIGN(const std::string_view name, in.text());
      origin.emplace_back(name);
    }
  }
  ConstantTable constants;
  CARNOT_ASSIGN(const uint64_t count, in.count());
  for (uint64_t i = 0; i < count; ++i) {
    CARNOT_ASSIGN(const Tensor tensor, in.tensor());
    constants.add(tensor);
  }
  CARNOT_ASSIGN(Graph graph, parse_graph(text, {.constants = &constants, .source = "network"}));
  const std::vector<Node*> made = graph.nodes();
  if (made.size() != origins.size()) return malformed();
  for (size_t i = 0; i < made.size(); ++i) made[i]->origin = std::move(origins[i]);
  Network out;
  out.graph() = std::move(graph);
  return out;
}

Status set_constants(Network& network, const std::map<size_t, Tensor>& values) {
  const std::vector<Node*> nodes = network.graph().nodes();
  for (const auto& [at, value] : values) {
    auto* const op = at < nodes.size() ? nodes[at]->as<op::Constant>() : nullptr;
    if (!op) return error(Code::kInvalidArgument, "node ", at, " is no constant");
    if (!(op->value.type() == value.type())) {
      return error(Code::kInvalidArgument, "the constant of node ", at, " is ",
                   to_string(op->value.type()), ", it is given ", to_string(value.type()));
    }
  }
  for (const auto& [at, value] : values) nodes[at]->as<op::Constant>()->value = value;
  return network.graph().reinfer();
}

}  // namespace carnot
