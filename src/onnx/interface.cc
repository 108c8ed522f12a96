// The model's own inputs and outputs: declared types, names of sizes, what the caller pins.
#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "base/text.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

const char* kind_name(TypeProto::Kind kind) {
  switch (kind) {
    case TypeProto::kNone:
      return "of no type";
    case TypeProto::kTensor:
      return "a tensor";
    case TypeProto::kSequence:
      return "a sequence";
    case TypeProto::kMap:
      return "a map";
    case TypeProto::kOptional:
      return "an optional";
    case TypeProto::kSparseTensor:
      return "a sparse tensor";
    case TypeProto::kOpaque:
      return "opaque";
  }
  return "of an unknown type";
}

/// Names that exporters write for "nobody knows": not names of one size.
bool is_unknown(std::string_view param) {
  return param.empty() || param == "?" || param == "-1" || param == "None";
}

}  // namespace

TensorType Session::declared_type(const ValueInfoProto& input) {
  const TypeProto& type = input.type;
  const auto name = [&] { return cat("input ", quote(input.name)); };
  if (type.kind != TypeProto::kTensor) {
    fail(type.kind == TypeProto::kNone ? Code::kInvalidModel : Code::kUnsupported,
         cat(name(), " is ", kind_name(type.kind), "; only tensors are supported"));
  }
  TensorType out;
  const Result<DType> dtype = dtype_of(type.elem_type);
  if (!dtype.ok()) throw ImportFailure{Status(dtype.status()).with(name())};
  out.dtype = *dtype;
  for (size_t axis = 0; axis < type.shape.size(); ++axis) {
    const DimensionProto& size = type.shape[axis];
    if (size.kind == DimensionProto::kNumber && size.value >= 0) {
      out.dims.emplace_back(size.value);
      continue;
    }
    if (size.kind == DimensionProto::kNumber && size.value != -1) {
      fail(Code::kInvalidModel, cat(name(), ": the size of axis ", axis, " is ", size.value));
    }
    // The key keeps names of sizes apart from names made up for unknown sizes.
    const bool unknown = size.kind != DimensionProto::kName || is_unknown(size.param);
    const std::string key =
        unknown ? cat("input ", input.name, " ", axis) : cat("size ", size.param);
    auto symbol = symbols_.find(key);
    if (symbol == symbols_.end()) {
      const std::string plain =
          unknown ? symbol_text(cat(input.name, ".", axis)) : symbol_text(size.param);
      std::string text = plain;
      while (!symbol_texts_.insert(text).second) text = cat(plain, "_", ++repeats_[plain]);
      symbol = symbols_.emplace(key, std::move(text)).first;
    }
    out.dims.push_back(Dim::symbol(symbol->second));
  }
  return out;
}

void Session::pin_sizes(const std::string& name, const Dims& declared, const Dims& wanted) {
  const auto refuse = [&](const std::string& why) {
    fail(Code::kInvalidArgument, cat("input ", quote(name), " is declared ", to_string(declared),
                                     ", the shape given is ", to_string(wanted), ": ", why));
  };
  if (declared.size() != wanted.size()) refuse("their ranks differ");
  for (size_t axis = 0; axis < declared.size(); ++axis) {
    const auto symbol = declared[axis].as_symbol();
    if (!symbol) {
      if (!(declared[axis] == wanted[axis])) refuse(cat("axis ", axis, " is fixed by the model"));
      continue;
    }
    const auto [at, is_new] = pinned_.emplace(*symbol, wanted[axis]);
    if (is_new || at->second == wanted[axis]) continue;
    // Two names for one size: it stays one, by the first name, or becomes the number given.
    if (wanted[axis].as_symbol()) continue;
    if (!at->second.as_symbol()) {
      refuse(cat("axis ", axis, " is ", to_string(declared[axis]), ", which is ",
                 to_string(at->second), " elsewhere"));
    }
    at->second = wanted[axis];
  }
}

