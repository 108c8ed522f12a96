#include "tests/ops/op_case.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/bind.h"
#include "ops/elements.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r") + 1);
  return text;
}

// The first '#' after a space, outside quotes and braces.
size_t find_comment(const std::string& line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) quoted = !quoted;
    const bool apart = i == 0 || line[i - 1] == ' ';
    if (!quoted && apart && line.compare(i, 2, "# ") == 0) return i;
  }
  return line.size();
}

Result<OpCase::Operand> parse_operand(Scanner& scanner) {
  OpCase::Operand out;
  CARNOT_ASSIGN(out.type, parse_type(scanner));
  if (!peek_content(scanner)) return out;
  Shape shape;
  for (const Dim& dim : out.type.dims) {
    if (!dim.is_constant()) return scanner.fail("a tensor's sizes are numbers");
    shape.push_back(dim.value());
  }
  CARNOT_ASSIGN(out.value, parse_content(scanner, out.type.dtype, std::move(shape)));
  return out;
}

}  // namespace

std::vector<Info> infos_of(const OpCase& test) {
  std::vector<Info> out;
  for (const OpCase::Operand& operand : test.operands) {
    out.push_back({operand.type, std::nullopt});
    if (operand.value) out.back().elements = known_elements(*operand.value);
  }
  return out;
}

Symbols choose_sizes(const OpCase& test, const std::vector<Info>& infos) {
  std::vector<std::string> names;
  for (const Info& info : infos) attr::collect_symbols(info.type, names);
  Op op = test.op;
  for_each_dim(op, [&](const Dim& dim) { dim.collect_symbols(names); });
  const std::vector<std::string> defined = defined_symbols(test.op, infos);
  Symbols out;
  constexpr int64_t kSizes[] = {3, 2, 5, 4, 7, 6};
  for (const std::string& name : names) {
    if (std::find(defined.begin(), defined.end(), name) != defined.end()) continue;
    out.emplace(name, kSizes[out.size() % std::size(kSizes)]);
  }
  return out;
}

Result<std::vector<Tensor>> make_operands(const OpCase& test, const Symbols& sizes, Fill kind) {
  std::vector<Tensor> out;
  for (const OpCase::Operand& operand : test.operands) {
    if (operand.value) {
      out.push_back(*operand.value);
      continue;
    }
    const auto shape = known_shape(operand.type.dims, sizes);
    if (!shape) return error(Code::kInternal, "no shape for ", to_string(operand.type));
    CARNOT_ASSIGN(Tensor filled, fill(operand.type.dtype, *shape, 17 + out.size(), kind));
    out.push_back(std::move(filled));
  }
  return out;
}

// By the executor, or by the user's code.
bool runs_elsewhere(const Op& op) {
  return std::holds_alternative<op::Fused>(op) || std::holds_alternative<op::Custom>(op) ||
         std::holds_alternative<op::If>(op) || std::holds_alternative<op::Loop>(op) ||
         std::holds_alternative<op::Scan>(op);
}

namespace {

Status check_text(const OpCase& test) {
  const std::string text = attrs_text(test.op);
  Scanner scanner(text);
  CARNOT_ASSIGN(const std::string_view word, scanner.identifier());
  std::optional<Op> back = make_op(word);
  if (!back) return error(Code::kInternal, "no operation is named ", word);
  const AttrContext context{nullptr, static_cast<int32_t>(test.operands.size())};
  CARNOT_RETURN_IF_ERROR(parse_attrs(scanner, *back, context));
  if (attrs_text(*back) != text || hash(*back) != hash(test.op)) {
    return error(Code::kInternal, "printed ", text, ", read back ", attrs_text(*back));
  }
  return {};
}

// What infer() said against what reference() computed.
Status check_result(const Info& info, const Tensor& got, Symbols& sizes) {
  if (got.dtype() != info.type.dtype) {
    return error(Code::kWrongResult, "infer says ", to_string(info.type), ", reference gives ",
                 to_string(got.type()));
  }
  CARNOT_RETURN_IF_ERROR(bind_symbols(info.type.dims, got.shape(), sizes)
                             .with(cat("infer says ", to_string(info.type), ", reference gives ",
                                       to_string(got.type()))));
  if (!info.elements) return {};
  for (size_t i = 0; i < info.elements->size(); ++i) {
    const Result<int64_t> element = evaluate((*info.elements)[i], sizes);
    if (!element.ok()) continue;  // a symbol that only the graph defines
    if (*element != got.get_int(static_cast<int64_t>(i))) {
      return error(Code::kWrongResult, "infer knows element ", i, " as ", *element,
                   ", reference gives ", to_string(got));
    }
  }
  return {};
}

Status check_expected(const OpCase& test, const std::vector<Tensor>& got) {
  for (size_t i = 0; i < test.results.size(); ++i) {
    if (!test.results[i].value) continue;
    const Tensor& want = *test.results[i].value;
    const Difference difference = compare(got[i], want, tolerance(test.op, want.dtype()));
    if (!difference.ok) {
      return error(Code::kWrongResult, "result ", i, ": ", difference.first,
                   "; all of it: ", print_whole(got[i]));
    }
  }
  return {};
}

Status run_reference(const OpCase& test, const std::vector<Info>& infos,
                     const std::vector<Info>& results, std::vector<Tensor>* computed) {
  const Symbols chosen = choose_sizes(test, infos);
  const Op concrete = with_symbols(test.op, chosen);
  for (const Fill kind : {Fill::kUniform, Fill::kProvoking}) {
    CARNOT_ASSIGN(const std::vector<Tensor> operands, make_operands(test, chosen, kind));
    const Result<std::vector<Tensor>> got = reference(concrete, operands);
    // Provoking numbers may be indices out of range, and so on: an answer is not owed.
    if (!got.ok() && kind == Fill::kProvoking) continue;
    if (!got.ok()) return Status(got.status()).with("reference");
    if (got->size() != results.size()) {
      return error(Code::kWrongResult, "infer gives ", results.size(), " results, reference ",
                   got->size());
    }
    Symbols sizes = chosen;
    for (size_t i = 0; i < results.size(); ++i) {
      CARNOT_RETURN_IF_ERROR(check_result(results[i], (*got)[i], sizes).with(cat("result ", i)));
    }
    if (kind == Fill::kUniform) *computed = *got;
  }
  return {};
}

std::string print_results(const OpCase& test, const std::vector<Info>& infos,
                          const std::vector<Tensor>& computed) {
  std::string out;
  for (size_t i = 0; i < infos.size(); ++i) {
    const bool whole = i < test.results.size() && test.results[i].value && i < computed.size();
    out += (i ? ", " : "") + (whole ? print_whole(computed[i]) : to_string(infos[i].type));
  }
  return out;
}

}  // namespace

