#pragma once
// ONNX messages as they are read: names and numbers point into the model's bytes. Field meanings
// are those of onnx.proto; what the compiler has no use for (doc strings, training info,
// quantization annotations, device configurations) is skipped.
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace carnot::onnx {

struct StringPair {
  std::string_view key, value;
};

struct TensorProto {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::string_view raw_data;
  bool has_raw = false, has_segment = false, external = false;
  uint32_t typed_fields = 0;  ///< bit n: field number n (float_data, int32_data ...) is present
  std::vector<StringPair> external_data;
  /// The message's bytes, where the typed data is: decoded when the tensor is made, so that large
  /// ones are not held twice. Several where the message was split (protobuf merges those).
  std::vector<std::string_view> messages;
};

struct SparseTensorProto {
  TensorProto values, indices;
  std::vector<int64_t> dims;
};

struct DimensionProto {
  enum Kind : uint8_t { kUnknown, kNumber, kName };
  Kind kind = kUnknown;
  int64_t value = 0;
  std::string_view param;
};

struct TypeProto {
  enum Kind : uint8_t { kNone, kTensor, kSequence, kMap, kOptional, kSparseTensor, kOpaque };
  Kind kind = kNone;
  int64_t elem_type = 0;  ///< of kTensor
  bool has_shape = false;
  std::vector<DimensionProto> shape;
};

struct ValueInfoProto {
  std::string_view name;
  TypeProto type;
};

struct GraphProto;

struct AttributeProto {
  enum Type : int64_t {
    kUndefined,
    kFloat,
    kInt,
    kString,
    kTensor,
    kGraph,
    kFloats,
    kInts,
    kStrings,
    kTensors,
    kGraphs,
    kSparseTensor,
    kSparseTensors,
    kTypeProto,
    kTypeProtos
  };
  std::string_view name, ref_name;
  int64_t type = kUndefined;
  uint32_t fields = 0;  ///< bit n: field number n is present
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::unique_ptr<TensorProto> t;
  std::unique_ptr<GraphProto> g;
  std::unique_ptr<SparseTensorProto> sparse_tensor;
};

struct NodeProto {
  std::string_view name, op_type, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeProto> attributes;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<SparseTensorProto> sparse_initializers;
  std::vector<ValueInfoProto> inputs, outputs, values;
};

struct OpsetImport {
  std::string_view domain;
  int64_t version = 0;
};

struct FunctionProto {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<AttributeProto> defaults;  ///< attribute_proto: attributes that have a default
  std::vector<NodeProto> nodes;
  std::vector<OpsetImport> opsets;
};

struct ModelProto {
  int64_t ir_version = 0, model_version = 0;
  std::string_view producer_name, producer_version, domain;
  bool has_graph = false;
  GraphProto graph;
  std::vector<OpsetImport> opsets;
  std::vector<FunctionProto> functions;
  std::vector<StringPair> metadata;
};

}  // namespace carnot::onnx
