#pragma once
// A plan of several engines: optimization profiles with sizes of their own are tuned each for
// itself. A head, the number of parts, each part's bytes; then the parts, which are engines. A
// head is a word of 8 bytes and the bytes of the whole: a program's stream is read to there only.
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "carnot/status.h"

namespace trt {

inline constexpr size_t kPlanHeadBytes = 16;
inline constexpr char kSeveralEngines[] = "carnot*2", kRefitPlan[] = "carnot+3";

std::vector<std::byte> plan_head(const char* word, uint64_t bytes);
bool is_refit_plan(std::span<const std::byte> plan);
/// Bytes of the plan that begins so, by its head or its engine's; nothing where neither is there.
inline constexpr size_t kPlanBeginning = 24;
std::optional<uint64_t> bytes_of_plan(std::span<const std::byte> beginning);

/// One engine is a plan by itself.
std::vector<std::byte> join_parts(std::vector<std::vector<std::byte>> engines);
/// The engines of a plan; where it is not of several, all of it.
carnot::Result<std::vector<std::span<const std::byte>>> split_parts(
    std::span<const std::byte> plan);

}  // namespace trt
