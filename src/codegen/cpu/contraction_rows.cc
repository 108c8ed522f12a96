// How a tile finds its rows of A: plain strides, a table of pointers, or a copy in scratch. Also
// the tables of row offsets for stores and epilogue loads that are not linear in the flat row.
#include "codegen/cpu/contraction_emit.h"

namespace carnot::cpu {

namespace {

constexpr int64_t kPointerBytes = 8;
/// Unrolling the taps shares the bounds checks of rows and columns of the window.
constexpr int64_t kUnrolledTaps = 25;
constexpr int64_t kUnrolledVectors = 8;

}  // namespace

void ContractionEmitter::fill_padding() {
  if (t_.access != RowAccess::kPointers || p_.guards.empty()) return;
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  Value* value = e_.splat(p_.otherwise, type);
  Value* to = scratch_at(padding_at_);
  Value* count = e_.dim(run_);
  e_.loop(e_.i64(0), count, e_.i64(lanes_), [&](Value* i) {
    e_.masked_store(value, e_.at(e_.f32(), to, i),
                    e_.lane_mask(lanes_, e_.ir().CreateNSWSub(count, i)));
  });
}

void ContractionEmitter::for_taps(size_t first, size_t last, bool unroll, Values& index,
                                  llvm::function_ref<void(const Values&)> body) {
  if (first == last) return body(index);
  const auto inside = [&](Value* i) {
    index.push_back(i);
    for_taps(first + 1, last, unroll, index, body);
    index.pop_back();
  };
  if (unroll) {
    for (int64_t i = 0; i < p_.inner[first].value(); ++i) inside(e_.i64(i));
  } else {
    e_.loop(e_.i64(0), e_.dim(p_.inner[first]), e_.i64(1), inside);
  }
}

ContractionEmitter::Values ContractionEmitter::row_addresses(int rows, Value* tap) {
  auto& ir = e_.ir();
  Values out;
  if (t_.access == RowAccess::kPointers) {
    Value* table = e_.at(ir.getPtrTy(), scratch_at(table_at_), ir.CreateNSWMul(tap, e_.i64(rows)));
    for (int r = 0; r < rows; ++r) {
      out.push_back(e_.load(ir.getPtrTy(), e_.at(ir.getPtrTy(), table, r)));
    }
    return out;
  }
  Value* first = a_base_;
  Value* stride = nullptr;
  if (t_.access == RowAccess::kGather) {
    first = scratch_at(panel_at_);
    stride = e_.dim(p_.inner_count());
  } else {
    stride = e_.dim(*p_.row_stride(p_.a.map));
    first = e_.at(e_.f32(), first, ir.CreateNSWMul(first_row_, stride));
  }
  for (int r = 0; r < rows; ++r) {
    out.push_back(e_.at(e_.f32(), first, ir.CreateNSWMul(e_.i64(r), stride)));
  }
  return out;
}

void ContractionEmitter::prepare_rows(int rows, Value* first_row) {
  if (t_.access == RowAccess::kDirect && tables_ == 0) return;
  auto& ir = e_.ir();
  const Values first = unflatten(e_, first_row, p_.rows);
  if (skips_) {
    e_.loop(e_.i64(0), e_.i64(taps_), e_.i64(1), [&](Value* tap) {
      e_.store(e_.i64(0), e_.at(ir.getInt64Ty(), scratch_at(taps_at_), tap));
    });
  }
  e_.loop(e_.i64(0), e_.i64(rows), e_.i64(1), first, [&](Value* r, llvm::ArrayRef<Value*> carried) {
    const Values index(carried.begin(), carried.end());
    for (size_t i = 0; i < offset_table_.size(); ++i) {
      if (offset_table_[i] < 0) continue;
      const AxisMap& map = epilogue_.access(i).map;
      Value* table = scratch_at(offsets_at_ + Dim(offset_table_[i] * t_.rows * kPointerBytes));
      e_.store(dot(e_, map.rows, index), e_.at(ir.getInt64Ty(), table, r));
    }
    if (t_.access == RowAccess::kPointers) row_pointers(r, rows, index);
    if (t_.access == RowAccess::kGather) gather_row(r, index);
    return next_index(index, p_.rows);
  });
  if (skips_) list_taps();
}

// Scratch at taps_at_: for each tap whether any row of the tile needs it, then those that are
// needed, then (at the end) how many they are.
void ContractionEmitter::list_taps() {
  auto& ir = e_.ir();
  llvm::Type* i64 = ir.getInt64Ty();
  Value* needed = scratch_at(taps_at_);
  Value* list = e_.at(i64, needed, taps_);
  Value* count = e_.loop(e_.i64(0), e_.i64(taps_), e_.i64(1), {e_.i64(0)},
                         [&](Value* tap, llvm::ArrayRef<Value*> carried) {
                           e_.store(tap, e_.at(i64, list, carried[0]));
                           Value* more = e_.load(i64, e_.at(i64, needed, tap));
                           return Values{ir.CreateNSWAdd(carried[0], more)};
                         })[0];
  e_.store(count, e_.at(i64, list, taps_));
}

ContractionEmitter::Value* ContractionEmitter::taps_of_tile() {
  if (!skips_) return e_.i64(taps_);
  llvm::Type* i64 = e_.ir().getInt64Ty();
  return e_.load(i64, e_.at(i64, scratch_at(taps_at_), 2 * taps_));
}

ContractionEmitter::Value* ContractionEmitter::tap_at(Value* i) {
  if (!skips_) return i;
  llvm::Type* i64 = e_.ir().getInt64Ty();
  return e_.load(i64, e_.at(i64, e_.at(i64, scratch_at(taps_at_), taps_), i));
}

ContractionEmitter::Value* ContractionEmitter::guard_holds(const Values& row, const Values& inner,
                                                           size_t free_axes) {
  // Where axes of the run are free, the guard must hold at both ends: it is linear along each.
  auto& ir = e_.ir();
  Value* holds = nullptr;
  for (size_t g = 0; g < p_.guards.size(); ++g) {
    const MappedGuard& guard = p_.guards[g];
    Value* low = ir.CreateNSWAdd(row[g], dot(e_, guard.index.inner, inner));
    Value* high = low;
    for (size_t i = p_.inner.size() - free_axes; i < p_.inner.size(); ++i) {
      const Dim& step = guard.index.inner[i];
      if (step.is(0)) continue;
      Value* span = e_.dim(step * (p_.inner[i] - Dim(1)));
      low = ir.CreateNSWAdd(low, ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, span, e_.i64(0)));
      high =
          ir.CreateNSWAdd(high, ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, span, e_.i64(0)));
    }
    Value* lower = e_.dim(guard.lower);
    Value* size = e_.dim(guard.upper - guard.lower);
    Value* ok = ir.CreateICmpULT(ir.CreateSub(low, lower), size);
    if (high != low) ok = ir.CreateAnd(ok, ir.CreateICmpULT(ir.CreateSub(high, lower), size));
    holds = holds == nullptr ? ok : ir.CreateAnd(holds, ok);
  }
  return holds;
}

