// The invariants of a Plan. Order matters: indices first, so that what follows may use them.
#include <algorithm>
#include <set>

#include "base/checked.h"
#include "device/device.h"
#include "plan/plan.h"

namespace carnot {
namespace {

using Names = std::set<std::string, std::less<>>;

template <class... Args>
Status invalid(const Args&... args) {
  return error(Code::kInvalidArgument, args...);
}

bool all_known(const Dim& dim, const Names& known) {
  if (dim.is_constant()) return true;
  std::vector<std::string> names;
  dim.collect_symbols(names);
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return known.count(name) > 0; });
}

// Whether a concrete size tells the one unknown symbol of this expression; adds it to `known`.
bool solvable(const Dim& dim, Names& known) {
  std::vector<std::string> names, unknown;
  dim.collect_symbols(names);
  std::copy_if(names.begin(), names.end(), std::back_inserter(unknown),
               [&](const std::string& name) { return known.count(name) == 0; });
  Dim rest;
  if (unknown.size() != 1 || dim.coefficient(unknown[0], &rest) == 0 || rest.uses(unknown[0])) {
    return false;
  }
  return known.insert(unknown[0]).second;
}

// What binding a concrete shape makes known.
void bind(const TensorType& type, Names& known) {
  for (const Dim& dim : type.dims) {
    if (const auto symbol = dim.as_symbol()) known.insert(*symbol);
  }
  for (bool progress = true; progress;) {
    progress = false;
    for (const Dim& dim : type.dims) progress |= solvable(dim, known);
  }
}

class Verifier {
 public:
  Verifier(const Plan& plan, int weights, Names known, int depth, bool own_memory)
      : plan_(plan),
        weights_(weights),
        known_(std::move(known)),
        depth_(depth),
        own_memory_(own_memory) {}

  Status run();

 private:
  Status buffers();
  Status buffer(size_t i);
  Status view(const PlanBuffer& buffer);
  Status ports();
  Status port(const PlanOutput& port, Place place, size_t i);
  Status symbols();
  Status step(size_t i);
  Status step_buffers(const Step& step);
  Status kernel(const Step& step);
  Status host(const Step& step);
  Status copy(const Step& step);
  Status custom(const Step& step);
  Status sides(const Step& step);
  Status regions(const Step& step);
  Status region(const Plan& region, const std::vector<int>& inputs, size_t first_input,
                size_t first_capture);
  Status results(const Step& step, const Plan& region, size_t first_region, size_t first_step,
                 size_t count, bool stacked);
  Status loop(const Step& step);
  Status scan(const Step& step);

  bool exists(int i) const { return i >= 0 && static_cast<size_t>(i) < plan_.buffers.size(); }
  const PlanBuffer& at(int i) const { return plan_.buffers[static_cast<size_t>(i)]; }
  const PlanBuffer& root(int i) const { return at(plan_.root(i)); }
  Status size(const char* what, const Dim& dim) const;

  const Plan& plan_;
  int weights_;
  Names known_;
  int depth_;
  bool own_memory_;            // of the device
  std::vector<bool> written_;  // by root
};

Status Verifier::run() {
  if (depth_ > kPlanNestingMax) {
    return invalid("plans are nested more than ", kPlanNestingMax, " deep");
  }
  CARNOT_RETURN_IF_ERROR(buffers());
  CARNOT_RETURN_IF_ERROR(ports());
  CARNOT_RETURN_IF_ERROR(symbols());
  written_.assign(plan_.buffers.size(), false);
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    const PlanBuffer& b = plan_.buffers[i];
    written_[i] = b.view_of < 0 && (b.place == Place::kInput || b.place == Place::kConstant);
  }
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    const Step& s = plan_.steps[i];
    CARNOT_RETURN_IF_ERROR(step(i).with(
        cat("step ", i, " (", s.tactic, s.origin.empty() ? "" : ", from " + s.origin[0], ")")));
  }
  for (const ShapeCheck& check : plan_.checks) {
    if (!all_known(check.a, known_) || !all_known(check.b, known_)) {
      return invalid("the check \"", check.what, "\" needs a symbol that nothing binds");
    }
  }
  for (const PlanOutput& output : plan_.outputs) {
    if (!written_[static_cast<size_t>(plan_.root(output.buffer))]) {
      return invalid("nothing writes the output \"", output.name, "\"");
    }
    for (const Dim& dim : at(output.buffer).type.dims) {
      CARNOT_RETURN_IF_ERROR(size("a size of an output", dim));
    }
  }
  return {};
}

