#include "refit_plan.h"

#include <bit>
#include <cstring>

#include "plan_bytes.h"
#include "plan_parts.h"

namespace trt {

namespace {

// Such a plan begins with a head (plan_parts.h), the bytes of the section and the section.
constexpr size_t kFrontBytes = kPlanHeadBytes + 8;

/// Where the section of a refittable plan ends; nothing where it is not one.
carnot::Result<std::optional<size_t>> section_end(std::span<const std::byte> plan) {
  const std::optional<uint64_t> bytes = bytes_of_plan(plan);
  if (!is_refit_plan(plan)) return std::optional<size_t>();
  uint64_t section = 0;
  if (plan.size() >= kFrontBytes) std::memcpy(&section, &plan[kPlanHeadBytes], sizeof section);
  if (plan.size() < kFrontBytes || bytes != plan.size() || section > plan.size() - kFrontBytes) {
    return carnot::Status(carnot::Code::kCorruptEngine, "the plan is cut or altered");
  }
  return std::optional(kFrontBytes + static_cast<size_t>(section));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::vector<std::byte> join(std::vector<std::byte> engines, const RefitPlan& refit) {
  BytesWriter w;
  w.put(static_cast<int64_t>(refit.weights.size()));
  for (const RefitWeights& weights : refit.weights) {
    w.put(weights.name), w.put(weights.layer);
    w.put(static_cast<int64_t>(weights.role)), w.put(static_cast<int64_t>(weights.type));
    w.put(weights.count), w.put(weights.missing ? 1 : 0);
  }
  w.put(static_cast<int64_t>(refit.ranges.size()));
  for (const RefitRange& range : refit.ranges) {
    w.put(range.tensor);
    for (const float edge : {range.min, range.max}) {
      w.put(static_cast<int64_t>(std::bit_cast<int32_t>(edge)));
    }
  }
  w.put(static_cast<int64_t>(refit.parts.size()));
  for (const RefitPart& part : refit.parts) {
    for (const int64_t node : part.nodes) w.put(node);
    for (const int64_t node : part.scales) w.put(node);
    for (const auto& shapes : part.shapes) {
      w.put(static_cast<int64_t>(shapes.size()));
      for (const auto& [name, sizes] : shapes) {
        w.put(name), w.put(static_cast<int64_t>(sizes.size()));
        for (const int64_t size : sizes) w.put(size);
      }
    }
    w.put(part.network);
  }
  w.put(refit.effort), w.put(static_cast<int64_t>(refit.storage));
  w.put(static_cast<int64_t>(refit.keep_f32.size()));
  for (const std::string& name : refit.keep_f32) w.put(name);
  w.put(refit.timings), w.put(refit.code);
  const uint64_t section = w.out.size();
  std::vector<std::byte> out = plan_head(kRefitPlan, kFrontBytes + section + engines.size());
  const auto append = [&](const void* data, size_t bytes) {
    const auto* const from = static_cast<const std::byte*>(data);
    out.insert(out.end(), from, from + bytes);
  };
  append(&section, sizeof section);
  append(w.out.data(), w.out.size());
  append(engines.data(), engines.size());
  return out;
}

carnot::Result<std::span<const std::byte>> engines_of(std::span<const std::byte> plan) {
  const carnot::Result<std::optional<size_t>> end = section_end(plan);
  if (!end.ok()) return end.status();
  return plan.subspan(end->value_or(0));
}

carnot::Result<std::optional<RefitPlan>> read_refit(std::span<const std::byte> plan) {
  const carnot::Result<std::optional<size_t>> end = section_end(plan);
  if (!end.ok()) return end.status();
  if (!*end) return std::optional<RefitPlan>();
  BytesReader r(text_of(plan.subspan(kFrontBytes, **end - kFrontBytes)));
  RefitPlan out;
  for (int64_t i = r.count(); i > 0; --i) {
    RefitWeights weights;
    weights.name = r.string(), weights.layer = r.string();
    weights.role = static_cast<WeightsRole>(r.number(0, 5));
    weights.type = static_cast<DataType>(r.number(0, static_cast<int64_t>(DataType::kE8M0)));
    weights.count = r.number(0, INT64_MAX);
    weights.missing = r.number(0, 1) != 0;
    out.weights.push_back(std::move(weights));
  }
  for (int64_t i = r.count(); i > 0; --i) {
    RefitRange& range = out.ranges.emplace_back();
    range.tensor = r.string();
    for (float* const edge : {&range.min, &range.max}) {
      *edge = std::bit_cast<float>(static_cast<int32_t>(r.number(INT32_MIN, INT32_MAX)));
    }
  }
  for (int64_t i = r.count(); i > 0; --i) {
    RefitPart& part = out.parts.emplace_back();
    for (size_t k = 0; k < out.weights.size(); ++k) part.nodes.push_back(r.number(-1, INT32_MAX));
    for (size_t k = 0; k < out.ranges.size(); ++k) part.scales.push_back(r.number(-1, INT32_MAX));
    for (auto& shapes : part.shapes) {
      for (int64_t k = r.count(); k > 0; --k) {
        auto& sizes = shapes[r.string()];
        for (int64_t n = r.count(); n > 0; --n) sizes.push_back(r.number(0, INT64_MAX));
      }
    }
    part.network = r.string();
  }
  out.effort = static_cast<int>(r.number(0, 5));
  out.storage = static_cast<carnot::DType>(r.number(0, static_cast<int64_t>(carnot::DType::kBF16)));
  for (int64_t i = r.count(); i > 0; --i) out.keep_f32.push_back(r.string());
  out.timings = r.string(), out.code = r.string();
  if (r.done()) return std::optional(std::move(out));
  return carnot::Status(carnot::Code::kCorruptEngine,
                        "what the plan is refitted from is malformed");
}

}  // namespace trt
