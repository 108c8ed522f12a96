// Pull-based lowering: an output element's index is pushed back through the region until it
// reaches buffers. Views rewrite the index, pointwise ops append their program, and the one folding
// op contributes stages (lower_fold.cc) whose folded values the last stage reads.
#include "kernel/lower.h"

#include <algorithm>

#include "kernel/lowering.h"

namespace carnot {

using Id = StageBuilder::Id;

namespace {

Dims broadcast_index(const Dims& index, const TensorType& from) {
  Dims out;
  const size_t skip = index.size() - from.dims.size();
  for (size_t i = 0; i < from.dims.size(); ++i) {
    out.push_back(from.dims[i].is(1) ? Dim(0) : index[skip + i]);
  }
  return out;
}

bool is_one_element(const Tensor& t) {
  return t.elements() == 1 && class_of(t.dtype()) != DTypeClass::kString;
}

Id constant_id(StageBuilder& b, const Tensor& t) {
  if (is_float(t.dtype())) return b.constant(t.dtype(), t.get(0));
  ScalarProgram p;
  p.results = {p.constant_int(t.dtype(), t.get_int(0))};
  return b.append(p, {})[0];
}

}  // namespace

Result<Id> Lowering::eval(StageBuilder& b, const Value* v, const Dims& index, const Edge& edge) {
  if (auto it = buffers_.find(v); it != buffers_.end()) {
    Load l;
    l.buffer = it->second;
    l.index = index;
    l.guards = edge.guards;
    l.otherwise = edge.otherwise;
    l.within = edge.within;
    return b.load(std::move(l));
  }
  const Node* node = v->producer;
  if (!node) return error(Code::kInternal, "%", v->name, " is not an input of its region");
  if (node == fold_) return fold_value(b, v, index);
  if (auto* op = node->as<op::Transpose>()) {
    Dims in(index.size());
    for (size_t i = 0; i < index.size(); ++i) in[static_cast<size_t>(op->perm[i])] = index[i];
    return eval(b, node->inputs[0], in, edge);
  }
  if (auto* op = node->as<op::Slice>()) {
    Dims in;
    for (size_t i = 0; i < index.size(); ++i) {
      in.push_back(op->starts[i] + index[i] * Dim(op->steps.empty() ? 1 : op->steps[i]));
    }
    return eval(b, node->inputs[0], in, edge);
  }
  if (node->as<op::Expand>()) {
    return eval(b, node->inputs[0], broadcast_index(index, node->inputs[0]->type()), edge);
  }
  if (auto* op = node->as<op::Pad>()) return eval_pad(b, *node, *op, index, edge);
  if (node->as<op::Pointwise>() && !fold_ && !edge.guards.empty() && !edge.within) {
    return eval_inside(b, v, index, edge);
  }
  const bool harmless = node->as<op::Constant>() || node->as<op::Iota>();
  if (!edge.is_plain() && !(edge.anything && harmless)) {
    return error(Code::kUnsupported, name(node->op),
                 ": computed values cannot be padded, or be indices, in place");
  }
  if (auto* op = node->as<op::Constant>()) {
    if (is_one_element(op->value)) return constant_id(b, op->value);
  }
  if (auto* op = node->as<op::Iota>()) {
    return b.expression(index[static_cast<size_t>(op->axis)], op->dtype);
  }
  if (auto* op = node->as<op::Pointwise>()) {
    std::vector<Id> in;
    for (const Value* x : node->inputs) {
      CARNOT_ASSIGN(Id id, eval(b, x, broadcast_index(index, x->type()), {}));
      in.push_back(id);
    }
    return b.append(op->body, in)[static_cast<size_t>(v->result)];
  }
  if (auto* op = node->as<op::Resize>()) return eval_resize(b, *node, *op, index);
  if (is_gather(*node)) return eval_gather(b, *node, index);
  return error(Code::kUnsupported, name(node->op), " has no place in a kernel");
}

// What is computed is padded after it: operands give anything outside, then the fill is chosen.
Result<Id> Lowering::eval_inside(StageBuilder& b, const Value* v, const Dims& index,
                                 const Edge& edge) {
  const auto& op = *v->producer->as<op::Pointwise>();
  std::vector<Id> in;
  for (const Value* x : v->producer->inputs) {
    const Edge guarded{edge.guards, 0, std::nullopt, /*anything=*/true};
    CARNOT_ASSIGN(Id id, eval(b, x, broadcast_index(index, x->type()), guarded));
    in.push_back(id);
  }
  Id value = b.append(op.body, in)[static_cast<size_t>(v->result)];
  const Id fill = b.constant(v->type().dtype, edge.otherwise);
  for (const Guard& guard : edge.guards) {
    const Id at = b.expression(guard.index, DType::kI64);
    const Id low = b.op(ScalarOp::kGe, at, b.expression(guard.lower, DType::kI64));
    const Id high = b.op(ScalarOp::kLt, at, b.expression(guard.upper, DType::kI64));
    value = b.op(ScalarOp::kSelect, b.op(ScalarOp::kAnd, low, high), value, fill);
  }
  return value;
}

namespace {

// Where a pad that repeats the operand reads, of an axis of `size`.
Dim repeated_index(op::Pad::Mode mode, const Dim& index, const Dim& size) {
  const Dim last = size - Dim(1);
  if (mode == op::Pad::kEdge) return max(Dim(0), min(index, last));
  if (mode == op::Pad::kWrap) return mod(index, max(size, Dim(1)));
  const Dim turn = last * Dim(2), place = mod(index, max(turn, Dim(1)));
  return min(place, turn - place);
}

}  // namespace

Result<Id> Lowering::eval_pad(StageBuilder& b, const Node& node, const op::Pad& op,
                              const Dims& index, const Edge& edge) {
  Edge inner = edge;
  Dims in;
  const Dims& dims = node.inputs[0]->type().dims;
  if (op.mode != op::Pad::kConstant) {
    for (size_t i = 0; i < index.size(); ++i) {
      const bool same = op.lo[i].is(0) && op.hi[i].is(0);
      in.push_back(same ? index[i] : repeated_index(op.mode, index[i] - op.lo[i], dims[i]));
      // An axis may turn out to have no elements at all.
      if (!same && !dims[i].is_constant()) inner.guards.push_back({in[i], 0, dims[i]});
    }
    return eval(b, node.inputs[0], in, inner);
  }
  double fill = 0;
  if (node.inputs.size() > 1) {
    const Tensor* value = constant_of(node.inputs[1]);
    if (!value) return error(Code::kUnsupported, "pad: the fill value is not constant");
    fill = value->get(0);
  }
  if (!edge.guards.empty() && edge.otherwise != fill) {
    return error(Code::kUnsupported, "pad: two pads with different values");
  }
  inner.otherwise = fill;
  for (size_t i = 0; i < index.size(); ++i) {
    in.push_back(index[i] - op.lo[i]);
    if (!op.lo[i].is(0) || !op.hi[i].is(0)) inner.guards.push_back({in[i], 0, dims[i]});
  }
  return eval(b, node.inputs[0], in, inner);
}

Result<Dim> Lowering::eval_index(StageBuilder& b, const Value* indices, const Dims& at,
                                 const Dim& size) {
  CARNOT_ASSIGN(const Id id, eval(b, indices, at, {{}, 0, size}));
  return load_symbol(b.load_number(id));
}

// An index is read where it lies; where it says, the data is.
Result<Id> Lowering::eval_gather(StageBuilder& b, const Node& node, const Dims& index) {
  const Value *x = node.inputs[0], *indices = node.inputs[1];
  const Dims& sizes = x->type().dims;
  const auto resolve = [&](int64_t axis) {
    return static_cast<std::ptrdiff_t>(axis < 0 ? axis + x->type().rank() : axis);
  };
  Dims in = index;
  Edge edge;
  const auto place = [&](const Dims& at, size_t axis) -> Result<Dim> {
    CARNOT_ASSIGN(Dim found, eval_index(b, indices, at, sizes[axis]));
    // An axis may turn out to have no elements at all.
    if (!sizes[axis].is_constant()) edge.guards.push_back({found, 0, sizes[axis]});
    return found;
  };
  if (const auto* op = node.as<op::Gather>()) {
    const std::ptrdiff_t axis = resolve(op->axis);
    const auto first = index.begin() + axis, last = first + indices->type().rank();
    CARNOT_ASSIGN(const Dim found, place({first, last}, static_cast<size_t>(axis)));
    in.assign(index.begin(), first);
    in.push_back(found);
    in.insert(in.end(), last, index.end());
  } else if (const auto* elements = node.as<op::GatherElements>()) {
    const auto axis = static_cast<size_t>(resolve(elements->axis));
    CARNOT_ASSIGN(in[axis], place(index, axis));
  } else {
    // The last axis of the indices is a place along the axes that follow the batch.
    const auto batch = static_cast<size_t>(node.as<op::GatherNd>()->batch_dims);
    const Dims& shape = indices->type().dims;
    const auto count = static_cast<size_t>(shape.back().value());
    const auto inner = index.begin() + static_cast<std::ptrdiff_t>(shape.size()) - 1;
    Dims at(index.begin(), inner);
    at.emplace_back(0);
    in.assign(index.begin(), index.begin() + static_cast<std::ptrdiff_t>(batch));
    for (size_t k = 0; k < count; ++k) {
      at.back() = static_cast<int64_t>(k);
      CARNOT_ASSIGN(const Dim found, place(at, batch + k));
      in.push_back(found);
    }
    in.insert(in.end(), inner, index.end());
  }
  return eval(b, x, in, edge);
}

Status Lowering::add_buffers() {
  for (const Value* v : region_.inputs()) {
    buffers_[v] = static_cast<int>(kernel_.buffers.size());
    kernel_.buffers.push_back({v->type(), false, {}});
  }
  for (const Value* v : region_.outputs()) kernel_.buffers.push_back({v->type(), true, {}});
  return {};
}

int Lowering::add_axis(std::string name, Dim size) {
  kernel_.axes.push_back({std::move(name), std::move(size)});
  return static_cast<int>(kernel_.axes.size()) - 1;
}

Status Lowering::store_outputs(StageBuilder& b, const Dims& index, std::vector<Axis> inner) {
  std::vector<Id> results;
  std::vector<Store> stores;
  const size_t inputs = region_.inputs().size();
  const Dims* space = nullptr;  // what the index runs over
  for (size_t i = 0; i < region_.outputs().size(); ++i) {
    const Value* v = region_.outputs()[i];
    Dims at = index;
    const Value* source = v;
    if (v->producer && v->producer != fold_ && v->producer->as<op::Transpose>() && fold_) {
      // A transpose after the fold moves the store, not the computation.
      const auto& perm = v->producer->as<op::Transpose>()->perm;
      for (size_t d = 0; d < perm.size(); ++d) at[d] = index[static_cast<size_t>(perm[d])];
      source = v->producer->inputs[0];
    }
    if (i == 0) space = &source->type().dims;
    if (source->type().dims.size() != index.size() || source->type().dims != *space) {
      return error(Code::kUnsupported, "outputs of different shapes");
    }
    CARNOT_ASSIGN(Id id, eval(b, source, index, {}));
    results.push_back(id);
    stores.push_back({static_cast<int>(inputs + i), at, static_cast<int>(i)});
  }
  Stage stage = b.finish(results, static_cast<int>(kernel_.stages.size()));
  stage.inner = std::move(inner);
  stage.stores = std::move(stores);
  kernel_.stages.push_back(std::move(stage));
  return {};
}

Result<Kernel> Lowering::run() {
  kernel_.name = region_.name;
  if (region_.outputs().empty()) return error(Code::kInternal, "a region without outputs");
  CARNOT_RETURN_IF_ERROR(add_buffers());
  for (const Node* node : region_.nodes()) {
    if (!is_fold(node->op)) continue;
    if (fold_) return error(Code::kUnsupported, "two folding ops in one kernel");
    fold_ = node;
  }
  if (fold_) {
    CARNOT_RETURN_IF_ERROR(lower_fold());
  } else {
    StageBuilder b;
    Dims index;
    const TensorType& out = region_.outputs()[0]->type();
    for (size_t i = 0; i < out.dims.size(); ++i) {
      if (out.dims[i].is(1)) {
        index.push_back(0);
      } else {
        index.push_back(axis_symbol(add_axis(cat("d", i), out.dims[i])));
      }
    }
    CARNOT_RETURN_IF_ERROR(store_outputs(b, index, {}));
  }
  CARNOT_RETURN_IF_ERROR(verify(kernel_).with("lowering"));
  return std::move(kernel_);
}

Result<Kernel> lower_region(const Graph& region) {
  return Lowering(region).run();
}

bool Lowering::is_fold(const Op& op) {
  return std::holds_alternative<op::Conv>(op) || std::holds_alternative<op::MatMul>(op) ||
         std::holds_alternative<op::Pool>(op) || std::holds_alternative<op::Reduce>(op) ||
         std::holds_alternative<op::Softmax>(op) || std::holds_alternative<op::Normalize>(op) ||
         std::holds_alternative<op::ArgReduce>(op) || std::holds_alternative<op::Attention>(op);
}

bool is_gather(const Node& node) {
  return node.as<op::Gather>() || node.as<op::GatherElements>() || node.as<op::GatherNd>();
}

namespace {

std::string why_not_gather(const Node& node) {
  constexpr int64_t kPlacesMax = 4;  // along so many axes at once
  const TensorType &x = node.inputs[0]->type(), &indices = node.inputs[1]->type();
  if (indices.dtype != DType::kI64 && indices.dtype != DType::kI32) return "indices of other types";
  // Of an axis without elements nothing could be read in a bad index' place.
  for (const Dim& size : x.dims) {
    if (size.is(0)) return "nothing to gather from";
  }
  // The other axes are not looked at when it runs.
  const auto covers = [&](size_t axis) {
    const Dim &have = x.dims[axis], &used = indices.dims[axis];
    return have == used ||
           (have.is_constant() && used.is_constant() && used.value() <= have.value());
  };
  if (const auto* op = node.as<op::GatherElements>()) {
    const auto along = static_cast<size_t>(op->axis < 0 ? op->axis + x.rank() : op->axis);
    for (size_t i = 0; i < x.dims.size(); ++i) {
      if (i != along && !covers(i)) return "sizes that may not fit";
    }
    return "";
  }
  if (!node.as<op::GatherNd>()) return "";
  for (int64_t i = 0; i < node.as<op::GatherNd>()->batch_dims; ++i) {
    if (!covers(static_cast<size_t>(i))) return "sizes that may not fit";
  }
  const Dim& places = indices.dims.back();
  if (!places.is_constant() || places.value() > kPlacesMax) return "places along many axes";
  return "";
}

}  // namespace

std::string why_not_lowered(const Node& node) {
  for (const auto& list : {&node.inputs, &node.outputs}) {
    for (const Value* v : *list) {
      if (v->type().dtype == DType::kString) return "strings stay on the host";
      if (bits_of(v->type().dtype) < 8) return "elements narrower than a byte";
      if (v->type().rank() > 8) return "more than 8 axes";
    }
  }
  if (node.as<op::Slice>()) {
    return node.inputs.size() > 1 ? "its bounds are computed at run time" : "";
  }
  if (node.as<op::Expand>()) return node.inputs.size() > 1 ? "its target is computed" : "";
  if (auto* op = node.as<op::Pad>()) {
    if (node.inputs.size() > 2) return "its pads are computed at run time";
    const Dims& sizes = node.inputs[0]->type().dims;
    const auto grows = [](const Dim& pad) { return pad.is_constant() && pad.value() >= 0; };
    for (size_t i = 0; op->mode != op::Pad::kConstant && i < sizes.size(); ++i) {
      if (sizes[i].is(0)) return "nothing to repeat";
      if (!grows(op->lo[i]) || !grows(op->hi[i])) return "what may be cropped is not repeated";
    }
    return node.inputs.size() > 1 && !constant_of(node.inputs[1]) ? "its fill is computed" : "";
  }
  if (node.as<op::Resize>()) return why_not_resize(node);
  if (is_gather(node)) return why_not_gather(node);
  if (auto* op = node.as<op::ArgReduce>()) return op->last ? "ties go to the last index" : "";
  if (auto* op = node.as<op::Pool>()) {
    return op->kind == op::Pool::kLp ? "an Lp pool" : "";
  }
  if (node.as<op::MatMul>()) {
    const DType in = node.inputs[0]->type().dtype;
    return in == node.inputs[1]->type().dtype && is_float(in) ? "" : "not a float matmul";
  }
  if (node.as<op::Conv>()) {
    return is_float(node.inputs[0]->type().dtype) ? "" : "not a float convolution";
  }
  if (node.as<op::Attention>()) {
    return bits_of(node.inputs[0]->type().dtype) <= 32 ? "" : "attention on f64";
  }
  if (Lowering::is_fold(node.op) || node.as<op::Pointwise>() || node.as<op::Transpose>() ||
      node.as<op::Iota>()) {
    return "";
  }
  return cat(name(node.op), " runs on the host");
}

}  // namespace carnot
