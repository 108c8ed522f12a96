// Text of kernels. Grammar (sizes and types as in tensor/type_text.h, programs as in
// ops/scalar_text.h; every list in [] or after a word is separated by commas):
//   kernel  = 'kernel' name '{' {buffer} ['axes' axis {',' axis}] {stage | core} '}'
//   buffer  = ('input' | 'output') integer ':' type ['strides' dims]
//   axis    = '#' integer [name] '=' size
//   stage   = ('fold' combiner ':' dtype | 'store') '{'
//               ['inner' axis {',' axis}] {load} 'by' program {result} '}'
//   load    = '$' integer '=' ('load' place | 'index' size) ['within' size] [guards]
//   guards  = 'if' size '<=' size '<' size {',' ...} 'else' number
//   result  = 'result' integer '->' place
//   place   = integer dims                               buffer and index
//   core    = 'attention' ['bias'] ['{' attributes of op attention '}']
// Buffers, axes, loads are numbered in order; the numbers are there for the reader and are checked.
// In a program $i is load i and, from the number of loads on, what earlier stages folded.
#include "kernel/kernel.h"
#include "ops/attrs.h"
#include "ops/scalar_text.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

constexpr Combiner kFolds[] = {Combiner::kSum, Combiner::kProduct, Combiner::kMax,
                               Combiner::kMin, Combiner::kArgMax,  Combiner::kArgMin};

std::string print_axes(const char* word, const std::vector<Axis>& axes, size_t first) {
  std::string out;
  for (size_t i = 0; i < axes.size(); ++i) {
    const std::string name = axes[i].name.empty() ? "" : " " + print_name(axes[i].name);
    out += cat(i ? ", " : word, i ? "#" : " #", first + i, name, " = ", to_string(axes[i].size));
  }
  return out;
}

std::string print_load(const Load& load) {
  std::string out = load.buffer == kExpression
                        ? cat("index ", load.index.empty() ? "" : to_string(load.index[0]))
                        : cat("load ", load.buffer, to_string(load.index));
  if (load.within) out += " within " + to_string(*load.within);
  for (size_t i = 0; i < load.guards.size(); ++i) {
    const Guard& guard = load.guards[i];
    out += cat(i ? ", " : " if ", to_string(guard.lower), " <= ", to_string(guard.index), " < ",
               to_string(guard.upper));
  }
  const bool plain = load.guards.empty() && load.otherwise == 0;
  return plain ? out
               : out + (load.guards.empty() ? " if" : "") + " else " + print_float(load.otherwise);
}

