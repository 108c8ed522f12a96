#include "runtime/frame.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include "base/checked.h"
#include "ops/bind.h"
#include "ops/index_range.h"
#include "runtime/custom_step.h"

namespace carnot {
namespace {

// As a kernel writes it: Place::kFault.
struct alignas(16) Fault {
  int64_t index, size;  // of the index' axis, plus one
};

constexpr int64_t kScratchAlignment = 4096;  // threads share no page, and no cache line

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string describe(const Step& step, int i) {
  std::string out = cat("step ", i, " (", step.tactic);
  if (step.kind != Step::kKernel && step.kind != Step::kCopy) out += cat(", ", name(step.op));
  if (!step.origin.empty()) out += cat(", from ", step.origin[0]);
  return out + ")";
}

}  // namespace

Status RunState::reserve_scratch(int64_t bytes) {
  if (bytes == 0) return {};
  CARNOT_ASSIGN(const int64_t rounded, align_up(bytes, kScratchAlignment));
  for (size_t i = 0; i < scratch.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(scratch[i].reserve(rounded));
    scratch_data[i] = scratch[i].data();
  }
  return {};
}

Frame::Frame(const Program& program, RunState& state, bool nested)
    : program_(program),
      state_(state),
      nested_(nested),
      inputs_(program.plan->inputs.size()),
      input_reach_(program.plan->inputs.size()),
      targets_(program.plan->outputs.size()),
      bound_shapes_(program.plan->inputs.size()),
      symbols_(program.shapes.symbols().size(), kUnknown),
      values_(program.shapes.size(), 0),
      cache_(program.phases.size()),
      active_(program.phases.size(), nullptr),
      bases_(program.buffers.size(), nullptr),
      fault_memory_(state.device, state.budget, true),
      strings_(program.buffers.size()),
      regions_(program.steps.size()),
      carried_(program.steps.size()),
      customs_(program.steps.size()) {
  for (const PlanOutput& input : plan().inputs) {
    input_memory_.push_back(memory_for(buffer(input.buffer).host));
  }
  for (size_t i = 0; i < targets_.size(); ++i) {
    output_memory_.push_back(memory_for(true));
    output_device_.push_back(memory_for(false));
  }
  for (size_t i = 0; i < program.phases.size(); ++i) {
    for (size_t side = 0; side < kSides; ++side) arenas_[side].push_back(memory_for(side > 0));
  }
  for (size_t i = 0; i < plan().buffers.size(); ++i) {
    const PlanBuffer& b = plan().buffers[i];
    if (b.view_of < 0 && b.place == Place::kFault) faults_.push_back(static_cast<int>(i));
    if (b.view_of >= 0 || b.place != Place::kConstant) continue;
    const Tensor& weight = (*program.weights)[static_cast<size_t>(b.index)];
    strings_[i] = weight.dtype() == DType::kString ? weight : Tensor();
    bases_[i] = b.host || state.weights.empty() ? const_cast<std::byte*>(weight.data())
                                                : state.weights[static_cast<size_t>(b.index)];
  }
}

Memory Frame::memory_for(bool host) const {
  return host ? Memory(state_.device, state_.budget, true)
              : Memory(state_.device, state_.budget, state_.source);
}

Frame::~Frame() = default;

Status Frame::set_input(size_t i, Tensor value) {
  const PlanOutput& port = plan().inputs[i];
  const TensorType& type = buffer(port.buffer).type;
  if (value.dtype() != type.dtype || value.rank() != type.rank()) {
    return error(Code::kInvalidArgument, "input \"", port.name, "\" must be ", to_string(type),
                 ", is ", to_string(value.type()));
  }
  CARNOT_ASSIGN(inputs_[i], value.dense());
  input_reach_[i] = state_.device.reach(inputs_[i]->data());
  return {};
}

Status Frame::set_input(size_t i, const void* data, Shape shape) {
  const PlanOutput& port = plan().inputs[i];
  const DType dtype = buffer(port.buffer).type.dtype;
  const std::string name = cat("input \"", port.name, "\"");
  if (dtype == DType::kString) {
    return error(Code::kInvalidArgument, name, " holds strings: set it as a Tensor");
  }
  CARNOT_ASSIGN(const int64_t count, element_count(shape).with(name));
  CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits_of(dtype)).with(name));
  if (!data && bytes > 0) return error(Code::kInvalidArgument, name, ": the memory is null");
  CARNOT_ASSIGN(
      Tensor value,
      Tensor::wrap(dtype, std::move(shape),
                   {static_cast<const std::byte*>(data), static_cast<size_t>(bytes)}, nullptr)
          .with(name));
  return set_input(i, std::move(value));
}

