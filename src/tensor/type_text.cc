#include "tensor/type_text.h"

#include "tensor/dim_algebra.h"

namespace carnot {
namespace {

// Deeper text is not ours: Dim refuses to grow that deep.
constexpr int kMaxDepth = 256;

std::string print_symbol(const std::string& name) {
  if (!name.empty() && (name[0] == '#' || name[0] == '$')) return name;
  return "?" + print_name(name);
}

// As an operand of // or %.
std::string print_operand(const Dim& dim) {
  const DimAtom* atom = DimAlgebra::bare_atom(dim);
  const bool simple = atom ? atom->kind != DimAtom::kFloorDiv && atom->kind != DimAtom::kMod
                           : dim.is_constant() && dim.value() >= 0;
  return simple ? to_string(dim) : "(" + to_string(dim) + ")";
}

std::string print_atom(const DimAtom& atom) {
  switch (atom.kind) {
    case DimAtom::kSymbol:
      return print_symbol(atom.name);
    case DimAtom::kFloorDiv:
      return print_operand(atom.args[0]) + "//" + print_operand(atom.args[1]);
    case DimAtom::kMod:
      return print_operand(atom.args[0]) + "%" + print_operand(atom.args[1]);
    case DimAtom::kMin:
    case DimAtom::kMax:
      return (atom.kind == DimAtom::kMin ? "min(" : "max(") + to_string(atom.args[0]) + ", " +
             to_string(atom.args[1]) + ")";
  }
  return "?";
}

bool divides(const DimAtom& atom) {
  return atom.kind == DimAtom::kFloorDiv || atom.kind == DimAtom::kMod;
}

uint64_t magnitude(int64_t value) {
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

class DimParser {
 public:
  explicit DimParser(Scanner& scanner) : scanner_(scanner) {}

  Result<Dim> sum() {
    CARNOT_ASSIGN(Dim total, term());
    while (true) {
      const bool minus = scanner_.accept("-");
      if (!minus && !scanner_.accept("+")) return total;
      CARNOT_ASSIGN(const Dim next, term());
      total = minus ? total - next : total + next;
    }
  }

 private:
  Result<Dim> term() {
    CARNOT_ASSIGN(Dim left, factor());
    while (true) {
      DimAtom::Kind kind = DimAtom::kSymbol;       // stands for '*'
      if (scanner_.rest().substr(0, 2) == "//") {  // before anything skips it as a comment
        scanner_.seek(scanner_.position() + 2);
        kind = DimAtom::kFloorDiv;
      } else if (scanner_.accept("%")) {
        kind = DimAtom::kMod;
      } else if (!scanner_.accept("*")) {
        return left;
      }
      CARNOT_ASSIGN(const Dim right, factor());
      left = kind == DimAtom::kSymbol ? left * right : apply(kind, left, right);
    }
  }

  Result<Dim> factor() {
    if (++depth_ > kMaxDepth) return scanner_.fail("a size nests too deeply");
    Result<Dim> out = nested_factor();
    --depth_;
    return out;
  }

  Result<Dim> nested_factor() {
    if (scanner_.kind() == TokenKind::kInteger) {
      CARNOT_ASSIGN(const int64_t value, scanner_.integer());
      return Dim(value);
    }
    if (scanner_.accept("-")) {
      CARNOT_ASSIGN(const Dim value, factor());
      return 0 - value;
    }
    if (scanner_.accept("(")) {
      CARNOT_ASSIGN(Dim value, sum());
      CARNOT_RETURN_IF_ERROR(scanner_.expect(")"));
      return value;
    }
    if (scanner_.accept("min")) return extreme(DimAtom::kMin);
    if (scanner_.accept("max")) return extreme(DimAtom::kMax);
    return symbol();
  }

  Result<Dim> extreme(DimAtom::Kind kind) {
    CARNOT_RETURN_IF_ERROR(scanner_.expect("("));
    CARNOT_ASSIGN(const Dim a, sum());
    CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
    CARNOT_ASSIGN(const Dim b, sum());
    CARNOT_RETURN_IF_ERROR(scanner_.expect(")"));
    return apply(kind, a, b);
  }

  Result<Dim> symbol() {
    for (const char* mark : {"#", "$"}) {
      if (!scanner_.accept(mark)) continue;
      CARNOT_ASSIGN(const int64_t index, scanner_.integer());
      if (index < 0) return scanner_.fail("'", mark, "' needs an index that is not negative");
      return Dim::symbol(mark + std::to_string(index));
    }
    if (!scanner_.accept("?")) return scanner_.fail_expected("a size");
    CARNOT_ASSIGN(std::string name, scanner_.name());
    if (name.empty() || name[0] == '#' || name[0] == '$') {
      return scanner_.fail("a size's name may not be empty or begin with '#' or '$'");
    }
    return Dim::symbol(std::move(name));
  }

  Scanner& scanner_;
  int depth_ = 0;
};

std::string print_term(const Dim::Term& term, bool first) {
  std::string out;
  // A leading minus binds to the first factor only: -(?h//2), not (-?h)//2.
  const bool wrapped = first && term.coefficient < 0 && divides(term.factors[0]);
  out += term.coefficient > 0 ? (first ? "" : " + ") : (first ? "-" : " - ");
  for (size_t i = 0; i < term.factors.size(); ++i) {
    const std::string text = print_atom(term.factors[i]);
    const bool parentheses = divides(term.factors[i]) && (i > 0 || wrapped);
    out += i ? "*" : "";
    out += parentheses ? "(" + text + ")" : text;
  }
  const uint64_t scale = magnitude(term.coefficient);
  return scale == 1 ? out : out + "*" + std::to_string(scale);
}

}  // namespace

std::string to_string(const Dim& dim) {
  if (dim.overflowed()) return "overflow";
  std::string out;
  for (const Dim::Term& term : dim.terms()) out += print_term(term, out.empty());
  const int64_t constant = dim.constant_term();
  if (out.empty()) return std::to_string(constant);
  if (constant == 0) return out;
  if (constant > 0) return out + " + " + std::to_string(constant);
  const uint64_t size = magnitude(constant);
  if (size > uint64_t{1} << 62) return out + " + " + std::to_string(constant);
  return out + " - " + std::to_string(size);
}

std::string to_string(const Dims& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) out += (i ? ", " : "") + to_string(dims[i]);
  return out + "]";
}

std::string to_string(const TensorType& type) {
  return std::string(to_string(type.dtype)) + to_string(type.dims);
}

Result<Dim> parse_dim(Scanner& scanner) {
  return DimParser(scanner).sum();
}

Result<Dims> parse_dims(Scanner& scanner) {
  CARNOT_RETURN_IF_ERROR(scanner.expect("["));
  Dims out;
  if (scanner.accept("]")) return out;
  do {
    CARNOT_ASSIGN(Dim dim, parse_dim(scanner));
    out.push_back(std::move(dim));
  } while (scanner.accept(","));
  CARNOT_RETURN_IF_ERROR(scanner.expect("]"));
  return out;
}

Result<DType> parse_dtype(Scanner& scanner) {
  const size_t start = scanner.position();
  if (auto word = scanner.identifier(); word.ok()) {
    if (const auto dtype = parse_dtype(*word)) return *dtype;
  }
  scanner.seek(start);
  return scanner.fail_expected("an element type");
}

Result<TensorType> parse_type(Scanner& scanner) {
  CARNOT_ASSIGN(const DType dtype, parse_dtype(scanner));
  CARNOT_ASSIGN(Dims dims, parse_dims(scanner));
  return TensorType{dtype, std::move(dims)};
}

Result<TensorType> parse_type(std::string_view text) {
  Scanner scanner(text, "type");
  CARNOT_ASSIGN(TensorType type, parse_type(scanner));
  if (!scanner.at_end()) return scanner.fail_expected("the end of the type");
  return type;
}

}  // namespace carnot
