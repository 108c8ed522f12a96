#include "plan/shape_program.h"

#include <algorithm>
#include <tuple>

#include "base/checked.h"

namespace carnot {

bool ShapeProgram::Inst::operator<(const Inst& other) const {
  return std::tie(kind, a, b, number) < std::tie(other.kind, other.a, other.b, other.number);
}

int ShapeProgram::symbol(std::string_view name) {
  const auto found = symbol_index_.find(name);
  if (found != symbol_index_.end()) return found->second;
  const int number = static_cast<int>(symbols_.size());
  symbols_.emplace_back(name);
  symbol_index_.emplace(name, number);
  return number;
}

int ShapeProgram::find_symbol(std::string_view name) const {
  const auto found = symbol_index_.find(name);
  return found == symbol_index_.end() ? -1 : found->second;
}

int ShapeProgram::append(const Inst& inst) {
  const auto [found, fresh] = known_.try_emplace(inst, static_cast<int>(code_.size()));
  if (fresh) {
    code_.push_back(inst);
    source_.emplace_back();
  }
  return found->second;
}

int ShapeProgram::atom(const DimAtom& atom) {
  switch (atom.kind) {
    case DimAtom::kSymbol:
      return append({Kind::kSymbol, 0, symbol(atom.name), 0, 0});
    case DimAtom::kFloorDiv:
    case DimAtom::kMod:
    case DimAtom::kMin:
    case DimAtom::kMax:
      break;
  }
  const int a = add(atom.args[0]), b = add(atom.args[1]);
  const Kind kind = atom.kind == DimAtom::kFloorDiv ? Kind::kFloorDiv
                    : atom.kind == DimAtom::kMod    ? Kind::kMod
                    : atom.kind == DimAtom::kMin    ? Kind::kMin
                                                    : Kind::kMax;
  return append({kind, 0, a, b, 0});
}

int ShapeProgram::add(const Dim& dim) {
  CARNOT_CHECK(!dim.overflowed());
  const auto constant = [&](int64_t number) { return append({Kind::kConstant, 0, 0, 0, number}); };
  int sum = -1;
  for (const Dim::Term& term : dim.terms()) {
    int product = term.coefficient == 1 ? -1 : constant(term.coefficient);
    for (const DimAtom& factor : term.factors) {
      const int value = atom(factor);
      product = product < 0 ? value : append({Kind::kMultiply, 0, product, value, 0});
    }
    sum = sum < 0 ? product : append({Kind::kAdd, 0, sum, product, 0});
  }
  if (sum < 0) {
    sum = constant(dim.constant_term());
  } else if (dim.constant_term() != 0) {
    const int rest = constant(dim.constant_term());
    sum = append({Kind::kAdd, 0, sum, rest, 0});
  }
  source_[static_cast<size_t>(sum)] = dim;
  return sum;
}

void ShapeProgram::divide(std::span<const int> phase_of_symbol, int phases) {
  phases_.assign(static_cast<size_t>(phases), {});
  for (size_t i = 0; i < code_.size(); ++i) {
    Inst& inst = code_[i];
    if (inst.kind == Kind::kConstant) {
      inst.phase = 0;
    } else if (inst.kind == Kind::kSymbol) {
      inst.phase = phase_of_symbol[static_cast<size_t>(inst.a)];
    } else {
      const int a = phase(inst.a), b = phase(inst.b);
      inst.phase = a < 0 || b < 0 ? -1 : std::max(a, b);
    }
    if (inst.phase >= 0) phases_[static_cast<size_t>(inst.phase)].push_back(static_cast<int>(i));
  }
}

Status ShapeProgram::evaluate(int phase, std::span<const int64_t> symbols,
                              std::span<int64_t> values) const {
  CARNOT_CHECK(values.size() == code_.size() && symbols.size() == symbols_.size());
  for (const int i : phases_[static_cast<size_t>(phase)]) {
    const Inst& inst = code_[static_cast<size_t>(i)];
    int64_t& out = values[static_cast<size_t>(i)];
    if (inst.kind == Kind::kConstant || inst.kind == Kind::kSymbol) {
      out = inst.kind == Kind::kConstant ? inst.number : symbols[static_cast<size_t>(inst.a)];
      continue;
    }
    const int64_t a = values[static_cast<size_t>(inst.a)], b = values[static_cast<size_t>(inst.b)];
    bool bad = false;
    switch (inst.kind) {
      case Kind::kAdd:
        bad = __builtin_add_overflow(a, b, &out);
        break;
      case Kind::kMultiply:
        bad = __builtin_mul_overflow(a, b, &out);
        break;
      case Kind::kMin:
        out = std::min(a, b);
        break;
      case Kind::kMax:
        out = std::max(a, b);
        break;
      case Kind::kFloorDiv:
      case Kind::kMod: {
        bad = b == 0 || (b == -1 && a == INT64_MIN);
        if (bad) break;
        const bool down = a % b != 0 && (a % b < 0) != (b < 0);
        out = inst.kind == Kind::kFloorDiv ? a / b - down : a % b + (down ? b : 0);
        break;
      }
      default:
        break;
    }
    if (bad) {
      const Dim& source = source_[static_cast<size_t>(i)];
      return error(Code::kInvalidArgument, "the size ",
                   source.is_constant() ? "of a value" : to_string(source),
                   b == 0 ? " divides by zero" : " is beyond 64 bits", " for these shapes");
    }
  }
  return {};
}

}  // namespace carnot
