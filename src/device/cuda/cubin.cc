#include "device/cuda/cubin.h"

#include <cstdint>
#include <cstring>

namespace carnot::cuda {
namespace {

// The fields of an ELF file of 64 bits that are looked at.
struct Header {
  unsigned char ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, segments_at, sections_at;
  uint32_t flags;
  uint16_t header_bytes, segment_bytes, segments, section_bytes, sections, names;
};
struct Segment {
  uint32_t type, flags;
  uint64_t at, address, physical, bytes, memory_bytes, alignment;
};
struct Section {
  uint32_t name, type;
  uint64_t flags, address, at, bytes;
  uint32_t link, info;
  uint64_t alignment, entry_bytes;
};
static_assert(sizeof(Header) == 64 && sizeof(Segment) == 56 && sizeof(Section) == 64);

constexpr unsigned char kMagic[] = {0x7f, 'E', 'L', 'F', 2};  // the last: 64 bits
constexpr uint16_t kMachine = 190;                            // CUDA
constexpr uint32_t kNoBytes = 8;                              // a section that only takes memory

Status corrupt(const char* why) {
  return error(Code::kCorruptEngine, "it is no machine code for a GPU: ", why);
}

bool within(uint64_t at, uint64_t bytes, size_t end) {
  return at <= end && bytes <= end - at;
}

template <class T>
T read(std::span<const std::byte> bytes, uint64_t at) {
  T out;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

}  // namespace

Status check_cubin(std::span<const std::byte> cubin) {
  if (cubin.size() < sizeof(Header)) return corrupt("it is cut off");
  const auto header = read<Header>(cubin, 0);
  if (std::memcmp(header.ident, kMagic, sizeof kMagic) != 0) return corrupt("it is no ELF file");
  if (header.machine != kMachine) return corrupt("it is for another kind of processor");
  if ((header.segments > 0 && header.segment_bytes != sizeof(Segment)) ||
      (header.sections > 0 && header.section_bytes != sizeof(Section)) ||
      !within(header.segments_at, header.segments * sizeof(Segment), cubin.size()) ||
      !within(header.sections_at, header.sections * sizeof(Section), cubin.size())) {
    return corrupt("its tables lie beyond its end");
  }
  for (uint16_t i = 0; i < header.segments; ++i) {
    const auto part = read<Segment>(cubin, header.segments_at + i * sizeof(Segment));
    if (!within(part.at, part.bytes, cubin.size())) return corrupt("a part lies beyond its end");
  }
  for (uint16_t i = 0; i < header.sections; ++i) {
    const auto part = read<Section>(cubin, header.sections_at + i * sizeof(Section));
    if (part.type != kNoBytes && !within(part.at, part.bytes, cubin.size())) {
      return corrupt("a part lies beyond its end");
    }
  }
  return {};
}

}  // namespace carnot::cuda
