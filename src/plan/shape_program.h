#pragma once
// ShapeProgram: all size expressions of a plan, compiled once: equal parts are computed once, and a
// new set of shapes takes microseconds.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "carnot/types.h"

namespace carnot {

class ShapeProgram {
 public:
  /// The number of the symbol, which is new where none is known by that name.
  int symbol(std::string_view name);
  /// Or -1.
  int find_symbol(std::string_view name) const;
  const std::vector<std::string>& symbols() const { return symbols_; }

  /// The number of the expression's value.
  int add(const Dim& dim);
  size_t size() const { return code_.size(); }

  /// Values are computed in phases: a value belongs to the latest phase of its symbols (-1: never
  /// known). Call it when all is added.
  void divide(std::span<const int> phase_of_symbol, int phases);
  int phase(int value) const { return code_[static_cast<size_t>(value)].phase; }
  /// Computes the values of one phase from the symbols and the earlier phases' values. Overflow and
  /// division by zero are errors that show the expression.
  Status evaluate(int phase, std::span<const int64_t> symbols, std::span<int64_t> values) const;

 private:
  enum class Kind : uint8_t { kConstant, kSymbol, kAdd, kMultiply, kFloorDiv, kMod, kMin, kMax };
  struct Inst {
    Kind kind = Kind::kConstant;
    int phase = 0;
    int a = 0, b = 0;    ///< values; of kSymbol: a is its number
    int64_t number = 0;  ///< of kConstant
    bool operator<(const Inst& other) const;
  };
  int append(const Inst& inst);
  int atom(const DimAtom& atom);

  std::vector<Inst> code_;   // operands come first
  std::vector<Dim> source_;  // what each value is, for messages
  std::map<Inst, int> known_;
  std::vector<std::string> symbols_;
  std::map<std::string, int, std::less<>> symbol_index_;
  std::vector<std::vector<int>> phases_;  // values of each, in order
};

}  // namespace carnot