Status Verifier::size(const char* what, const Dim& dim) const {
  if (dim.overflowed()) return invalid(what, " overflows");
  if (dim.is_constant() && dim.value() < 0) return invalid(what, " is negative: ", dim.value());
  if (!all_known(dim, known_)) {
    return invalid(what, ", ", to_string(dim), ", is not known at that time");
  }
  return {};
}

Status Verifier::buffers() {
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(buffer(i).with(cat("buffer @", i)));
  }
  return {};
}

Status Verifier::buffer(size_t i) {
  const PlanBuffer& b = plan_.buffers[i];
  int64_t elements = 1;
  for (const Dim& dim : b.type.dims) {
    if (dim.overflowed()) return invalid("a size overflows");
    if (!dim.is_constant()) continue;
    const auto product = checked_mul(elements, std::max<int64_t>(dim.value(), 1));
    if (dim.value() < 0 || !product || *product > kBytesMax) {
      return invalid("the type ", to_string(b.type), " is too large or has a negative size");
    }
    elements = *product;
  }
  if (b.view_of >= 0) return view(b);
  if (b.host && !own_memory_) {
    return invalid("it is for a device with memory of its own, this one shares the host's");
  }
  const auto in = [&](size_t count) {
    return b.index >= 0 && static_cast<size_t>(b.index) < count;
  };
  switch (b.place) {
    case Place::kInput:
      if (in(plan_.inputs.size()) &&
          plan_.inputs[static_cast<size_t>(b.index)].buffer == static_cast<int>(i)) {
        return {};
      }
      return invalid("it is not the buffer of input ", b.index);
    case Place::kOutput:
      if (in(plan_.outputs.size()) &&
          plan_.outputs[static_cast<size_t>(b.index)].buffer == static_cast<int>(i)) {
        return {};
      }
      return invalid("it is not the buffer of output ", b.index);
    case Place::kConstant:
      if (!in(static_cast<size_t>(std::max(weights_, 0)))) {
        return invalid("there is no weight ", b.index);
      }
      return b.type.is_static() ? Status() : invalid("a constant has symbolic sizes");
    case Place::kFault:
      return b.type == TensorType{DType::kI64, {2}} && !b.host
                 ? Status()
                 : invalid("a fault is told in i64[2], which a kernel writes");
    case Place::kArena:
    case Place::kDynamic:
      return {};
  }
  return invalid("it has no place");
}

Status Verifier::view(const PlanBuffer& b) {
  // Walking at most as many links as there are buffers finds a cycle.
  int at_buffer = b.view_of;
  for (size_t links = 0;; ++links) {
    if (!exists(at_buffer)) return invalid("it is a view of a buffer that does not exist");
    if (links > plan_.buffers.size()) return invalid("views form a cycle");
    if (at(at_buffer).view_of < 0) break;
    at_buffer = at(at_buffer).view_of;
  }
  const PlanBuffer& whole = at(b.view_of);
  if (b.offset.overflowed() || (b.offset.is_constant() && b.offset.value() < 0)) {
    return invalid("the view's offset is negative or overflows");
  }
  const int bits = bits_of(b.type.dtype);
  if (bits != bits_of(whole.type.dtype) || (bits == 0 && !b.offset.is(0))) {
    return invalid("a view of ", to_string(whole.type), " cannot have the type ",
                   to_string(b.type));
  }
  const Dim count = product(b.type.dims), end = b.offset + count, limit = product(whole.type.dims);
  if (count.is(0)) return {};  // nothing lies anywhere
  if (end.is_constant() && limit.is_constant() && end.value() > limit.value()) {
    return invalid("the view ends at element ", end.value(), " of ", limit.value());
  }
  return {};
}

Status Verifier::ports() {
  Names seen;
  for (size_t i = 0; i < plan_.inputs.size(); ++i) {
    const PlanOutput& input = plan_.inputs[i];
    if (!exists(input.buffer)) return invalid("input ", i, " has no buffer");
    const PlanBuffer& b = at(input.buffer);
    if (b.view_of >= 0 || b.place != Place::kInput || b.index != static_cast<int>(i)) {
      return invalid("the buffer of input ", i, " is not placed there");
    }
    if (depth_ == 1 && !seen.insert(input.name).second) {
      return invalid("two inputs are named \"", input.name, "\"");
    }
  }
  seen.clear();
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const PlanOutput& output = plan_.outputs[i];
    if (!exists(output.buffer)) return invalid("output ", i, " has no buffer");
    if (depth_ == 1 && !seen.insert(output.name).second) {
      return invalid("two outputs are named \"", output.name, "\"");
    }
  }
  return {};
}

