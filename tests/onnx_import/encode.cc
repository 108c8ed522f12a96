#include "tests/onnx_import/encode.h"

#include <cstring>

namespace carnot::encode {

namespace {
constexpr uint32_t kVarint = 0, kBytes = 2, kFixed32 = 5;

std::string tag(uint32_t field, uint32_t type) {
  return varint(uint64_t{field} << 3 | type);
}
}  // namespace

std::string varint(uint64_t value) {
  std::string out;
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  return out + static_cast<char>(value);
}

Message& Message::integer(uint32_t field, int64_t value) {
  return raw(tag(field, kVarint) + varint(static_cast<uint64_t>(value)));
}

Message& Message::real(uint32_t field, float value) {
  std::string four(sizeof value, '\0');
  std::memcpy(four.data(), &value, sizeof value);
  return raw(tag(field, kFixed32) + four);
}

Message& Message::text(uint32_t field, std::string_view value) {
  return raw(tag(field, kBytes) + varint(value.size()) + std::string(value));
}

Message& Message::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

Message tensor(std::string_view name, int64_t data_type, const std::vector<int64_t>& dims,
               std::string_view raw_data) {
  Message out;
  for (const int64_t dim : dims) out.integer(1, dim);
  return out.integer(2, data_type).text(8, name).text(9, raw_data);
}

Message tensor_i64(std::string_view name, const std::vector<int64_t>& dims,
                   const std::vector<int64_t>& values) {
  return tensor(name, kInt64, dims,
                {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)});
}

Message tensor_f32(std::string_view name, const std::vector<int64_t>& dims,
                   const std::vector<float>& values) {
  return tensor(name, kFloat, dims,
                {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

Message value(std::string_view name, int64_t elem_type, const std::vector<Size>& sizes) {
  Message shape;
  for (const Size& size : sizes) {
    shape.message(
        1, size.name.empty() ? Message().integer(1, size.number) : Message().text(2, size.name));
  }
  const Message type = Message().integer(1, elem_type).message(2, shape);
  return Message().text(1, name).message(2, Message().message(1, type));
}

Message value(std::string_view name, int64_t elem_type) {
  const Message type = Message().integer(1, elem_type);
  return Message().text(1, name).message(2, Message().message(1, type));
}

Message attribute(std::string_view name, int64_t value) {
  return Message().text(1, name).integer(3, value).integer(20, 2);
}
Message attribute(std::string_view name, float value) {
  return Message().text(1, name).real(2, value).integer(20, 1);
}
Message attribute(std::string_view name, std::string_view value) {
  return Message().text(1, name).text(4, value).integer(20, 3);
}
Message attribute(std::string_view name, const std::vector<int64_t>& values) {
  Message out = Message().text(1, name).integer(20, 7);
  for (const int64_t value : values) out.integer(8, value);
  return out;
}
Message attribute_tensor(std::string_view name, const Message& tensor) {
  return Message().text(1, name).message(5, tensor).integer(20, 4);
}
Message attribute_graph(std::string_view name, const Message& graph) {
  return Message().text(1, name).message(6, graph).integer(20, 5);
}

Message node(std::string_view op, const Names& inputs, const Names& outputs,
             const std::vector<Message>& attributes, std::string_view name) {
  Message out;
  for (const std::string& input : inputs) out.text(1, input);
  for (const std::string& output : outputs) out.text(2, output);
  if (!name.empty()) out.text(3, name);
  out.text(4, op);
  for (const Message& attribute : attributes) out.message(5, attribute);
  return out;
}

Message encode(const Graph& graph) {
  Message out;
  for (const Message& node : graph.nodes) out.message(1, node);
  out.text(2, graph.name);
  for (const Message& tensor : graph.initializers) out.message(5, tensor);
  for (const Message& input : graph.inputs) out.message(11, input);
  for (const Message& output : graph.outputs) out.message(12, output);
  return out;
}

std::string model(const Graph& graph, int64_t opset, const std::string& more) {
  Message out;
  out.integer(1, 8).message(7, encode(graph));
  out.message(8, Message().integer(2, opset));
  return out.bytes() + more;
}

}  // namespace carnot::encode