Status Frame::set_output(size_t i, void* memory, int64_t bytes_max) {
  const Reach reach = memory ? state_.device.reach(memory) : Reach();
  return set_target(i, {memory, bytes_max, reach, {}, false});
}

Status Frame::set_output(size_t i, OutputMemory source) {
  return set_target(i, {nullptr, 0, {}, std::move(source), false});
}

Status Frame::set_target(size_t i, Target target) {
  const PlanOutput& port = plan().outputs[i];
  if (target.given() && buffer(port.buffer).type.dtype == DType::kString) {
    return error(Code::kInvalidArgument, "output \"", port.name,
                 "\" holds strings: they cannot be written to plain memory");
  }
  complete_ = false;
  targets_[i] = std::move(target);
  return {};
}

void Frame::keep_on_device(size_t i) {
  const PlanBuffer& b = buffer(layout(plan().outputs[i].buffer).root);
  targets_[i].kept = !state_.device.shares_host_memory() && !b.host;
}

bool Frame::is_kept(size_t i) const {
  return targets_[i].kept;
}

void Frame::exchange_output(size_t i, Memory& memory) {
  std::swap(is_kept(i) ? output_device_[i] : output_memory_[i], memory);
}

Result<Tensor> Frame::output(size_t i) const {
  const PlanOutput& port = plan().outputs[i];
  if (!complete_) {
    return error(Code::kInvalidArgument, "output \"", port.name,
                 "\" is there after a run that succeeded");
  }
  const DType dtype = buffer(port.buffer).type.dtype;
  if (dtype == DType::kString) return tensor_of(port.buffer);
  if (state_.async) {
    CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
    CARNOT_RETURN_IF_ERROR(take_faults());
  }
  const Memory& own = is_kept(i) ? output_device_[i] : output_memory_[i];
  const void* data = targets_[i].memory ? targets_[i].memory : own.data();
  return Tensor::wrap(
      dtype, shape_of(port.buffer),
      {static_cast<const std::byte*>(data), static_cast<size_t>(bytes_of(port.buffer))}, nullptr);
}

Result<Shape> Frame::output_shape(size_t i) {
  const PlanOutput& port = plan().outputs[i];
  complete_ = false;  // the values of the last run's shapes are replaced
  CARNOT_RETURN_IF_ERROR(bind_inputs({}));
  if (layout(port.buffer).phase > 0) {
    return error(Code::kInvalidArgument, "the shape of output \"", port.name,
                 "\" is known only after a run: it depends on the inputs' values");
  }
  CARNOT_RETURN_IF_ERROR(activate(0));
  return shape_of(port.buffer);
}

Result<int64_t> Frame::memory_bytes() {
  complete_ = false;
  CARNOT_RETURN_IF_ERROR(bind_inputs({}));
  CARNOT_ASSIGN(const Prepared* const prepared, prepared_for(0));
  const auto threads = static_cast<int64_t>(state_.scratch.size());
  CARNOT_ASSIGN(const int64_t scratch, align_up(prepared->scratch_bytes, kScratchAlignment));
  int64_t total = 0;
  const auto add = [&](int64_t bytes) -> Status {
    CARNOT_ASSIGN(const int64_t rounded,
                  align_up(std::max(bytes, Memory::kBytesMin), state_.device.alignment()));
    const auto sum = checked_add(total, rounded);
    if (!sum) return error(Code::kResourceLimit, "the memory of a run is too large");
    total = *sum;
    return {};
  };
  if (!program_.phases[0].arena[0].empty()) CARNOT_RETURN_IF_ERROR(add(prepared->arenas[0].bytes));
  for (int64_t i = 0; scratch > 0 && i < threads; ++i) CARNOT_RETURN_IF_ERROR(add(scratch));
  return total;
}