Status Verifier::symbols() {
  for (bool progress = true; progress;) {  // one input's symbol may make another's solvable
    const size_t before = known_.size();
    for (const PlanOutput& input : plan_.inputs) bind(at(input.buffer).type, known_);
    progress = known_.size() != before;
  }
  for (const PlanOutput& input : plan_.inputs) {
    for (const Dim& dim : at(input.buffer).type.dims) {
      if (!all_known(dim, known_)) {
        return invalid("the sizes of input \"", input.name, "\", ",
                       to_string(at(input.buffer).type), ", do not tell its symbols");
      }
    }
  }
  return {};
}

Status Verifier::step(size_t i) {
  const Step& s = plan_.steps[i];
  CARNOT_RETURN_IF_ERROR(step_buffers(s));
  switch (s.kind) {
    case Step::kKernel:
      CARNOT_RETURN_IF_ERROR(kernel(s));
      break;
    case Step::kHost:
      CARNOT_RETURN_IF_ERROR(host(s));
      break;
    case Step::kCopy:
      CARNOT_RETURN_IF_ERROR(copy(s));
      break;
    case Step::kCustom:
      CARNOT_RETURN_IF_ERROR(custom(s));
      break;
    default:
      CARNOT_RETURN_IF_ERROR(regions(s));
      break;
  }
  if (own_memory_) CARNOT_RETURN_IF_ERROR(sides(s));
  Names after = known_;
  for (const std::string& symbol : s.defines) {
    if (known_.count(symbol)) return invalid("?", symbol, " is already known");
  }
  for (const int output : s.outputs) {
    written_[static_cast<size_t>(plan_.root(output))] = true;
    bind(at(output).type, after);
  }
  for (const std::string& symbol : s.defines) {
    if (!after.count(symbol)) return invalid("the results do not tell ?", symbol);
    known_.insert(symbol);
  }
  // Memory is there when its size is known: at the latest when its first step has run.
  for (const int output : s.outputs) {
    for (const int each : {output, plan_.root(output)}) {
      for (const Dim& dim : at(each).type.dims) {
        CARNOT_RETURN_IF_ERROR(size(cat("a size of @", each).c_str(), dim));
      }
    }
    CARNOT_RETURN_IF_ERROR(size("the offset of a view", at(output).offset));
  }
  return {};
}

Status Verifier::step_buffers(const Step& s) {
  for (const auto* list : {&s.inputs, &s.outputs, &s.arguments}) {
    for (const int i : *list) {
      if (!exists(i)) return invalid("there is no buffer @", i);
    }
  }
  for (const int i : s.inputs) {
    if (!written_[static_cast<size_t>(plan_.root(i))]) {
      return invalid("@", i, " is read before it is written");
    }
    for (const int each : {i, plan_.root(i)}) {
      for (const Dim& dim : at(each).type.dims) {
        CARNOT_RETURN_IF_ERROR(size(cat("a size of @", each).c_str(), dim));
      }
    }
    CARNOT_RETURN_IF_ERROR(size("the offset of a view", at(i).offset));
  }
  for (const int i : s.outputs) {
    const PlanBuffer& b = root(i);
    if (b.place == Place::kInput || b.place == Place::kConstant) {
      return invalid("@", i, " is written, but belongs to an input or a constant");
    }
  }
  return {};
}

Status Verifier::kernel(const Step& s) {
  if (s.entry.empty()) return invalid("a kernel needs an entry");
  if (!s.defines.empty() || !s.regions.empty()) {
    return invalid("a kernel defines no symbols and has no regions");
  }
  if (s.kernel < -1) return invalid("there is no kernel ", s.kernel);
  CARNOT_RETURN_IF_ERROR(size("the number of tasks", s.tasks));
  CARNOT_RETURN_IF_ERROR(size("the scratch size", s.scratch_bytes));
  for (const Dim& param : s.params) {
    if (param.overflowed() || !all_known(param, known_)) {
      return invalid("the parameter ", to_string(param), " is not known at that time");
    }
  }
  const auto in = [](const std::vector<int>& list, int i) {
    return std::find(list.begin(), list.end(), i) != list.end();
  };
  for (const int i : s.arguments) {
    if (root(i).place == Place::kFault) continue;
    if (!in(s.inputs, i) && !in(s.outputs, i) && root(i).place != Place::kConstant) {
      return invalid("the argument @", i, " is neither an input, nor an output, nor a constant");
    }
    if (at(i).type.dtype == DType::kString) return invalid("kernels take no strings");
  }
  for (const int i : s.outputs) {
    for (const int each : {i, plan_.root(i)}) {
      for (const Dim& dim : at(each).type.dims) {
        CARNOT_RETURN_IF_ERROR(size(cat("a size of @", each).c_str(), dim));
      }
    }
  }
  return {};
}

