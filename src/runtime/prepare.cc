// From shapes to launches: what a Frame computes once for each new set of shapes.
#include <algorithm>

#include "base/checked.h"
#include "ops/bind.h"
#include "plan/memory.h"
#include "runtime/frame.h"

namespace carnot {
namespace {

// Sets of shapes whose launches are kept, for each phase: a server's usual batch sizes and lengths.
constexpr size_t kPreparedMax = 16;

}  // namespace

Symbols Frame::known_symbols() const {
  Symbols out;
  const std::vector<std::string>& names = program_.shapes.symbols();
  for (size_t i = 0; i < names.size(); ++i) {
    if (symbols_[i] != kUnknown) out.emplace(names[i], symbols_[i]);
  }
  return out;
}

Shape Frame::shape_of(int b) const {
  Shape shape;
  for (const int dim : layout(b).dims) shape.push_back(value(dim));
  return shape;
}

// Checked by check_buffers().
int64_t Frame::bytes_of(int b) const {
  int64_t elements = 1;
  for (const int dim : layout(b).dims) elements *= value(dim);
  return (elements * bits_of(buffer(b).type.dtype) + 7) / 8;
}

// Checked by check_buffers(), but for views of no elements: they may lie anywhere.
int64_t Frame::offset_of(int b) const {
  const int offset = layout(b).offset;
  if (offset < 0 || bytes_of(b) == 0) return 0;
  return value(offset) * bits_of(buffer(b).type.dtype) / 8;
}

Status Frame::bind_inputs(std::span<const int64_t> outer_symbols) {
  bool same = bound_;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i]) {
      return error(Code::kInvalidArgument, "input \"", plan().inputs[i].name, "\" is not set");
    }
    same = same && inputs_[i]->shape() == bound_shapes_[i];
  }
  const auto& inherited = program_.inherited;
  for (size_t i = 0; same && i < inherited.size(); ++i) {
    same = outer_symbols[static_cast<size_t>(inherited[i].first)] == bound_outer_[i];
  }
  if (same) return {};

  bound_ = false;
  Symbols symbols;
  bound_outer_.clear();
  for (const auto& [outer, inner] : inherited) {
    const int64_t number = outer_symbols[static_cast<size_t>(outer)];
    bound_outer_.push_back(number);
    const std::string& name = program_.shapes.symbols()[static_cast<size_t>(inner)];
    if (number != kUnknown) symbols.emplace(name, number);
  }
  // Bare symbols of all inputs first: another input may use them in an expression.
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Dims& dims = buffer(plan().inputs[i].buffer).type.dims;
    const Shape& shape = inputs_[i]->shape();
    for (size_t axis = 0; axis < dims.size() && axis < shape.size(); ++axis) {
      if (const auto symbol = dims[axis].as_symbol()) symbols.try_emplace(*symbol, shape[axis]);
    }
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const TensorType& type = buffer(plan().inputs[i].buffer).type;
    CARNOT_RETURN_IF_ERROR(
        bind_symbols(type.dims, inputs_[i]->shape(), symbols)
            .with(cat("input \"", plan().inputs[i].name, "\" of shape ",
                      to_string(inputs_[i]->shape()), " does not fit ", to_string(type))));
    bound_shapes_[i] = inputs_[i]->shape();
  }
  std::fill(symbols_.begin(), symbols_.end(), kUnknown);
  for (const auto& [name, number] : symbols) {
    const int at = program_.shapes.find_symbol(name);
    if (at >= 0) symbols_[static_cast<size_t>(at)] = number;
  }
  bound_ = true;
  return {};
}

