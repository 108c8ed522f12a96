// Tasks, tiles and columns of a contraction. A task is a block of row tiles by a block of column
// panels of one batch element; inside, rows are outside and panels inside, so that the rows of a
// tile stay in the first cache and the panels stream from the second.
#include "codegen/cpu/contraction_emit.h"

#include "codegen/cpu/convert.h"
#include "codegen/cpu/winograd.h"

namespace carnot::cpu {

namespace {

constexpr int64_t kElementBytes = 4;
constexpr int64_t kPointerBytes = 8;
constexpr int64_t kScratchAlignment = 64;
/// Longer programs are emitted once in a loop over the rows of the tile (the sums go through the
/// frame), shorter ones once per row with the sums in registers.
constexpr size_t kInlineInstructions = 8;
/// Shorter runs are done sooner than it is known whether they are needed.
constexpr int64_t kSkippedRunMin = 32;

}  // namespace

ContractionEmitter::ContractionEmitter(Module& module, const std::string& symbol,
                                       const ContractionProblem& problem,
                                       const ContractionTactic& tactic)
    : e_(module, symbol),
      p_(problem),
      t_(tactic),
      epilogue_(e_, p_),
      lanes_(module.target().lanes(32)) {
  rows_ = p_.row_count();
  const bool gather = t_.access == RowAccess::kGather;
  run_axes_ = gather ? p_.inner.size() : p_.run_axes(false, t_.columns != ColumnAccess::kInPlace);
  run_ = 1;
  for (size_t i = 0; i < p_.inner.size(); ++i) {
    const bool in_run = i + run_axes_ >= p_.inner.size();
    if (in_run) {
      run_ = run_ * p_.inner[i];
    } else {
      taps_ *= p_.inner[i].value();
    }
  }
  a_step_ = gather || run_axes_ == 0 ? Dim(1) : p_.a.map.inner.back();
  skips_ = t_.access == RowAccess::kPointers && taps_ > 1 && !p_.guards.empty() &&
           p_.padding_adds_nothing && run_.is_constant() && run_.value() >= kSkippedRunMin;
  padded_columns_ = int64_t{t_.vectors} * lanes_;
  panels_ = ceil_div(p_.columns, padded_columns_);
  full_panels_ = floor_div(p_.columns, padded_columns_);
}

Dim ContractionEmitter::reserve(const Dim& bytes) {
  const Dim at = scratch_;
  scratch_ = scratch_ + ceil_div(bytes, kScratchAlignment) * kScratchAlignment;
  return at;
}

ContractionEmitter::Value* ContractionEmitter::scratch_at(const Dim& offset) {
  return e_.at(e_.ir().getInt8Ty(), e_.scratch(), e_.dim(offset));
}

void ContractionEmitter::plan_scratch() {
  for (size_t slot = 0; slot < epilogue_.slots(); ++slot) {
    offset_table_.push_back(p_.row_stride(epilogue_.access(slot).map) ? -1 : tables_++);
  }
  offsets_at_ = reserve(int64_t{tables_} * t_.rows * kPointerBytes);
  if (t_.access == RowAccess::kPointers) {
    table_at_ = reserve(taps_ * t_.rows * kPointerBytes);
    if (!p_.guards.empty()) padding_at_ = reserve(run_ * kElementBytes);
    if (skips_) taps_at_ = reserve((2 * taps_ + 1) * kPointerBytes);
  } else if (t_.access == RowAccess::kGather) {
    // One vector more: copies write whole vectors.
    panel_at_ = reserve(p_.inner_count() * (int64_t{t_.rows} * kElementBytes) +
                        Dim(lanes_ * kElementBytes));
  }
  if (t_.columns == ColumnAccess::kScratch) {
    packed_at_ = reserve(p_.inner_count() * (t_.column_block * padded_columns_ * kElementBytes));
  }
  if (blocked()) {
    sums_at_ = reserve(t_.row_block * t_.rows * t_.column_block * padded_columns_ * kElementBytes);
  }
}

ContractionEmitter::Values ContractionEmitter::next_index(Values index, const Dims& sizes) {
  auto& ir = e_.ir();
  Value* carry = nullptr;
  for (size_t i = sizes.size(); i-- > 0;) {
    Value* more = ir.CreateNSWAdd(index[i], e_.i64(1));
    index[i] = carry == nullptr ? more : ir.CreateSelect(carry, more, index[i]);
    if (i == 0) break;
    Value* over = ir.CreateICmpEQ(index[i], e_.dim(sizes[i]));
    index[i] = ir.CreateSelect(over, e_.i64(0), index[i]);
    carry = over;
  }
  return index;
}

Result<GeneratedFunction> ContractionEmitter::run() {
  plan_scratch();
  fill_padding();
  e_.for_each_task([&](Value* number) { task(number); });
  CARNOT_RETURN_IF_ERROR(status_);
  GeneratedFunction made = e_.finish();
  const Dim row_tasks = ceil_div(rows_, t_.row_block * t_.rows);
  made.tasks = product(p_.batch) * row_tasks * ceil_div(panels_, t_.column_block);
  made.scratch_bytes = scratch_;
  made.flops = product(p_.batch) * rows_ * p_.columns * p_.inner_count() * 2;
  return made;
}

void ContractionEmitter::task(Value* number) {
  auto& ir = e_.ir();
  // Column blocks are outside of row blocks: neighbouring tasks share B.
  const Dim row_tasks = ceil_div(rows_, t_.row_block * t_.rows);
  const Dim column_tasks = ceil_div(panels_, t_.column_block);
  const Values place = unflatten(e_, number, {product(p_.batch), column_tasks, row_tasks});
  batch_ = unflatten(e_, place[0], p_.batch);
  first_panel_ = ir.CreateMul(place[1], e_.i64(t_.column_block));
  end_panel_ = ir.CreateBinaryIntrinsic(
      llvm::Intrinsic::smin, ir.CreateAdd(first_panel_, e_.i64(t_.column_block)), e_.dim(panels_));
  a_base_ = task_base(e_, p_.a, batch_);
  epilogue_.begin_task(batch_);
  switch (t_.columns) {
    case ColumnAccess::kPacked: {
      const Dim vectors = ceil_div(p_.columns, lanes_);
      columns_base_ = e_.at(e_.f32(), e_.buffer(p_.b.buffer),
                            ir.CreateMul(place[0], e_.dim(p_.inner_count() * vectors * lanes_)));
      break;
    }
    case ColumnAccess::kInPlace:
      columns_base_ = task_base(e_, p_.b, batch_);
      break;
    case ColumnAccess::kScratch:
      columns_base_ = scratch_at(packed_at_);
      pack_columns(first_panel_, end_panel_);
      break;
  }
  Value* block = e_.i64(t_.row_block * t_.rows);
  Value* begin = ir.CreateMul(place[2], block);
  Value* end =
      ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateAdd(begin, block), e_.dim(rows_));
  if (!blocked()) return tiles(t_.rows, begin, end);
  const int64_t sums = t_.row_block * t_.rows * t_.column_block * padded_columns_;
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  e_.loop(e_.i64(0), e_.i64(sums), e_.i64(lanes_),
          [&](Value* i) { e_.store(e_.splat(0, type), e_.at(e_.f32(), scratch_at(sums_at_), i)); });
  e_.loop(e_.i64(0), e_.i64(t_.inner_blocks), e_.i64(1), [&](Value* number_of_block) {
    block_ = number_of_block;
    tiles(t_.rows, begin, end);
  });
}

