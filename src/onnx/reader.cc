// Messages to structs. A repeated message field of singular kind is parsed into the same struct
// again, which is protobuf's rule for merging: scalars are replaced, lists grow.
#include "onnx/reader.h"

#include "base/file.h"
#include "base/status.h"
#include "onnx/wire.h"

namespace carnot::onnx {

namespace {

void parse(ParseState& state, std::string_view bytes, GraphProto& out);

/// A new last element of a repeated message field, charged to the parse.
template <class T>
T& grow(ParseState& state, std::vector<T>& list) {
  state.charge(sizeof(T));
  return list.emplace_back();
}

/// A singular message field held by pointer: made at its first appearance.
template <class T>
T& need(ParseState& state, std::unique_ptr<T>& pointer) {
  if (!pointer) {
    state.charge(sizeof(T));
    pointer = std::make_unique<T>();
  }
  return *pointer;
}

void parse(ParseState& state, std::string_view bytes, StringPair& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.key = f.bytes();
        break;
      case 2:
        out.value = f.bytes();
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, OpsetImport& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.domain = f.bytes();
        break;
      case 2:
        out.version = f.integer();
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, TensorProto& out) {
  Fields f(state, bytes);
  state.charge(sizeof bytes);
  out.messages.push_back(bytes);
  while (f.next()) {
    const uint32_t number = f.number();
    switch (number) {
      case 1:
        f.integers(out.dims);
        break;
      case 2:
        out.data_type = f.integer();
        break;
      case 3:
        out.has_segment = true, f.bytes();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 10:
      case 11:
        out.typed_fields |= 1u << number;
        f.skip();  // decoded by the tensor reader
        break;
      case 8:
        out.name = f.bytes();
        break;
      case 9:
        out.raw_data = f.bytes(), out.has_raw = true;
        break;
      case 13:
        parse(state, f.bytes(), grow(state, out.external_data));
        break;
      case 14:
        out.external = f.integer() == 1;
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, SparseTensorProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        parse(state, f.bytes(), out.values);
        break;
      case 2:
        parse(state, f.bytes(), out.indices);
        break;
      case 3:
        f.integers(out.dims);
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, DimensionProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.value = f.integer(), out.kind = DimensionProto::kNumber;
        break;
      case 2:
        out.param = f.bytes(), out.kind = DimensionProto::kName;
        break;
      default:
        f.skip();
    }
  }
}

void parse_tensor_type(ParseState& state, std::string_view bytes, TypeProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.elem_type = f.integer();
        break;
      case 2: {
        out.has_shape = true;
        Fields shape(state, f.bytes());
        while (shape.next()) {
          if (shape.number() == 1) {
            parse(state, shape.bytes(), grow(state, out.shape));
          } else {
            shape.skip();
          }
        }
        break;
      }
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, TypeProto& out) {
  // The element types of sequences, optionals and maps are not looked into: no op takes them.
  static constexpr std::pair<uint32_t, TypeProto::Kind> kKinds[] = {
      {1, TypeProto::kTensor}, {4, TypeProto::kSequence},     {5, TypeProto::kMap},
      {7, TypeProto::kOpaque}, {8, TypeProto::kSparseTensor}, {9, TypeProto::kOptional}};
  Fields f(state, bytes);
  while (f.next()) {
    TypeProto::Kind kind = TypeProto::kNone;
    for (const auto& row : kKinds) {
      if (row.first == f.number()) kind = row.second;
    }
    if (kind == TypeProto::kNone) {
      f.skip();
      continue;
    }
    if (out.kind != kind) out = TypeProto{};  // a oneof: the last one stays
    out.kind = kind;
    const std::string_view type = f.bytes();
    if (kind == TypeProto::kTensor) parse_tensor_type(state, type, out);
  }
}

void parse(ParseState& state, std::string_view bytes, ValueInfoProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.name = f.bytes();
        break;
      case 2:
        parse(state, f.bytes(), out.type);
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, AttributeProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    const uint32_t number = f.number();
    if (number < 32) out.fields |= 1u << number;
    switch (number) {
      case 1:
        out.name = f.bytes();
        break;
      case 2:
        out.f = f.real();
        break;
      case 3:
        out.i = f.integer();
        break;
      case 4:
        out.s = f.bytes();
        break;
      case 5:
        parse(state, f.bytes(), need(state, out.t));
        break;
      case 6:
        parse(state, f.bytes(), need(state, out.g));
        break;
      case 7:
        f.reals(out.floats);
        break;
      case 8:
        f.integers(out.ints);
        break;
      case 9:
        f.strings(out.strings);
        break;
      case 20:
        out.type = f.integer();
        break;
      case 21:
        out.ref_name = f.bytes();
        break;
      case 22:
        parse(state, f.bytes(), need(state, out.sparse_tensor));
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, NodeProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        f.strings(out.inputs);
        break;
      case 2:
        f.strings(out.outputs);
        break;
      case 3:
        out.name = f.bytes();
        break;
      case 4:
        out.op_type = f.bytes();
        break;
      case 5:
        parse(state, f.bytes(), grow(state, out.attributes));
        break;
      case 7:
        out.domain = f.bytes();
        break;
      case 8:
        out.overload = f.bytes();
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, GraphProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        parse(state, f.bytes(), grow(state, out.nodes));
        break;
      case 2:
        out.name = f.bytes();
        break;
      case 5:
        parse(state, f.bytes(), grow(state, out.initializers));
        break;
      case 11:
        parse(state, f.bytes(), grow(state, out.inputs));
        break;
      case 12:
        parse(state, f.bytes(), grow(state, out.outputs));
        break;
      case 13:
        parse(state, f.bytes(), grow(state, out.values));
        break;
      case 15:
        parse(state, f.bytes(), grow(state, out.sparse_initializers));
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, FunctionProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.name = f.bytes();
        break;
      case 4:
        f.strings(out.inputs);
        break;
      case 5:
        f.strings(out.outputs);
        break;
      case 6:
        f.strings(out.attributes);
        break;
      case 7:
        parse(state, f.bytes(), grow(state, out.nodes));
        break;
      case 9:
        parse(state, f.bytes(), grow(state, out.opsets));
        break;
      case 10:
        out.domain = f.bytes();
        break;
      case 11:
        parse(state, f.bytes(), grow(state, out.defaults));
        break;
      case 13:
        out.overload = f.bytes();
        break;
      default:
        f.skip();
    }
  }
}

void parse(ParseState& state, std::string_view bytes, ModelProto& out) {
  Fields f(state, bytes);
  while (f.next()) {
    switch (f.number()) {
      case 1:
        out.ir_version = f.integer();
        break;
      case 2:
        out.producer_name = f.bytes();
        break;
      case 3:
        out.producer_version = f.bytes();
        break;
      case 4:
        out.domain = f.bytes();
        break;
      case 5:
        out.model_version = f.integer();
        break;
      case 7:
        out.has_graph = true, parse(state, f.bytes(), out.graph);
        break;
      case 8:
        parse(state, f.bytes(), grow(state, out.opsets));
        break;
      case 14:
        parse(state, f.bytes(), grow(state, out.metadata));
        break;
      case 25:
        parse(state, f.bytes(), grow(state, out.functions));
        break;
      default:
        f.skip();
    }
  }
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Status parse_file(ModelFile& file, const Budget* budget) {
  const std::string_view text = text_of(file.bytes);
  ParseState state(text, budget);
  parse(state, text, file.model);
  if (!state.ok()) return Status(state.status()).with(cat(file.name, ": not an ONNX model"));
  if (!file.model.has_graph) {
    return error(Code::kInvalidModel, file.name, ": not an ONNX model: it has no graph");
  }
  return {};
}

}  // namespace

Result<ModelFile> read_model(const std::filesystem::path& path, const Budget* budget) {
  CARNOT_ASSIGN(MappedFile mapped, MappedFile::open(path.string()));
  auto owner = std::make_shared<MappedFile>(std::move(mapped));
  ModelFile file;
  file.bytes = owner->bytes();
  file.keep_alive = std::move(owner);
  file.folder = path.has_parent_path() ? path.parent_path().string() : ".";
  file.name = path.filename().string();
  CARNOT_RETURN_IF_ERROR(parse_file(file, budget));
  return file;
}

Result<ModelFile> read_model(std::span<const std::byte> bytes, KeepAlive keep_alive,
                             const Budget* budget) {
  ModelFile file;
  file.bytes = bytes;
  file.keep_alive = std::move(keep_alive);
  file.name = "model in memory";
  CARNOT_RETURN_IF_ERROR(parse_file(file, budget));
  return file;
}

Result<Tensor> read_tensor(std::span<const std::byte> bytes) {
  auto owner = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  ModelFile file;
  file.bytes = *owner;
  file.keep_alive = owner;
  file.name = "tensor";
  ParseState state(text_of(file.bytes), nullptr);
  TensorProto proto;
  parse(state, text_of(file.bytes), proto);
  if (!state.ok()) return Status(state.status()).with("not an ONNX tensor");
  return TensorReader(file, nullptr).read(proto);
}

}  // namespace carnot::onnx
