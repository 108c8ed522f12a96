#include "ops/scalar_text.h"

#include <algorithm>
#include <map>

#include "tensor/codec.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

// Deeper expressions are printed with named parts, so that whatever is printed can be read.
constexpr int kMaxPrintedDepth = 32;
constexpr int kMaxParsedDepth = 128;
// `$i` and `inputs` beyond this are a mistake or an attack.
constexpr int64_t kMaxInputs = 4096;

class Printer {
 public:
  explicit Printer(const ScalarProgram& program)
      : program_(program),
        uses_(program.insts.size()),
        depth_(program.insts.size()),
        names_(program.insts.size(), -1) {}

  std::string print() {
    count_uses();
    std::string out;
    int temps = 0;
    for (size_t i = 0; i < program_.insts.size(); ++i) {
      const ScalarInst& inst = program_.insts[i];
      if (!uses_[i]) continue;
      for (int k = 0; k < operands_of(inst.op); ++k) {
        const int32_t arg = inst.args[static_cast<size_t>(k)] - program_.inputs;
        if (arg >= 0 && names_[static_cast<size_t>(arg)] < 0) {
          depth_[i] = std::max(depth_[i], depth_[static_cast<size_t>(arg)] + 1);
        }
      }
      const bool shared = uses_[i] > 1 && inst.op != ScalarOp::kConst;
      if (!shared && depth_[i] < kMaxPrintedDepth) continue;
      out += "t" + std::to_string(temps) + " = " + print_inst(inst) + "; ";
      names_[i] = temps++;
    }
    for (size_t i = 0; i < program_.results.size(); ++i) {
      out += (i ? ", " : "") + print_value(program_.results[i]);
    }
    return out;
  }

 private:
  void count_uses() {
    const auto use = [&](int32_t id) {
      if (id >= program_.inputs) ++uses_[static_cast<size_t>(id - program_.inputs)];
    };
    for (const int32_t id : program_.results) use(id);
    for (size_t i = program_.insts.size(); i-- > 0;) {
      if (!uses_[i]) continue;
      const ScalarInst& inst = program_.insts[i];
      for (int k = 0; k < operands_of(inst.op); ++k) use(inst.args[static_cast<size_t>(k)]);
    }
  }

  std::string print_value(int32_t id) {
    if (id < program_.inputs) return "$" + std::to_string(id);
    const auto i = static_cast<size_t>(id - program_.inputs);
    return names_[i] >= 0 ? "t" + std::to_string(names_[i]) : print_inst(program_.insts[i]);
  }

  std::string print_inst(const ScalarInst& inst) {
    if (inst.op == ScalarOp::kConst) return print_constant(inst);
    std::string out = to_string(inst.op);
    out += "(";
    for (int k = 0; k < operands_of(inst.op); ++k) {
      out += (k ? ", " : "") + print_value(inst.args[static_cast<size_t>(k)]);
    }
    out += ")";
    return inst.op == ScalarOp::kCast ? out + ":" + to_string(inst.type) : out;
  }

  static std::string print_constant(const ScalarInst& inst) {
    if (inst.type == DType::kBool) return inst.integer ? "true" : "false";
    std::string number;
    if (inst.type == DType::kF64) {
      number = print_float(inst.real);
    } else if (is_float(inst.type)) {
      number = print_float(static_cast<float>(inst.real));
    } else if (inst.type == DType::kU64) {
      number = std::to_string(static_cast<uint64_t>(inst.integer));
    } else {
      number = std::to_string(inst.integer);
    }
    return number + ":" + to_string(inst.type);
  }

  const ScalarProgram& program_;
  std::vector<int> uses_, depth_, names_;
};

// Ids of instructions depend on the number of inputs, which is known at the end: until then input i
// is -1 - i - kOffset and instructions count from 0.
class Parser {
 public:
  explicit Parser(Scanner& scanner) : scanner_(scanner) {}

  Result<ScalarProgram> parse(int32_t inputs) {
    // `temp = value ;` is told from a first result by the '='.
    while (scanner_.kind() == TokenKind::kIdentifier) {
      const size_t start = scanner_.position();
      CARNOT_ASSIGN(const std::string_view word, scanner_.identifier());
      if (!scanner_.accept("=")) {
        scanner_.seek(start);
        break;
      }
      CARNOT_ASSIGN(const int32_t id, value());
      CARNOT_RETURN_IF_ERROR(scanner_.expect(";"));
      temps_[std::string(word)] = id;
    }
    std::vector<int32_t> results;
    do {
      CARNOT_ASSIGN(const int32_t id, value());
      results.push_back(id);
    } while (scanner_.accept(","));
    if (inputs < 0) inputs = highest_ + 1;
    if (highest_ >= inputs) {
      return scanner_.fail("$", highest_, " is not an input: there are ", inputs);
    }
    return finish(inputs, results);
  }