std::string print_stage(const Stage& stage, size_t first_axis) {
  std::string out = "  ";
  if (stage.combiner == Combiner::kNone) {
    out += "store {\n";
  } else {
    out += cat("fold ", to_string(stage.combiner), " : ", to_string(stage.accumulator), " {\n");
  }
  if (!stage.inner.empty()) out += "    " + print_axes("inner", stage.inner, first_axis) + "\n";
  for (size_t i = 0; i < stage.loads.size(); ++i) {
    out += cat("    $", i, " = ", print_load(stage.loads[i]), "\n");
  }
  out += "    by " + to_string(stage.body) + "\n";
  for (const Store& store : stage.stores) {
    out += cat("    result ", store.result, " -> ", store.buffer, to_string(store.index), "\n");
  }
  return out + "  }\n";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text, "kernel") {}

  Result<Kernel> parse() {
    CARNOT_RETURN_IF_ERROR(scanner_.expect("kernel"));
    CARNOT_ASSIGN(kernel_.name, scanner_.name());
    CARNOT_RETURN_IF_ERROR(scanner_.expect("{"));
    while (scanner_.peek("input") || scanner_.peek("output")) {
      CARNOT_RETURN_IF_ERROR(buffer());
    }
    if (scanner_.accept("axes")) {
      CARNOT_ASSIGN(kernel_.axes, axes(0));
    }
    while (!scanner_.accept("}")) {
      if (scanner_.accept("attention")) {
        CARNOT_RETURN_IF_ERROR(core());
      } else {
        CARNOT_RETURN_IF_ERROR(stage());
      }
    }
    if (!scanner_.at_end()) return scanner_.fail_expected("the end of the kernel");
    return std::move(kernel_);
  }

 private:
  // A number that must be `wanted`.
  Status numbered(size_t wanted) {
    CARNOT_ASSIGN(const int64_t number, scanner_.integer());
    if (number == static_cast<int64_t>(wanted)) return {};
    return scanner_.fail("expected number ", wanted, ", found ", number);
  }

  Result<int> small_integer() {
    CARNOT_ASSIGN(const int64_t number, scanner_.integer());
    constexpr int64_t kMaxNumber = 1 << 20;
    if (number < 0 || number > kMaxNumber) return scanner_.fail("number out of range: ", number);
    return static_cast<int>(number);
  }

  Status buffer() {
    Buffer out;
    out.output = scanner_.accept("output");
    if (!out.output) CARNOT_RETURN_IF_ERROR(scanner_.expect("input"));
    CARNOT_RETURN_IF_ERROR(numbered(kernel_.buffers.size()));
    CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
    CARNOT_ASSIGN(out.type, parse_type(scanner_));
    if (scanner_.accept("strides")) {
      CARNOT_ASSIGN(out.strides, parse_dims(scanner_));
    }
    kernel_.buffers.push_back(std::move(out));
    return {};
  }

  Result<std::vector<Axis>> axes(size_t first) {
    std::vector<Axis> out;
    do {
      Axis axis;
      CARNOT_RETURN_IF_ERROR(scanner_.expect("#"));
      CARNOT_RETURN_IF_ERROR(numbered(first + out.size()));
      if (!scanner_.peek("=")) {
        CARNOT_ASSIGN(axis.name, scanner_.name());
      }
      CARNOT_RETURN_IF_ERROR(scanner_.expect("="));
      CARNOT_ASSIGN(axis.size, parse_dim(scanner_));
      out.push_back(std::move(axis));
    } while (scanner_.accept(","));
    return out;
  }

  Status core() {
    AttentionCore out;
    out.has_bias = scanner_.accept("bias");
    Op op = out.op;
    CARNOT_RETURN_IF_ERROR(parse_attrs(scanner_, op));
    out.op = std::get<op::Attention>(op);
    kernel_.attention = out;
    return {};
  }

  Result<Load> load() {
    Load out;
    if (scanner_.accept("index")) {
      out.buffer = kExpression;
      CARNOT_ASSIGN(Dim index, parse_dim(scanner_));
      out.index.push_back(std::move(index));
    } else {
      CARNOT_RETURN_IF_ERROR(scanner_.expect("load"));
      CARNOT_ASSIGN(out.buffer, small_integer());
      CARNOT_ASSIGN(out.index, parse_dims(scanner_));
    }
    if (scanner_.accept("within")) {
      CARNOT_ASSIGN(out.within, parse_dim(scanner_));
    }
    if (!scanner_.accept("if")) return out;
    while (!scanner_.accept("else")) {
      Guard guard;
      if (!out.guards.empty()) CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
      CARNOT_ASSIGN(guard.lower, parse_dim(scanner_));
      CARNOT_RETURN_IF_ERROR(scanner_.expect("<="));
      CARNOT_ASSIGN(guard.index, parse_dim(scanner_));
      CARNOT_RETURN_IF_ERROR(scanner_.expect("<"));
      CARNOT_ASSIGN(guard.upper, parse_dim(scanner_));
      out.guards.push_back(std::move(guard));
    }
    CARNOT_ASSIGN(out.otherwise, scanner_.number());
    return out;
  }

  Status stage() {
    Stage out;
    if (scanner_.accept("fold")) {
      for (const Combiner combiner : kFolds) {
        if (scanner_.accept(to_string(combiner))) out.combiner = combiner;
      }
      if (out.combiner == Combiner::kNone) return scanner_.fail_expected("a combiner");
      CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
      CARNOT_ASSIGN(out.accumulator, parse_dtype(scanner_));
    } else {
      if (!scanner_.accept("store")) return scanner_.fail_expected("'fold', 'store' or '}'");
    }
    CARNOT_RETURN_IF_ERROR(scanner_.expect("{"));
    if (scanner_.accept("inner")) {
      CARNOT_ASSIGN(out.inner, axes(kernel_.axes.size()));
    }
    while (scanner_.accept("$")) {
      CARNOT_RETURN_IF_ERROR(numbered(out.loads.size()));
      CARNOT_RETURN_IF_ERROR(scanner_.expect("="));
      CARNOT_ASSIGN(Load next, load());
      out.loads.push_back(std::move(next));
    }
    CARNOT_RETURN_IF_ERROR(scanner_.expect("by"));
    CARNOT_ASSIGN(out.body,
                  parse_scalar_program(scanner_, static_cast<int32_t>(out.loads.size()) + folds_));
    while (scanner_.accept("result")) {
      Store store;
      CARNOT_ASSIGN(store.result, small_integer());
      CARNOT_RETURN_IF_ERROR(scanner_.expect("->"));
      CARNOT_ASSIGN(store.buffer, small_integer());
      CARNOT_ASSIGN(store.index, parse_dims(scanner_));
      out.stores.push_back(std::move(store));
    }
    folds_ += out.combiner == Combiner::kNone ? 0 : 1;
    kernel_.stages.push_back(std::move(out));
    return scanner_.expect("}");
  }

  Scanner scanner_;
  Kernel kernel_;
  int32_t folds_ = 0;
};

}  // namespace

std::string print(const Kernel& kernel) {
  std::string out = "kernel " + print_name(kernel.name) + " {\n";
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    const Buffer& buffer = kernel.buffers[i];
    out += cat("  ", buffer.output ? "output " : "input ", i, ": ", to_string(buffer.type));
    out += buffer.strides.empty() ? "\n" : " strides " + to_string(buffer.strides) + "\n";
  }
  if (!kernel.axes.empty()) out += "  " + print_axes("axes", kernel.axes, 0) + "\n";
  for (const Stage& stage : kernel.stages) out += print_stage(stage, kernel.axes.size());
  if (kernel.attention) {
    out += kernel.attention->has_bias ? "  attention bias" : "  attention";
    out += braces_text(kernel.attention->op) + "\n";
  }
  return out + "}\n";
}

Result<Kernel> parse_kernel(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace carnot
