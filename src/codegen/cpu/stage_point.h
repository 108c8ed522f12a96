#pragma once
// StagePoint: what is known of one stage while the loops around it are being opened. Each bind() of
// an axis emits everything that follows from it (parts of index maps, loads, instructions), so that
// nothing is computed in a deeper loop than it must be. A value: copied at each level.
#include "codegen/cpu/scalar_emit.h"
#include "codegen/nest.h"

namespace carnot::cpu {

/// A run of neighbouring indices of one axis, one per lane.
struct Lanes {
  std::string symbol;
  llvm::Value* first = nullptr;  ///< index of the group's lane 0
  int64_t shift = 0;             ///< added to it
  int count = 1;
  llvm::Value* mask = nullptr;  ///< <count x i1>, or null: all
};

class StagePoint {
 public:
  using Value = llvm::Value;

  StagePoint(Emitter& emitter, const NestStage& stage);

  const NestStage& stage() const { return *stage_; }
  /// An axis gets its (scalar) index.
  void bind(const std::string& symbol, Value* index);
  void bind_all(const Bindings& bindings);
  /// The value of folding stage `i` becomes known: scalar, or one value per lane.
  void set_folded(int i, Value* value);
  /// An input that the caller provides instead of the load.
  void set_load(int i, Value* value);

  /// All values of the program at these lanes; every other axis must be bound.
  std::vector<Value*> at(const Lanes& lanes) const;
  /// Writes the value that is folded into the kept row; see reuse.h.
  void keep(const Lanes& lanes, const std::vector<Value*>& values) const;
  /// Stores results of at(). `values` may be scalars: they are spread.
  void store(const Lanes& lanes, const std::vector<Value*>& values) const;

  const Bindings& bindings() const { return bindings_; }

 private:
  struct Part {  ///< an index expression, partly emitted
    Dim rest;
    Value* value = nullptr;
  };
  struct Limit {
    Part index, lower, upper;
  };
  struct Access {
    Part offset;
    std::vector<Limit> limits;
    Value* guard = nullptr;  ///< i1 of the limits that are known; null: true
    bool settled() const { return offset.rest.is(0) && limits.empty(); }
  };
  /// Vectors that symbols stand for at some lanes.
  using Varying = std::map<std::string, Value*, std::less<>>;

  Value* base_of(const NestAccess& of) const;
  Access start(const NestAccess& access) const;
  void settle();
  void settle(Part& part) const;
  void settle(Access& access) const;
  Value* load_settled(size_t i) const;
  /// Load i's value as an index: i64.
  Value* as_index(size_t i, Value* loaded) const;
  /// A pointer that may be read: to `otherwise` where the guard is false.
  Value* guarded_pointer(const NestAccess& of, Value* guard, Value* pointer, int lanes) const;
  llvm::Constant* otherwise_bits(const NestAccess& of) const;
  Value* scalar_index(const Part& part) const;
  Value* lane_index(const Part& part, const Lanes& lanes, Varying& varying) const;
  Value* lane_atom(const DimAtom& atom, const Lanes& lanes, Varying& varying) const;
  Value* lane_numbers(const Lanes& lanes, Varying& varying) const;
  Value* lane_guard(const Access& access, const Lanes& lanes, Varying& varying) const;
  Value* load_lanes(size_t i, const Lanes& lanes, Varying& varying) const;
  Value* finish_load(const NestAccess& of, Value* value, Value* guard) const;
  /// Where an access goes: its stride along the lanes where that is uniform, with the first
  /// lane's pointer, or a vector of pointers.
  struct Target {
    bool unit = false;
    Value* pointer = nullptr;   ///< of lane 0, where unit
    Value* pointers = nullptr;  ///< of all lanes otherwise
  };
  Target locate(const NestAccess& of, const Access& access, const Lanes& lanes,
                Varying& varying) const;

  Emitter* e_;
  const NestStage* stage_;
  Bindings bindings_;
  std::vector<Access> loads_, stores_;
  std::vector<Value*> values_;
};

}  // namespace carnot::cpu