void ContractionEmitter::row_pointers(Value* r, int rows, const Values& index) {
  auto& ir = e_.ir();
  Value* from = e_.at(e_.f32(), a_base_, dot(e_, p_.a.map.rows, index));
  Value* table = e_.at(ir.getPtrTy(), scratch_at(table_at_), r);
  Value* padding = p_.guards.empty() ? nullptr : scratch_at(padding_at_);
  Values guards;
  for (const MappedGuard& guard : p_.guards) {
    guards.push_back(
        ir.CreateNSWAdd(task_offset(e_, guard.index, batch_), dot(e_, guard.index.rows, index)));
  }
  Values taps;
  for_taps(0, p_.inner.size() - run_axes_, taps_ <= kUnrolledTaps, taps, [&](const Values& tap) {
    Value* number = e_.i64(0);
    for (size_t i = 0; i < tap.size(); ++i) {
      number = ir.CreateNSWAdd(ir.CreateNSWMul(number, e_.dim(p_.inner[i])), tap[i]);
    }
    Value* pointer = e_.ir().CreateGEP(e_.f32(), from, dot(e_, p_.a.map.inner, tap));
    if (Value* holds = guard_holds(guards, tap, 0)) {
      pointer = ir.CreateSelect(holds, pointer, padding);
      if (skips_) {
        Value* needed = e_.at(ir.getInt64Ty(), scratch_at(taps_at_), number);
        Value* so_far = e_.load(ir.getInt64Ty(), needed);
        e_.store(ir.CreateOr(so_far, ir.CreateZExt(holds, ir.getInt64Ty())), needed);
      }
    }
    e_.store(pointer, e_.at(ir.getPtrTy(), table, ir.CreateNSWMul(number, e_.i64(rows))));
  });
}

int64_t ContractionEmitter::taps_in(size_t run_axes) const {
  int64_t count = 1;
  for (size_t i = 0; i + run_axes < p_.inner.size(); ++i) count *= p_.inner[i].value();
  return count;
}

