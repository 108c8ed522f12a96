// Text of a plan. Grammar (name, string, integer, number as the Scanner reads them; dim, type as in
// tensor/type_text.h; attrs as in ops/attrs.h):
//   plan   = 'plan' name ['device' string] '{' {item} '}'
//   item   = 'input' string at | 'output' string at | buffer | check | step
//   buffer = 'buffer' at string type place ['host']            numbered from 0, in order
//   place  = 'arena' | 'dynamic' | 'input' integer | 'output' integer | 'constant' integer
//          | 'view' 'of' at ['+' dim]
//   check  = 'check' dim '==' dim string
//   step   = 'step' ('kernel' | 'host' | 'if' | 'loop' | 'scan' | 'copy' | 'custom') string
//            list '->' list {field}
//   list   = '(' [at {',' at}] ')'
//   at     = '@' integer
//   field  = 'entry' string | 'kernel' integer | 'arguments' list | 'params' dims | 'tasks' dim
//          | 'scratch' dim | 'op' word attrs | 'defines' '[' symbol {',' symbol} ']'
//          | 'origin' '[' string {',' string} ']' | 'predicted' number | 'measured' number
//          | 'note' string | 'regions' '{' {plan} '}'
// Fields that have their defaults are not printed. Times are microseconds.
#include <limits>

#include "base/text.h"
#include "ops/attrs.h"
#include "plan/plan.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

class Printer {
 public:
  std::string plan(const Plan& plan) {
    print_plan(plan, "");
    return std::move(out_);
  }

 private:
  void print_plan(const Plan& plan, const std::string& indent);
  void print_buffer(const PlanBuffer& buffer, size_t i);
  void print_step(const Step& step, const std::string& indent);

  template <class... Args>
  void put(const Args&... args) {
    out_ += cat(args...);
  }
  template <class T, class F>
  void list(const char* open, const std::vector<T>& items, const char* close, const F& text) {
    put(open);
    for (size_t i = 0; i < items.size(); ++i) put(i ? ", " : "", text(items[i]));
    put(close);
  }
  void buffers(const std::vector<int>& indices) {
    list("(", indices, ")", [](int i) { return cat("@", i); });
  }

  std::string out_;
};

void Printer::print_plan(const Plan& plan, const std::string& indent) {
  put(indent, "plan ", print_name(plan.name));
  if (plan.device != Plan().device) put(" device ", quote(plan.device));
  put(" {\n");
  const std::string inner = indent + "  ";
  for (const PlanOutput& input : plan.inputs) {
    put(inner, "input ", quote(input.name), " @", input.buffer, "\n");
  }
  for (const PlanOutput& output : plan.outputs) {
    put(inner, "output ", quote(output.name), " @", output.buffer, "\n");
  }
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    put(inner);
    print_buffer(plan.buffers[i], i);
  }
  for (const ShapeCheck& check : plan.checks) {
    put(inner, "check ", to_string(check.a), " == ", to_string(check.b), " ", quote(check.what),
        "\n");
  }
  for (const Step& step : plan.steps) print_step(step, inner);
  put(indent, "}\n");
}

void Printer::print_buffer(const PlanBuffer& buffer, size_t i) {
  put("buffer @", i, " ", quote(buffer.name), " ", to_string(buffer.type));
  if (buffer.view_of >= 0) {
    put(" view of @", buffer.view_of);
    if (!buffer.offset.is(0)) put(" + ", to_string(buffer.offset));
  } else {
    switch (buffer.place) {
      case Place::kArena:
        put(" arena");
        break;
      case Place::kDynamic:
        put(" dynamic");
        break;
      case Place::kInput:
        put(" input ", buffer.index);
        break;
      case Place::kOutput:
        put(" output ", buffer.index);
        break;
      case Place::kConstant:
        put(" constant ", buffer.index);
        break;
      case Place::kFault:
        put(" fault");
        break;
    }
    if (buffer.host) put(" host");
  }
  put("\n");
}

void Printer::print_step(const Step& step, const std::string& indent) {
  const Step defaults;
  const std::string next = "\n" + indent + "  ";  // a line of its own for each group of fields
  put(indent, "step ", Step::kKindNames[step.kind], " ", quote(step.tactic), " ");
  buffers(step.inputs);
  put(" -> ");
  buffers(step.outputs);
  if (step.kind == Step::kKernel) {
    put(next, "entry ", quote(step.entry));
    if (step.kernel != defaults.kernel) put(" kernel ", step.kernel);
    put(" arguments ");
    buffers(step.arguments);
    if (!step.params.empty()) put(" params ", to_string(step.params));
    if (!(step.tasks == defaults.tasks)) put(" tasks ", to_string(step.tasks));
    if (!(step.scratch_bytes == defaults.scratch_bytes)) {
      put(" scratch ", to_string(step.scratch_bytes));
    }
  } else if (step.kind != Step::kCopy) {
    put(next, "op ", attrs_text(step.op));
  }
  if (!step.defines.empty()) {
    list(" defines [", step.defines, "]",
         [](const std::string& name) { return to_string(Dim::symbol(name)); });
  }
  const bool timed = step.predicted_us != 0 || step.measured_us != 0 || !step.note.empty();
  if (!step.origin.empty()) list((next + "origin [").c_str(), step.origin, "]", quote);
  if (timed) {
    put(step.origin.empty() ? next.c_str() : " ");
    const char* space = "";
    const auto time = [&](const char* name, double value) {
      if (value == 0) return;
      put(space, name, " ", print_float(value));
      space = " ";
    };
    time("predicted", step.predicted_us);
    time("measured", step.measured_us);
    if (!step.note.empty()) put(space, "note ", quote(step.note));
  }
  if (!step.regions.empty()) {
    put(next, "regions {\n");
    for (const auto& region : step.regions) print_plan(*region, indent + "    ");
    put(indent, "  }");
  }
  put("\n");
}