void Frame::release_memory() {
  for (std::vector<Memory>& arenas : arenas_) {
    for (Memory& arena : arenas) arena.clear();
  }
  for (Memory& memory : input_memory_) memory.clear();
  for (Memory& memory : output_device_) memory.clear();
  for (auto& frames : regions_) {
    for (auto& frame : frames) {
      if (frame) frame->release_memory();
    }
  }
}

Status Frame::run(std::span<const int64_t> outer_symbols) {
  Status status = run_all(outer_symbols);
  if (status.ok() && state_.async && !nested_) return status;
  // An error leaves nothing under way: what was given to this run is the caller's again.
  Status waited = state_.device.wait(state_.stream);
  if (status.ok()) status = std::move(waited);
  Status faults = take_faults();
  if (status.ok()) status = std::move(faults);
  complete_ = status.ok();
  return status;
}

// Memory of the host that kernels reach: it is read without a copy that every run would pay for.
Status Frame::make_faults() {
  if (faults_.empty() || fault_memory_.data()) return {};
  const size_t bytes = faults_.size() * sizeof(Fault);
  CARNOT_RETURN_IF_ERROR(fault_memory_.reserve(static_cast<int64_t>(bytes)));
  std::memset(fault_memory_.data(), 0, bytes);
  for (size_t i = 0; i < faults_.size(); ++i) {
    set_base(faults_[i], static_cast<Fault*>(fault_memory_.data()) + i);
  }
  return {};
}

// The first bad index that a kernel has told of since this was last asked, as an error.
Status Frame::take_faults() const {
  if (!fault_memory_.data()) return {};
  Status out;
  for (size_t i = 0; i < faults_.size(); ++i) {
    volatile Fault& told = static_cast<Fault*>(fault_memory_.data())[i];
    if (told.size == 0) continue;
    const bool count = told.size < 0;
    const int64_t index = told.index, size = (count ? -told.size : told.size) - 1;
    told.index = 0;
    told.size = 0;
    if (!count && state_.any_index) continue;
    complete_ = false;
    for (int s = 0; out.ok() && s < static_cast<int>(plan().steps.size()); ++s) {
      const std::vector<int>& arguments = step(s).arguments;
      if (std::find(arguments.begin(), arguments.end(), faults_[i]) == arguments.end()) continue;
      out = error(Code::kInvalidArgument, describe(step(s), s), count ? ": " : ": index ", index,
                  count ? " elements of" : " is out of range for", " an axis of ", size,
                  "; the results mean nothing");
    }
  }
  return out;
}

Status Frame::run_all(std::span<const int64_t> outer_symbols) {
  complete_ = false;
  pending_.clear();
  for (Target& target : targets_) target.asked = false;
  CARNOT_RETURN_IF_ERROR(make_faults());
  // Of a run before this one, in a stream of the caller's.
  if (state_.async) CARNOT_RETURN_IF_ERROR(take_faults().with("the run before this one"));
  CARNOT_RETURN_IF_ERROR(bind_inputs(outer_symbols));
  if (program_.phases.size() > 1) {  // what the last run's steps defined
    std::vector<bool> from_inputs(symbols_.size(), false);
    for (const int s : program_.phases[0].symbols) from_inputs[static_cast<size_t>(s)] = true;
    for (size_t s = 0; s < symbols_.size(); ++s) {
      if (!from_inputs[s]) symbols_[s] = kUnknown;
    }
  }
  for (size_t i = 0; i < inputs_.size(); ++i) CARNOT_RETURN_IF_ERROR(place_input(i));
  for (size_t p = 0; p < program_.phases.size(); ++p) {
    CARNOT_RETURN_IF_ERROR(start_phase(static_cast<int>(p)));
    CARNOT_RETURN_IF_ERROR(run_phase(static_cast<int>(p)));
  }
  CARNOT_RETURN_IF_ERROR(finish());
  complete_ = true;
  return {};
}

