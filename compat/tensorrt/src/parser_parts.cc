#include "parser_parts.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "convert.h"

namespace trt {

namespace {

using carnot::DType;
using carnot::OnnxOutline;
using Nodes = std::vector<carnot::OnnxNode>;

/// Models that ONNX Runtime writes for a provider import this domain of its own.
bool asked_by_onnx_runtime(const OnnxOutline& model) {
  return std::find(model.domains.begin(), model.domains.end(), "com.ms.internal.nhwc") !=
         model.domains.end();
}

/// Its provider hands on no others; doubles it would round, with a kernel of its own.
bool onnx_runtime_passes(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kBool:
    case DType::kI8:
    case DType::kU8:
    case DType::kI32:
    case DType::kI64:
      return true;
    default:
      return false;
  }
}

class Partition {
 public:
  Partition(const OnnxOutline& model, const Nodes& nodes, const ImportVerdict& verdict)
      : model_(model),
        nodes_(nodes),
        verdict_(verdict),
        runtime_(asked_by_onnx_runtime(model)),
        inputs_(model.inputs.begin(), model.inputs.end()),
        outputs_(model.outputs.begin(), model.outputs.end()),
        run_(nodes.size(), 0),
        reasons_(nodes.size()) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (const std::string& name : nodes[i].outputs) producers_.emplace(name, i);
      for (const std::string& name : model.reads[i]) readers_[name].push_back(i);
    }
  }
  ModelParts parts();

 private:
  static constexpr int64_t kOutside = -1;
  bool is_tensor(const OnnxOutline::Value* value) const;
  bool has_rank(const OnnxOutline::Value* value) const;
  bool gives_any_rank(size_t node) const;
  const OnnxOutline::Value* told(const std::string& name) const;
  void put_outside(size_t node, std::string why);
  void consider(size_t node);
  bool comes_in(const std::string& name, int64_t run) const;
  bool goes_out(const std::string& name, int64_t run) const;

  const OnnxOutline& model_;
  const Nodes& nodes_;
  const ImportVerdict& verdict_;
  const bool runtime_;
  std::unordered_set<std::string_view> inputs_, outputs_;
  std::unordered_map<std::string_view, size_t> producers_;
  std::unordered_map<std::string_view, std::vector<size_t>> readers_;
  std::vector<int64_t> run_;  ///< by node: which it is in, or kOutside
  std::vector<std::string> reasons_;
  bool whole_ = true, changed_ = false;
};

const OnnxOutline::Value* Partition::told(const std::string& name) const {
  const auto value = model_.values.find(name);
  return value == model_.values.end() ? nullptr : &value->second;
}

bool Partition::is_tensor(const OnnxOutline::Value* value) const {
  if (!value) return true;
  if (!value->dtype) return false;
  if (runtime_) return onnx_runtime_passes(*value->dtype);
  return *value->dtype == DType::kF64 || data_type_of(*value->dtype);
}

// ONNX Runtime gives up where an input of a part of a graph has a size without a name.
bool Partition::has_rank(const OnnxOutline::Value* value) const {
  return !value || (runtime_ && !whole_ ? value->sized : value->ranked);
}

// A squeeze of every axis that happens to be of size 1. A network's rank is fixed when it is
// parsed, so whoever can run the node otherwise should.
bool Partition::gives_any_rank(size_t node) const {
  const carnot::OnnxNode& squeeze = nodes_[node];
  if (!runtime_ || squeeze.op_type != "Squeeze" || model_.reads[node].size() != 1) return false;
  const OnnxOutline::Value* const result =
      squeeze.outputs.empty() ? nullptr : told(squeeze.outputs[0]);
  return result && !result->ranked;
}

bool Partition::comes_in(const std::string& name, int64_t run) const {
  const auto producer = producers_.find(name);
  return producer == producers_.end() ? inputs_.count(name) > 0 : run_[producer->second] != run;
}

bool Partition::goes_out(const std::string& name, int64_t run) const {
  if (outputs_.count(name) > 0) return true;
  const auto readers = readers_.find(name);
  return readers != readers_.end() &&
         std::any_of(readers->second.begin(), readers->second.end(),
                     [&](size_t reader) { return run_[reader] != run; });
}

void Partition::put_outside(size_t node, std::string why) {
  run_[node] = kOutside;
  reasons_[node] = std::move(why);
  whole_ = false, changed_ = true;
}

void Partition::consider(size_t node) {
  const int64_t run = run_[node];
  if (run == kOutside) return;
  for (const std::string& name : model_.reads[node]) {
    if (!comes_in(name, run)) continue;
    const OnnxOutline::Value* const value = told(name);
    if (!is_tensor(value)) {
      return put_outside(node,
                         cat("what it takes, '", name, "', has no type that can be an input"));
    }
    if (!has_rank(value)) {
      return put_outside(node, cat("what it takes, '", name, "', has no shape in the model"));
    }
  }
  for (const std::string& name : nodes_[node].outputs) {
    if (goes_out(name, run) && !is_tensor(told(name))) {
      return put_outside(node, cat("its result '", name, "' has no type that can be an output"));
    }
  }
}

ModelParts Partition::parts() {
  const size_t count = run_.size();
  for (size_t i = 0; i < count; ++i) {
    if (verdict_.refused.count(static_cast<int64_t>(i)) > 0) {
      put_outside(i, {});
    } else if (gives_any_rank(i)) {
      put_outside(i, "the rank of its result depends on sizes: name the axes");
    }
  }
  // A node that leaves makes values cross that did not before.
  do {
    changed_ = false;
    int64_t run = 0;
    for (size_t i = 0; i < count; ++i) {
      if (run_[i] == kOutside) {
        ++run;
      } else {
        run_[i] = run;
      }
    }
    for (size_t i = 0; i < count; ++i) consider(i);
    for (size_t i = count; i-- > 0;) consider(i);
  } while (changed_);
  ModelParts out;
  // An import that failed for all of it, and no node to leave out: nothing is possible.
  if (whole_ && !verdict_.good) return out;
  int64_t last = kOutside;
  for (size_t i = 0; i < count; ++i) {
    const auto index = static_cast<int64_t>(i);
    if (run_[i] == kOutside) {
      if (!reasons_[i].empty()) out.left_out.emplace_back(index, reasons_[i]);
    } else {
      const bool certain = verdict_.good || index < verdict_.stopped_at;
      if (run_[i] != last) out.parts.push_back({certain, {}});
      out.parts.back().nodes.push_back(index);
    }
    last = run_[i];
  }
  return out;
}

}  // namespace

ModelParts parts_of(const OnnxOutline& model, const Nodes& nodes, const ImportVerdict& verdict) {
  return Partition(model, nodes, verdict).parts();
}

bool is_without_work(const OnnxOutline& model, const Nodes& nodes) {
  return asked_by_onnx_runtime(model) && !nodes.empty() &&
         std::all_of(nodes.begin(), nodes.end(), [](const carnot::OnnxNode& node) {
           return node.op_type == "Identity" || node.op_type == "Squeeze" ||
                  node.op_type == "Unsqueeze";
         });
}

}  // namespace trt
