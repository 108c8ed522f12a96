#include "codegen/cpu/stage_point.h"

#include <algorithm>

#include "codegen/reuse.h"
#include "tensor/codec.h"

namespace carnot::cpu {

using Value = llvm::Value;

StagePoint::StagePoint(Emitter& emitter, const NestStage& stage) : e_(&emitter), stage_(&stage) {
  for (const NestAccess& load : stage.loads) loads_.push_back(start(load));
  for (const NestAccess& store : stage.stores) stores_.push_back(start(store));
  values_.resize(stage.types.size());
  settle();
}

Value* StagePoint::base_of(const NestAccess& of) const {
  return of.buffer == kKeptRow ? e_->scratch() : e_->buffer(of.buffer);
}

StagePoint::Access StagePoint::start(const NestAccess& access) const {
  Access out;
  out.offset.rest = access.offset;
  for (const Guard& guard : access.guards) {
    out.limits.push_back({{guard.index, nullptr}, {guard.lower, nullptr}, {guard.upper, nullptr}});
  }
  return out;
}

void StagePoint::bind(const std::string& symbol, Value* index) {
  bindings_[symbol] = index;
  settle();
}

void StagePoint::bind_all(const Bindings& bindings) {
  for (const auto& [symbol, index] : bindings) bindings_[symbol] = index;
  settle();
}

void StagePoint::set_folded(int i, Value* value) {
  values_[stage_->loads.size() + static_cast<size_t>(i)] = value;
  emit_known(*e_, stage_->body, stage_->types, values_);
}

void StagePoint::set_load(int i, Value* value) {
  values_[static_cast<size_t>(i)] = value;
  emit_known(*e_, stage_->body, stage_->types, values_);
}

/// Moves the terms whose symbols are all bound from the rest into the value.
void StagePoint::settle(Part& part) const {
  if (part.rest.is(0)) return;
  Dim ready = part.rest.constant_term();
  Dim rest = 0;
  for (const Dim::Term& term : part.rest.terms()) {
    const Dim whole = dim_of(term);
    const std::vector<std::string> names = index_symbols(whole);
    const bool bound = std::all_of(names.begin(), names.end(),
                                   [&](const std::string& name) { return bindings_.count(name); });
    Dim& to = bound ? ready : rest;
    to = to + whole;
  }
  part.rest = rest;
  if (ready.is(0)) return;
  Value* value = e_->index(ready, bindings_);
  part.value = part.value == nullptr ? value : e_->ir().CreateAdd(part.value, value);
}

Value* StagePoint::scalar_index(const Part& part) const {
  return part.value == nullptr ? e_->i64(0) : part.value;
}

void StagePoint::settle(Access& access) const {
  auto& ir = e_->ir();
  settle(access.offset);
  for (size_t i = access.limits.size(); i-- > 0;) {
    Limit& limit = access.limits[i];
    settle(limit.index), settle(limit.lower), settle(limit.upper);
    if (!limit.index.rest.is(0) || !limit.lower.rest.is(0) || !limit.upper.rest.is(0)) continue;
    Value* index = scalar_index(limit.index);
    Value* inside = ir.CreateAnd(ir.CreateICmpSGE(index, scalar_index(limit.lower)),
                                 ir.CreateICmpSLT(index, scalar_index(limit.upper)));
    access.guard = access.guard == nullptr ? inside : ir.CreateAnd(access.guard, inside);
    access.limits.erase(access.limits.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void StagePoint::settle() {
  for (size_t i = 0; i < loads_.size(); ++i) {
    if (values_[i] != nullptr) continue;
    settle(loads_[i]);
    if (!loads_[i].settled()) continue;
    values_[i] = load_settled(i);
    if (is_integer(stage_->loads[i].dtype)) {
      bindings_[*load_symbol(static_cast<int>(i)).as_symbol()] = as_index(i, values_[i]);
    }
  }
  for (Access& store : stores_) settle(store);
  emit_known(*e_, stage_->body, stage_->types, values_);
}

llvm::Constant* StagePoint::otherwise_bits(const NestAccess& of) const {
  const uint64_t bits = is_float(of.dtype)
                            ? encode_float(of.dtype, of.otherwise)
                            : static_cast<uint64_t>(to_integer(of.dtype, of.otherwise));
  const auto width = static_cast<unsigned>(std::max(8, bits_of(of.dtype)));
  return e_->ir().getIntN(width, bits);
}

Value* StagePoint::guarded_pointer(const NestAccess& of, Value* guard, Value* pointer,
                                   int lanes) const {
  if (guard == nullptr) return pointer;
  llvm::Constant* one = otherwise_bits(of);
  llvm::Constant* area = llvm::ConstantVector::getSplat(
      llvm::ElementCount::getFixed(static_cast<unsigned>(lanes)), one);
  return e_->ir().CreateSelect(guard, pointer, e_->constant_data(area, 64));
}

Value* StagePoint::finish_load(const NestAccess& of, Value* value, Value* guard) const {
  value = from_memory(*e_, of.dtype, value);
  if (guard == nullptr) return value;
  Value* otherwise =
      register_constant(*e_, of.dtype, of.otherwise,
                        to_integer(is_float(of.dtype) ? DType::kI64 : of.dtype, of.otherwise));
  return e_->ir().CreateSelect(guard, value, spread(*e_, otherwise, lanes_of(value)));
}

Value* StagePoint::load_settled(size_t i) const {
  const NestAccess& of = stage_->loads[i];
  const Access& access = loads_[i];
  if (of.buffer == kExpression) return finish_load(of, scalar_index(access.offset), access.guard);
  llvm::Type* type = storage_type(*e_, of.dtype);
  Value* pointer = e_->at(type, base_of(of), scalar_index(access.offset));
  pointer = guarded_pointer(of, access.guard, pointer, 1);
  return from_memory(*e_, of.dtype, e_->load(type, pointer));
}

Value* StagePoint::lane_numbers(const Lanes& lanes, Varying& varying) const {
  Value*& numbers = varying[lanes.symbol];
  if (numbers == nullptr) {
    std::vector<uint64_t> each;
    for (int i = 0; i < lanes.count; ++i) each.push_back(static_cast<uint64_t>(lanes.shift + i));
    numbers = e_->ir().CreateAdd(spread(*e_, lanes.first, lanes.count),
                                 llvm::ConstantDataVector::get(e_->context(), each));
  }
  return numbers;
}

Value* StagePoint::lane_atom(const DimAtom& atom, const Lanes& lanes, Varying& varying) const {
  auto& ir = e_->ir();
  if (atom.kind == DimAtom::kSymbol) {
    if (atom.name == lanes.symbol) return lane_numbers(lanes, varying);
    const auto found = varying.find(atom.name);
    CARNOT_CHECK(found != varying.end());
    return found->second;
  }
  Value* a = lane_index({atom.args[0], nullptr}, lanes, varying);
  Value* b = lane_index({atom.args[1], nullptr}, lanes, varying);
  if (atom.kind == DimAtom::kMin) return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b);
  if (atom.kind == DimAtom::kMax) return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b);
  const bool quotient = atom.kind == DimAtom::kFloorDiv;
  if (atom.args[1].is_constant() && atom.args[1].value() > 0) {
    const auto divisor = static_cast<uint64_t>(atom.args[1].value());
    llvm::Type* type = a->getType();
    if ((divisor & (divisor - 1)) == 0) {
      const auto shift = static_cast<uint64_t>(__builtin_ctzll(divisor));
      return quotient ? ir.CreateAShr(a, llvm::ConstantInt::get(type, shift))
                      : ir.CreateAnd(a, llvm::ConstantInt::get(type, divisor - 1));
    }
  }
  // Indices are far below 2^51, where the rounded quotient never reaches the next integer.
  Arith real(*e_, ir.getDoubleTy(), lanes.count);
  Value* ratio = real.div(ir.CreateSIToFP(a, real.type()), ir.CreateSIToFP(b, real.type()));
  Value* q = ir.CreateFPToSI(real.floor(ratio), a->getType());
  return quotient ? q : ir.CreateSub(a, ir.CreateMul(q, b));
}

/// The expression's value at each lane.
Value* StagePoint::lane_index(const Part& part, const Lanes& lanes, Varying& varying) const {
  auto& ir = e_->ir();
  Dim uniform = part.rest.constant_term();
  Value* sum = nullptr;
  const auto varies = [&](const Dim& dim) {
    const std::vector<std::string> names = index_symbols(dim);
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return !bindings_.count(name); });
  };
  for (const Dim::Term& term : part.rest.terms()) {
    if (!varies(dim_of(term))) {
      uniform = uniform + dim_of(term);
      continue;
    }
    Dim factor = term.coefficient;
    Value* product = nullptr;
    for (const DimAtom& atom : term.factors) {
      if (!varies(dim_of(atom))) {
        factor = factor * dim_of(atom);
        continue;
      }
      Value* value = lane_atom(atom, lanes, varying);
      product = product == nullptr ? value : ir.CreateMul(product, value);
    }
    if (!factor.is(1)) {
      product = ir.CreateMul(product, spread(*e_, e_->index(factor, bindings_), lanes.count));
    }
    sum = sum == nullptr ? product : ir.CreateAdd(sum, product);
  }
  Value* scalar = part.value;
  if (!uniform.is(0)) {
    Value* more = e_->index(uniform, bindings_);
    scalar = scalar == nullptr ? more : ir.CreateAdd(scalar, more);
  }
  if (scalar == nullptr && sum != nullptr) return sum;
  Value* base = spread(*e_, scalar == nullptr ? e_->i64(0) : scalar, lanes.count);
  return sum == nullptr ? base : ir.CreateAdd(sum, base);
}