void Frame::set_base(int root, void* address) {
  void*& base = bases_[static_cast<size_t>(root)];
  if (base == address) return;
  base = address;
  ++generation_;
}

// What the side that reads it cannot reach is copied there.
Status Frame::place_input(size_t i) {
  const int b = plan().inputs[i].buffer;
  Tensor& value = *inputs_[i];
  if (value.dtype() == DType::kString) strings_[static_cast<size_t>(b)] = value;
  if (is_usable(input_reach_[i], b)) {
    set_base(b, value.mutable_data());
    return {};
  }
  CARNOT_RETURN_IF_ERROR(input_memory_[i].reserve(static_cast<int64_t>(value.bytes())));
  set_base(b, input_memory_[i].data());
  return state_.device.copy(input_memory_[i].data(), value.data(), value.bytes(), state_.stream);
}

// Asks for memory where the caller gives it then; checks that it is enough.
Status Frame::take_target(size_t i, int64_t bytes) {
  Target& target = targets_[i];
  if (!target.given()) return {};
  const PlanOutput& port = plan().outputs[i];
  if (target.source && !target.asked) {
    target.asked = true;
    target.memory = target.source(shape_of(port.buffer), static_cast<size_t>(bytes));
    if (!target.memory && bytes > 0) {
      return error(Code::kOutOfMemory, "output \"", port.name, "\" of shape ",
                   to_string(shape_of(port.buffer)), ": the caller gave no memory for ", bytes,
                   " bytes");
    }
    target.bytes_max = bytes;
    target.reach = target.memory ? state_.device.reach(target.memory) : Reach();
  }
  if (bytes <= target.bytes_max) return {};
  return error(Code::kInvalidArgument, "output \"", port.name, "\" of shape ",
               to_string(shape_of(port.buffer)), " takes ", bytes, " bytes, the memory given has ",
               target.bytes_max);
}

Status Frame::place_outputs(int p) {
  for (const int root : program_.phases[static_cast<size_t>(p)].outputs) {
    const auto i = static_cast<size_t>(buffer(root).index);
    const int64_t bytes = bytes_of(root);
    CARNOT_RETURN_IF_ERROR(take_target(i, bytes));
    const bool given = targets_[i].memory != nullptr;
    if (given && is_usable(targets_[i].reach, root)) {
      set_base(root, targets_[i].memory);
      continue;
    }
    const bool host = buffer(root).host || (!given && state_.device.shares_host_memory());
    Memory& memory = host ? output_memory_[i] : output_device_[i];
    CARNOT_RETURN_IF_ERROR(memory.reserve(bytes));
    set_base(root, memory.data());
  }
  return {};
}

Status Frame::start_phase(int p) {
  running_ = p;
  CARNOT_RETURN_IF_ERROR(activate(p));
  CARNOT_RETURN_IF_ERROR(place_outputs(p));
  for (const Pending& each : pending_) CARNOT_RETURN_IF_ERROR(write(each.buffer, each.value));
  pending_.clear();
  Prepared& prepared = *active_[static_cast<size_t>(p)];
  if (prepared.patched == generation_) return {};
  for (const Prepared::Patch& patch : prepared.patches) {
    prepared.pointers[patch.slot] =
        static_cast<std::byte*>(bases_[static_cast<size_t>(patch.root)]) + patch.offset;
  }
  prepared.patched = generation_;
  return {};
}

Status Frame::run_phase(int p) {
  Prepared& prepared = *active_[static_cast<size_t>(p)];
  const std::vector<Piece>& pieces = program_.phases[static_cast<size_t>(p)].pieces;
  for (size_t k = 0; k < pieces.size(); ++k) {
    const Piece& piece = pieces[k];
    if (!piece.alone) {
      CARNOT_RETURN_IF_ERROR(run_launches(k, prepared));
      continue;
    }
    if (Status status = run_alone(piece.first); !status.ok()) {
      return std::move(status).with(describe(step(piece.first), piece.first));
    }
  }
  return {};
}

