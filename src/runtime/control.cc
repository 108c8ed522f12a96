// Steps with regions: if, loop and scan. A region has a Frame of its own, so its memory is reused
// from one iteration to the next. A loop's carried values are not copied: an iteration reads them
// from one memory and writes them to another, and the two are exchanged.
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/checked.h"
#include "ops/bind.h"
#include "runtime/frame.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

Result<bool> one_bool(const Tensor& tensor) {
  if (tensor.dtype() != DType::kBool || tensor.elements() != 1) {
    return error(Code::kInvalidArgument, "the condition must be one bool, is ",
                 to_string(tensor.type()));
  }
  return tensor.get_int(0) != 0;
}

int64_t at_or(const op::Ints& list, size_t index, int64_t otherwise) {
  return index < list.size() ? list[index] : otherwise;
}

int64_t product(const Shape& shape, size_t begin, size_t end) {
  int64_t out = 1;
  for (size_t i = begin; i < end; ++i) out *= shape[i];
  return out;
}

// Bytes taken from a budget for as long as this lives.
class Charge {
 public:
  explicit Charge(Budget& budget) : budget_(&budget) {}
  Charge(Charge&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  ~Charge() { budget_->release(bytes_); }
  Status add(int64_t bytes) {
    CARNOT_RETURN_IF_ERROR(budget_->charge(bytes).with("the memory limit of this context"));
    bytes_ += bytes;
    return {};
  }

 private:
  Budget* budget_;
  int64_t bytes_ = 0;
};

// What the iterations gave for one output, one after another.
class Stack {
 public:
  Stack(Budget& budget, int64_t axis, bool reversed)
      : charge_(budget), axis_(axis), reversed_(reversed) {}

  Status push(const Tensor& element) {
    if (count_ == 0) {
      shape_ = element.shape();
    } else if (element.shape() != shape_) {
      return error(Code::kInvalidArgument,
                   "iterations give results of different shapes: ", to_string(shape_), " and ",
                   to_string(element.shape()));
    }
    ++count_;
    if (element.dtype() == DType::kString) {
      for (int64_t i = 0; i < element.elements(); ++i) strings_.push_back(element.get_string(i));
      return {};
    }
    CARNOT_RETURN_IF_ERROR(charge_.add(static_cast<int64_t>(element.bytes())));
    bytes_.insert(bytes_.end(), element.data(), element.data() + element.bytes());
    return {};
  }

  /// `none` is the shape of an element where there was no iteration.
  Result<Tensor> finish(DType dtype, const Shape& none) {
    if (count_ == 0) shape_ = none;
    const auto rank = static_cast<int64_t>(shape_.size());
    const int64_t axis = axis_ < 0 ? axis_ + rank + 1 : axis_;
    if (axis < 0 || axis > rank) {
      return error(Code::kInvalidArgument, "the stacking axis ", axis_, " is out of range");
    }
    Shape shape = shape_;
    shape.insert(shape.begin() + axis, count_);
    CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, shape));
    if (out.elements() == 0) return out;
    const int64_t outer = product(shape_, 0, static_cast<size_t>(axis));
    const int64_t inner = product(shape_, static_cast<size_t>(axis), shape_.size());
    std::vector<std::string> strings(strings_.size());
    for (int64_t i = 0; i < count_; ++i) {
      const int64_t from = reversed_ ? count_ - 1 - i : i;
      for (int64_t o = 0; o < outer; ++o) {
        const int64_t to = (o * count_ + i) * inner;
        if (dtype == DType::kString) {
          const auto begin = strings_.begin() + (from * outer + o) * inner;
          std::copy(begin, begin + inner, strings.begin() + to);
        } else {
          copy_row(out, to, from, o * inner, inner);
        }
      }
    }
    if (dtype == DType::kString) return Tensor::from_strings(shape, std::move(strings));
    return out;
  }

 private:
  void copy_row(Tensor& out, int64_t to, int64_t element, int64_t begin, int64_t count) const {
    const int bits = bits_of(out.dtype());
    const std::byte* from =
        bytes_.data() + bytes_.size() / static_cast<size_t>(count_) * static_cast<size_t>(element);
    if (bits % 8 == 0) {
      std::memcpy(out.mutable_data() + to * bits / 8, from + begin * bits / 8,
                  static_cast<size_t>(count * bits / 8));
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      store_bits(out.mutable_data(), bits, to + i, load_bits(from, bits, begin + i));
    }
  }

  Charge charge_;
  int64_t axis_;
  bool reversed_;
  Shape shape_;
  int64_t count_ = 0;
  std::vector<std::byte> bytes_;  // each element begins at a whole byte
  std::vector<std::string> strings_;
};