class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text, "plan") {}

  Result<Plan> whole() {
    CARNOT_ASSIGN(Plan out, plan(1));
    if (!in_.at_end()) return in_.fail_expected("the end of the text");
    return out;
  }

 private:
  Result<Plan> plan(int depth);
  Status item(Plan& plan, int depth);
  Status check(Plan& plan);
  Status buffer(Plan& plan);
  Status place(PlanBuffer& buffer);
  Status step(Plan& plan, int depth);
  Status field(Step& step, int depth);
  Status call_field(Step& step);
  Status regions(Step& step, int depth);
  Status expect_field();

  Result<std::string> symbol();
  Result<int> small();
  Result<int> at();
  Result<std::vector<int>> at_list();
  Result<PlanOutput> port();
  template <class F>
  Status bracketed(const F& one);
  template <class T>
  static Status into(T& to, Result<T> from) {
    if (!from.ok()) return std::move(from).status();
    to = std::move(*from);
    return {};
  }

  Scanner in_;
};

Result<int> Parser::small() {
  const size_t start = in_.position();
  CARNOT_ASSIGN(const int64_t value, in_.integer());
  if (value >= 0 && value <= std::numeric_limits<int>::max()) return static_cast<int>(value);
  in_.seek(start);
  return in_.fail("the index ", value, " is out of range");
}

Result<std::string> Parser::symbol() {
  const size_t start = in_.position();
  CARNOT_ASSIGN(const Dim dim, parse_dim(in_));
  if (auto name = dim.as_symbol()) return std::move(*name);
  in_.seek(start);
  return in_.fail_expected("a symbol");
}

Result<int> Parser::at() {
  CARNOT_RETURN_IF_ERROR(in_.expect("@"));
  return small();
}

Result<std::vector<int>> Parser::at_list() {
  std::vector<int> out;
  CARNOT_RETURN_IF_ERROR(in_.expect("("));
  if (in_.accept(")")) return out;
  do {
    CARNOT_ASSIGN(const int index, at());
    out.push_back(index);
  } while (in_.accept(","));
  CARNOT_RETURN_IF_ERROR(in_.expect(")"));
  return out;
}

template <class F>
Status Parser::bracketed(const F& one) {
  CARNOT_RETURN_IF_ERROR(in_.expect("["));
  do {
    CARNOT_RETURN_IF_ERROR(one());
  } while (in_.accept(","));
  return in_.expect("]");
}

Result<PlanOutput> Parser::port() {
  PlanOutput out;
  CARNOT_ASSIGN(out.name, in_.string());
  CARNOT_ASSIGN(out.buffer, at());
  return out;
}

Result<Plan> Parser::plan(int depth) {
  if (depth > kPlanNestingMax) {
    return in_.fail("plans are nested more than ", kPlanNestingMax, " deep");
  }
  Plan out;
  CARNOT_RETURN_IF_ERROR(in_.expect("plan"));
  CARNOT_ASSIGN(out.name, in_.name());
  if (in_.accept("device")) CARNOT_RETURN_IF_ERROR(into(out.device, in_.string()));
  CARNOT_RETURN_IF_ERROR(in_.expect("{"));
  while (!in_.accept("}")) CARNOT_RETURN_IF_ERROR(item(out, depth));
  return out;
}

Status Parser::item(Plan& plan, int depth) {
  if (in_.accept("input")) return into(plan.inputs.emplace_back(), port());
  if (in_.accept("output")) return into(plan.outputs.emplace_back(), port());
  if (in_.accept("buffer")) return buffer(plan);
  if (in_.accept("step")) return step(plan, depth);
  if (in_.accept("check")) return check(plan);
  return in_.fail_expected("input, output, buffer, check, step or '}'");
}

Status Parser::check(Plan& plan) {
  ShapeCheck out;
  CARNOT_RETURN_IF_ERROR(into(out.a, parse_dim(in_)));
  CARNOT_RETURN_IF_ERROR(in_.expect("=="));
  CARNOT_RETURN_IF_ERROR(into(out.b, parse_dim(in_)));
  CARNOT_RETURN_IF_ERROR(into(out.what, in_.string()));
  plan.checks.push_back(std::move(out));
  return {};
}

