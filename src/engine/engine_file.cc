#include "engine/engine_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "base/checked.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/container.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Strings have no fixed size: each is its length (8 bytes) and its bytes.
std::vector<std::byte> pack_strings(const Tensor& tensor) {
  std::vector<std::byte> out;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    const std::string& text = tensor.get_string(i);
    const uint64_t length = text.size();
    const auto size = std::as_bytes(std::span(&length, 1));
    out.insert(out.end(), size.begin(), size.end());
    const auto bytes = bytes_of(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

Result<Tensor> unpack_strings(const Shape& shape, std::span<const std::byte> bytes) {
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  if (static_cast<uint64_t>(count) > bytes.size() / sizeof(uint64_t)) {
    return error(Code::kCorruptEngine, "there are fewer strings than its shape says");
  }
  std::vector<std::string> strings;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    if (bytes.size() < sizeof length) break;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes = bytes.subspan(sizeof length);
    if (length > bytes.size()) break;
    strings.emplace_back(reinterpret_cast<const char*>(bytes.data()), length);
    bytes = bytes.subspan(length);
  }
  if (static_cast<int64_t>(strings.size()) != count || !bytes.empty()) {
    return error(Code::kCorruptEngine, "its strings do not fill its bytes");
  }
  return Tensor::from_strings(shape, std::move(strings));
}

// What the sections are made of, and the texts and copies behind them.
struct Image {
  std::string plan, index, entries, metadata;
  std::vector<Tensor> dense;
  std::vector<std::vector<std::byte>> packed;
  ContainerImage container;
};

Status make_image(const EngineFile& engine, Image& out) {
  std::array<Pieces, kSections> sections;
  const auto at = [&](Section section) -> Pieces& {
    return sections[static_cast<size_t>(section) - 1];
  };
  uint64_t offset = 0;
  for (const Tensor& weight : engine.weights) {
    CARNOT_ASSIGN(Tensor dense, weight.dense());
    const bool strings = dense.dtype() == DType::kString;
    if (strings) out.packed.push_back(pack_strings(dense));
    const std::span<const std::byte> bytes =
        strings ? std::span<const std::byte>(out.packed.back())
                : std::span<const std::byte>(dense.data(), dense.bytes());
    out.index +=
        cat("weight ", to_string(dense.type()), " at ", offset, " bytes ", bytes.size(), "\n");
    if (!bytes.empty()) at(Section::kWeights).push_back(bytes);
    CARNOT_ASSIGN(const int64_t rounded,
                  align_up(static_cast<int64_t>(bytes.size()), kSectionAlignment));
    offset += static_cast<uint64_t>(rounded);
    out.dense.push_back(std::move(dense));
  }
  for (const auto& [name, code_offset] : engine.code.entries) {
    out.entries += cat("entry ", quote(name), " at ", code_offset, "\n");
  }
  for (const auto& [key, value] : engine.metadata) {
    out.metadata += cat(quote(key), " = ", quote(value), "\n");
  }
  out.plan = print(engine.plan);
  at(Section::kPlan) = {bytes_of(out.plan)};
  at(Section::kWeightsIndex) = {bytes_of(out.index)};
  at(Section::kEntries) = {bytes_of(out.entries)};
  at(Section::kKernels) = {bytes_of(engine.kernels_text)};
  at(Section::kTimings) = {bytes_of(engine.timings_text)};
  at(Section::kMetadata) = {bytes_of(out.metadata)};
  at(Section::kCode) = {engine.code.bytes};
  out.container = write_container(engine.plan.device, sections);
  return {};
}

Scanner scanner_of(const Container& container, Section section) {
  return Scanner(container.text(section), to_string(section), Code::kCorruptEngine);
}

Result<std::span<const std::byte>> range(Scanner& in, std::span<const std::byte> whole) {
  CARNOT_RETURN_IF_ERROR(in.expect("at"));
  CARNOT_ASSIGN(const uint64_t offset, in.unsigned_integer());
  CARNOT_RETURN_IF_ERROR(in.expect("bytes"));
  CARNOT_ASSIGN(const uint64_t bytes, in.unsigned_integer());
  if (bytes == 0) return std::span<const std::byte>();  // wherever it says that it is
  if (offset > whole.size() || bytes > whole.size() - offset || offset % kSectionAlignment != 0) {
    return in.fail("the bytes from ", offset, " on, ", bytes, " of them, are not there");
  }
  return whole.subspan(offset, bytes);
}

Status read_weights(const Container& container, const Tensor& whole, std::vector<Tensor>& out) {
  const auto keep_alive = std::make_shared<const Tensor>(whole);
  Scanner in = scanner_of(container, Section::kWeightsIndex);
  while (in.accept("weight")) {
    CARNOT_ASSIGN(const TensorType type, parse_type(in));
    if (!type.is_static()) return in.fail("a weight has symbolic sizes");
    Shape shape;
    for (const Dim& dim : type.dims) shape.push_back(dim.value());
    CARNOT_ASSIGN(const auto bytes, range(in, container[Section::kWeights]));
    CARNOT_ASSIGN(Tensor weight, type.dtype == DType::kString
                                     ? unpack_strings(shape, bytes)
                                     : Tensor::wrap(type.dtype, shape, bytes, keep_alive));
    out.push_back(std::move(weight));
  }
  return in.at_end() ? Status() : in.fail_expected("weight");
}

Status read_code(const Container& container, CodeBlob& out) {
  const auto bytes = container[Section::kCode];
  out.bytes.assign(bytes.begin(), bytes.end());
  Scanner in = scanner_of(container, Section::kEntries);
  while (in.accept("entry")) {
    CARNOT_ASSIGN(std::string name, in.string());
    CARNOT_RETURN_IF_ERROR(in.expect("at"));
    CARNOT_ASSIGN(const uint64_t offset, in.unsigned_integer());
    if (offset >= bytes.size()) return in.fail("the entry lies outside the machine code");
    out.entries.emplace_back(std::move(name), offset);
  }
  return in.at_end() ? Status() : in.fail_expected("entry");
}

Status read_metadata(const Container& container, std::map<std::string, std::string>& out) {
  Scanner in = scanner_of(container, Section::kMetadata);
  while (!in.at_end()) {
    CARNOT_ASSIGN(std::string key, in.string());
    CARNOT_RETURN_IF_ERROR(in.expect("="));
    CARNOT_ASSIGN(std::string value, in.string());
    if (!out.emplace(std::move(key), std::move(value)).second) {
      return in.fail("a key is there twice");
    }
  }
  return {};
}

Status check_constants(const EngineFile& engine, const Plan& plan) {
  for (const PlanBuffer& buffer : plan.buffers) {
    if (buffer.view_of >= 0 || buffer.place != Place::kConstant) continue;
    const Tensor& weight = engine.weights[static_cast<size_t>(buffer.index)];
    if (!(weight.type() == buffer.type)) {
      return error(Code::kCorruptEngine, "weight ", buffer.index, " is ", to_string(weight.type()),
                   ", the plan says ", to_string(buffer.type));
    }
  }
  for (const Step& step : plan.steps) {
    for (const auto& region : step.regions) {
      CARNOT_RETURN_IF_ERROR(check_constants(engine, *region));
    }
  }
  return {};
}

// What is wrong inside intact sections was written wrong: the same code, another cause.
Status as_corrupt(const Status& status) {
  return {Code::kCorruptEngine, "the engine is not valid: " + status.message()};
}

}  // namespace

