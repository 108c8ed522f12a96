// Steps of the user's code: what they see of a run, and memory for results whose sizes they tell.
#include "base/checked.h"
#include "runtime/custom_step.h"

namespace carnot {

Result<void*> Frame::Custom::allocate(size_t output, int64_t bytes) {
  if (output >= results.size() || results[output].data) {
    return error(Code::kInvalidArgument, "result ", output, " needs no memory of its own");
  }
  if (bytes < 0) return error(Code::kInvalidArgument, "memory of ", bytes, " bytes");
  CARNOT_RETURN_IF_ERROR(memory[output].reserve(bytes));
  allocated[output] = bytes;
  return memory[output].data();
}

Status Frame::Custom::set_shape(size_t output, Shape shape) {
  if (output >= results.size() || allocated[output] < 0) {
    return error(Code::kInvalidArgument, "allocate() for result ", output, " comes first");
  }
  const CustomTensor& result = results[output];
  bool fits = shape.size() == result.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] >= 0 && (result.shape[i] < 0 || result.shape[i] == shape[i]);
  }
  if (!fits) {
    return error(Code::kInvalidArgument, "result ", output, " is given the shape ",
                 to_string(shape), ", has ", to_string(result.shape));
  }
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits_of(result.dtype)));
  if (bytes > allocated[output]) {
    return error(Code::kInvalidArgument, "result ", output, " of shape ", to_string(shape),
                 " takes ", bytes, " bytes, allocated were ", allocated[output]);
  }
  given[output] = std::move(shape);
  return {};
}

Result<void*> Frame::Custom::scratch(int64_t bytes) {
  if (bytes < 0) return error(Code::kInvalidArgument, "scratch memory of ", bytes, " bytes");
  CARNOT_RETURN_IF_ERROR(scratch_memory.reserve(bytes));
  return scratch_memory.data();
}

Status Frame::Custom::read(void* to, const void* from, size_t bytes) {
  CARNOT_RETURN_IF_ERROR(state.device.copy(to, from, bytes, state.stream));
  return state.device.wait(state.stream);
}

// The sizes of a value as far as they are known, -1 for the others.
Shape Frame::sizes_of(int b) const {
  Shape shape;
  for (const int dim : layout(b).dims) {
    shape.push_back(program_.shapes.phase(dim) <= running_ ? value(dim) : -1);
  }
  return shape;
}

Status Frame::prepare_custom(int i, Custom& custom) {
  const auto tensor = [&](int b) {
    return CustomTensor{buffer(b).type.dtype, sizes_of(b), nullptr};
  };
  custom.operands.clear(), custom.results.clear();
  for (const int b : step(i).inputs) {
    custom.operands.push_back(tensor(b));
    custom.operands.back().data = address(b);
  }
  for (const int b : step(i).outputs) {
    if (custom.memory.size() <= custom.results.size()) {
      custom.memory.push_back(memory_for(false));
    }
    custom.results.push_back(tensor(b));
    const BufferLayout& place = layout(b);
    if (place.phase > running_) continue;  // its code tells the sizes
    if (layout(place.root).memory_phase <= running_) {
      custom.results.back().data = address(b);
    } else {  // it is a part of what is not there yet
      Memory& own = custom.memory[custom.results.size() - 1];
      CARNOT_RETURN_IF_ERROR(own.reserve(bytes_of(b)));
      custom.results.back().data = own.data();
    }
  }
  custom.allocated.assign(custom.results.size(), -1);
  custom.given.assign(custom.results.size(), std::nullopt);
  const auto& in_place = std::get<op::Custom>(step(i).op).in_place;
  for (size_t k = 0; k < in_place.size(); ++k) {
    if (in_place[k] < 0) continue;
    CustomTensor& operand = custom.operands[static_cast<size_t>(in_place[k])];
    CustomTensor& result = custom.results[k];
    if (!result.data || operand.shape != result.shape) {
      return error(Code::kInvalidArgument, "result ", k, " cannot take the place of operand ",
                   in_place[k], ": their shapes differ");
    }
    const auto bytes = static_cast<size_t>(bytes_of(step(i).outputs[k]));
    if (operand.data != result.data && bytes > 0) {
      CARNOT_RETURN_IF_ERROR(state_.device.copy(result.data, operand.data, bytes, state_.stream));
    }
    operand.data = result.data;
  }
  custom.inputs = custom.operands;
  custom.outputs = custom.results;
  custom.stream = state_.stream ? state_.stream->native() : nullptr;
  return {};
}

Status Frame::run_custom(int i) {
  std::unique_ptr<Custom>& custom = customs_[static_cast<size_t>(i)];
  std::vector<Tensor> results;
  try {
    if (!custom) custom = std::make_unique<Custom>(state_);
    CARNOT_RETURN_IF_ERROR(prepare_custom(i, *custom));
    CARNOT_RETURN_IF_ERROR(state_.customs.at(&step(i))->run(*custom));
    for (size_t k = 0; k < custom->results.size(); ++k) {
      CustomTensor& result = custom->results[k];
      if (!result.data) {
        if (!custom->given[k]) {
          return error(Code::kInvalidArgument, "its code told no shape of result ", k);
        }
        result.shape = *custom->given[k];
        result.data = custom->memory[k].data();
      }
      CARNOT_ASSIGN(const int64_t count, element_count(result.shape));
      CARNOT_ASSIGN(const int64_t bytes, byte_size(count, bits_of(result.dtype)));
      const auto* const data = static_cast<const std::byte*>(result.data);
      CARNOT_ASSIGN(Tensor view, Tensor::wrap(result.dtype, result.shape,
                                              {data, static_cast<size_t>(bytes)}, nullptr));
      results.push_back(std::move(view));
    }
  } catch (const std::bad_alloc&) {
    return error(Code::kOutOfMemory, "no memory for its results");
  }
  return deliver(i, std::move(results));
}

}  // namespace carnot
