#pragma once
// Writes ONNX models byte by byte, wrong ones too: what the tests and the fuzz corpus are made of.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carnot::encode {

/// A protobuf message under construction.
class Message {
 public:
  Message& integer(uint32_t field, int64_t value);
  Message& real(uint32_t field, float value);
  Message& text(uint32_t field, std::string_view value);
  Message& message(uint32_t field, const Message& value) { return text(field, value.bytes()); }
  /// Bytes as they are: for what no writer would write.
  Message& raw(std::string_view bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string varint(uint64_t value);

// ONNX data types that the tests use.
inline constexpr int64_t kFloat = 1, kInt32 = 6, kInt64 = 7, kString = 8, kBool = 9;

/// A size: a number, or a name.
struct Size {
  int64_t number = 0;
  std::string name;
  Size(int64_t n) : number(n) {}  // implicit: {1, 3, "h", "w"}
  Size(int n) : number(n) {}
  Size(const char* text) : name(text) {}
};

Message tensor(std::string_view name, int64_t data_type, const std::vector<int64_t>& dims,
               std::string_view raw_data);
Message tensor_i64(std::string_view name, const std::vector<int64_t>& dims,
                   const std::vector<int64_t>& values);
Message tensor_f32(std::string_view name, const std::vector<int64_t>& dims,
                   const std::vector<float>& values);
/// A ValueInfoProto, with a shape or without.
Message value(std::string_view name, int64_t elem_type, const std::vector<Size>& sizes);
Message value(std::string_view name, int64_t elem_type);

Message attribute(std::string_view name, int64_t value);
Message attribute(std::string_view name, float value);
Message attribute(std::string_view name, std::string_view value);
Message attribute(std::string_view name, const std::vector<int64_t>& values);
Message attribute_tensor(std::string_view name, const Message& tensor);
Message attribute_graph(std::string_view name, const Message& graph);

using Names = std::vector<std::string>;
Message node(std::string_view op, const Names& inputs, const Names& outputs,
             const std::vector<Message>& attributes = {}, std::string_view name = {});

struct Graph {
  std::vector<Message> nodes, inputs, outputs, initializers;
  std::string name = "g";
};
Message encode(const Graph& graph);

/// The whole file. `more` is appended to the ModelProto: functions, further opsets.
std::string model(const Graph& graph, int64_t opset = 17, const std::string& more = {});

}  // namespace carnot::encode
