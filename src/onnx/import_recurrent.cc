// LSTM, GRU and RNN.
#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

struct ActivationRow {
  std::string_view name;
  const char* body;  ///< A and B stand for alpha and beta
  double alpha, beta;
};
constexpr ActivationRow kActivations[] = {
    {"relu", "max($0, 0.0:T)", 0, 0},
    {"tanh", "tanh($0)", 0, 0},
    {"sigmoid", "sigmoid($0)", 0, 0},
    {"affine", "add(mul($0, A), B)", 1, 0},
    {"leakyrelu", "select(ge($0, 0.0:T), $0, mul($0, A))", 0.01, 0},
    {"thresholdedrelu", "select(gt($0, A), $0, 0.0:T)", 1, 0},
    {"scaledtanh", "mul(A, tanh(mul(B, $0)))", 1, 1},
    {"hardsigmoid", "max(0.0:T, min(1.0:T, add(mul($0, A), B)))", 0.2, 0.5},
    {"elu", "select(ge($0, 0.0:T), $0, mul(A, sub(exp($0), 1.0:T)))", 1, 0},
    {"softsign", "div($0, add(1.0:T, abs($0)))", 0, 0},
    {"softplus", "add(max($0, 0.0:T), log(add(1.0:T, exp(neg(abs($0))))))", 0, 0},
};

/// The row's body with its numbers; the lists of alphas and betas are shared by those that use one.
std::string activation_body(const ActivationRow& row, DType dtype, double alpha, double beta) {
  std::string out;
  for (const char* c = row.body; *c; ++c) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c[1])) ||
                        (c != row.body && std::isalpha(static_cast<unsigned char>(c[-1])));
    if (*c == 'A' && !letter) {
      out += print_float(alpha) + ":" + to_string(dtype);
    } else if (*c == 'B' && !letter) {
      out += print_float(beta) + ":" + to_string(dtype);
    } else if (*c == 'T' && !letter) {
      out += to_string(dtype);
    } else {
      out += *c;
    }
  }
  return out;
}

std::vector<ScalarProgram> activations(NodeImport& n, DType dtype) {
  std::vector<ScalarProgram> out;
  const std::vector<double> alphas = n.reals("activation_alpha"),
                            betas = n.reals("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  for (std::string name : n.texts("activations")) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto row = std::find_if(std::begin(kActivations), std::end(kActivations),
                                  [&](const ActivationRow& r) { return r.name == name; });
    if (row == std::end(kActivations)) n.invalid("the activation ", quote(name), " is unknown");
    const std::string_view body = row->body;
    double alpha = row->alpha, beta = row->beta;
    if (body.find('A') != body.npos && next_alpha < alphas.size()) alpha = alphas[next_alpha++];
    if (body.find('B') != body.npos && next_beta < betas.size()) beta = betas[next_beta++];
    out.push_back(n.take(parse_scalar_program(activation_body(*row, dtype, alpha, beta), 1)));
  }
  return out;
}

op::Recurrent::Direction direction(NodeImport& n) {
  const std::string text = n.text("direction", "forward");
  if (text == "forward") return op::Recurrent::kForward;
  if (text == "reverse") return op::Recurrent::kReverse;
  if (text == "bidirectional") return op::Recurrent::kBidirectional;
  n.invalid("the direction ", quote(text), " is unknown");
}

void recurrent(NodeImport& n) {
  op::Recurrent op;
  op.kind = n.type() == "LSTM"  ? op::Recurrent::kLstm
            : n.type() == "GRU" ? op::Recurrent::kGru
                                : op::Recurrent::kRnn;
  op.direction = direction(n);
  op.clip = n.real("clip", 0);
  op.input_forget = n.flag("input_forget", false);
  op.linear_before_reset = n.flag("linear_before_reset", false);
  const bool batch_first = n.flag("layout", false);
  Value* x = n.in(0);
  const DType dtype = x->type().dtype;
  op.activations = activations(n, dtype);
  if (n.rank(0) != 3 || n.rank(2) != 3) n.invalid("needs operands of rank 3");
  // R is [directions, gates * hidden, hidden].
  const Dim& hidden = n.type(2).dims[2];
  op.hidden = n.integer("hidden_size", hidden.is_constant() ? hidden.value() : 0);
  if (op.hidden < 1) n.invalid("the hidden size is ", op.hidden);
  if (batch_first) x = n.transpose(x, {1, 0, 2});
  Values operands = {x, n.in(1), n.in(2)};
  for (size_t i = 3; i < n.input_count(); ++i) {
    Value* operand = n.opt(i);
    const bool state = i == 5 || i == 6;
    if (operand && state && batch_first) operand = n.transpose(operand, {1, 0, 2});
    if (!operand) {
      operand = n.constant(Tensor::zeros(i == 4 ? DType::kI32 : dtype, Shape(i == 4 ? 1 : 2, 0)));
    }
    operands.push_back(operand);
  }
  Node* const node = n.add(std::move(op), operands);
  if (n.wants(0)) {
    Value* const y = node->outputs[0];
    n.out(0, batch_first ? n.transpose(y, {2, 0, 1, 3}) : y);
  }
  for (size_t i = 1; i < node->outputs.size(); ++i) {
    if (!n.wants(i)) continue;
    n.out(i, batch_first ? n.transpose(node->outputs[i], {1, 0, 2}) : node->outputs[i]);
  }
}

constexpr ImportRow kRows[] = {
    {"GRU", 1, kNewest, 3, 6, 2, recurrent},
    {"LSTM", 1, kNewest, 3, 8, 3, recurrent},
    {"RNN", 1, kNewest, 3, 6, 2, recurrent},
};

}  // namespace

std::span<const ImportRow> recurrent_rows() {
  return kRows;
}

}  // namespace carnot::onnx
