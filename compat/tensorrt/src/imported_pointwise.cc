// Pointwise operations of imported models as the layers that people know.
#include <array>
#include <limits>

#include "imported_as.h"

namespace trt {

using carnot::ScalarOp;
namespace op = carnot::op;

namespace {

std::optional<UnaryOperation> unary_of(ScalarOp scalar) {
  static const std::map<ScalarOp, UnaryOperation>& table = *new std::map<ScalarOp, UnaryOperation>{
      {ScalarOp::kExp, UnaryOperation::kEXP},     {ScalarOp::kLog, UnaryOperation::kLOG},
      {ScalarOp::kSqrt, UnaryOperation::kSQRT},   {ScalarOp::kRecip, UnaryOperation::kRECIP},
      {ScalarOp::kAbs, UnaryOperation::kABS},     {ScalarOp::kNeg, UnaryOperation::kNEG},
      {ScalarOp::kSin, UnaryOperation::kSIN},     {ScalarOp::kCos, UnaryOperation::kCOS},
      {ScalarOp::kErf, UnaryOperation::kERF},     {ScalarOp::kNot, UnaryOperation::kNOT},
      {ScalarOp::kFloor, UnaryOperation::kFLOOR}, {ScalarOp::kCeil, UnaryOperation::kCEIL},
      {ScalarOp::kRound, UnaryOperation::kROUND}, {ScalarOp::kSign, UnaryOperation::kSIGN}};
  const auto found = table.find(scalar);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ElementWiseOperation> binary_of(ScalarOp scalar) {
  static const std::map<ScalarOp, ElementWiseOperation>& table =
      *new std::map<ScalarOp, ElementWiseOperation>{{ScalarOp::kAdd, ElementWiseOperation::kSUM},
                                                    {ScalarOp::kMul, ElementWiseOperation::kPROD},
                                                    {ScalarOp::kMax, ElementWiseOperation::kMAX},
                                                    {ScalarOp::kMin, ElementWiseOperation::kMIN},
                                                    {ScalarOp::kSub, ElementWiseOperation::kSUB},
                                                    {ScalarOp::kDiv, ElementWiseOperation::kDIV},
                                                    {ScalarOp::kPow, ElementWiseOperation::kPOW},
                                                    {ScalarOp::kAnd, ElementWiseOperation::kAND},
                                                    {ScalarOp::kOr, ElementWiseOperation::kOR},
                                                    {ScalarOp::kXor, ElementWiseOperation::kXOR},
                                                    {ScalarOp::kEq, ElementWiseOperation::kEQUAL},
                                                    {ScalarOp::kGt, ElementWiseOperation::kGREATER},
                                                    {ScalarOp::kLt, ElementWiseOperation::kLESS}};
  const auto found = table.find(scalar);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

/// An activation as the importer writes it, its numbers as '#'.
struct Form {
  const char* text;
  ActivationType type;
  /// Alpha and beta from the numbers; nothing where these make it something else.
  std::optional<std::pair<double, double>> (*parameters)(const std::vector<double>&);
};

using Numbers = std::vector<double>;
using Parameters = std::optional<std::pair<double, double>>;

constexpr double kMost = std::numeric_limits<float>::max();

Parameters none(const Numbers&) {
  return std::pair(0.0, 0.0);
}

const Form kForms[] = {
    {"sigmoid($0)", ActivationType::kSIGMOID, none},
    {"tanh($0)", ActivationType::kTANH, none},
    {"max($0, #)", ActivationType::kRELU,
     [](const Numbers& n) { return n[0] == 0 ? none(n) : Parameters(); }},
    {"max($0, #)", ActivationType::kCLIP,
     [](const Numbers& n) {
       return Parameters({n[0], kMost});
     }},
    {"min($0, #)", ActivationType::kCLIP,
     [](const Numbers& n) {
       return Parameters({-kMost, n[0]});
     }},
    {"min(max($0, #), #)", ActivationType::kCLIP,
     [](const Numbers& n) {
       return Parameters({n[0], n[1]});
     }},
    {"select(ge($0, #), $0, mul($0, #))", ActivationType::kLEAKY_RELU,
     [](const Numbers& n) {
       return n[0] == 0 ? Parameters({n[1], 0}) : Parameters();
     }},
    {"max(#, min(#, add(mul($0, #), #)))", ActivationType::kHARD_SIGMOID,
     [](const Numbers& n) {
       return n[0] == 0 && n[1] == 1 ? Parameters({n[2], n[3]}) : Parameters();
     }},
    {"select(ge($0, #), $0, mul(#, sub(exp($0), #)))", ActivationType::kELU,
     [](const Numbers& n) {
       return n[0] == 0 && n[2] == 1 ? Parameters({n[1], 0}) : Parameters();
     }},
    {"select(gt($0, #), mul(#, $0), mul(#, sub(exp($0), #)))", ActivationType::kSELU,
     [](const Numbers& n) {
       return n[0] == 0 && n[1] != 0 ? Parameters({n[2] / n[1], n[1]}) : Parameters();
     }},
    {"add(max($0, #), log(add(#, exp(neg(abs($0))))))", ActivationType::kSOFTPLUS,
     [](const Numbers&) {
       return Parameters({1, 1});
     }},
    {"div($0, add(#, abs($0)))", ActivationType::kSOFTSIGN, none},
    {"mul(mul(#, $0), add(#, erf(mul($0, #))))", ActivationType::kGELU_ERF, none},
    {"mul(mul(#, $0), add(#, tanh(mul(#, add($0, mul(#, mul($0, mul($0, $0))))))))",
     ActivationType::kGELU_TANH, none},
    {"select(gt($0, #), $0, #)", ActivationType::kTHRESHOLDED_RELU,
     [](const Numbers& n) {
       return n[1] == 0 ? Parameters({n[0], 0}) : Parameters();
     }},
};

/// "max($0, 0.5:f32)" becomes "max($0, #)" and 0.5.
std::string without_numbers(const std::string& text, Numbers& numbers) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = isdigit(static_cast<unsigned char>(text[i])) || text[i] == '-';
    if (!begins ||
        (i > 0 && (text[i - 1] == '$' || isalnum(static_cast<unsigned char>(text[i - 1]))))) {
      out += text[i];
      continue;
    }
    size_t length = 0;
    try {
      numbers.push_back(std::stod(text.substr(i), &length));
    } catch (const std::exception&) {
      return text;
    }
    i += length;
    while (i < text.size() && (text[i] == ':' || isalnum(static_cast<unsigned char>(text[i])))) ++i;
    out += '#';
    --i;
  }
  return out;
}

bool set_activation(const carnot::ScalarProgram& body, Activation& layer) {
  Numbers numbers;
  const std::string text = without_numbers(carnot::to_string(body), numbers);
  for (const Form& form : kForms) {
    if (text != form.text) continue;
    const Parameters found = form.parameters(numbers);
    if (!found) continue;
    layer.type = form.type;
    layer.alpha = static_cast<float>(found->first);
    layer.beta = static_cast<float>(found->second);
    return true;
  }
  return false;
}

}  // namespace

Layer* keep_pointwise(Network& into, const carnot::Network::Node& node, const op::Pointwise& p) {
  Activation known(into);
  if (node.inputs.size() == 1 && set_activation(p.body, known)) {
    return keep<Activation>(into, node, [&](Activation& l) {
      l.type = known.type, l.alpha = known.alpha, l.beta = known.beta;
    });
  }
  if (p.body.insts.size() != 1 || p.body.results.size() != 1) return nullptr;
  const carnot::ScalarInst& inst = p.body.insts[0];
  if (inst.op == ScalarOp::kCast && node.inputs.size() == 1) {
    const auto to = data_type_of(inst.type);
    if (to) return keep<Cast>(into, node, [&](Cast& l) { l.to = *to; });
  }
  if (const auto unary = unary_of(inst.op); unary && node.inputs.size() == 1) {
    return keep<Unary>(into, node, [&](Unary& l) { l.operation = *unary; });
  }
  const bool chooses = inst.op == ScalarOp::kSelect && node.inputs.size() == 3;
  if (chooses && inst.args == std::array<int32_t, 3>{0, 1, 2}) {
    return keep<Select>(into, node, [](Select&) {});
  }
  const bool in_order = inst.args[0] == 0 && inst.args[1] == 1;
  if (const auto binary = binary_of(inst.op); binary && node.inputs.size() == 2 && in_order) {
    return keep<ElementWise>(into, node, [&](ElementWise& l) { l.operation = *binary; });
  }
  return nullptr;
}

}  // namespace trt