void ContractionEmitter::gather_row(Value* r, const Values& index) {
  auto& ir = e_.ir();
  Value* from = ir.CreateGEP(e_.f32(), a_base_, dot(e_, p_.a.map.rows, index));
  Value* to = e_.at(e_.f32(), scratch_at(panel_at_), ir.CreateNSWMul(r, e_.dim(p_.inner_count())));
  Values guards;
  for (const MappedGuard& guard : p_.guards) {
    guards.push_back(
        ir.CreateNSWAdd(task_offset(e_, guard.index, batch_), dot(e_, guard.index.rows, index)));
  }
  const size_t run = p_.run_axes(/*ignore_guards=*/true, /*b_packed=*/true);
  const auto runs = [&](bool unroll, const Values& checks) {
    Values taps;
    for_taps(0, p_.inner.size() - run, unroll, taps,
             [&](const Values& tap) { gather_run(to, from, checks, tap, run); });
  };
  if (guards.empty()) return runs(taps_in(run) <= kUnrolledTaps, {});
  // Nearly all windows lie inside.
  e_.if_else(
      guard_holds(guards, {}, p_.inner.size()), [&] { runs(taps_in(run) <= kUnrolledTaps, {}); },
      [&] { runs(false, guards); });
}

void ContractionEmitter::gather_run(Value* to, Value* from, const Values& guards, const Values& tap,
                                    size_t run) {
  auto& ir = e_.ir();
  const auto pointer_to = [&](const Values& inner) {
    Value* k = e_.i64(0);
    for (size_t i = 0; i < p_.inner.size(); ++i) {
      k = ir.CreateNSWMul(k, e_.dim(p_.inner[i]));
      if (i < inner.size()) k = ir.CreateNSWAdd(k, inner[i]);
    }
    return e_.at(e_.f32(), to, k);
  };
  const auto copy = [&](const Values& inner, size_t axes, bool padding) {
    int64_t count = 1;
    for (size_t i = p_.inner.size() - axes; i < p_.inner.size(); ++i) count *= p_.inner[i].value();
    copy_run(pointer_to(inner),
             padding ? nullptr : ir.CreateGEP(e_.f32(), from, dot(e_, p_.a.map.inner, inner)),
             count);
  };
  if (guards.empty()) return copy(tap, run, false);
  // The trailing axes that no guard uses are copied whole even at the border.
  const size_t open = std::min(run, p_.run_axes(/*ignore_guards=*/false, /*b_packed=*/true));
  const auto border = [&] {
    Values index = tap;
    for_taps(tap.size(), p_.inner.size() - open, false, index, [&](const Values& inner) {
      e_.if_else(
          guard_holds(guards, inner, 0), [&] { copy(inner, open, false); },
          [&] { copy(inner, open, true); });
    });
  };
  if (open == run) return border();
  e_.if_else(
      guard_holds(guards, tap, run), [&] { copy(tap, run, false); }, border);
}

void ContractionEmitter::copy_run(Value* to, Value* from, int64_t count) {
  auto& ir = e_.ir();
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  const Dim step = p_.inner.empty() ? Dim(1) : p_.a.map.inner.back();
  if (from != nullptr && count > 1 && !step.is(1)) {
    e_.loop(e_.i64(0), e_.i64(count), e_.i64(1), [&](Value* i) {
      Value* element = e_.at(e_.f32(), from, ir.CreateNSWMul(i, e_.dim(step)));
      e_.store(e_.load(e_.f32(), element), e_.at(e_.f32(), to, i));
    });
    return;
  }
  const auto one = [&](Value* i, Value* mask) {
    Value* value = e_.splat(p_.otherwise, type);
    if (from != nullptr) {
      Value* pointer = e_.at(e_.f32(), from, i);
      value = mask == nullptr ? e_.load(type, pointer) : e_.masked_load(type, pointer, mask);
    }
    // Whole vectors always: what lies behind a run is written later, and a masked store could not
    // be forwarded to the loads that soon follow.
    e_.store(value, e_.at(e_.f32(), to, i));
  };
  const int64_t whole = count / lanes_ * lanes_;
  if (whole <= kUnrolledVectors * lanes_) {
    for (int64_t i = 0; i < whole; i += lanes_) one(e_.i64(i), nullptr);
  } else {
    e_.loop(e_.i64(0), e_.i64(whole), e_.i64(lanes_), [&](Value* i) { one(i, nullptr); });
  }
  if (whole < count) one(e_.i64(whole), e_.lane_mask(lanes_, count - whole));
}

}  // namespace carnot::cpu
