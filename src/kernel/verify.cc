// What must hold of a Kernel before anyone compiles or runs it.
#include <algorithm>
#include <charconv>

#include "kernel/kernel.h"

namespace carnot {
namespace {

template <class... Args>
Status broken(const Args&... args) {
  return error(Code::kInvalidArgument, args...);
}

bool is_arg(Combiner combiner) {
  return combiner == Combiner::kArgMax || combiner == Combiner::kArgMin;
}

class Verifier {
 public:
  explicit Verifier(const Kernel& kernel) : kernel_(kernel) {}

  Status run() {
    CARNOT_RETURN_IF_ERROR(check_buffers());
    for (const Axis& axis : kernel_.axes) CARNOT_RETURN_IF_ERROR(check_size(axis.size));
    if (kernel_.attention) return check_attention();
    if (kernel_.stages.empty()) return broken("no stages");
    for (size_t i = 0; i < kernel_.stages.size(); ++i) {
      stage_ = &kernel_.stages[i];
      CARNOT_RETURN_IF_ERROR(check_stage().with(cat("stage ", i)));
    }
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
      if (kernel_.buffers[i].output && !stored_[i]) return broken("nothing stores to output ", i);
    }
    return {};
  }

 private:
  // A size knows neither axes nor loads.
  Status check_size(const Dim& size) const {
    if (size.overflowed()) return broken("a size has overflowed");
    std::vector<std::string> names;
    size.collect_symbols(names);
    for (const std::string& name : names) {
      if (name[0] == '#' || name[0] == '$') return broken("a size depends on ", name);
    }
    return {};
  }

  Status check_buffers() {
    bool outputs = false;
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const Buffer& buffer = kernel_.buffers[i];
      if (outputs && !buffer.output) return broken("input ", i, " comes after an output");
      outputs = buffer.output;
      if (buffer.type.dtype == DType::kString) return broken("buffer ", i, " holds strings");
      for (const Dim& dim : buffer.type.dims) CARNOT_RETURN_IF_ERROR(check_size(dim));
      for (const Dim& stride : buffer.strides) CARNOT_RETURN_IF_ERROR(check_size(stride));
      if (!buffer.strides.empty() && buffer.strides.size() != buffer.type.dims.size()) {
        return broken("buffer ", i, " has ", buffer.strides.size(), " strides for ",
                      to_string(buffer.type));
      }
    }
    if (!outputs) return broken("no outputs");
    stored_.resize(kernel_.buffers.size());
    return {};
  }

  Status check_attention() const {
    if (!kernel_.stages.empty() || !kernel_.axes.empty()) {
      return broken("attention comes without axes and stages");
    }
    const size_t inputs = kernel_.attention->has_bias ? 4 : 3;
    if (kernel_.buffers.size() != inputs + 1 || kernel_.buffers[inputs - 1].output) {
      return broken("attention takes ", inputs, " inputs and gives one output");
    }
    std::vector<Info> infos;
    for (size_t i = 0; i < inputs; ++i) infos.push_back({kernel_.buffers[i].type, {}});
    CARNOT_ASSIGN(const std::vector<Info> results, infer(Op(kernel_.attention->op), infos));
    const TensorType& type = kernel_.buffers[inputs].type;
    if (results[0].type == type) return {};
    return broken("attention gives ", to_string(results[0].type), ", not ", to_string(type));
  }

  // Axes are those of the kernel and the stage, loads only the first `loads`.
  Status check_index(const Dim& index, size_t loads) const {
    if (index.overflowed()) return broken("an index has overflowed");
    std::vector<std::string> names;
    index.collect_symbols(names);
    for (const std::string& name : names) {
      if (name[0] != '#' && name[0] != '$') continue;
      size_t number = 0;
      const char* end = name.data() + name.size();
      const auto [stop, failure] = std::from_chars(name.data() + 1, end, number);
      if (failure != std::errc() || stop != end) return broken("'", name, "' is no index symbol");
      if (name[0] == '#' && number >= kernel_.axes.size() + stage_->inner.size()) {
        return broken("there is no axis ", name);
      }
      if (name[0] == '#') continue;
      if (number >= loads) return broken(name, " is not loaded before it is used");
      if (!is_integer(type_of(stage_->loads[number]))) return broken(name, " is not an integer");
    }
    return {};
  }

