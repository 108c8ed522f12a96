#include "onnx/import_table.h"

#include <algorithm>

#include "base/text.h"
#include "onnx/importer.h"

namespace carnot::onnx {

namespace {

struct Family {
  std::string_view domain;
  std::span<const ImportRow> rows;
};

/// Every table, by its domain.
const std::vector<Family>& families() {
  static const std::vector<Family> kFamilies = {
      {"", activation_rows()},
      {"", attention_rows()},
      {"", constant_rows()},
      {"", control_rows()},
      {"", conv_rows()},
      {"", gather_rows()},
      {"", index_rows()},
      {"", loss_rows()},
      {"", math_rows()},
      {"", matmul_rows()},
      {"", norm_rows()},
      {"", pool_rows()},
      {"", quant_rows()},
      {"", recurrent_rows()},
      {"", reduce_rows()},
      {"", resize_rows()},
      {"", shape_rows()},
      {"", signal_rows()},
      {"", slice_rows()},
      {"", vision_rows()},
      {"com.microsoft", microsoft_rows()},
      {"", patches_rows()},
      {"ai.onnx.preview", preview_rows()},
      {"", state_rows()},
  };
  return kFamilies;
}

using Index =
    std::unordered_multimap<std::string_view, std::pair<std::string_view, const ImportRow*>>;

const Index& index() {
  static const Index kIndex = [] {
    Index out;
    for (const Family& family : families()) {
      for (const ImportRow& row : family.rows)
        out.emplace(row.name, std::pair(family.domain, &row));
    }
    return out;
  }();
  return kIndex;
}

std::string place(std::string_view domain, int64_t opset) {
  return cat("opset ", opset, " of ", domain.empty() ? "ai.onnx" : quote(domain));
}

}  // namespace

Result<const ImportRow*> find_row(std::string_view domain, std::string_view op_type,
                                  int64_t opset) {
  const ImportRow* other = nullptr;
  const auto [begin, end] = index().equal_range(op_type);
  for (auto at = begin; at != end; ++at) {
    if (at->second.first != domain) continue;
    other = at->second.second;
    if (opset >= other->since && opset <= other->until) return other;
  }
  if (other && opset > other->until) {
    return error(Code::kInvalidModel, "the operator was removed after opset ", other->until,
                 "; the model imports ", place(domain, opset));
  }
  if (other) {
    return error(Code::kInvalidModel, "the operator exists since opset ", other->since,
                 "; the model imports ", place(domain, opset));
  }
  for (const RefusedRow& row : refused_rows()) {
    if (domain.empty() && op_type == row.name) {
      return error(Code::kUnsupported, "the operator is not supported: ", row.reason);
    }
  }
  return error(Code::kUnsupported, "no operator of this name is known in ", place(domain, opset),
               ": `carnot ops` lists those that are");
}

bool has_row(std::string_view domain, std::string_view op_type) {
  const auto [begin, end] = index().equal_range(op_type);
  return std::any_of(begin, end, [&](const auto& row) { return row.second.first == domain; });
}

}  // namespace carnot::onnx

namespace carnot {

std::vector<SupportedOp> supported_ops() {
  std::vector<SupportedOp> out;
  for (const onnx::Family& family : onnx::families()) {
    for (const onnx::ImportRow& row : family.rows) {
      const int64_t until = row.until == onnx::kNewest ? 0 : row.until;
      out.push_back({std::string(family.domain), row.name, row.since, until, ""});
    }
  }
  for (const onnx::RefusedRow& row : onnx::refused_rows()) {
    out.push_back({"", row.name, 1, 0, row.reason});
  }
  std::sort(out.begin(), out.end(), [](const SupportedOp& a, const SupportedOp& b) {
    return std::tie(a.domain, a.name, a.since) < std::tie(b.domain, b.name, b.since);
  });
  return out;
}

}  // namespace carnot