Status Verifier::host(const Step& s) {
  if (!s.regions.empty()) return invalid("a host step has no regions");
  if (s.outputs.empty()) return invalid("a host step has results");
  const bool plain =
      !std::holds_alternative<op::If>(s.op) && !std::holds_alternative<op::Loop>(s.op) &&
      !std::holds_alternative<op::Scan>(s.op) && !std::holds_alternative<op::Fused>(s.op) &&
      !std::holds_alternative<op::Constant>(s.op) && !std::holds_alternative<op::Custom>(s.op);
  return plain ? Status() : invalid("a host step cannot run ", name(s.op));
}

Status Verifier::copy(const Step& s) {
  if (!own_memory_) return invalid("this device shares the host's memory: it needs no copies");
  if (s.inputs.size() != 1 || s.outputs.size() != 1 || !s.arguments.empty() || !s.defines.empty() ||
      !s.regions.empty()) {
    return invalid("a copy has one input, one output and nothing else");
  }
  if (!(at(s.inputs[0]).type == at(s.outputs[0]).type)) {
    return invalid("a copy's input and output are of different types");
  }
  if (root(s.inputs[0]).host == root(s.outputs[0]).host) {
    return invalid("a copy is between the host's memory and the device's");
  }
  return {};
}

Status Verifier::custom(const Step& s) {
  const auto* op = std::get_if<op::Custom>(&s.op);
  if (!op) return invalid("its operation is not custom");
  if (!s.regions.empty() || !s.arguments.empty())
    return invalid("it has operands and results only");
  if (s.outputs.empty()) return invalid("a custom step has results");
  for (const auto* list : {&s.inputs, &s.outputs}) {
    for (const int i : *list) {
      if (at(i).type.dtype == DType::kString) return invalid("@", i, " holds strings");
    }
  }
  if (op->in_place.size() > s.outputs.size()) return invalid("in_place has too many entries");
  for (const int64_t i : op->in_place) {
    if (i < -1 || i >= static_cast<int64_t>(s.inputs.size())) {
      return invalid("in_place names operand ", i, " of ", s.inputs.size());
    }
  }
  return {};
}

// Who works where: kernels and the user's code on the device's memory, everything else on the
// host's.
Status Verifier::sides(const Step& s) {
  if (s.kind == Step::kCopy) return {};
  const bool host = s.kind != Step::kKernel && s.kind != Step::kCustom;
  const bool either = s.kind == Step::kIf || s.kind == Step::kLoop;
  for (const auto* list : {&s.inputs, &s.outputs, &s.arguments}) {
    for (size_t k = 0; k < list->size(); ++k) {
      const int i = (*list)[k];
      if (root(i).host == host) continue;
      if (either && (list == &s.outputs || !is_read_by_host(s, k))) continue;
      return invalid("@", i, " lies in the ", host ? "device" : "host", "'s memory, where a ",
                     host ? "step of the host" : "kernel", " cannot reach it");
    }
  }
  return {};
}

Status Verifier::regions(const Step& s) {
  const size_t want = s.kind == Step::kIf ? 2 : 1;
  if (s.regions.size() != want) {
    return invalid("it has ", s.regions.size(), " regions, needs ", want);
  }
  for (const auto& each : s.regions) {
    if (!each) return invalid("a region is missing");
    CARNOT_RETURN_IF_ERROR(Verifier(*each, weights_, known_, depth_ + 1, own_memory_)
                               .run()
                               .with(cat("region ", each->name)));
  }
  if (s.kind == Step::kLoop) return loop(s);
  if (s.kind == Step::kScan) return scan(s);
  if (!std::holds_alternative<op::If>(s.op)) return invalid("its operation is not if");
  if (s.inputs.empty()) return invalid("the condition is missing");
  for (const auto& each : s.regions) {
    CARNOT_RETURN_IF_ERROR(region(*each, s.inputs, 0, 1));
    if (each->outputs.size() != s.outputs.size()) return invalid("a region has other results");
    CARNOT_RETURN_IF_ERROR(results(s, *each, 0, 0, s.outputs.size(), false));
  }
  return {};
}