void ContractionEmitter::tiles(int rows, Value* begin, Value* end) {
  const auto whole = [&] {
    Value* last = e_.dim(rows_ - Dim(rows));
    e_.loop(begin, end, e_.i64(rows), [&](Value* row) {
      tile_ = e_.ir().CreateUDiv(e_.ir().CreateSub(row, begin), e_.i64(rows));
      tile(rows, e_.ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, row, last));
    });
  };
  const bool enough = rows_.is_constant() && rows_.value() >= rows;
  if (rows == 1 || enough) return whole();
  constexpr int kSmaller = 4;
  Value* fits = e_.ir().CreateICmpSGE(e_.dim(rows_), e_.i64(rows));
  e_.if_else(fits, whole, [&] { tiles(rows > kSmaller ? kSmaller : 1, begin, end); });
}

void ContractionEmitter::tile(int rows, Value* first_row) {
  first_row_ = first_row;
  prepare_rows(rows, first_row);
  auto& ir = e_.ir();
  const int64_t whole = padded_columns_;
  const bool has_tail = !p_.columns.is_constant() || p_.columns.value() % whole != 0;
  Value* end = end_panel_;
  if (has_tail) {
    end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, e_.dim(full_panels_));
  }
  if (!p_.columns.is_constant() || p_.columns.value() >= whole) {
    e_.loop(first_panel_, end, e_.i64(1),
            [&](Value* number) { panel(rows, t_.vectors, number, /*tail=*/false); });
  }
  if (!has_tail) return;
  const int vectors = p_.columns.is_constant()
                          ? static_cast<int>((p_.columns.value() % whole + lanes_ - 1) / lanes_)
                          : t_.vectors;
  // The tail panel is the one after the whole ones; symbolic columns may leave none.
  e_.if_then(ir.CreateICmpSGT(end_panel_, e_.dim(full_panels_)),
             [&] { panel(rows, vectors, e_.dim(full_panels_), /*tail=*/true); });
}