/// Which lanes an access may touch: those of the mask that are inside all limits; null: all.
Value* StagePoint::lane_guard(const Access& access, const Lanes& lanes, Varying& varying) const {
  auto& ir = e_->ir();
  Value* mask = nullptr;
  const auto restrict_to = [&](Value* more) {
    mask = mask == nullptr ? more : ir.CreateAnd(mask, more);
  };
  for (const Limit& limit : access.limits) {
    Dim rest;
    const bool plain = limit.index.rest.coefficient(lanes.symbol, &rest) == 1 && rest.is(0) &&
                       limit.lower.rest.is(0) && limit.upper.rest.is(0);
    if (plain) {
      Value* first =
          ir.CreateAdd(ir.CreateAdd(lanes.first, e_->i64(lanes.shift)), scalar_index(limit.index));
      // Clamped from below: very negative counts would wrap in a lane mask's 32 bits.
      const auto lanes_before = [&](const Part& bound) {
        Value* count = ir.CreateSub(scalar_index(bound), first);
        count = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, count, e_->i64(0));
        return e_->lane_mask(lanes.count, count);
      };
      restrict_to(lanes_before(limit.upper));
      restrict_to(ir.CreateNot(lanes_before(limit.lower)));
      continue;
    }
    Value* index = lane_index(limit.index, lanes, varying);
    restrict_to(ir.CreateICmpSGE(index, lane_index(limit.lower, lanes, varying)));
    restrict_to(ir.CreateICmpSLT(index, lane_index(limit.upper, lanes, varying)));
  }
  return mask;
}