// Element `index` along `axis`, without that axis; `storage` holds it where it is not contiguous.
Result<Tensor> element_at(const Tensor& tensor, int64_t axis, int64_t index,
                          std::vector<std::byte>& storage) {
  Shape shape = tensor.shape();
  const int64_t size = shape[static_cast<size_t>(axis)];
  shape.erase(shape.begin() + axis);
  const int64_t outer = product(shape, 0, static_cast<size_t>(axis));
  const int64_t inner = product(shape, static_cast<size_t>(axis), shape.size());
  const int bits = bits_of(tensor.dtype());
  if (tensor.dtype() == DType::kString) {
    std::vector<std::string> strings;
    for (int64_t i = 0; i < outer * inner; ++i) {
      strings.push_back(tensor.get_string((i / inner * size + index) * inner + i % inner));
    }
    return Tensor::from_strings(shape, std::move(strings));
  }
  const int64_t total = (outer * inner * bits + 7) / 8;
  if (outer == 1 && inner * bits % 8 == 0) {
    return Tensor::wrap(tensor.dtype(), shape,
                        {tensor.data() + index * inner * bits / 8, static_cast<size_t>(total)},
                        nullptr);
  }
  storage.assign(static_cast<size_t>(total), std::byte{0});
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t from = (o * size + index) * inner, to = o * inner;
    if (bits % 8 == 0) {
      std::memcpy(storage.data() + to * bits / 8, tensor.data() + from * bits / 8,
                  static_cast<size_t>(inner * bits / 8));
      continue;
    }
    for (int64_t i = 0; i < inner; ++i) {
      store_bits(storage.data(), bits, to + i, load_bits(tensor.data(), bits, from + i));
    }
  }
  return Tensor::wrap(tensor.dtype(), shape, storage, nullptr);
}

// The shape of a result that no iteration gave: what is known of it, else no elements.
Shape shape_of_none(const TensorType& type, const Symbols& symbols) {
  Shape shape;
  for (const Dim& dim : type.dims) {
    const Result<int64_t> size = evaluate(dim, symbols);
    shape.push_back(size.ok() && *size >= 0 ? *size : 0);
  }
  return shape;
}

// The last state, then the stacks; `first` is the region's output that the first stack took.
Result<std::vector<Tensor>> stack_up(const Plan& body, size_t first, std::vector<Stack>& stacks,
                                     const Symbols& symbols, std::vector<Tensor> results) {
  for (size_t k = 0; k < stacks.size(); ++k) {
    const auto b = static_cast<size_t>(body.outputs[first + k].buffer);
    const TensorType& type = body.buffers[b].type;
    CARNOT_ASSIGN(Tensor stacked, stacks[k].finish(type.dtype, shape_of_none(type, symbols)));
    results.push_back(std::move(stacked));
  }
  return results;
}

}  // namespace