Result<std::optional<OpCase>> parse_op_case(const std::string& line) {
  OpCase out;
  const size_t comment = find_comment(line);
  std::string text = trimmed(line.substr(0, comment));
  if (text.empty() || text[0] == '#') return std::optional<OpCase>();
  if (comment < line.size()) out.comment = trimmed(line.substr(comment + 2));
  out.refused = text[0] == '!';
  const size_t begin = out.refused ? 1 : 0;
  Scanner scanner(std::string_view(text).substr(begin), "case");
  CARNOT_ASSIGN(const std::string_view word, scanner.identifier());
  const std::optional<Op> op = make_op(word);
  if (!op) return scanner.fail("no operation is named '", word, "'");
  out.op = *op;
  CARNOT_RETURN_IF_ERROR(scanner.expect("("));
  while (!scanner.accept(")")) {
    if (!out.operands.empty()) CARNOT_RETURN_IF_ERROR(scanner.expect(","));
    CARNOT_ASSIGN(OpCase::Operand operand, parse_operand(scanner));
    out.operands.push_back(std::move(operand));
  }
  CARNOT_RETURN_IF_ERROR(
      parse_attrs(scanner, out.op, {nullptr, static_cast<int32_t>(out.operands.size())}));
  out.text = trimmed(text.substr(0, begin + scanner.position()));
  out.states_results = scanner.accept("->");
  if (out.states_results) {
    do {
      CARNOT_ASSIGN(OpCase::Operand result, parse_operand(scanner));
      out.results.push_back(std::move(result));
    } while (scanner.accept(","));
  }
  if (!scanner.at_end()) return scanner.fail_expected("'->' or the end of the line");
  return std::optional(std::move(out));
}

Status run_op_case(const OpCase& test, std::string* blessed) {
  const auto with_comment = [](const std::string& text, const std::string& comment) {
    return comment.empty() ? text : text + "  # " + comment;
  };
  const std::vector<Info> infos = infos_of(test);
  const Result<std::vector<Info>> results = infer(test.op, infos);
  *blessed = with_comment(test.text, test.comment);
  if (test.refused) {
    if (results.ok()) return error(Code::kWrongResult, "infer accepts it");
    const std::string& message = results.status().message();
    *blessed = with_comment(test.text, message);
    if (message == test.comment) return {};
    return error(Code::kWrongResult, "it is refused with: ", message);
  }
  if (!results.ok()) return Status(results.status()).with("infer");
  CARNOT_RETURN_IF_ERROR(check_text(test));
  std::vector<Tensor> computed;
  if (!runs_elsewhere(test.op)) {
    CARNOT_RETURN_IF_ERROR(run_reference(test, infos, *results, &computed));
  }
  if (!test.states_results) return {};
  *blessed =
      with_comment(test.text + " -> " + print_results(test, *results, computed), test.comment);
  if (test.results.size() != results->size()) {
    return error(Code::kWrongResult, "infer gives ", results->size(), " results");
  }
  for (size_t i = 0; i < results->size(); ++i) {
    if (test.results[i].type == (*results)[i].type) continue;
    // Numbers are stated for a shape that infer() cannot tell.
    if (test.results[i].value && !(*results)[i].type.is_static()) continue;
    return error(Code::kWrongResult, "result ", i, " is ", to_string((*results)[i].type));
  }
  return computed.empty() ? Status() : check_expected(test, computed);
}

}  // namespace carnot
