#include "engine/container.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"

namespace carnot {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian");

// The last two bytes change when a file goes through a text-mode copy.
constexpr char kMagic[8] = {'C', 'A', 'R', 'N', 'O', 'T', '\x1a', '\n'};

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;  // this, the table and the target, padded
  uint64_t file_bytes;
  uint64_t hash;  // of header_bytes bytes, with this field 0
  uint32_t sections;
  uint32_t target_bytes;
  uint64_t reserved[3];
};
struct Row {
  uint32_t kind;
  uint32_t reserved;
  uint64_t offset;
  uint64_t bytes;  // without the padding at its end
  uint64_t hash;   // with it
};
static_assert(sizeof(Header) == 64 && sizeof(Row) == 32);

constexpr std::byte kZeros[kSectionAlignment] = {};
constexpr size_t kTargetBytesMax = 4096;

uint64_t padded(uint64_t bytes) {
  return (bytes + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

uint64_t hash_header(std::span<const std::byte> bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.hash = 0;
  return Hasher()
      .bytes(std::as_bytes(std::span(&header, 1)))
      .bytes(bytes.subspan(sizeof header))
      .digest();
}

template <class... Args>
Status corrupt(const Args&... args) {
  return error(Code::kCorruptEngine, "the engine is damaged: ", args...,
               "; copy or build it again");
}

Status check_header(std::span<const std::byte> bytes, Header& header) {
  if (bytes.size() < sizeof kMagic || std::memcmp(bytes.data(), kMagic, 6) != 0) {
    return error(Code::kCorruptEngine,
                 bytes.empty() ? "the file is empty" : "this is not a Carnot engine",
                 "; 'carnot build MODEL.onnx -o FILE.engine' makes one");
  }
  if (bytes.size() < sizeof header) return corrupt("it ends within its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    return corrupt("its first bytes are changed, as by a copy in text mode");
  }
  if (header.version != kFormatVersion) {
    return error(Code::kVersionMismatch, "the engine has format ", header.version,
                 ", this library reads format ", kFormatVersion,
                 header.version > kFormatVersion ? "; use a newer Carnot, or build it again"
                                                 : "; build it again");
  }
  if (header.file_bytes != bytes.size()) {
    return corrupt("it has ", bytes.size(), " bytes, not ", header.file_bytes);
  }
  if (header.header_bytes < sizeof header || header.header_bytes > bytes.size() ||
      header.target_bytes > kTargetBytesMax || header.sections != kSections ||
      header.header_bytes !=
          padded(sizeof(Header) + kSections * sizeof(Row) + uint64_t{header.target_bytes})) {
    return corrupt("its header is not consistent");
  }
  if (hash_header(bytes.first(header.header_bytes)) != header.hash) {
    return corrupt("its header is changed");
  }
  return {};
}

}  // namespace

const char* to_string(Section section) {
  switch (section) {
    case Section::kPlan:
      return "plan";
    case Section::kWeightsIndex:
      return "list of weights";
    case Section::kEntries:
      return "list of entries";
    case Section::kKernels:
      return "kernels";
    case Section::kTimings:
      return "timings";
    case Section::kMetadata:
      return "metadata";
    case Section::kCode:
      return "machine code";
    case Section::kWeights:
      return "weights";
  }
  return "?";
}

ContainerImage write_container(std::string_view target,
                               const std::array<Pieces, kSections>& sections) {
  CARNOT_CHECK(target.size() <= kTargetBytesMax);
  ContainerImage image;
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.sections = kSections;
  header.target_bytes = static_cast<uint32_t>(target.size());
  header.header_bytes =
      static_cast<uint32_t>(padded(sizeof(Header) + kSections * sizeof(Row) + target.size()));
  image.header.assign(header.header_bytes, std::byte{0});
  image.parts.emplace_back();  // the header, when it is known
  uint64_t at = header.header_bytes;
  std::array<Row, kSections> rows = {};
  for (size_t i = 0; i < kSections; ++i) {
    Hasher hasher;
    rows[i].kind = static_cast<uint32_t>(i + 1);
    rows[i].offset = at;
    for (const std::span<const std::byte> piece : sections[i]) {
      const auto padding = std::span(kZeros).first(padded(piece.size()) - piece.size());
      for (const std::span<const std::byte> part : {piece, padding}) {
        if (part.empty()) continue;
        hasher.bytes(part);
        image.parts.push_back(part);
      }
      rows[i].bytes = at - rows[i].offset + piece.size();
      at += padded(piece.size());
    }
    rows[i].hash = hasher.digest();
  }
  header.file_bytes = at;
  std::byte* out = image.header.data();
  std::memcpy(out, &header, sizeof header);
  std::memcpy(out + sizeof header, rows.data(), sizeof rows);
  if (!target.empty()) {
    std::memcpy(out + sizeof header + sizeof rows, target.data(), target.size());
  }
  header.hash = hash_header(image.header);
  std::memcpy(out, &header, sizeof header);
  image.parts[0] = image.header;
  return image;
}

Result<Container> read_container(std::span<const std::byte> bytes) {
  Header header;
  CARNOT_RETURN_IF_ERROR(check_header(bytes, header));
  std::array<Row, kSections> rows;
  std::memcpy(rows.data(), bytes.data() + sizeof header, sizeof rows);
  Container out;
  out.target.assign(reinterpret_cast<const char*>(bytes.data()) + sizeof header + sizeof rows,
                    header.target_bytes);
  uint64_t at = header.header_bytes;
  for (size_t i = 0; i < kSections; ++i) {
    const auto section = static_cast<Section>(i + 1);
    const Row& row = rows[i];
    if (row.kind != i + 1 || row.reserved != 0 || row.offset != at ||
        row.bytes > bytes.size() - at || padded(row.bytes) > bytes.size() - at) {
      return corrupt("its ", to_string(section), " lie outside the file");
    }
    const auto whole = bytes.subspan(at, padded(row.bytes));
    if (hash64(whole) != row.hash) return corrupt("its ", to_string(section), " are changed");
    out.sections[i] = whole.first(row.bytes);
    at += whole.size();
  }
  if (at != bytes.size()) return corrupt("there is more behind its last section");
  return out;
}

void repair_hashes_for_testing(std::span<std::byte> bytes) {
  Header header;
  if (bytes.size() < sizeof header + kSections * sizeof(Row)) return;
  for (size_t i = 0; i < kSections; ++i) {
    std::byte* const at = bytes.data() + sizeof header + i * sizeof(Row);
    Row row;
    std::memcpy(&row, at, sizeof row);
    if (row.offset > bytes.size() || row.bytes > bytes.size() - row.offset) continue;
    const uint64_t size = std::min(padded(row.bytes), bytes.size() - row.offset);
    row.hash = hash64(bytes.subspan(row.offset, size));
    std::memcpy(at, &row, sizeof row);
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.header_bytes < sizeof header || header.header_bytes > bytes.size()) return;
  header.hash = hash_header(bytes.first(header.header_bytes));
  std::memcpy(bytes.data(), &header, sizeof header);
}

}  // namespace carnot
