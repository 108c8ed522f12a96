// Losses of classifiers.
#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

using Kind = op::Reduce::Kind;

/// -scores[n, target, ...] * weight[target], reduced; `scores` are logarithms of probabilities.
Value* negative_log_likelihood(NodeImport& n, Value* scores) {
  const DType dtype = scores->type().dtype;
  Value* target = n.cast(n.in(1), DType::kI64);
  Value* weight = n.opt(2);
  Value* ignored = nullptr;
  if (n.has("ignore_index")) {
    ignored = n.map(cat("eq($0, #", n.integer("ignore_index"), ")"), {target});
    target = n.map("select($0, #0, $1)", {ignored, target}, DType::kI64);
  }
  Value* const picked = n.make(op::GatherElements{1}, {scores, n.unsqueeze(target, 1)});
  Value* loss = n.unary(ScalarOp::kNeg, n.squeeze(picked, 1));
  Value* each = nullptr;  // the weight of each target
  if (weight) {
    each = n.gather(weight, target, 0);
    if (ignored) each = n.map("select($0, #0, $1)", {ignored, each}, dtype);
  } else if (ignored) {
    each = n.map("select($0, #0, #1)", {ignored}, dtype);
  }
  if (each) loss = n.mul(loss, each);
  const std::string how = n.text("reduction", "mean");
  if (how == "none") return loss;
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < loss->type().rank(); ++axis) axes.push_back(axis);
  if (how == "sum") return n.reduce(Kind::kSum, loss, axes, false);
  if (how != "mean") n.invalid("the reduction ", quote(how), " is unknown");
  if (!each) return n.reduce(Kind::kMean, loss, axes, false);
  return n.div(n.reduce(Kind::kSum, loss, axes, false), n.reduce(Kind::kSum, each, axes, false));
}

void nll_loss(NodeImport& n) {
  if (n.rank(0) < 2) n.invalid("needs scores of rank 2 or more");
  n.out(negative_log_likelihood(n, n.in(0)));
}

void softmax_loss(NodeImport& n) {
  if (n.rank(0) < 2) n.invalid("needs scores of rank 2 or more");
  Value* const scores = n.softmax(n.in(0), 1, true);
  n.out(negative_log_likelihood(n, scores));
  n.out(1, scores);
}

constexpr ImportRow kRows[] = {
    {"NegativeLogLikelihoodLoss", 12, kNewest, 2, 3, 1, nll_loss},
    {"SoftmaxCrossEntropyLoss", 12, kNewest, 2, 3, 2, softmax_loss},
};

}  // namespace

std::span<const ImportRow> loss_rows() {
  return kRows;
}

}  // namespace carnot::onnx