StagePoint::Target StagePoint::locate(const NestAccess& of, const Access& access,
                                      const Lanes& lanes, Varying& varying) const {
  auto& ir = e_->ir();
  llvm::Type* element = storage_type(*e_, of.dtype);
  const std::vector<std::string> names = index_symbols(access.offset.rest);
  const bool only_axis = names.empty() || (names.size() == 1 && names[0] == lanes.symbol);
  const auto linear =
      only_axis ? linear_in(access.offset.rest, {lanes.symbol}) : std::optional<Linear>();
  Target out;
  Value* base = base_of(of);
  if (linear && linear->of(lanes.symbol).is(1)) {
    Value* first = ir.CreateAdd(scalar_index(access.offset), lanes.first);
    out.unit = true;
    out.pointer = e_->at(element, e_->at(element, base, first), lanes.shift);
    return out;
  }
  out.pointers = ir.CreateGEP(element, base, lane_index(access.offset, lanes, varying));
  return out;
}

Value* StagePoint::load_lanes(size_t i, const Lanes& lanes, Varying& varying) const {
  auto& ir = e_->ir();
  const NestAccess& of = stage_->loads[i];
  const Access& access = loads_[i];
  Value* inside = lane_guard(access, lanes, varying);  // of the limits that vary
  if (of.buffer == kExpression) {
    Value* value = lane_index(access.offset, lanes, varying);
    if (access.guard != nullptr) {
      Value* all = spread(*e_, access.guard, lanes.count);
      inside = inside == nullptr ? all : ir.CreateAnd(inside, all);
    }
    return finish_load(of, value, inside);
  }
  auto* type =
      llvm::cast<llvm::FixedVectorType>(with_lanes(storage_type(*e_, of.dtype), lanes.count));
  const Target at = locate(of, access, lanes, varying);
  if (at.unit && inside == nullptr) {
    Value* pointer = guarded_pointer(of, access.guard, at.pointer, lanes.count);
    Value* value = lanes.mask == nullptr ? e_->load(type, pointer)
                                         : e_->masked_load(type, pointer, lanes.mask);
    return from_memory(*e_, of.dtype, value);
  }
  if (access.guard != nullptr) {
    Value* all = spread(*e_, access.guard, lanes.count);
    inside = inside == nullptr ? all : ir.CreateAnd(inside, all);
  }
  Value* mask = inside;
  if (lanes.mask != nullptr) mask = mask == nullptr ? lanes.mask : ir.CreateAnd(mask, lanes.mask);
  Value* value;
  if (at.unit) {
    value = e_->masked_load(type, at.pointer, mask);
  } else {
    const llvm::Align align(type->getScalarSizeInBits() / 8);
    value =
        ir.CreateMaskedGather(type, at.pointers, align, mask, llvm::Constant::getNullValue(type));
  }
  return finish_load(of, value, inside);
}