void ContractionEmitter::panel(int rows, int vectors, Value* number, bool tail) {
  auto& ir = e_.ir();
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  Column column;
  column.first = ir.CreateNSWMul(number, e_.i64(padded_columns_));
  column.masks.assign(static_cast<size_t>(vectors), nullptr);
  if (tail) {
    for (int v = 0; v < vectors; ++v) {
      Value*& mask = column.masks[static_cast<size_t>(v)];
      if (p_.columns.is_constant()) {
        const int64_t left = p_.columns.value() % padded_columns_ - int64_t{v} * lanes_;
        if (left < lanes_) mask = e_.lane_mask(lanes_, left);
      } else {
        Value* at = ir.CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_));
        mask = e_.lane_mask(lanes_, ir.CreateNSWSub(e_.dim(p_.columns), at));
      }
    }
  }
  RunOperands in;
  in.a_step = e_.dim(a_step_);
  in.count = e_.dim(run_);
  Value* first = nullptr;
  if (t_.columns == ColumnAccess::kInPlace) {
    in.b_step = e_.dim(p_.inner.empty() ? Dim(0) : p_.b.map.inner.back());
    first = e_.at(e_.f32(), columns_base_, column.first);
    in.masks = column.masks;
  } else {
    const bool packed = t_.columns == ColumnAccess::kPacked;
    in.b_step = e_.i64(packed ? int64_t{vectors} * lanes_ : padded_columns_);
    Value* local = packed ? number : ir.CreateNSWSub(number, first_panel_);
    first = e_.at(e_.f32(), columns_base_,
                  ir.CreateNSWMul(local, e_.dim(p_.inner_count() * padded_columns_)));
  }
  prefetch_tile(rows, vectors, column);
  Microkernel shape{rows, vectors, lanes_, t_.unroll, t_.prefetch};
  in.b = first;
  Values sums(static_cast<size_t>(rows * vectors), e_.splat(0, type));
  if (!blocked()) {
    return finish_tile(rows, vectors, column, add_products(rows, shape, std::move(in), sums));
  }
  Value* waiting = waiting_sums(ir.CreateNSWSub(number, first_panel_));
  const auto place = [&](size_t i) { return e_.at(type, waiting, static_cast<int64_t>(i)); };
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = e_.load(type, place(i));
  sums = add_products(rows, shape, std::move(in), sums);
  e_.if_else(
      ir.CreateICmpEQ(block_, e_.i64(t_.inner_blocks - 1)),
      [&] { finish_tile(rows, vectors, column, sums); },
      [&] {
        for (size_t i = 0; i < sums.size(); ++i) e_.store(sums[i], place(i));
      });
}

