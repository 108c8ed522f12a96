// From text to a Graph; the grammar is in ir/text.h.
#include <unordered_map>

#include "base/text.h"
#include "ir/text.h"
#include "ops/attrs.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

class Parser {
 public:
  Parser(Scanner& scanner, const ConstantTable* constants)
      : scanner_(scanner), constants_(constants) {}

  // The stack's depth is that of nesting, which is bounded.
  Result<Graph> graph(int depth);

 private:
  Status inputs();
  Result<std::vector<Value*>> operands();
  Status node(int depth);
  Status returns();
  Status check_types(const Node& node, size_t start);
  Result<std::vector<std::unique_ptr<Graph>>> regions(int depth);
  Result<std::string> value_name();
  Result<Value*> value();
  Status define(Value* value, const std::string& name, size_t start);
  Status fail_at(size_t position, const std::string& message) {
    scanner_.seek(position);
    return scanner_.fail(message);
  }

  Scanner& scanner_;
  const ConstantTable* constants_;
  Graph graph_;
  std::unordered_map<std::string, Value*> values_;
};

Result<std::string> Parser::value_name() {
  CARNOT_RETURN_IF_ERROR(scanner_.expect("%"));
  return scanner_.name();
}

Result<Value*> Parser::value() {
  const size_t start = scanner_.position();
  CARNOT_ASSIGN(const std::string name, value_name());
  const auto found = values_.find(name);
  if (found == values_.end()) {
    return fail_at(start, cat("%", print_name(name), " is not defined before this use"));
  }
  return found->second;
}

Status Parser::define(Value* value, const std::string& name, size_t start) {
  if (values_.emplace(name, value).second) return {};
  return fail_at(start, cat("%", print_name(name), " is defined twice"));
}

Status Parser::inputs() {
  CARNOT_RETURN_IF_ERROR(scanner_.expect("("));
  if (scanner_.accept(")")) return {};
  do {
    const size_t start = scanner_.position();
    CARNOT_ASSIGN(const std::string name, value_name());
    CARNOT_RETURN_IF_ERROR(scanner_.expect(":"));
    CARNOT_ASSIGN(TensorType type, parse_type(scanner_));
    CARNOT_RETURN_IF_ERROR(define(graph_.add_input(name, std::move(type)), name, start));
  } while (scanner_.accept(","));
  return scanner_.expect(")");
}

Result<std::vector<std::unique_ptr<Graph>>> Parser::regions(int depth) {
  std::vector<std::unique_ptr<Graph>> out;
  CARNOT_RETURN_IF_ERROR(scanner_.expect("{"));
  while (!scanner_.accept("}")) {
    CARNOT_ASSIGN(Graph region, Parser(scanner_, constants_).graph(depth + 1));
    out.push_back(std::make_unique<Graph>(std::move(region)));
  }
  return out;
}

Status Parser::check_types(const Node& node, size_t start) {
  if (!scanner_.accept(":")) return {};
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (i > 0) CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
    CARNOT_ASSIGN(const TensorType type, parse_type(scanner_));
    const TensorType& inferred = node.outputs[i]->type();
    if (!(type == inferred)) {
      return fail_at(start, cat("result ", i, " of ", name(node.op), " is written as ",
                                to_string(type), ", but is ", to_string(inferred)));
    }
  }
  return {};
}

// An operation that takes none may leave out the parentheses.
Result<std::vector<Value*>> Parser::operands() {
  std::vector<Value*> out;
  if (!scanner_.accept("(")) return out;
  while (!scanner_.peek(")")) {
    if (!out.empty()) CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
    CARNOT_ASSIGN(Value * operand, value());
    out.push_back(operand);
  }
  CARNOT_RETURN_IF_ERROR(scanner_.expect(")"));
  return out;
}

Status Parser::node(int depth) {
  const size_t start = scanner_.position();
  std::vector<std::string> names;
  if (scanner_.peek("%")) {
    do {
      CARNOT_ASSIGN(std::string name, value_name());
      names.push_back(std::move(name));
    } while (scanner_.accept(","));
    CARNOT_RETURN_IF_ERROR(scanner_.expect("="));
  }
  const size_t op_start = scanner_.position();
  CARNOT_ASSIGN(const std::string_view op_name, scanner_.identifier());
  std::optional<Op> op = make_op(op_name);
  if (!op) return fail_at(op_start, cat("no operation is named ", quote(op_name)));
  CARNOT_ASSIGN(std::vector<Value*> inputs, operands());

  std::vector<std::unique_ptr<Graph>> nested;
  const auto peek_regions = [&] {  // `{ graph` where attributes would say `{ name =`
    const size_t position = scanner_.position();
    const bool found = scanner_.accept("{") && scanner_.peek("graph");
    scanner_.seek(position);
    return found;
  };
  const bool may_nest = region_count(*op) > 0;
  if (!may_nest || !peek_regions()) {
    CARNOT_RETURN_IF_ERROR(
        parse_attrs(scanner_, *op, {constants_, static_cast<int32_t>(inputs.size())}));
  }
  if (may_nest) {
    CARNOT_ASSIGN(nested, regions(depth));
  }
  Result<Node*> node =
      graph_.add(std::move(*op), std::move(inputs), {}, names, nullptr, std::move(nested));
  if (!node.ok()) return fail_at(start, node.status().message());
  if ((*node)->outputs.size() != names.size()) {
    return fail_at(start, cat(op_name, " gives ", (*node)->outputs.size(), " results, ",
                              names.size(), " are named"));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(define((*node)->outputs[i], names[i], start));
  }
  return check_types(**node, start);
}

Status Parser::returns() {
  std::vector<Value*> outputs;
  std::vector<std::string> names;
  while (!scanner_.peek("}")) {
    if (!outputs.empty()) CARNOT_RETURN_IF_ERROR(scanner_.expect(","));
    CARNOT_ASSIGN(Value * output, value());
    outputs.push_back(output);
    names.push_back(output->name);
    if (scanner_.accept("as")) {
      CARNOT_ASSIGN(names.back(), scanner_.string());
    }
  }
  graph_.set_outputs(std::move(outputs));
  graph_.output_names = std::move(names);
  return scanner_.expect("}");
}

Result<Graph> Parser::graph(int depth) {
  if (depth > Graph::kMaxNesting) {
    return scanner_.fail("graphs nest deeper than ", Graph::kMaxNesting);
  }
  CARNOT_RETURN_IF_ERROR(scanner_.expect("graph"));
  graph_.name.clear();
  if (!scanner_.peek("(")) {
    CARNOT_ASSIGN(graph_.name, scanner_.name());
  }
  CARNOT_RETURN_IF_ERROR(inputs());
  CARNOT_RETURN_IF_ERROR(scanner_.expect("{"));
  while (!scanner_.accept("return")) CARNOT_RETURN_IF_ERROR(node(depth));
  CARNOT_RETURN_IF_ERROR(returns());
  return std::move(graph_);
}

}  // namespace

Result<Graph> parse_graph(std::string_view text, const ParseOptions& options) {
  Scanner scanner(text, options.source);
  CARNOT_ASSIGN(Graph graph, Parser(scanner, options.constants).graph(1));
  if (!scanner.at_end()) return scanner.fail_expected("the end of the text");
  if (Status status = verify(graph); !status.ok()) {
    return error(Code::kInvalidArgument, options.source, ": ", status.message());
  }
  return graph;
}

Result<Graph> parse_graph(std::string_view text) {
  return parse_graph(text, ParseOptions{});
}

}  // namespace carnot
