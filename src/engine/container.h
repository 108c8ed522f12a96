#pragma once
// Container: named sections of bytes with a hash each, and a header with a hash over itself; what
// an engine file is before one asks what is inside. Layout: docs/engine-format.md.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace carnot {

/// In the order in which they lie in the file; each is there exactly once. The numbers are stored.
enum class Section : uint32_t {
  kPlan = 1,
  kWeightsIndex = 2,
  kEntries = 3,
  kKernels = 4,
  kTimings = 5,
  kMetadata = 6,
  kCode = 7,
  kWeights = 8,
};
inline constexpr size_t kSections = 8;
const char* to_string(Section section);

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kSectionAlignment = 64;

/// A section to be written: pieces that are laid one after another, each padded with zeros to
/// kSectionAlignment. They are not copied.
using Pieces = std::vector<std::span<const std::byte>>;

/// The file as a list of parts for atomic_write(); `storage` owns what the caller does not.
struct ContainerImage {
  std::vector<std::span<const std::byte>> parts;
  std::vector<std::byte> header;
};
/// `target` says in one line what the engine runs on.
ContainerImage write_container(std::string_view target,
                               const std::array<Pieces, kSections>& sections);

struct Container {
  std::string target;
  std::array<std::span<const std::byte>, kSections> sections;
  std::span<const std::byte> operator[](Section section) const {
    return sections[static_cast<size_t>(section) - 1];
  }
  std::string_view text(Section section) const {
    const auto bytes = (*this)[section];
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};
/// Checks every byte: what is not zero padding is covered by a hash. Errors are kCorruptEngine or
/// kVersionMismatch and say what to do.
Result<Container> read_container(std::span<const std::byte> bytes);

/// Makes the hashes right after bytes were altered, so that tests and fuzzers reach what is behind
/// them. Bytes that are no container stay as they are.
void repair_hashes_for_testing(std::span<std::byte> bytes);

}  // namespace carnot