Status Parser::buffer(Plan& plan) {
  const size_t start = in_.position();
  CARNOT_ASSIGN(const int index, at());
  if (static_cast<size_t>(index) != plan.buffers.size()) {
    in_.seek(start);
    return in_.fail("the next buffer is @", plan.buffers.size(), ", not @", index);
  }
  PlanBuffer out;
  CARNOT_RETURN_IF_ERROR(into(out.name, in_.string()));
  CARNOT_RETURN_IF_ERROR(into(out.type, parse_type(in_)));
  CARNOT_RETURN_IF_ERROR(place(out));
  out.host = out.view_of < 0 && in_.accept("host");
  plan.buffers.push_back(std::move(out));
  return {};
}

Status Parser::place(PlanBuffer& buffer) {
  const auto indexed = [&](Place where) {
    buffer.place = where;
    return into(buffer.index, small());
  };
  if (in_.accept("arena")) return {};
  if (in_.accept("dynamic")) return buffer.place = Place::kDynamic, Status();
  if (in_.accept("fault")) return buffer.place = Place::kFault, Status();
  if (in_.accept("input")) return indexed(Place::kInput);
  if (in_.accept("output")) return indexed(Place::kOutput);
  if (in_.accept("constant")) return indexed(Place::kConstant);
  if (!in_.accept("view")) {
    return in_.fail_expected("arena, dynamic, input, output, constant, fault or view");
  }
  CARNOT_RETURN_IF_ERROR(in_.expect("of"));
  CARNOT_RETURN_IF_ERROR(into(buffer.view_of, at()));
  if (in_.accept("+")) CARNOT_RETURN_IF_ERROR(into(buffer.offset, parse_dim(in_)));
  return {};
}

Status Parser::step(Plan& plan, int depth) {
  Step out;
  int kind = 0;
  while (!in_.accept(Step::kKindNames[kind])) {
    if (++kind == static_cast<int>(std::size(Step::kKindNames))) {
      return in_.fail_expected("kernel, host, if, loop, scan, copy or custom");
    }
  }
  out.kind = static_cast<Step::Kind>(kind);
  CARNOT_RETURN_IF_ERROR(into(out.tactic, in_.string()));
  CARNOT_RETURN_IF_ERROR(into(out.inputs, at_list()));
  CARNOT_RETURN_IF_ERROR(in_.expect("->"));
  CARNOT_RETURN_IF_ERROR(into(out.outputs, at_list()));
  while (in_.kind() == TokenKind::kIdentifier && !in_.peek("step") && !in_.peek("buffer") &&
         !in_.peek("check") && !in_.peek("input") && !in_.peek("output")) {
    CARNOT_RETURN_IF_ERROR(field(out, depth));
  }
  plan.steps.push_back(std::move(out));
  return {};
}

Status Parser::field(Step& step, int depth) {
  if (in_.accept("predicted")) return into(step.predicted_us, in_.number());
  if (in_.accept("measured")) return into(step.measured_us, in_.number());
  if (in_.accept("note")) return into(step.note, in_.string());
  if (in_.accept("origin")) {
    return bracketed([&] { return into(step.origin.emplace_back(), in_.string()); });
  }
  if (in_.accept("defines")) {
    return bracketed([&] { return into(step.defines.emplace_back(), symbol()); });
  }
  if (step.kind == Step::kKernel) return call_field(step);
  if (step.kind == Step::kCopy) return expect_field();
  if (in_.accept("regions")) return regions(step, depth);
  if (!in_.accept("op")) return expect_field();
  const size_t start = in_.position();
  CARNOT_ASSIGN(const std::string_view word, in_.identifier());
  std::optional<Op> op = make_op(word);
  if (!op) {
    in_.seek(start);
    return in_.fail("there is no operation '", word, "'");
  }
  step.op = std::move(*op);
  const auto operands = static_cast<int32_t>(step.inputs.size());
  return parse_attrs(in_, step.op, {.constants = nullptr, .operands = operands});
}

Status Parser::call_field(Step& step) {
  if (in_.accept("entry")) return into(step.entry, in_.string());
  if (in_.accept("kernel")) return into(step.kernel, small());
  if (in_.accept("arguments")) return into(step.arguments, at_list());
  if (in_.accept("params")) return into(step.params, parse_dims(in_));
  if (in_.accept("tasks")) return into(step.tasks, parse_dim(in_));
  if (in_.accept("scratch")) return into(step.scratch_bytes, parse_dim(in_));
  return expect_field();
}

Status Parser::regions(Step& step, int depth) {
  CARNOT_RETURN_IF_ERROR(in_.expect("{"));
  while (!in_.accept("}")) {
    CARNOT_ASSIGN(Plan region, plan(depth + 1));
    step.regions.push_back(std::make_unique<Plan>(std::move(region)));
  }
  return {};
}

Status Parser::expect_field() {
  return in_.fail_expected("a field of a step");
}

}  // namespace

std::string print(const Plan& plan) {
  return Printer().plan(plan);
}

Result<Plan> parse_plan(std::string_view text) {
  return Parser(text).whole();
}

}  // namespace carnot
