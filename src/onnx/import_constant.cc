// Constants, fills and pass-through operators.
#include <cmath>

#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

Tensor vector_f32(const std::vector<double>& values) {
  return Tensor::from_f32({static_cast<int64_t>(values.size())}, {values.begin(), values.end()});
}

Tensor constant_value(NodeImport& n) {
  if (const auto value = n.tensor("value")) return *value;
  if (const AttributeProto* const sparse = n.find("sparse_value")) {
    if (sparse->type != AttributeProto::kSparseTensor || !sparse->sparse_tensor) {
      n.invalid("the attribute \"sparse_value\" is not a sparse tensor");
    }
    return n.session().read(*sparse->sparse_tensor);
  }
  if (n.has("value_float")) {
    return Tensor::from_f32({}, {static_cast<float>(n.real("value_float", 0))});
  }
  if (n.has("value_floats")) return vector_f32(n.reals("value_floats"));
  if (n.has("value_int")) return Tensor::from_i64({}, {n.integer("value_int")});
  if (n.has("value_ints")) {
    const std::vector<int64_t> values = n.integers("value_ints");
    return Tensor::from_i64({static_cast<int64_t>(values.size())}, values);
  }
  if (n.has("value_string")) return Tensor::from_strings({}, {n.text("value_string", "")});
  if (n.has("value_strings")) {
    const std::vector<std::string> values = n.texts("value_strings");
    return Tensor::from_strings({static_cast<int64_t>(values.size())}, values);
  }
  n.invalid("has no value");
}

void constant(NodeImport& n) {
  if (!n.wants(0)) return;
  Binding binding;
  binding.kind = Binding::kConstant;
  binding.tensor = constant_value(n);
  n.session().define(n.scope(), n.node().outputs[0], std::move(binding));
}

void constant_of_shape(NodeImport& n) {
  Tensor fill = n.tensor("value").value_or(Tensor::zeros(DType::kF32, {}));
  if (fill.elements() != 1) n.invalid("its value has ", fill.elements(), " elements, not one");
  Value* const shape = n.in(0);
  if (const std::optional<Dims> dims = n.elements(shape)) {
    for (const Dim& dim : *dims) {
      if (dim.is_constant() && dim.value() < 0) n.invalid("a size is ", dim.value());
    }
    return n.out(n.filled(fill, *dims));
  }
  const auto partial = n.partial_elements(shape);
  if (!partial) {
    n.unsupported("the rank of the result is not known: its shape is ", to_string(shape->type()));
  }
  op::Expand expand;
  for (const std::optional<Dim>& size : *partial) {
    expand.sizes.push_back(size ? *size : n.fresh_symbol(n.hint()));
  }
  n.out(n.make(std::move(expand), {n.constant(fill.reshaped({})), n.cast(shape, DType::kI64)}));
}

void identity(NodeImport& n) {
  Value* const x = n.in(0);
  const Scope& scope = n.scope();
  const bool kept = n.session().keeps_identities() && !scope.outer && scope.calls == 0 &&
                    scope.regions == 0 && !n.known(x) && !n.elements(x) &&
                    x->type().dtype != DType::kString;
  n.out(kept ? n.make(op::Reshape{x->type().dims}, {x}) : x);
}

void dropout(NodeImport& n) {
  // Opsets 1 and 6 say `is_test`, 12 and later an input; in between there was no training.
  if (n.opset() >= 12 && n.has_input(2)) {
    const std::optional<double> training = n.known_number(n.in(2));
    const std::optional<double> ratio =
        n.has_input(1) ? n.known_number(n.in(1)) : std::optional(0.5);
    if ((!training || *training != 0) && (!ratio || *ratio != 0)) {
      n.unsupported("is in training mode, which is random; export the model for inference");
    }
  }
  n.out(n.in(0));
  if (!n.wants(1)) return;
  // Before opset 10 the mask had the data's type.
  Tensor one = Tensor::zeros(n.opset() < 10 ? n.type(0).dtype : DType::kBool, {});
  one.set(0, 1);
  n.out(1, n.filled(one, n.type(0).dims));
}

void eye_like(NodeImport& n) {
  const TensorType& type = n.type(0);
  if (type.rank() != 2) n.invalid("needs a matrix, got ", to_string(type));
  Value* const row = n.iota({type.dims[0], 1}, 0);
  Value* const column = n.iota({1, type.dims[1]}, 1);
  Value* const on = n.map(cat("eq(add($0, #", n.integer("k", 0), "), $1)"), {row, column});
  n.out(n.cast(on, n.dtype("dtype", type.dtype)));
}

/// max((limit - start) / delta, 0) rounded up: whole numbers and sizes exactly, others from what
/// is known of them; else the run counts.
Dim range_count(NodeImport& n) {
  const auto from = n.elements(n.in(0)), to = n.elements(n.in(1)), by = n.elements(n.in(2));
  if (from && to && by && from->size() == 1 && to->size() == 1 && by->size() == 1 &&
      (*by)[0].is_constant()) {
    const Dim& step = (*by)[0];
    if (step.is(0)) n.invalid("the delta is 0");
    const bool up = step.value() > 0;
    const Dim length = up ? (*to)[0] - (*from)[0] : (*from)[0] - (*to)[0];
    return ceil_div(larger(length, 0), up ? step : Dim(0) - step);
  }
  const auto start = n.known_number(n.in(0)), limit = n.known_number(n.in(1)),
             delta = n.known_number(n.in(2));
  if (!start || !limit || !delta) return n.fresh_symbol(n.hint());
  if (*delta == 0) n.invalid("the delta is 0");
  const double count = std::ceil((*limit - *start) / *delta);
  constexpr double kCountMax = 1e15;                                // still exact
  if (!(count < kCountMax)) n.invalid("has ", count, " elements");  // NaN too
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

void range(NodeImport& n) {
  Values operands;
  for (size_t i = 0; i < 3; ++i) operands.push_back(n.reshape(n.in(i), {}));
  n.out(n.make(op::Range{range_count(n)}, operands));
}

constexpr ImportRow kRows[] = {
    {"Constant", 1, kNewest, 0, 0, 1, constant},
    {"ConstantOfShape", 9, kNewest, 1, 1, 1, constant_of_shape},
    {"Dropout", 1, kNewest, 1, 3, 2, dropout},
    {"EyeLike", 9, kNewest, 1, 1, 1, eye_like},
    {"Identity", 1, kNewest, 1, 1, 1, identity},
    {"Range", 11, kNewest, 3, 3, 1, range},
};

}  // namespace

std::span<const ImportRow> constant_rows() {
  return kRows;
}

}  // namespace carnot::onnx
