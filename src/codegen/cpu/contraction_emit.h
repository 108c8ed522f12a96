#pragma once
// ContractionEmitter: one contraction function under construction. Split over contraction_emit.cc
// (tasks, tiles, columns) and contraction_rows.cc (how rows of A are found); microkernel.cc has the
// inner loop.
#include "codegen/cpu/contraction_epilogue.h"
#include "codegen/cpu/emit.h"
#include "codegen/cpu/microkernel.h"

namespace carnot::cpu {

class ContractionEmitter {
 public:
  using Value = llvm::Value;
  using Values = std::vector<llvm::Value*>;

  ContractionEmitter(Module& module, const std::string& symbol, const ContractionProblem& problem,
                     const ContractionTactic& tactic);
  Result<GeneratedFunction> run();

 private:
  /// A piece of scratch; offsets of pieces are in bytes.
  Dim reserve(const Dim& bytes);
  Value* scratch_at(const Dim& offset);
  void plan_scratch();

  Values next_index(Values index, const Dims& sizes);

  void task(Value* number);
  void pack_columns(Value* first_panel, Value* end_panel);
  void tiles(int rows, Value* begin, Value* end);
  void tile(int rows, Value* first_row);
  void panel(int rows, int vectors, Value* number, bool tail);

  // contraction_rows.cc
  void fill_padding();
  void prepare_rows(int rows, Value* first_row);
  void row_pointers(Value* r, int rows, const Values& index);
  int64_t taps_in(size_t run_axes) const;  ///< product of the static axes outside of a run
  void gather_row(Value* r, const Values& index);
  void gather_run(Value* to, Value* from, const Values& guards, const Values& tap, size_t run);
  /// From null: fills with the value outside of the guards.
  void copy_run(Value* to, Value* from, int64_t count);
  void for_taps(size_t first, size_t last, bool unroll, Values& index,
                llvm::function_ref<void(const Values&)> body);
  Value* guard_holds(const Values& row, const Values& inner, size_t free_axes);
  Values row_addresses(int rows, Value* tap);
  void list_taps();
  Value* taps_of_tile();
  Value* tap_at(Value* i);
  bool blocked() const { return t_.inner_blocks > 1; }
  Value* waiting_sums(Value* panel);
  Values add_products(int rows, const Microkernel& shape, RunOperands in, Values sums);

  using Column = ContractionEpilogue::Column;
  Values row_offsets(Value* r);  ///< per slot of the epilogue
  void prefetch_tile(int rows, int vectors, const Column& column);
  void finish_tile(int rows, int vectors, const Column& column, const Values& sums);

  Emitter e_;
  const ContractionProblem& p_;
  const ContractionTactic t_;
  ContractionEpilogue epilogue_;
  const int lanes_;
  size_t run_axes_ = 0;  ///< of the inner loop
  Dim run_, a_step_;     ///< length of the inner loop and A's stride along it
  int64_t taps_ = 1;
  bool skips_ = false;  ///< taps that lie in the padding for all rows of a tile are left out
  Dim rows_;
  int64_t padded_columns_ = 0;  ///< of a whole panel
  Dim panels_, full_panels_;

  Dim scratch_;
  Dim padding_at_, table_at_, taps_at_, offsets_at_, panel_at_, packed_at_, sums_at_;
  std::vector<int> offset_table_;  ///< per load, then per store: its table of row offsets, or -1
  int tables_ = 0;

  // Of the task being emitted.
  Values batch_;
  Value* first_panel_ = nullptr;
  Value* end_panel_ = nullptr;
  Value* columns_base_ = nullptr;  ///< B for this task
  Value* a_base_ = nullptr;
  Value* first_row_ = nullptr;
  Value* block_ = nullptr;  ///< of the inner axes
  Value* tile_ = nullptr;   ///< number of the tile within the task
  Status status_;
};

}  // namespace carnot::cpu
