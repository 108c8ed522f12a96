// docs/conformance.md, made from a run of the ONNX backend suite.
#include <algorithm>
#include <iterator>
#include <map>

#include "tests/onnx/summary.h"

namespace carnot {
namespace {

/// Families as people look for them; an operator that is in none is listed last.
struct Family {
  const char* title;
  std::vector<const char*> ops;
};
const std::vector<Family>& families() {
  static const std::vector<Family> list = {
      {"Contractions",
       {"Conv", "ConvInteger", "ConvTranspose", "CausalConvWithState", "DeformConv", "Einsum",
        "Gemm", "MatMul", "MatMulInteger", "QLinearConv", "QLinearMatMul"}},
      {"Attention and sequence models",
       {"Attention", "GRU", "LSTM", "LinearAttention", "RNN", "RotaryEmbedding", "TensorScatter",
        "ai.onnx.preview.FlexAttention"}},
      {"Pooling",
       {"AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool",
        "MaxRoiPool", "MaxUnpool", "RoiAlign"}},
      {"Normalization",
       {"BatchNormalization", "GroupNormalization", "Hardmax", "InstanceNormalization", "LRN",
        "LayerNormalization", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization",
        "RMSNormalization", "Softmax"}},
      {"Activations",
       {"Celu", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu",
        "Selu", "Shrink", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu"}},
      {"Arithmetic",
       {"Abs",  "Acos", "Acosh", "Add", "Asin", "Asinh", "Atan",       "Atanh", "Ceil",
        "Clip", "Cos",  "Cosh",  "Div", "Erf",  "Exp",   "Floor",      "Log",   "Max",
        "Mean", "Min",  "Mod",   "Mul", "Neg",  "Pow",   "Reciprocal", "Round", "Sign",
        "Sin",  "Sinh", "Sqrt",  "Sub", "Sum",  "Tan"}},
      {"Logic, comparison, bits",
       {"And", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Equal",
        "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Where",
        "Xor"}},
      {"Reductions",
       {"ArgMax", "ArgMin", "CumProd", "CumSum", "Det", "ReduceL1", "ReduceL2", "ReduceLogSum",
        "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
        "ReduceSumSquare"}},
      {"Shape and movement", {"BitCast",      "Cast",     "CastLike", "CenterCropPad",
                              "Col2Im",       "Concat",   "Constant", "ConstantOfShape",
                              "DepthToSpace", "Expand",   "EyeLike",  "Flatten",
                              "Identity",     "Pad",      "Range",    "Reshape",
                              "Shape",        "Size",     "Slice",    "SpaceToDepth",
                              "Split",        "Squeeze",  "Tile",     "Transpose",
                              "Trilu",        "Unsqueeze"}},
      {"Indexing and selection",
       {"Compress", "Gather", "GatherElements", "GatherND", "NonMaxSuppression", "NonZero",
        "OneHot", "ReverseSequence", "Scatter", "ScatterElements", "ScatterND", "TopK", "Unique"}},
      {"Images and signals",
       {"AffineGrid", "BlackmanWindow", "DFT", "GridSample", "HammingWindow", "HannWindow",
        "ImageDecoder", "MelWeightMatrix", "Resize", "STFT", "Upsample"}},
      {"Quantization", {"DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear"}},
      {"Control flow, sequences, optionals",
       {"If", "Loop", "Optional", "OptionalGetElement", "OptionalHasElement", "Scan",
        "ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase",
        "SequenceInsert", "SequenceLength", "SequenceMap", "SplitToSequence"}},
      {"Random numbers and training",
       {"Bernoulli", "Dropout", "Gradient", "Multinomial", "NegativeLogLikelihoodLoss",
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
        "SoftmaxCrossEntropyLoss", "ai.onnx.preview.training.Adagrad",
        "ai.onnx.preview.training.Adam", "ai.onnx.preview.training.Momentum"}},
      {"Strings and tables",
       {"RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer",
        "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.Binarizer", "ai.onnx.ml.LabelEncoder",
        "ai.onnx.ml.TreeEnsemble"}},
  };
  return list;
}

struct Row {
  int cases = 0, passed = 0;
  std::string reason;  ///< of the first case that does not pass
};

/// What the skip list says, or what was reported, kept to one table cell.
std::string cell(const Finding& f) {
  std::string text = f.skip != nullptr ? *f.skip : f.outcome.reason;
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

bool expanded(const std::string& name) {
  return name.find("_expanded") != std::string::npos;
}

std::map<std::string, Row> rows_of(const std::vector<Finding>& findings) {
  std::map<std::string, Row> rows;
  for (const Finding& f : findings) {
    // An expanded case spells one operator's definition out in others: it says little of those.
    if (f.test.suite != "node" || expanded(f.test.name)) continue;
    for (const std::string& op : f.ops) {
      Row& row = rows[op];
      ++row.cases;
      const bool passed = f.outcome.verdict == Verdict::kPassed;
      row.passed += passed ? 1 : 0;
      if (!passed && row.reason.empty()) row.reason = cell(f);
    }
  }
  return rows;
}

std::string table(const std::vector<std::pair<std::string, Row>>& rows) {
  std::string out = "| Operator | Passed | Cases | What is missing |\n|---|--:|--:|---|\n";
  for (const auto& [op, row] : rows) {
    out += cat("| ", op, " | ", row.passed, " | ", row.cases, " | ", row.reason, " |\n");
  }
  return out + "\n";
}

}  // namespace

std::string document_of(const std::vector<Finding>& findings, const std::string& device) {
  std::string out =
      "# ONNX conformance\n\n"
      "Made by the conformance runner (`tests/onnx`), which runs the test suite that the onnx\n"
      "package ships (backend/test/data, onnx 1.22.0). A case passes when every output has the\n"
      "expected type and shape and is within the suite's tolerance (two cases of an inverse DFT\n"
      "get a wider one: `kTolerances` in `tests/onnx/cases.cc` says why). `tests/onnx/skip.txt`\n"
      "names each case that is not supported, with the reason. Pinned cases feed axes, pads or\n"
      "target shapes as inputs of the model; they pass when those are given at import as "
      "constants\n"
      "(`ImportOptions::input_values`), as an engine needs them. This page: `--device " +
      device +
      "`; to make it again:\n\n"
      "    ./dev build conformance && python3 tests/onnx/fetch.py\n"
      "    build/release/bin/conformance --data build/onnx-data/onnx/backend/test/data \\\n"
      "      --skip tests/onnx/skip.txt --device cpu --docs docs/conformance.md\n"
      "\n## Suites\n\n| Suite | Passed | of these pinned | Cases |\n|---|--:|--:|--:|\n";
  for (const auto& [suite, t] : totals_of(findings)) {
    out += cat("| ", suite, " | ", t.passed, " | ", t.pinned, " | ", t.cases, " |\n");
  }
  out +=
      "\n## Operators\n\n"
      "Cases of the node suite in which an operator occurs, without those that only spell out the\n"
      "definition of a composite operator.\n\n";
  std::map<std::string, Row> rows = rows_of(findings);
  for (const Family& family : families()) {
    std::vector<std::pair<std::string, Row>> own;
    for (const char* op : family.ops) {
      const auto found = rows.find(op);
      if (found == rows.end()) continue;
      own.push_back(*found);
      rows.erase(found);
    }
    if (own.empty()) continue;
    std::sort(own.begin(), own.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    out += cat("### ", family.title, "\n\n", table(own));
  }
  if (!rows.empty()) out += "### Others\n\n" + table({rows.begin(), rows.end()});
  out.pop_back();
  return out;
}

}  // namespace carnot