// Region inputs from `first_input` on get the step's inputs from `first_capture` on.
Status Verifier::region(const Plan& region, const std::vector<int>& inputs, size_t first_input,
                        size_t first_capture) {
  if (inputs.size() < first_capture || region.inputs.size() < first_input ||
      region.inputs.size() - first_input != inputs.size() - first_capture) {
    return invalid("region ", region.name, " takes ", region.inputs.size(),
                   " inputs, which does not fit the step's ", inputs.size());
  }
  for (size_t i = first_input; i < region.inputs.size(); ++i) {
    const auto inner = static_cast<size_t>(region.inputs[i].buffer);
    const DType given = at(inputs[first_capture + i - first_input]).type.dtype;
    if (region.buffers[inner].type.dtype != given) {
      return invalid("input ", i, " of region ", region.name, " is of another element type");
    }
  }
  return {};
}

// `count` results of the region and of the step are of the same element types, and, unless stacked
// ones have one axis more, ranks.
Status Verifier::results(const Step& s, const Plan& region, size_t first_region, size_t first_step,
                         size_t count, bool stacked) {
  for (size_t i = 0; i < count; ++i) {
    const auto inner = static_cast<size_t>(region.outputs[first_region + i].buffer);
    const TensorType& have = region.buffers[inner].type;
    const TensorType& want = at(s.outputs[first_step + i]).type;
    if (have.dtype != want.dtype || have.rank() + (stacked ? 1 : 0) != want.rank()) {
      return invalid("result ", first_step + i, " is ", to_string(want), ", but region ",
                     region.name, " gives ", to_string(have));
    }
  }
  return {};
}

Status Verifier::loop(const Step& s) {
  const auto* op = std::get_if<op::Loop>(&s.op);
  if (!op) return invalid("its operation is not loop");
  const Plan& body = *s.regions[0];
  const auto carried = static_cast<size_t>(op->carried);
  if (op->carried < 0 || carried > s.outputs.size() || s.inputs.size() < 2 + carried ||
      body.outputs.size() != 1 + s.outputs.size()) {
    return invalid("the loop's operands do not fit its body");
  }
  CARNOT_RETURN_IF_ERROR(region(body, s.inputs, 2, 2));
  const auto inner = [&](size_t i) {
    return body.buffers[static_cast<size_t>(body.inputs[i].buffer)].type;
  };
  if (inner(0).dtype != DType::kI64 || inner(1).dtype != DType::kBool || inner(0).rank() > 1 ||
      inner(1).rank() > 1) {
    return invalid("a loop's body begins with the iteration (i64) and the condition (bool)");
  }
  CARNOT_RETURN_IF_ERROR(results(s, body, 1, 0, carried, false));
  return results(s, body, 1 + carried, carried, s.outputs.size() - carried, true);
}

Status Verifier::scan(const Step& s) {
  const auto* op = std::get_if<op::Scan>(&s.op);
  if (!op) return invalid("its operation is not scan");
  const Plan& body = *s.regions[0];
  const auto states = static_cast<size_t>(op->states);
  if (op->states < 0 || op->scanned < 0 || states > s.outputs.size() || states > s.inputs.size() ||
      static_cast<size_t>(op->scanned) > s.inputs.size() - states ||
      body.outputs.size() != s.outputs.size()) {
    return invalid("the scan's operands do not fit its body");
  }
  CARNOT_RETURN_IF_ERROR(region(body, s.inputs, 0, 0));
  CARNOT_RETURN_IF_ERROR(results(s, body, 0, 0, states, false));
  return results(s, body, states, states, s.outputs.size() - states, true);
}

}  // namespace

bool Plan::is_static() const {
  return std::all_of(steps.begin(), steps.end(),
                     [](const Step& step) { return step.regions.empty() && step.defines.empty(); });
}

int Plan::root(int buffer) const {
  while (buffers[static_cast<size_t>(buffer)].view_of >= 0) {
    buffer = buffers[static_cast<size_t>(buffer)].view_of;
  }
  return buffer;
}

Status verify(const Plan& plan, int weights) {
  const Result<DeviceDescription> device = parse_device(plan.device);
  return Verifier(plan, weights, {}, 1, device.ok() && device->has_own_memory()).run();
}

}  // namespace carnot