  DType type_of(const Load& load) const {
    if (load.buffer == kExpression) return DType::kI64;
    return kernel_.buffers[static_cast<size_t>(load.buffer)].type.dtype;
  }

  Status check_place(int buffer, const Dims& index, bool output, size_t loads) const {
    if (buffer < 0 || static_cast<size_t>(buffer) >= kernel_.buffers.size()) {
      return broken("there is no buffer ", buffer);
    }
    const Buffer& at = kernel_.buffers[static_cast<size_t>(buffer)];
    if (at.output != output) {
      return broken("buffer ", buffer, output ? " is an input" : " is an output");
    }
    if (at.type.dims.size() != index.size()) {
      return broken(index.size(), " indices for ", to_string(at.type));
    }
    for (const Dim& dim : index) CARNOT_RETURN_IF_ERROR(check_index(dim, loads));
    return {};
  }

  Status check_load(size_t i) const {
    const Load& load = stage_->loads[i];
    if (load.buffer == kExpression) {
      if (load.index.size() != 1) return broken("an index load has one expression");
      CARNOT_RETURN_IF_ERROR(check_index(load.index[0], i));
    } else {
      CARNOT_RETURN_IF_ERROR(check_place(load.buffer, load.index, /*output=*/false, i));
    }
    if (load.within) {
      if (load.buffer == kExpression || !is_integer(type_of(load)) || !load.guards.empty()) {
        return broken("only a load of integers, without guards, is an index within an axis");
      }
      CARNOT_RETURN_IF_ERROR(check_size(*load.within));
    }
    for (const Guard& guard : load.guards) {
      for (const Dim* dim : {&guard.lower, &guard.index, &guard.upper}) {
        CARNOT_RETURN_IF_ERROR(check_index(*dim, i));
      }
    }
    return {};
  }

  Status check_fold(DType value) {
    if (!stage_->stores.empty()) return broken("a folding stage stores nothing");
    const DType to = stage_->accumulator;
    const bool same_class = is_float(value)     ? is_float(to)
                            : is_integer(value) ? is_integer(to)
                                                : to == DType::kBool;
    if (!same_class) return broken("cannot fold ", to_string(value), " in ", to_string(to));
    if (to == DType::kBool &&
        (stage_->combiner == Combiner::kSum || stage_->combiner == Combiner::kProduct)) {
      return broken("bools have no ", to_string(stage_->combiner));
    }
    folded_.push_back(is_arg(stage_->combiner) ? DType::kI64 : to);
    return {};
  }

  Status check_stage() {
    for (const Axis& axis : stage_->inner) CARNOT_RETURN_IF_ERROR(check_size(axis.size));
    std::vector<DType> inputs;
    for (size_t i = 0; i < stage_->loads.size(); ++i) {
      CARNOT_RETURN_IF_ERROR(check_load(i).with(cat("load ", i)));
      inputs.push_back(type_of(stage_->loads[i]));
    }
    inputs.insert(inputs.end(), folded_.begin(), folded_.end());
    CARNOT_ASSIGN(const std::vector<DType> types, infer(stage_->body, inputs));
    const std::vector<int32_t>& results = stage_->body.results;
    if (stage_->combiner != Combiner::kNone) {
      return check_fold(types[static_cast<size_t>(results[0])]);
    }
    if (stage_->stores.empty()) return broken("a storing stage stores nothing");
    for (const Store& store : stage_->stores) {
      CARNOT_RETURN_IF_ERROR(
          check_place(store.buffer, store.index, /*output=*/true, stage_->loads.size())
              .with("store"));
      if (store.result < 0 || static_cast<size_t>(store.result) >= results.size()) {
        return broken("there is no result ", store.result);
      }
      const DType value = types[static_cast<size_t>(results[static_cast<size_t>(store.result)])];
      const Buffer& buffer = kernel_.buffers[static_cast<size_t>(store.buffer)];
      if (value != buffer.type.dtype) {
        return broken("result ", store.result, " is ", to_string(value), ", buffer ", store.buffer,
                      " holds ", to_string(buffer.type.dtype));
      }
      stored_[static_cast<size_t>(store.buffer)] = true;
    }
    return {};
  }

  const Kernel& kernel_;
  const Stage* stage_ = nullptr;
  std::vector<DType> folded_;
  std::vector<bool> stored_;
};

}  // namespace

Status verify(const Kernel& kernel) {
  return Verifier(kernel).run().with("kernel " + kernel.name);
}

}  // namespace carnot