Frame& Frame::region(int i, size_t k) {
  auto& frames = regions_[static_cast<size_t>(i)];
  const auto& programs = program_.regions[static_cast<size_t>(i)];
  if (frames.empty()) frames.resize(programs.size());
  if (frames[k]) return *frames[k];
  frames[k] = std::make_unique<Frame>(*programs[k], state_, true);
  // What the next iteration, or a step behind this one, reads is not for the host; what is stacked
  // is, and the condition.
  const Step& own = step(i);
  const size_t first = own.kind == Step::kLoop ? 1 : 0;
  const size_t count = own.kind == Step::kIf ? own.outputs.size()
                       : own.kind == Step::kLoop
                           ? static_cast<size_t>(std::get<op::Loop>(own.op).carried)
                           : 0;
  for (size_t o = 0; o < count; ++o) frames[k]->keep_on_device(first + o);
  return *frames[k];
}

Status Frame::run_region(Frame& frame, int64_t iteration) {
  if (state_.cancel.load(std::memory_order_relaxed)) {
    return error(Code::kCancelled, "the run was cancelled");
  }
  Status status = frame.run(symbols_);
  return status.ok() ? status : std::move(status).with(cat("iteration ", iteration));
}

Status Frame::run_control(int i) {
  try {
    std::vector<Tensor> operands;
    for (const int b : step(i).inputs) {
      CARNOT_ASSIGN(Tensor operand, tensor_of(b));
      operands.push_back(std::move(operand));
    }
    Result<std::vector<Tensor>> results = step(i).kind == Step::kIf     ? run_if(i, operands)
                                          : step(i).kind == Step::kLoop ? run_loop(i, operands)
                                                                        : run_scan(i, operands);
    if (!results.ok()) return std::move(results).status();
    return deliver(i, std::move(*results));
  } catch (const std::bad_alloc&) {
    return error(Code::kOutOfMemory, "no memory for its results");
  }
}

Result<std::vector<Tensor>> Frame::run_if(int i, std::span<const Tensor> operands) {
  CARNOT_ASSIGN(const bool condition, one_bool(operands[0]));
  Frame& branch = region(i, condition ? 0 : 1);
  for (size_t k = 1; k < operands.size(); ++k) {
    CARNOT_RETURN_IF_ERROR(branch.set_input(k - 1, operands[k]));
  }
  CARNOT_RETURN_IF_ERROR(branch.run(symbols_));
  std::vector<Tensor> results;
  for (size_t k = 0; k < step(i).outputs.size(); ++k) {
    CARNOT_ASSIGN(Tensor result, branch.output(k));
    results.push_back(std::move(result));
  }
  return results;
}

// Takes outputs [first, first + state.size()) of the region as the next state.
Status Frame::take_state(int i, Frame& body, size_t first, std::vector<Tensor>& state) {
  std::vector<Memory>& memory = carried_[static_cast<size_t>(i)];
  while (memory.size() < state.size()) {
    memory.push_back(memory_for(!body.is_kept(first + memory.size())));
  }
  for (size_t k = 0; k < state.size(); ++k) {
    CARNOT_ASSIGN(state[k], body.output(first + k));
    body.exchange_output(first + k, memory[k]);
  }
  return {};
}