ContractionEmitter::Value* ContractionEmitter::waiting_sums(Value* panel) {
  auto& ir = e_.ir();
  Value* tile = ir.CreateNSWAdd(ir.CreateNSWMul(tile_, e_.i64(t_.column_block)), panel);
  return e_.at(e_.f32(), scratch_at(sums_at_),
               ir.CreateNSWMul(tile, e_.i64(t_.rows * padded_columns_)));
}

// Over all of the inner axes, or over the current block of them: whole taps, or a piece of the one
// run that there is.
ContractionEmitter::Values ContractionEmitter::add_products(int rows, const Microkernel& shape,
                                                            RunOperands in, Values sums) {
  auto& ir = e_.ir();
  if (taps_ == 1) {
    in.a = row_addresses(rows, e_.i64(0));
    if (blocked()) {
      in.count = e_.i64(run_.value() / t_.inner_blocks);
      Value* begin = ir.CreateNSWMul(block_, in.count);
      for (Value*& row : in.a) row = e_.at(e_.f32(), row, ir.CreateNSWMul(begin, in.a_step));
      in.b = e_.at(e_.f32(), in.b, ir.CreateNSWMul(begin, in.b_step));
    }
    return emit_run(e_, shape, in, std::move(sums));
  }
  Value* begin = e_.i64(0);
  Value* end = taps_of_tile();
  if (blocked()) {
    Value* blocks = e_.i64(t_.inner_blocks);
    Value* next = ir.CreateNSWAdd(block_, e_.i64(1));
    begin = ir.CreateUDiv(ir.CreateNSWMul(end, block_), blocks);
    end = ir.CreateUDiv(ir.CreateNSWMul(end, next), blocks);
  }
  Value* panel = in.b;
  Value* tap_step = ir.CreateNSWMul(in.count, in.b_step);
  return e_.loop(begin, end, e_.i64(1), sums, [&](Value* i, llvm::ArrayRef<Value*> carried) {
    Value* tap = tap_at(i);
    in.a = row_addresses(rows, tap);
    in.b = e_.at(e_.f32(), panel, ir.CreateNSWMul(tap, tap_step));
    return emit_run(e_, shape, in, Values(carried.begin(), carried.end()));
  });
}

ContractionEmitter::Values ContractionEmitter::row_offsets(Value* r) {
  auto& ir = e_.ir();
  Values offsets;
  for (size_t slot = 0; slot < epilogue_.slots(); ++slot) {
    if (offset_table_[slot] >= 0) {
      Value* table = scratch_at(offsets_at_ + Dim(offset_table_[slot] * t_.rows * kPointerBytes));
      offsets.push_back(e_.load(ir.getInt64Ty(), e_.at(ir.getInt64Ty(), table, r)));
      continue;
    }
    Value* stride = e_.dim(*p_.row_stride(epilogue_.access(slot).map));
    offsets.push_back(
        ir.CreateNSWAdd(ir.CreateNSWMul(first_row_, stride), ir.CreateNSWMul(r, stride)));
  }
  return offsets;
}

void ContractionEmitter::prefetch_tile(int rows, int vectors, const Column& column) {
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    const MappedAccess& access = p_.loads[i];
    if (access.buffer == kExpression || !uses_rows(access.map) || !access.map.column.is(1))
      continue;
    llvm::Type* type = storage_type(e_, access.dtype);
    for (int r = 0; r < rows; ++r) {
      Value* row = e_.at(type, epilogue_.base(i), row_offsets(e_.i64(r))[i]);
      for (int v = 0; v < vectors; ++v) {
        Value* column_at = e_.ir().CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_));
        e_.prefetch(e_.at(type, row, column_at), 3);
      }
    }
  }
}

