#include "plan_parts.h"

#include <cstring>

#include "report.h"

namespace trt {

namespace {

constexpr size_t kWordBytes = 8;
constexpr char kEngine[] = "CARNOT\x1a\n";  // docs/engine-format.md, as where its size is
constexpr size_t kEngineBytesAt = 16;
constexpr uint64_t kPartsMax = 4096;

void append(std::vector<std::byte>& out, const void* data, size_t bytes) {
  const auto* const from = static_cast<const std::byte*>(data);
  out.insert(out.end(), from, from + bytes);
}

bool begins(std::span<const std::byte> plan, const char* word) {
  return plan.size() >= kWordBytes && std::memcmp(plan.data(), word, kWordBytes) == 0;
}

}  // namespace

std::vector<std::byte> plan_head(const char* word, uint64_t bytes) {
  std::vector<std::byte> out;
  append(out, word, kWordBytes);
  append(out, &bytes, sizeof bytes);
  return out;
}

bool is_refit_plan(std::span<const std::byte> plan) {
  return begins(plan, kRefitPlan);
}

std::optional<uint64_t> bytes_of_plan(std::span<const std::byte> beginning) {
  const bool head = begins(beginning, kSeveralEngines) || is_refit_plan(beginning);
  if (beginning.size() < kPlanBeginning || (!head && !begins(beginning, kEngine))) return {};
  uint64_t bytes = 0;
  std::memcpy(&bytes, &beginning[head ? kWordBytes : kEngineBytesAt], sizeof bytes);
  return bytes;
}

std::vector<std::byte> join_parts(std::vector<std::vector<std::byte>> engines) {
  if (engines.size() == 1) return std::move(engines[0]);
  const uint64_t count = engines.size();
  uint64_t total = kPlanHeadBytes + sizeof count * (1 + count);
  for (const auto& engine : engines) total += engine.size();
  std::vector<std::byte> out = plan_head(kSeveralEngines, total);
  append(out, &count, sizeof count);
  for (const auto& engine : engines) {
    const uint64_t bytes = engine.size();
    append(out, &bytes, sizeof bytes);
  }
  for (const auto& engine : engines) append(out, engine.data(), engine.size());
  return out;
}

carnot::Result<std::vector<std::span<const std::byte>>> split_parts(
    std::span<const std::byte> plan) {
  if (!begins(plan, kSeveralEngines)) return std::vector{plan};
  const carnot::Status cut(carnot::Code::kCorruptEngine,
                           "the plan of several optimization profiles is cut or altered");
  if (bytes_of_plan(plan) != plan.size()) return cut;
  std::span<const std::byte> rest = plan.subspan(kPlanHeadBytes);
  const auto number = [&](uint64_t& out) {
    if (rest.size() < sizeof out) return false;
    std::memcpy(&out, rest.data(), sizeof out);
    rest = rest.subspan(sizeof out);
    return true;
  };
  uint64_t count = 0;
  if (!number(count) || count == 0 || count > kPartsMax) return cut;
  std::vector<uint64_t> sizes(count);
  for (uint64_t& size : sizes) {
    if (!number(size)) return cut;
  }
  std::vector<std::span<const std::byte>> out;
  for (const uint64_t size : sizes) {
    if (size > rest.size()) return cut;
    out.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  if (!rest.empty()) return cut;
  return out;
}

}  // namespace trt