void Session::fix_input(Scope& scope, const ValueInfoProto& input) {
  const Tensor& value = options_.input_values.find(std::string(input.name))->second;
  const TensorType type = declared_type(input);
  bool fits = type.dtype == value.dtype();
  if (input.type.has_shape) {
    fits = fits && type.rank() == value.rank();
    for (size_t i = 0; fits && i < type.dims.size(); ++i) {
      fits = !type.dims[i].is_constant() || type.dims[i].is(value.shape()[i]);
    }
  }
  if (!fits) {
    fail(Code::kInvalidArgument, cat("input ", quote(input.name), " is declared ", to_string(type),
                                     ", the value given is ", to_string(value.type())));
  }
  Binding binding;
  binding.kind = Binding::kConstant;
  binding.tensor = value;
  define(scope, input.name, std::move(binding));
}

void Session::import_inputs(Scope& scope) {
  const GraphProto& proto = file_.model.graph;
  std::unordered_set<std::string_view> constants;
  for (const TensorProto& initializer : proto.initializers) constants.insert(initializer.name);
  for (const auto& initializer : proto.sparse_initializers) {
    constants.insert(initializer.values.name);
  }
  std::vector<std::pair<const ValueInfoProto*, TensorType>> inputs;
  for (const ValueInfoProto& input : proto.inputs) {
    if (constants.count(input.name)) continue;  // old IR versions list weights as inputs too
    if (input.name.empty()) fail(Code::kInvalidModel, "a graph input has no name");
    if (options_.input_values.count(std::string(input.name))) {
      fix_input(scope, input);
      continue;
    }
    inputs.emplace_back(&input, declared_type(input));
  }
  for (const auto& [name, wanted] : options_.input_shapes) {
    const auto found = std::find_if(inputs.begin(), inputs.end(), [&name = name](const auto& row) {
      return row.first->name == name;
    });
    if (found == inputs.end()) {
      fail(Code::kInvalidArgument, cat("the model has no input ", quote(name)));
    }
    if (found->first->type.has_shape) {
      pin_sizes(name, found->second.dims, wanted);
    } else {
      found->second.dims = wanted;
    }
  }
  for (const auto& [name, value] : options_.input_values) {
    if (!scope.names.count(name)) {
      fail(Code::kInvalidArgument, cat("the model has no input ", quote(name)));
    }
  }
  for (auto& [input, type] : inputs) {
    if (!input->type.has_shape && !options_.input_shapes.count(std::string(input->name))) {
      fail(Code::kInvalidModel,
           cat("input ", quote(input->name), " has no shape in the model: give one"));
    }
    for (Dim& dim : type.dims) dim = substitute(dim, pinned_);
    Binding binding;
    binding.kind = Binding::kValue;
    binding.value = scope.graph->add_input(std::string(input->name), type);
    define(scope, input->name, std::move(binding));
  }
}

void Session::check_outputs(const Values& outputs) {
  const auto& declared = file_.model.graph.outputs;
  if (declared.empty()) fail(Code::kInvalidModel, "the graph has no outputs");
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TypeProto& want = declared[i].type;
    const TensorType& got = outputs[i]->type();
    const auto refuse = [&](const std::string& why) {
      fail(Code::kInvalidModel, cat("output ", quote(declared[i].name), " is ", to_string(got),
                                    ", but the model declares ", why));
    };
    if (want.kind == TypeProto::kNone) continue;
    if (want.kind != TypeProto::kTensor) refuse(kind_name(want.kind));
    const Result<DType> dtype = dtype_of(want.elem_type);
    if (want.elem_type != 0 && (!dtype.ok() || *dtype != got.dtype)) {
      refuse(data_type_name(want.elem_type));
    }
    if (!want.has_shape) continue;
    // Exporters leave wrong sizes (of the batch that was traced, say) in models that work.
    bool differs = want.shape.size() != got.dims.size();
    for (size_t axis = 0; !differs && axis < want.shape.size(); ++axis) {
      differs = want.shape[axis].kind == DimensionProto::kNumber && got.dims[axis].is_constant() &&
                want.shape[axis].value >= 0 && !got.dims[axis].is(want.shape[axis].value);
    }
    if (differs) {
      log_warning(file_.name, ": output ", quote(declared[i].name), " is ", to_string(got),
                  "; the model declares another shape, which is ignored");
    }
  }
}

}  // namespace carnot::onnx