 private:
  ScalarProgram finish(int32_t inputs, const std::vector<int32_t>& results) const {
    ScalarProgram out;
    out.inputs = inputs;
    const auto moved = [inputs](int32_t id) { return id < 0 ? -1 - id : id + inputs; };
    for (ScalarInst inst : draft_.insts) {
      for (int k = 0; k < operands_of(inst.op); ++k) {
        int32_t& arg = inst.args[static_cast<size_t>(k)];
        arg = moved(arg);
      }
      out.insts.push_back(inst);
    }
    for (const int32_t id : results) out.results.push_back(moved(id));
    return out;
  }

  Result<int32_t> value() {
    if (++depth_ > kMaxParsedDepth) return scanner_.fail("a scalar program nests too deeply");
    Result<int32_t> out = nested_value();
    --depth_;
    return out;
  }

  Result<int32_t> nested_value() {
    if (scanner_.accept("$")) {
      CARNOT_ASSIGN(const int64_t index, scanner_.integer());
      if (index < 0 || index >= kMaxInputs)
        return scanner_.fail("input $", index, " is out of range");
      highest_ = std::max(highest_, static_cast<int32_t>(index));
      return static_cast<int32_t>(-1 - index);
    }
    const TokenKind kind = scanner_.kind();
    if (kind == TokenKind::kInteger || kind == TokenKind::kFloat) return number();
    if (scanner_.accept("true")) return draft_.constant_int(DType::kBool, 1);
    if (scanner_.accept("false")) return draft_.constant_int(DType::kBool, 0);
    const size_t start = scanner_.position();
    CARNOT_ASSIGN(const std::string_view word, scanner_.identifier());
    if (!scanner_.peek("(")) {
      if (const auto found = temps_.find(word); found != temps_.end()) return found->second;
      scanner_.seek(start);
      return scanner_.fail("nothing named '", word, "' was computed before");
    }
    return call(word, start);
  }

  Result<int32_t> call(std::string_view word, size_t start) {
    CARNOT_RETURN_IF_ERROR(scanner_.expect("("));
    std::array<int32_t, 3> args = {-1, -1, -1};
    size_t count = 0;
    while (!scanner_.accept(")")) {
      if (count) CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
      if (count == 3) return scanner_.fail("no scalar operation takes more than 3 operands");
      CARNOT_ASSIGN(args[count], value());
      ++count;
    }
    for (int i = static_cast<int>(ScalarOp::kCast); i <= static_cast<int>(ScalarOp::kSelect); ++i) {
      const auto op = static_cast<ScalarOp>(i);
      if (word != to_string(op)) continue;
      if (count != static_cast<size_t>(operands_of(op))) {
        return scanner_.fail(word, " takes ", operands_of(op), " operands, got ", count);
      }
      if (op != ScalarOp::kCast) return draft_.add(op, args[0], args[1], args[2]);
      CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
      CARNOT_ASSIGN(const DType type, parse_dtype(scanner_));
      return draft_.cast(args[0], type);
    }
    scanner_.seek(start);
    return scanner_.fail("unknown scalar operation '", word, "'");
  }

  // The type follows the number, and tells how to read it.
  Result<int32_t> number() {
    const size_t start = scanner_.position();
    CARNOT_RETURN_IF_ERROR(scanner_.number().status());
    CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
    CARNOT_ASSIGN(const DType type, parse_dtype(scanner_));
    const size_t end = scanner_.position();
    scanner_.seek(start);
    int32_t id = 0;
    if (type == DType::kF32) {
      CARNOT_ASSIGN(const float number, scanner_.number_f32());
      id = draft_.constant(type, static_cast<double>(number));
    } else if (is_float(type)) {
      CARNOT_ASSIGN(const double number, scanner_.number());
      id = draft_.constant(type, number);
    } else if (type == DType::kU64) {
      CARNOT_ASSIGN(const uint64_t number, scanner_.unsigned_integer());
      id = draft_.constant_int(type, static_cast<int64_t>(number));
    } else if (is_integer(type) || type == DType::kBool) {
      CARNOT_ASSIGN(const int64_t number, scanner_.integer());
      if (wrap_integer(type, number) != number) {
        return scanner_.fail(number, " does not fit ", to_string(type));
      }
      id = draft_.constant_int(type, number);
    } else {
      return scanner_.fail("a scalar constant cannot be a string");
    }
    scanner_.seek(end);
    return id;
  }

  Scanner& scanner_;
  ScalarProgram draft_;  // inputs are negative ids, instructions from 0
  std::map<std::string, int32_t, std::less<>> temps_;
  int32_t highest_ = -1;
  int depth_ = 0;
};

}  // namespace

std::string to_string(const ScalarProgram& program) {
  return Printer(program).print();
}

Result<ScalarProgram> parse_scalar_program(Scanner& scanner, int32_t inputs) {
  return Parser(scanner).parse(inputs);
}

Result<ScalarProgram> parse_scalar_program(std::string_view text, int32_t inputs) {
  Scanner scanner(text, "scalar program");
  CARNOT_ASSIGN(ScalarProgram out, parse_scalar_program(scanner, inputs));
  if (!scanner.at_end()) return scanner.fail_expected("the end of the program");
  return out;
}

}  // namespace carnot
