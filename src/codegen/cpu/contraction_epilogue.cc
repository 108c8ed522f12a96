// The end of a tile: epilogue loads, the scalar program on whole vectors, and stores.
#include "codegen/cpu/contraction_epilogue.h"

#include <algorithm>

#include "codegen/cpu/scalar_emit.h"

namespace carnot::cpu {

using Value = llvm::Value;
using Values = std::vector<llvm::Value*>;

Value* dot(Emitter& e, const Dims& coefficients, const Values& indices) {
  Value* sum = e.i64(0);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (coefficients[i].is(0)) continue;
    sum = e.ir().CreateNSWAdd(sum, e.ir().CreateNSWMul(indices[i], e.dim(coefficients[i])));
  }
  return sum;
}

Values unflatten(Emitter& e, Value* flat, const Dims& sizes) {
  Values index(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    if (i == 0) {
      index[0] = flat;
      break;
    }
    Value* size = e.dim(sizes[i]);
    Value* quotient = e.ir().CreateUDiv(flat, size);
    index[i] = e.ir().CreateSub(flat, e.ir().CreateMul(quotient, size));
    flat = quotient;
  }
  return index;
}

Value* task_offset(Emitter& e, const AxisMap& map, const Values& batch) {
  return e.ir().CreateNSWAdd(e.dim(map.base), dot(e, map.batch, batch));
}

Value* task_base(Emitter& e, const MappedAccess& access, const Values& batch) {
  Value* offset = task_offset(e, access.map, batch);
  if (access.buffer == kExpression) return offset;
  // Not in bounds: padding begins before the buffer.
  return e.ir().CreateGEP(storage_type(e, access.dtype), e.buffer(access.buffer), offset);
}

bool uses_rows(const AxisMap& map) {
  return std::any_of(map.rows.begin(), map.rows.end(), [](const Dim& d) { return !d.is(0); });
}

void ContractionEpilogue::begin_task(const Values& batch) {
  bases_.clear();
  for (size_t slot = 0; slot < slots(); ++slot) {
    bases_.push_back(task_base(e_, access(slot), batch));
  }
}

Value* ContractionEpilogue::column_pointers(const MappedAccess& access, Value* base,
                                            const Column& column, int v) {
  auto& ir = e_.ir();
  return ir.CreateGEP(
      storage_type(e_, access.dtype), base,
      ir.CreateNSWMul(column_numbers(column, v), ir.CreateVectorSplat(static_cast<unsigned>(lanes_),
                                                                      e_.dim(access.map.column))));
}

Value* ContractionEpilogue::column_numbers(const Column& column, int v) {
  auto& ir = e_.ir();
  std::vector<llvm::Constant*> lanes;
  for (int i = 0; i < lanes_; ++i) {
    lanes.push_back(ir.getInt64(static_cast<uint64_t>(v * lanes_ + i)));
  }
  return ir.CreateNSWAdd(ir.CreateVectorSplat(static_cast<unsigned>(lanes_), column.first),
                         llvm::ConstantVector::get(lanes));
}

Value* ContractionEpilogue::load_vector(const MappedAccess& access, Value* base,
                                        const Column& column, int v) {
  auto& ir = e_.ir();
  const auto lanes = static_cast<unsigned>(lanes_);
  if (access.buffer == kExpression) {
    Value* value = ir.CreateVectorSplat(lanes, base);
    if (access.map.column.is(0)) return value;
    Value* step = ir.CreateVectorSplat(lanes, e_.dim(access.map.column));
    return ir.CreateNSWAdd(value, ir.CreateNSWMul(column_numbers(column, v), step));
  }
  llvm::Type* element = storage_type(e_, access.dtype);
  llvm::FixedVectorType* type = e_.vector(element, lanes_);
  Value* mask = column.masks[static_cast<size_t>(v)];
  Value* value = nullptr;
  if (access.map.column.is(0)) {
    value = ir.CreateVectorSplat(lanes, e_.load(element, base));
  } else if (access.map.column.is(1)) {
    Value* pointer =
        e_.at(element, base, ir.CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_)));
    value = mask == nullptr ? e_.load(type, pointer) : e_.masked_load(type, pointer, mask);
  } else {
    if (mask == nullptr) mask = e_.lane_mask(lanes_, int64_t{lanes_});
    value = ir.CreateMaskedGather(type, column_pointers(access, base, column, v),
                                  llvm::Align(element->getScalarSizeInBits() / 8), mask,
                                  llvm::Constant::getNullValue(type));
  }
  return from_memory(e_, access.dtype, value);
}

void ContractionEpilogue::store_vector(const MappedAccess& access, Value* base,
                                       const Column& column, int v, Value* value) {
  auto& ir = e_.ir();
  llvm::Type* element = storage_type(e_, access.dtype);
  value = to_memory(e_, access.dtype, spread(e_, value, lanes_));
  Value* mask = column.masks[static_cast<size_t>(v)];
  if (access.map.column.is(1) || p_.columns.is(1)) {
    Value* pointer =
        e_.at(element, base, ir.CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_)));
    mask == nullptr ? e_.store(value, pointer) : e_.masked_store(value, pointer, mask);
    return;
  }
  if (mask == nullptr) mask = e_.lane_mask(lanes_, int64_t{lanes_});
  ir.CreateMaskedScatter(value, column_pointers(access, base, column, v),
                         llvm::Align(element->getScalarSizeInBits() / 8), mask);
}

std::vector<Values> ContractionEpilogue::fixed_loads(int vectors, const Column& column) {
  std::vector<Values> fixed(p_.loads.size());
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    if (uses_rows(p_.loads[i].map)) continue;
    for (int v = 0; v < vectors; ++v) {
      fixed[i].push_back(load_vector(p_.loads[i], bases_[i], column, v));
    }
  }
  return fixed;
}

Status ContractionEpilogue::store_row(const Values& offsets, int vectors, const Column& column,
                                      const Values& sums, const std::vector<Values>& fixed) {
  std::vector<DType> types;
  Values rows;  // the base of each access for this row
  for (size_t slot = 0; slot < slots(); ++slot) {
    const MappedAccess& a = access(slot);
    if (slot < p_.loads.size()) types.push_back(a.dtype);
    rows.push_back(a.buffer == kExpression
                       ? e_.ir().CreateNSWAdd(bases_[slot], offsets[slot])
                       : e_.at(storage_type(e_, a.dtype), bases_[slot], offsets[slot]));
  }
  types.push_back(DType::kF32);
  for (int v = 0; v < vectors; ++v) {
    const auto at = static_cast<size_t>(v);
    Values inputs;
    for (size_t i = 0; i < p_.loads.size(); ++i) {
      inputs.push_back(fixed[i].empty() ? load_vector(p_.loads[i], rows[i], column, v)
                                        : fixed[i][at]);
    }
    inputs.push_back(sums[at]);
    CARNOT_ASSIGN(const Values results, emit_program(e_, p_.epilogue, types, inputs));
    for (size_t i = 0; i < p_.stores.size(); ++i) {
      store_vector(p_.stores[i], rows[p_.loads.size() + i], column, v,
                   results[static_cast<size_t>(p_.results[i])]);
    }
  }
  return {};
}

}  // namespace carnot::cpu