Status Frame::activate(int p) {
  CARNOT_ASSIGN(Prepared* const prepared, prepared_for(p));
  const Phase& phase = program_.phases[static_cast<size_t>(p)];
  Prepared*& active = active_[static_cast<size_t>(p)];
  if (active != prepared) {
    for (size_t i = 0; i < phase.values.size(); ++i) {
      values_[static_cast<size_t>(phase.values[i])] = prepared->values[i];
    }
    active = prepared;
  }
  CARNOT_RETURN_IF_ERROR(state_.reserve_scratch(prepared->scratch_bytes));
  for (size_t side = 0; side < kSides; ++side) {
    if (phase.arena[side].empty()) continue;
    const Prepared::Arena& laid_out = prepared->arenas[side];
    Memory& arena = arenas_[side][static_cast<size_t>(p)];
    CARNOT_RETURN_IF_ERROR(arena.reserve(laid_out.bytes));
    for (size_t i = 0; i < phase.arena[side].size(); ++i) {
      set_base(phase.arena[side][i], static_cast<std::byte*>(arena.data()) + laid_out.offsets[i]);
    }
  }
  return {};
}

Result<Prepared*> Frame::prepared_for(int p) {
  const Phase& phase = program_.phases[static_cast<size_t>(p)];
  const auto matches = [&](const Prepared& prepared) {
    for (size_t i = 0; i < phase.symbols.size(); ++i) {
      if (symbols_[static_cast<size_t>(phase.symbols[i])] != prepared.key[i]) return false;
    }
    return true;
  };
  Prepared*& active = active_[static_cast<size_t>(p)];
  if (active && matches(*active)) {
    active->used = ++clock_;
    return active;
  }
  auto& cache = cache_[static_cast<size_t>(p)];
  for (const auto& each : cache) {
    if (!matches(*each)) continue;
    each->used = ++clock_;
    return each.get();
  }
  auto fresh = std::make_unique<Prepared>();
  active = nullptr;  // values_ is about to change
  CARNOT_RETURN_IF_ERROR(prepare(p, *fresh));
  fresh->used = ++clock_;
  if (cache.size() >= kPreparedMax) {
    // Its recordings may still be under way in a caller's stream.
    if (state_.async) CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
    const auto oldest = std::min_element(
        cache.begin(), cache.end(), [](const auto& a, const auto& b) { return a->used < b->used; });
    cache.erase(oldest);
  }
  cache.push_back(std::move(fresh));
  return cache.back().get();
}

Status Frame::prepare(int p, Prepared& out) {
  const Phase& phase = program_.phases[static_cast<size_t>(p)];
  for (const int symbol : phase.symbols) out.key.push_back(symbols_[static_cast<size_t>(symbol)]);
  CARNOT_RETURN_IF_ERROR(program_.shapes.evaluate(p, symbols_, values_));
  for (const int v : phase.values) out.values.push_back(value(v));
  CARNOT_RETURN_IF_ERROR(check_shapes(phase));
  CARNOT_RETURN_IF_ERROR(check_buffers(phase));
  CARNOT_RETURN_IF_ERROR(lay_out(p, out));
  return make_launches(p, out);
}

Status Frame::check_shapes(const Phase& phase) const {
  for (const int c : phase.checks) {
    const auto [a, b] = program_.checks[static_cast<size_t>(c)];
    if (value(a) == value(b)) continue;
    const ShapeCheck& check = plan().checks[static_cast<size_t>(c)];
    return error(Code::kInvalidArgument, check.what, ": ", to_string(check.a), " = ", value(a),
                 " must equal ", to_string(check.b), " = ", value(b), " for these shapes");
  }
  return {};
}

Status Frame::check_buffers(const Phase& phase) const {
  // Roots first: views are compared with them.
  for (const bool views : {false, true}) {
    for (const int b : phase.buffers) {
      if ((layout(b).root != b) != views) continue;
      const std::string_view name = buffer(b).name;
      const Shape shape = shape_of(b);
      const Result<int64_t> count = element_count(shape);
      const int bits = bits_of(buffer(b).type.dtype);
      const Result<int64_t> bytes = count.ok() && bits > 0 ? byte_size(*count, bits) : count;
      if (!bytes.ok()) {
        return error(bytes.status().code(), "the value ", name, " of shape ", to_string(shape),
                     ": ", bytes.status().message());
      }
      if (!views || *count == 0 || bits == 0) continue;
      const int64_t begin = layout(b).offset < 0 ? 0 : value(layout(b).offset);
      const auto end = checked_add(begin, *count);
      const int64_t whole = bytes_of(layout(b).root);
      const Result<int64_t> end_bytes = end ? byte_size(*end, bits) : Result<int64_t>(whole + 1);
      if (begin < 0 || !end_bytes.ok() || *end_bytes > whole || (begin * bits) % 8 != 0) {
        return error(Code::kInvalidArgument, "the value ", name, " of shape ", to_string(shape),
                     " does not fit into ", buffer(layout(b).root).name, " of shape ",
                     to_string(shape_of(layout(b).root)));
      }
    }
  }
  return {};
}

