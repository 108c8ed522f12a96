#pragma once
// What happens to the sums of a contraction: loads of the storing stage, its scalar program,
// stores. Shared by the register-tiled and the Winograd generators. Also the index arithmetic that
// both use.
#include "codegen/cpu/contraction_problem.h"
#include "codegen/cpu/emit.h"

namespace carnot::cpu {

/// Sum of coefficient * index.
llvm::Value* dot(Emitter& e, const Dims& coefficients, const std::vector<llvm::Value*>& indices);
/// The index per axis of a flat one; the last axis is the fastest.
std::vector<llvm::Value*> unflatten(Emitter& e, llvm::Value* flat, const Dims& sizes);
/// What an access has for one batch element, without rows, inner axes and columns: the offset, and
/// the pointer (the value, for kExpression).
llvm::Value* task_offset(Emitter& e, const AxisMap& map, const std::vector<llvm::Value*>& batch);
llvm::Value* task_base(Emitter& e, const MappedAccess& access,
                       const std::vector<llvm::Value*>& batch);
bool uses_rows(const AxisMap& map);

class ContractionEpilogue {
 public:
  using Value = llvm::Value;
  using Values = std::vector<llvm::Value*>;
  /// The vectors of columns at hand.
  struct Column {
    Value* first = nullptr;     ///< number of the first column
    std::vector<Value*> masks;  ///< per vector; null: all lanes
  };

  ContractionEpilogue(Emitter& emitter, const ContractionProblem& problem)
      : e_(emitter), p_(problem), lanes_(emitter.target().lanes(32)) {}

  /// Accesses are numbered: loads first, then stores.
  size_t slots() const { return p_.loads.size() + p_.stores.size(); }
  const MappedAccess& access(size_t slot) const {
    return slot < p_.loads.size() ? p_.loads[slot] : p_.stores[slot - p_.loads.size()];
  }
  void begin_task(const Values& batch);
  Value* base(size_t slot) const { return bases_[slot]; }

  /// Per load that is the same for all rows: its vectors; empty for the others.
  std::vector<Values> fixed_loads(int vectors, const Column& column);
  /// One row: `offsets` per slot, `sums` per vector.
  Status store_row(const Values& offsets, int vectors, const Column& column, const Values& sums,
                   const std::vector<Values>& fixed);
  Value* load_vector(const MappedAccess& access, Value* base, const Column& column, int v);

 private:
  Value* column_numbers(const Column& column, int v);
  Value* column_pointers(const MappedAccess& access, Value* base, const Column& column, int v);
  void store_vector(const MappedAccess& access, Value* base, const Column& column, int v,
                    Value* value);

  Emitter& e_;
  const ContractionProblem& p_;
  const int lanes_;
  Values bases_;
};

}  // namespace carnot::cpu
