#include "plan_parts.h"

#include <array>
#include <cstring>

#include "report.h"

namespace trt {

namespace {

constexpr std::array<char, 8> kMagic = {'c', 'a', 'r', 'n', 'o', 't', '*', '1'};
constexpr uint64_t kPartsMax = 4096;

void append(std::vector<std::byte>& out, const void* data, size_t bytes) {
  const auto* const from = static_cast<const std::byte*>(data);
  out.insert(out.end(), from, from + bytes);
}

}  // namespace

std::vector<std::byte> join_parts(std::vector<std::vector<std::byte>> engines) {
  if (engines.size() == 1) return std::move(engines[0]);
  std::vector<std::byte> out;
  append(out, kMagic.data(), kMagic.size());
  const uint64_t count = engines.size();
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
  const bool several =
      plan.size() >= kMagic.size() && std::memcmp(plan.data(), kMagic.data(), kMagic.size()) == 0;
  if (!several) return std::vector{plan};
  const carnot::Status cut(carnot::Code::kCorruptEngine,
                           "the plan of several optimization profiles is cut or altered");
  std::span<const std::byte> rest = plan.subspan(kMagic.size());
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