Result<std::vector<Tensor>> Frame::run_loop(int i, std::span<const Tensor> operands) {
  const auto carried = static_cast<size_t>(std::get<op::Loop>(step(i).op).carried);
  const size_t stacked = step(i).outputs.size() - carried;
  Frame& body = region(i, 0);
  if (operands[0].dtype() != DType::kI64 || operands[0].elements() != 1) {
    return error(Code::kInvalidArgument, "the trip count must be one i64, is ",
                 to_string(operands[0].type()));
  }
  const int64_t trips = operands[0].get_int(0);
  CARNOT_ASSIGN(bool condition, one_bool(operands[1]));
  std::vector<Tensor> state(operands.begin() + 2,
                            operands.begin() + 2 + static_cast<ptrdiff_t>(carried));
  std::vector<Stack> stacks;
  for (size_t k = 0; k < stacked; ++k) stacks.emplace_back(state_.budget, 0, false);

  const auto ones = [&](size_t input) {
    return Shape(static_cast<size_t>(body.input_type(input).rank()), 1);
  };
  Tensor iteration = Tensor::zeros(DType::kI64, ones(0));
  Tensor going = Tensor::zeros(DType::kBool, ones(1));
  going.set_int(0, 1);
  CARNOT_RETURN_IF_ERROR(body.set_input(0, iteration));
  CARNOT_RETURN_IF_ERROR(body.set_input(1, going));
  for (size_t k = 2 + carried; k < operands.size(); ++k) {
    CARNOT_RETURN_IF_ERROR(body.set_input(k, operands[k]));
  }
  for (int64_t n = 0; n < trips && condition; ++n) {
    iteration.set_int(0, n);
    for (size_t k = 0; k < carried; ++k) CARNOT_RETURN_IF_ERROR(body.set_input(2 + k, state[k]));
    CARNOT_RETURN_IF_ERROR(run_region(body, n));
    CARNOT_ASSIGN(const Tensor next, body.output(0));
    CARNOT_ASSIGN(condition, one_bool(next));
    for (size_t k = 0; k < stacked; ++k) {
      CARNOT_ASSIGN(const Tensor element, body.output(1 + carried + k));
      CARNOT_RETURN_IF_ERROR(stacks[k].push(element));
    }
    CARNOT_RETURN_IF_ERROR(take_state(i, body, 1, state));
  }
  return stack_up(body.plan(), 1 + carried, stacks, known_symbols(), std::move(state));
}

Result<std::vector<Tensor>> Frame::run_scan(int i, std::span<const Tensor> operands) {
  const auto& scan = std::get<op::Scan>(step(i).op);
  const auto states = static_cast<size_t>(scan.states);
  const auto scanned = operands.subspan(states, static_cast<size_t>(scan.scanned));
  Frame& body = region(i, 0);
  std::vector<int64_t> axes;
  int64_t length = 0;
  for (size_t k = 0; k < scanned.size(); ++k) {
    const int64_t given = at_or(scan.input_axes, k, 0), rank = scanned[k].rank();
    const int64_t axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis >= rank) {
      return error(Code::kInvalidArgument, "the axis of scanned input ", k, " is out of range");
    }
    const int64_t size = scanned[k].shape()[static_cast<size_t>(axis)];
    if (k > 0 && size != length) {
      return error(Code::kInvalidArgument, "scanned inputs have ", length, " and ", size,
                   " elements");
    }
    length = size;
    axes.push_back(axis);
  }
  std::vector<Tensor> state(operands.begin(), operands.begin() + static_cast<ptrdiff_t>(states));
  std::vector<Stack> stacks;
  for (size_t k = 0; k + states < step(i).outputs.size(); ++k) {
    stacks.emplace_back(state_.budget, at_or(scan.output_axes, k, 0),
                        at_or(scan.output_reversed, k, 0) != 0);
  }
  for (size_t k = states + scanned.size(); k < operands.size(); ++k) {
    CARNOT_RETURN_IF_ERROR(body.set_input(k, operands[k]));
  }
  std::vector<std::vector<std::byte>> storage(scanned.size());
  for (int64_t n = 0; n < length; ++n) {
    for (size_t k = 0; k < states; ++k) CARNOT_RETURN_IF_ERROR(body.set_input(k, state[k]));
    for (size_t k = 0; k < scanned.size(); ++k) {
      const int64_t index = at_or(scan.input_reversed, k, 0) != 0 ? length - 1 - n : n;
      CARNOT_ASSIGN(Tensor element, element_at(scanned[k], axes[k], index, storage[k]));
      CARNOT_RETURN_IF_ERROR(body.set_input(states + k, std::move(element)));
    }
    CARNOT_RETURN_IF_ERROR(run_region(body, n));
    for (size_t k = 0; k < stacks.size(); ++k) {
      CARNOT_ASSIGN(const Tensor element, body.output(states + k));
      CARNOT_RETURN_IF_ERROR(stacks[k].push(element));
    }
    CARNOT_RETURN_IF_ERROR(take_state(i, body, 0, state));
  }
  return stack_up(body.plan(), states, stacks, known_symbols(), std::move(state));
}

}  // namespace carnot