Status Frame::lay_out(int p, Prepared& out) const {
  const Phase& phase = program_.phases[static_cast<size_t>(p)];
  for (size_t side = 0; side < kSides; ++side) {
    std::vector<LiveRange> ranges;
    for (const int root : phase.arena[side]) {
      const BufferLayout& b = layout(root);
      // Needed by a later phase: to the end of this one, whose memory stays as it is.
      const int first = std::max(b.first, phase.first);
      ranges.push_back({bytes_of(root), first, std::max(first, std::min(b.last, phase.end))});
    }
    CARNOT_ASSIGN(MemoryPlan memory, plan_memory(ranges, state_.device.alignment()));
    out.arenas[side] = {std::move(memory.offsets), memory.bytes};
  }
  return {};
}

Status Frame::make_launches(int p, Prepared& out) {
  const Phase& phase = program_.phases[static_cast<size_t>(p)];
  size_t pointers = 0, params = 0;
  for (int i = phase.first; i < phase.end; ++i) {
    pointers += step(i).kind == Step::kCopy ? 2 : step(i).arguments.size();
    params += step(i).params.size();
  }
  out.pointers.resize(pointers);  // launches point into these: they keep their place
  out.params.reserve(params);
  std::optional<Symbols> symbols;
  for (int i = phase.first; i < phase.end; ++i) {
    Launch& launch = out.launches.emplace_back();
    std::optional<Op>& op = out.ops.emplace_back();
    if (step(i).kind == Step::kKernel) {
      CARNOT_RETURN_IF_ERROR(kernel_launch(i, out, launch).with(cat("step ", i)));
      continue;
    }
    if (step(i).kind == Step::kCopy) {
      const int from = step(i).inputs[0];
      launch.copy_bytes = bytes_of(from);
      launch.buffers = out.pointers.data() + out.patches.size();
      for (const int b : {from, step(i).outputs[0]}) add_patch(b, out);
      continue;
    }
    if (program_.steps[static_cast<size_t>(i)].symbolic_op) {
      if (!symbols) symbols = known_symbols();
      op = with_symbols(step(i).op, *symbols);
    }
    launch.host = &Frame::host;
    launch.host_context = this;
    launch.host_step = i;
  }
  out.recordings.resize(phase.pieces.size());
  return {};
}

void Frame::add_patch(int b, Prepared& out) const {
  out.patches.push_back({out.patches.size(), layout(b).root, offset_of(b)});
}

Status Frame::kernel_launch(int i, Prepared& out, Launch& launch) const {
  const StepLayout& layout = program_.steps[static_cast<size_t>(i)];
  launch.entry = layout.entry;
  launch.tasks = value(layout.tasks);
  launch.cost_us = layout.cost_us;
  const int64_t scratch = value(layout.scratch_bytes);
  if (launch.tasks < 0 || scratch < 0) {
    return error(Code::kInvalidArgument, step(i).tactic, " would have ", launch.tasks,
                 " tasks and ", scratch, " bytes of scratch memory for these shapes");
  }
  out.scratch_bytes = std::max(out.scratch_bytes, scratch);
  launch.params = out.params.data() + out.params.size();
  for (const int param : layout.params) out.params.push_back(value(param));
  launch.buffers = out.pointers.data() + out.patches.size();
  for (const int b : step(i).arguments) add_patch(b, out);
  return {};
}

}  // namespace carnot