void ContractionEmitter::finish_tile(int rows, int vectors, const Column& column,
                                     const Values& sums) {
  const std::vector<Values> fixed = epilogue_.fixed_loads(vectors, column);
  const auto store = [&](Value* r, const Values& row) {
    Status status = epilogue_.store_row(row_offsets(r), vectors, column, row, fixed);
    if (status_.ok()) status_ = std::move(status);
  };
  if (rows == 1 || p_.epilogue.insts.size() <= kInlineInstructions) {
    for (int r = 0; r < rows; ++r) {
      const auto first = sums.begin() + int64_t{r} * vectors;
      store(e_.i64(r), Values(first, first + vectors));
    }
    return;
  }
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  Value* frame = e_.stack(type, int64_t{rows} * vectors);
  for (size_t i = 0; i < sums.size(); ++i) {
    e_.store(sums[i], e_.at(type, frame, static_cast<int64_t>(i)));
  }
  e_.loop(e_.i64(0), e_.i64(rows), e_.i64(1), [&](Value* r) {
    Values row;
    Value* first = e_.at(type, frame, e_.ir().CreateNSWMul(r, e_.i64(vectors)));
    for (int v = 0; v < vectors; ++v) row.push_back(e_.load(type, e_.at(type, first, v)));
    store(r, row);
  });
}

void ContractionEmitter::pack_columns(Value* first_panel, Value* end_panel) {
  auto& ir = e_.ir();
  llvm::FixedVectorType* type = e_.vector(e_.f32(), lanes_);
  MappedAccess b = p_.b;
  Value* base = task_base(e_, b, batch_);
  const Dim per_panel = p_.inner_count() * padded_columns_;
  e_.loop(first_panel, end_panel, e_.i64(1), [&](Value* number) {
    Column column;
    column.first = ir.CreateNSWMul(number, e_.i64(padded_columns_));
    Value* to = e_.at(e_.f32(), columns_base_,
                      ir.CreateNSWMul(ir.CreateNSWSub(number, first_panel), e_.dim(per_panel)));
    for (int v = 0; v < t_.vectors; ++v) {
      Value* at = ir.CreateNSWAdd(column.first, e_.i64(int64_t{v} * lanes_));
      column.masks.push_back(e_.lane_mask(lanes_, ir.CreateNSWSub(e_.dim(p_.columns), at)));
    }
    Values index;
    for_taps(0, p_.inner.size(), false, index, [&](const Values& inner) {
      Value* k = e_.i64(0);
      for (size_t i = 0; i < inner.size(); ++i) {
        k = ir.CreateNSWAdd(ir.CreateNSWMul(k, e_.dim(p_.inner[i])), inner[i]);
      }
      Value* from = e_.at(e_.f32(), base, dot(e_, p_.b.map.inner, inner));
      Value* row = e_.at(e_.f32(), to, ir.CreateNSWMul(k, e_.i64(padded_columns_)));
      for (int v = 0; v < t_.vectors; ++v) {
        e_.ir().CreateAlignedStore(epilogue_.load_vector(b, from, column, v),
                                   e_.at(e_.f32(), row, int64_t{v} * lanes_),
                                   llvm::Align(static_cast<uint64_t>(type->getNumElements() * 4)));
      }
    });
  });
}

Result<GeneratedFunction> emit_contraction(Module& module, const std::string& symbol,
                                           const ContractionQuery& query,
                                           const ContractionTactic& tactic) {
  CARNOT_RETURN_IF_ERROR(why_not(query));
  CARNOT_ASSIGN(ContractionProblem problem, contraction_problem(query.kernel, query.view));
  CARNOT_RETURN_IF_ERROR(why_not(problem, query, tactic));
  problem.padding_adds_nothing = query.b_finite && problem.otherwise == 0;
  if (winograd_outputs(tactic) > 0) return emit_winograd(module, symbol, problem, tactic);
  return ContractionEmitter(module, symbol, problem, tactic).run();
}

}  // namespace carnot::cpu
