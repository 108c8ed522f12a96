// The end of a tile: epilogue loads, the scalar program on whole vectors, and stores.
#include "codegen/cpu/contraction_emit.h"
#include "codegen/cpu/scalar_emit.h"

namespace carnot::cpu {

namespace {

constexpr int64_t kPointerBytes = 8;
/// Longer programs are emitted once in a loop over the rows of the tile (the sums go through the
/// frame), shorter ones once per row with the sums in registers.
constexpr size_t kInlineInstructions = 8;

bool uses_rows(const AxisMap& map) {
  for (const Dim& d : map.rows) {
    if (!d.is(0)) return true;
  }
  return false;
}

}  // namespace

ContractionEmitter::Value* ContractionEmitter::row_offset(const MappedAccess& access, size_t slot,
                                                          Value* r) {
  auto& ir = e_.ir();
  if (offset_table_[slot] >= 0) {
    Value* table = scratch_at(offsets_at_ + Dim(offset_table_[slot] * t_.rows * kPointerBytes));
    return e_.load(ir.getInt64Ty(), e_.at(ir.getInt64Ty(), table, r));
  }
  Value* stride = e_.dim(*p_.row_stride(access.map));
  return ir.CreateNSWAdd(ir.CreateNSWMul(first_row_, stride), ir.CreateNSWMul(r, stride));
}

ContractionEmitter::Value* ContractionEmitter::column_pointers(const MappedAccess& access,
                                                               Value* base, const Column& column,
                                                               int v) {
  auto& ir = e_.ir();
  return ir.CreateGEP(
      storage_type(e_, access.dtype), base,
      ir.CreateNSWMul(column_numbers(column, v), ir.CreateVectorSplat(static_cast<unsigned>(lanes_),
                                                                      e_.dim(access.map.column))));
}

ContractionEmitter::Value* ContractionEmitter::column_numbers(const Column& column, int v) {
  auto& ir = e_.ir();
  std::vector<llvm::Constant*> lanes;
  for (int i = 0; i < lanes_; ++i) {
    lanes.push_back(ir.getInt64(static_cast<uint64_t>(v * lanes_ + i)));
  }
  return ir.CreateNSWAdd(ir.CreateVectorSplat(static_cast<unsigned>(lanes_), column.first),
                         llvm::ConstantVector::get(lanes));
}

ContractionEmitter::Value* ContractionEmitter::load_vector(const MappedAccess& access, Value* base,
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

void ContractionEmitter::store_vector(const MappedAccess& access, Value* base, const Column& column,
                                      int v, Value* value) {
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

void ContractionEmitter::store_row(Value* r, int vectors, const Column& column, const Values& sums,
                                   const std::vector<Values>& fixed) {
  std::vector<DType> types;
  Values rows;  // base of each load for this row
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    const MappedAccess& access = p_.loads[i];
    types.push_back(access.dtype);
    rows.push_back(bases_[i]);
    if (!fixed[i].empty()) continue;
    Value* offset = row_offset(access, i, r);
    rows[i] = access.buffer == kExpression
                  ? e_.ir().CreateNSWAdd(bases_[i], offset)
                  : e_.at(storage_type(e_, access.dtype), bases_[i], offset);
  }
  types.push_back(DType::kF32);
  Values targets;
  for (size_t i = 0; i < p_.stores.size(); ++i) {
    const size_t slot = p_.loads.size() + i;
    targets.push_back(e_.at(storage_type(e_, p_.stores[i].dtype), bases_[slot],
                            row_offset(p_.stores[i], slot, r)));
  }
  for (int v = 0; v < vectors; ++v) {
    const auto at = static_cast<size_t>(v);
    Values inputs;
    for (size_t i = 0; i < p_.loads.size(); ++i) {
      inputs.push_back(fixed[i].empty() ? load_vector(p_.loads[i], rows[i], column, v)
                                        : fixed[i][at]);
    }
    inputs.push_back(sums[at]);
    Result<Values> results = emit_program(e_, p_.epilogue, types, inputs);
    if (!results.ok()) {
      if (status_.ok()) status_ = results.status();
      return;
    }
    for (size_t i = 0; i < p_.stores.size(); ++i) {
      store_vector(p_.stores[i], targets[i], column, v,
                   (*results)[static_cast<size_t>(p_.results[i])]);
    }
  }
}

void ContractionEmitter::prefetch_tile(int rows, int vectors, const Column& column) {
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    const MappedAccess& access = p_.loads[i];
    if (access.buffer == kExpression || !uses_rows(access.map) || !access.map.column.is(1))
      continue;
    llvm::Type* type = storage_type(e_, access.dtype);
    for (int r = 0; r < rows; ++r) {
      Value* row = e_.at(type, bases_[i], row_offset(access, i, e_.i64(r)));
      for (int v = 0; v < vectors; ++v) {
        Value* column_at = e_.ir().CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_));
        e_.prefetch(e_.at(type, row, column_at), 3);
      }
    }
  }
}

void ContractionEmitter::epilogue(int rows, int vectors, const Column& column, const Values& sums) {
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  std::vector<Values> fixed(p_.loads.size());  // loads that are the same for all rows
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    if (uses_rows(p_.loads[i].map)) continue;
    for (int v = 0; v < vectors; ++v) {
      fixed[i].push_back(load_vector(p_.loads[i], bases_[i], column, v));
    }
  }
  if (rows == 1 || p_.epilogue.insts.size() <= kInlineInstructions) {
    for (int r = 0; r < rows; ++r) {
      const auto first = sums.begin() + int64_t{r} * vectors;
      store_row(e_.i64(r), vectors, column, Values(first, first + vectors), fixed);
    }
    return;
  }
  Value* frame = e_.stack(type, int64_t{rows} * vectors);
  for (size_t i = 0; i < sums.size(); ++i) {
    e_.store(sums[i], e_.at(type, frame, static_cast<int64_t>(i)));
  }
  e_.loop(e_.i64(0), e_.i64(rows), e_.i64(1), [&](Value* r) {
    Values row;
    Value* first = e_.at(type, frame, e_.ir().CreateNSWMul(r, e_.i64(vectors)));
    for (int v = 0; v < vectors; ++v) row.push_back(e_.load(type, e_.at(type, first, v)));
    store_row(r, vectors, column, row, fixed);
  });
}

}  // namespace carnot::cpu