Status Frame::run_alone(int i) {
  const bool custom = step(i).kind == Step::kCustom;
  const bool timed = !step_ns.empty();
  if (!custom || timed) {  // the host reads its operands
    CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
  }
  const int64_t begin = timed ? now_ns() : 0;
  CARNOT_RETURN_IF_ERROR(custom ? run_custom(i) : run_control(i));
  if (!timed) return {};
  CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
  step_ns[static_cast<size_t>(i)] += now_ns() - begin;
  return {};
}

Status Frame::run_launches(size_t piece, Prepared& prepared) {
  const Phase& phase = program_.phases[static_cast<size_t>(running_)];
  const Piece& steps = phase.pieces[piece];
  const auto launches = std::span<const Launch>(prepared.launches)
                            .subspan(static_cast<size_t>(steps.first - phase.first),
                                     static_cast<size_t>(steps.end - steps.first));
  if (!step_ns.empty()) return run_timed(steps, launches);
  Prepared::Recorded& recorded = prepared.recordings[piece];
  if (!recorded.tried) {
    CARNOT_ASSIGN(recorded.recording, state_.device.record(launches));
    recorded.tried = true;
  }
  const RunOptions options{&state_.cancel, {}, state_.stream};
  return recorded.recording
             ? state_.device.replay(*recorded.recording, state_.scratch_data, options)
             : state_.device.run(launches, state_.scratch_data, options);
}

Status Frame::run_timed(const Piece& piece, std::span<const Launch> launches) {
  std::vector<int64_t> ends(launches.size());
  int64_t begin = now_ns();
  CARNOT_RETURN_IF_ERROR(
      state_.device.run(launches, state_.scratch_data, {&state_.cancel, ends, state_.stream}));
  for (size_t i = 0; i < ends.size(); ++i) {
    // A kernel without tasks is for other sizes.
    const bool idle = launches[i].entry && launches[i].tasks == 0;
    if (!idle) step_ns[static_cast<size_t>(piece.first) + i] += ends[i] - begin;
    begin = ends[i];
  }
  return {};
}

Result<double> Frame::device_time_us(int queued) {
  const bool alone = program_.phases.size() == 1 && program_.phases[0].pieces.size() == 1 &&
                     !program_.phases[0].pieces[0].alone;
  if (!alone || !complete_) {
    return error(Code::kUnsupported,
                 "the time on the device alone: the plan's steps need the host between them");
  }
  CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
  const int64_t begin = now_ns();
  for (int i = 0; i < queued; ++i) CARNOT_RETURN_IF_ERROR(run_launches(0, *active_[0]));
  CARNOT_RETURN_IF_ERROR(state_.device.wait(state_.stream));
  return static_cast<double>(now_ns() - begin) / 1e3 / queued;
}

// What was not written where it shall be: an input, a constant, a part of something else, or what
// the caller or the host cannot reach where it was computed.
Status Frame::finish() {
  for (size_t i = 0; i < targets_.size(); ++i) {
    const int b = plan().outputs[i].buffer;
    if (buffer(b).type.dtype == DType::kString) continue;
    const int64_t bytes = bytes_of(b);
    CARNOT_RETURN_IF_ERROR(take_target(i, bytes));
    void* to = targets_[i].memory;
    if (!to) {
      Memory& own = is_kept(i) ? output_device_[i] : output_memory_[i];
      CARNOT_RETURN_IF_ERROR(own.reserve(bytes));
      to = own.data();
    }
    if (to == address(b)) continue;
    CARNOT_RETURN_IF_ERROR(
        state_.device.copy(to, address(b), static_cast<size_t>(bytes), state_.stream));
  }
  return {};
}

std::byte* Frame::address(int b) const {
  return static_cast<std::byte*>(bases_[static_cast<size_t>(layout(b).root)]) + offset_of(b);
}

Result<Tensor> Frame::tensor_of(int b) const {
  const DType dtype = buffer(b).type.dtype;
  if (dtype == DType::kString) {
    return strings_[static_cast<size_t>(layout(b).root)].reshaped(shape_of(b));
  }
  return Tensor::wrap(dtype, shape_of(b), {address(b), static_cast<size_t>(bytes_of(b))}, nullptr);
}