Value* StagePoint::as_index(size_t i, Value* loaded) const {
  const bool is_signed = class_of(stage_->loads[i].dtype) == DTypeClass::kSigned;
  llvm::Type* words = with_lanes(e_->ir().getInt64Ty(), lanes_of(loaded));
  return e_->ir().CreateIntCast(loaded, words, is_signed);
}

std::vector<Value*> StagePoint::at(const Lanes& lanes) const {
  if (lanes.count == 1) {
    StagePoint point = *this;
    if (!lanes.symbol.empty()) {
      Value* index = lanes.first;
      if (lanes.shift != 0) index = e_->ir().CreateAdd(index, e_->i64(lanes.shift));
      point.bind(lanes.symbol, index);
    }
    return point.values_;
  }
  std::vector<Value*> values = values_;
  Varying varying;
  for (size_t i = 0; i < loads_.size(); ++i) {
    if (values[i] != nullptr) continue;
    values[i] = load_lanes(i, lanes, varying);
    if (!is_integer(stage_->loads[i].dtype)) continue;
    varying[*load_symbol(static_cast<int>(i)).as_symbol()] = as_index(i, values[i]);
  }
  emit_known(*e_, stage_->body, stage_->types, values);
  return values;
}

void StagePoint::keep(const Lanes& lanes, const std::vector<Value*>& values) const {
  Dim number = 0;
  for (const NestAxis& axis : stage_->inner) number = number * axis.size + Dim::symbol(axis.symbol);
  Bindings bindings = bindings_;
  bindings[lanes.symbol] = lanes.first;
  Value* value = values[static_cast<size_t>(stage_->results[0])];
  llvm::Type* element = value->getType()->getScalarType();
  Value* pointer = e_->at(element, e_->scratch(), e_->index(number, bindings));
  pointer = e_->at(element, pointer, lanes.shift);
  value = spread(*e_, value, lanes.count);
  if (lanes.mask == nullptr)
    e_->store(value, pointer);
  else
    e_->masked_store(value, pointer, lanes.mask);
}

void StagePoint::store(const Lanes& lanes, const std::vector<Value*>& values) const {
  auto& ir = e_->ir();
  Varying varying;  // loaded numbers that stores are indexed with
  for (size_t i = 0; i < loads_.size(); ++i) {
    const std::string symbol = *load_symbol(static_cast<int>(i)).as_symbol();
    if (!is_integer(stage_->loads[i].dtype) || bindings_.count(symbol)) continue;
    varying[symbol] = as_index(i, values[i]);
  }
  if (lanes.count == 1) {
    StagePoint point = *this;
    if (!lanes.symbol.empty()) {
      Value* index = lanes.first;
      if (lanes.shift != 0) index = ir.CreateAdd(index, e_->i64(lanes.shift));
      point.bindings_[lanes.symbol] = index;
    }
    point.bindings_.insert(varying.begin(), varying.end());
    for (Access& store : point.stores_) point.settle(store);
    for (size_t i = 0; i < stores_.size(); ++i) {
      const NestAccess& of = stage_->stores[i];
      CARNOT_CHECK(point.stores_[i].settled());
      Value* pointer = e_->at(storage_type(*e_, of.dtype), e_->buffer(of.buffer),
                              scalar_index(point.stores_[i].offset));
      Value* value = values[static_cast<size_t>(stage_->results[i])];
      e_->store(to_memory(*e_, of.dtype, value), pointer);
    }
    return;
  }
  for (size_t i = 0; i < stores_.size(); ++i) {
    const NestAccess& of = stage_->stores[i];
    Value* value = spread(*e_, values[static_cast<size_t>(stage_->results[i])], lanes.count);
    value = to_memory(*e_, of.dtype, value);
    const Target at = locate(of, stores_[i], lanes, varying);
    if (at.unit && lanes.mask == nullptr) {
      e_->store(value, at.pointer);
    } else if (at.unit) {
      e_->masked_store(value, at.pointer, lanes.mask);
    } else {
      const llvm::Align align(value->getType()->getScalarSizeInBits() / 8);
      ir.CreateMaskedScatter(value, at.pointers, align, lanes.mask);
    }
  }
}

}  // namespace carnot::cpu
