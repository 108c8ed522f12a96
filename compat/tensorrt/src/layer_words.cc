// The inspector's words for an engine's steps.
#include <algorithm>

#include "layer_facts.h"
#include "timing_cache.h"

namespace trt {

namespace {

/// Of several layers in one step the one with the highest rank says what the step is.
struct KindRow {
  LayerType kind;
  const char* type;
  const char* parameters;
  int rank;
};
constexpr KindRow kKinds[] = {
    {LayerType::kCONVOLUTION, "Convolution", "Convolution", 9},
    {LayerType::kDECONVOLUTION, "Deconvolution", "Deconvolution", 9},
    {LayerType::kMATRIX_MULTIPLY, "gemm", "MatrixMultiply", 8},
    {LayerType::kEINSUM, "gemm", "MatrixMultiply", 8},
    {LayerType::kATTENTION_OUTPUT, "Attention", "Attention", 8},
    {LayerType::kPLUGIN_V2, "PluginV2", "PluginV2", 7},
    {LayerType::kPLUGIN_V3, "PluginV3", "PluginV3", 7},
    {LayerType::kPOOLING, "Pooling", "Pooling", 6},
    {LayerType::kLRN, "LRN", "LRN", 6},
    {LayerType::kTOPK, "TopK", "TopK", 6},
    {LayerType::kNMS, "NMS", "NMS", 6},
    {LayerType::kNON_ZERO, "NonZero", "NonZero", 6},
    {LayerType::kRESIZE, "Resize", "Resize", 6},
    {LayerType::kGRID_SAMPLE, "GridSample", "GridSample", 6},
    {LayerType::kSCATTER, "Scatter", "Scatter", 6},
    {LayerType::kCUMULATIVE, "Cumulative", "Cumulative", 6},
    {LayerType::kSOFTMAX, "SoftMax", "SoftMax", 5},
    {LayerType::kRAGGED_SOFTMAX, "RaggedSoftMax", "RaggedSoftMax", 5},
    {LayerType::kNORMALIZATION, "Normalization", "Normalization", 5},
    {LayerType::kREDUCE, "Reduce", "Reduce", 5},
    {LayerType::kGATHER, "Gather", "Gather", 4},
    {LayerType::kQUANTIZE, "Quantize", "Quantize", 3},
    {LayerType::kDEQUANTIZE, "Dequantize", "Dequantize", 3},
    {LayerType::kACTIVATION, "PointWise", "PointWise", 2},
    {LayerType::kELEMENTWISE, "PointWise", "PointWise", 2},
    {LayerType::kUNARY, "PointWise", "PointWise", 2},
    {LayerType::kSELECT, "PointWise", "PointWise", 2},
    {LayerType::kPARAMETRIC_RELU, "PointWise", "PointWise", 2},
    {LayerType::kSCALE, "Scale", "Scale", 2},
    {LayerType::kSLICE, "Slice", "Slice", 1},
    {LayerType::kPADDING, "Padding", "Slice", 1},
    {LayerType::kSHUFFLE, "Shuffle", "Shuffle", 1},
    {LayerType::kSQUEEZE, "Shuffle", "Shuffle", 1},
    {LayerType::kUNSQUEEZE, "Shuffle", "Shuffle", 1},
    {LayerType::kCONCATENATION, "Concatenation", "Concatenation", 1},
    {LayerType::kCAST, "Cast", "Cast", 1},
};

const KindRow* row_of(int64_t kind) {
  const auto* const found =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](const auto& row) { return static_cast<int64_t>(row.kind) == kind; });
  return found == std::end(kKinds) ? nullptr : found;
}

using Numbers = std::vector<int64_t>;
using Attributes = std::vector<std::pair<const char*, std::string>>;

/// As many lists of one length as there are names, in parts of `numbers` from `begin` on.
void say_windows(const Numbers& numbers, size_t begin, std::initializer_list<const char*> names,
                 Attributes& out) {
  const size_t length = (numbers.size() - begin) / names.size();
  if (numbers.size() - begin != length * names.size()) return;
  for (const char* name : names) {
    const auto at = numbers.begin() + static_cast<ptrdiff_t>(begin);
    out.emplace_back(name, carnot::to_string(Numbers(at, at + static_cast<ptrdiff_t>(length))));
    begin += length;
  }
  out.emplace_back("PaddingMode", "\"kEXPLICIT_ROUND_DOWN\"");
}

void say_parameters(const Numbers& numbers, LayerWords& out) {
  const auto kind = static_cast<LayerType>(numbers[0]);
  if ((kind == LayerType::kCONVOLUTION || kind == LayerType::kDECONVOLUTION) &&
      numbers.size() > 4) {
    out.channels = numbers[1], out.maps = numbers[2];
    say_windows(numbers, 4, {"Kernel", "Stride", "PrePadding", "PostPadding", "Dilation"},
                out.attributes);
    out.attributes.emplace_back("OutMaps", cat(numbers[2]));
    out.attributes.emplace_back("Groups", cat(numbers[3]));
  }
  if (kind == LayerType::kPOOLING && numbers.size() > 3) {
    static constexpr const char* kTypes[] = {"\"MAX\"", "\"AVERAGE\"", "\"MAX_AVERAGE_BLEND\""};
    if (numbers[1] < 0 || numbers[1] > 2) return;
    out.attributes.emplace_back("PoolingType", kTypes[numbers[1]]);
    say_windows(numbers, 3, {"WindowSize", "Stride", "PrePadding", "PostPadding"}, out.attributes);
    out.attributes.emplace_back("AverageCountExcludesPadding", cat(numbers[2]));
  }
}

}  // namespace

uint64_t tactic_hash(std::string_view tactic) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : tactic) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

int rank_of(int64_t kind) {
  const KindRow* const row = row_of(kind);
  return row ? row->rank : 0;
}

LayerWords words_of(const carnot::StepInfo& step, const LayerFacts& facts) {
  LayerWords out;
  out.type = step.tactic.substr(0, step.tactic.find('['));
  // What comes of no layer and reads one tensor brings it into another order.
  if (step.origin.empty() && step.inputs.size() == 1 && step.outputs.size() == 1 &&
      step.weights.empty()) {
    out.type = "Reformat";
    out.attributes = {{"ParameterType", "\"Reformat\""}, {"Origin", "\"REFORMAT\""}};
    return out;
  }
  const Numbers* best = nullptr;
  bool has_relu = false;
  for (const std::string& origin : step.origin) {
    const auto found = facts.find(origin);
    const KindRow* const row =
        found == facts.end() || found->second.empty() ? nullptr : row_of(found->second[0]);
    if (!row) continue;
    has_relu = has_relu || found->second == Numbers{static_cast<int64_t>(LayerType::kACTIVATION),
                                                    static_cast<int64_t>(ActivationType::kRELU)};
    if (!best || row_of((*best)[0])->rank < row->rank) best = &found->second;
  }
  if (!best) return out;
  const KindRow& row = *row_of((*best)[0]);
  out.type = row.type;
  out.attributes.emplace_back("ParameterType", cat('"', row.parameters, '"'));
  say_parameters(*best, out);
  if (out.maps > 0) {
    out.attributes.emplace_back("Activation", has_relu ? "\"RELU\"" : "\"NONE\"");
    out.attributes.emplace_back("HasBias", step.weights.size() > 1 ? "1" : "0");
    out.attributes.emplace_back("HasReLU", has_relu ? "1" : "0");
  }
  return out;
}

}  // namespace trt