// Called by the device, where no exception may pass.
Status Frame::host(void* frame, int i) {
  auto& self = *static_cast<Frame*>(frame);
  try {
    Status status = self.run_host(i);
    return status.ok() ? status : std::move(status).with(describe(self.step(i), i));
  } catch (const std::bad_alloc&) {
    return error(Code::kOutOfMemory, describe(self.step(i), i), ": no memory for its results");
  }
}

Status Frame::run_host(int i) {
  std::vector<Tensor> operands;
  for (const int b : step(i).inputs) {
    CARNOT_ASSIGN(Tensor operand, tensor_of(b));
    operands.push_back(std::move(operand));
  }
  const Phase& phase = program_.phases[static_cast<size_t>(running_)];
  const auto& op =
      active_[static_cast<size_t>(running_)]->ops[static_cast<size_t>(i - phase.first)];
  const Op& run = op ? *op : step(i).op;
  Result<std::vector<Tensor>> results = reference(run, operands);
  if (!results.ok() && state_.any_index) {
    CARNOT_ASSIGN(const Call call, within_range(run, operands));
    results = reference(call.op, call.operands);
  }
  CARNOT_RETURN_IF_ERROR(results.status());
  return deliver(i, std::move(*results));
}

// Copies results to where they live, or keeps them until that is known.
Status Frame::deliver(int i, std::vector<Tensor> results) {
  const std::vector<int>& outputs = step(i).outputs;
  if (results.size() != outputs.size()) {
    return error(Code::kInternal, "it gave ", results.size(), " results, not ", outputs.size());
  }
  if (!step(i).defines.empty()) CARNOT_RETURN_IF_ERROR(define(i, results));
  for (size_t k = 0; k < results.size(); ++k) {
    const int b = outputs[k];
    const BufferLayout& place = layout(b);
    const bool known = place.phase <= running_;
    if (results[k].dtype() != buffer(b).type.dtype ||
        (known && results[k].shape() != shape_of(b))) {
      return error(Code::kInternal, "result ", k, " is ", to_string(results[k].type()), ", not ",
                   known ? to_string(static_type(buffer(b).type.dtype, shape_of(b)))
                         : to_string(buffer(b).type));
    }
    if (results[k].dtype() == DType::kString) {
      strings_[static_cast<size_t>(place.root)] = std::move(results[k]);
    } else if (known && layout(place.root).memory_phase <= running_) {
      CARNOT_RETURN_IF_ERROR(write(b, results[k]));
    } else {
      // A step with regions gives views of memory that its next run overwrites; that cannot be
      // before the next phase has taken this.
      pending_.push_back({b, std::move(results[k])});
    }
  }
  return {};
}

Status Frame::define(int i, const std::vector<Tensor>& results) {
  Symbols symbols = known_symbols();
  for (size_t k = 0; k < results.size(); ++k) {
    CARNOT_RETURN_IF_ERROR(
        bind_symbols(buffer(step(i).outputs[k]).type.dims, results[k].shape(), symbols)
            .with(cat("result ", k)));
  }
  for (const std::string& name : step(i).defines) {
    const int at = program_.shapes.find_symbol(name);
    if (at >= 0) symbols_[static_cast<size_t>(at)] = symbols.at(name);
  }
  return {};
}

Status Frame::write(int b, const Tensor& value) {
  CARNOT_ASSIGN(const Tensor dense, value.dense());
  CARNOT_CHECK(dense.bytes() == static_cast<size_t>(bytes_of(b)));
  if (dense.bytes() == 0 || dense.data() == address(b)) return {};
  const bool by_device = !buffer(layout(b).root).host || !state_.device.reach(dense.data()).host;
  if (!state_.device.shares_host_memory() && by_device) {
    return state_.device.copy(address(b), dense.data(), dense.bytes(), state_.stream);
  }
  std::memcpy(address(b), dense.data(), dense.bytes());
  return {};
}

}  // namespace carnot