Status save_engine(const EngineFile& engine, const std::string& path) {
  Image image;
  CARNOT_RETURN_IF_ERROR(make_image(engine, image));
  return atomic_write(path, image.container.parts);
}

Result<std::vector<std::byte>> serialize_engine(const EngineFile& engine) {
  Image image;
  CARNOT_RETURN_IF_ERROR(make_image(engine, image));
  std::vector<std::byte> out;
  size_t bytes = 0;
  for (const auto& part : image.container.parts) bytes += part.size();
  out.reserve(bytes);
  for (const auto& part : image.container.parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Result<EngineFile> parse_engine(const Tensor& bytes) {
  CARNOT_CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % kSectionAlignment == 0);
  CARNOT_ASSIGN(const Container container, read_container({bytes.data(), bytes.bytes()}));
  EngineFile out;
  const auto read = [&]() -> Status {
    CARNOT_ASSIGN(out.plan, parse_plan(container.text(Section::kPlan)));
    if (out.plan.device != container.target) {
      return error(Code::kCorruptEngine, "its header and its plan name different devices");
    }
    CARNOT_RETURN_IF_ERROR(read_weights(container, bytes, out.weights));
    CARNOT_RETURN_IF_ERROR(read_code(container, out.code));
    CARNOT_RETURN_IF_ERROR(read_metadata(container, out.metadata));
    CARNOT_RETURN_IF_ERROR(verify(out.plan, static_cast<int>(out.weights.size())));
    return check_constants(out, out.plan);
  };
  if (const Status status = read(); !status.ok()) return as_corrupt(status);
  out.kernels_text = container.text(Section::kKernels);
  out.timings_text = container.text(Section::kTimings);
  return out;
}

Result<EngineFile> load_engine(const std::string& path) {
  // O_NONBLOCK: a pipe must not hold us up before we see that it is one.
  const FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened.valid()) {
    return error(Code::kIo, "cannot open '", path, "': ", std::strerror(errno));
  }
  CARNOT_ASSIGN(MappedFile file, MappedFile::map(opened, path));
  const auto mapped = std::make_shared<const MappedFile>(std::move(file));
  const auto size = static_cast<int64_t>(mapped->bytes().size());
  CARNOT_ASSIGN(const Tensor bytes, Tensor::wrap(DType::kU8, {size}, mapped->bytes(), mapped));
  return parse_engine(bytes).with(cat("loading ", path));
}

}  // namespace carnot
