#include "codegen/cpu/link.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Object/ObjectFile.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <optional>

namespace carnot::cpu {

namespace {

constexpr int64_t kAlignment = 64;

Status llvm_error(const char* what, llvm::Error failure) {
  return error(Code::kInternal, "link: ", what, ": ", llvm::toString(std::move(failure)));
}

void store32(std::byte* at, uint32_t value) {
  std::memcpy(at, &value, 4);
}
uint32_t load32(const std::byte* at) {
  uint32_t value;
  std::memcpy(&value, at, 4);
  return value;
}

/// Writes `bits` low bits of value into the instruction at `at`, from bit `shift` on.
Status patch_field(std::byte* at, int64_t value, int bits, int shift) {
  const int64_t limit = int64_t{1} << (bits - 1);
  if (value < -limit || value >= limit) {
    return error(Code::kUnsupported, "link: code of one module is too far apart");
  }
  const uint32_t mask = ((1U << bits) - 1) << shift;
  store32(at, (load32(at) & ~mask) | ((static_cast<uint32_t>(value) << shift) & mask));
  return {};
}

/// ADR splits its 21 bits: two low ones at 29, the others at 5.
Status patch_adr(std::byte* at, int64_t value) {
  CARNOT_RETURN_IF_ERROR(patch_field(at, value >> 2, 19, 5));
  store32(at, (load32(at) & ~(3U << 29)) | ((static_cast<uint32_t>(value) & 3) << 29));
  return {};
}

/// `place` and `target` are offsets in the blob; only differences may be written.
Status apply(uint16_t machine, uint64_t type, std::byte* at, int64_t place, int64_t target) {
  const int64_t delta = target - place;
  if (machine == llvm::ELF::EM_X86_64) {
    switch (type) {
      case llvm::ELF::R_X86_64_PC32:
      case llvm::ELF::R_X86_64_PLT32:
        if (delta != static_cast<int32_t>(delta)) {
          return error(Code::kUnsupported, "link: more than 2 GB of code");
        }
        store32(at, static_cast<uint32_t>(delta));
        return {};
      case llvm::ELF::R_X86_64_PC64:
        std::memcpy(at, &delta, 8);
        return {};
    }
  } else {
    switch (type) {
      case llvm::ELF::R_AARCH64_PREL32:
        store32(at, static_cast<uint32_t>(delta));
        return {};
      case llvm::ELF::R_AARCH64_ADR_PREL_LO21:
        return patch_adr(at, delta);
      case llvm::ELF::R_AARCH64_LD_PREL_LO19:
        return patch_field(at, delta >> 2, 19, 5);
      case llvm::ELF::R_AARCH64_CALL26:
      case llvm::ELF::R_AARCH64_JUMP26:
        return patch_field(at, delta >> 2, 26, 0);
    }
  }
  return error(Code::kInternal, "link: relocation type ", type, " is not position independent");
}

/// One object: where each of its sections goes, then the relocations against them.
class ObjectLinker {
 public:
  ObjectLinker(CodeBlob& blob, const llvm::object::ELFObjectFileBase& object)
      : blob_(blob), object_(object) {}

  Status run() {
    for (const llvm::object::SectionRef& section : object_.sections()) {
      CARNOT_RETURN_IF_ERROR(place(section));
    }
    CARNOT_RETURN_IF_ERROR(publish());
    for (const llvm::object::SectionRef& section : object_.sections()) {
      CARNOT_RETURN_IF_ERROR(relocate(section));
    }
    return {};
  }

 private:
  Status place(const llvm::object::SectionRef& section) {
    const llvm::object::ELFSectionRef elf(section);
    if (!(elf.getFlags() & llvm::ELF::SHF_ALLOC) || section.getSize() == 0) return {};
    if (elf.getType() == llvm::ELF::SHT_X86_64_UNWIND) return {};  // nothing unwinds through it
    if (elf.getFlags() & (llvm::ELF::SHF_WRITE | llvm::ELF::SHF_TLS)) {
      return error(Code::kInternal, "link: generated code has writable data");
    }
    auto contents = section.getContents();
    if (!contents) return llvm_error("section", contents.takeError());
    const int64_t alignment =
        std::max<int64_t>(kAlignment, static_cast<int64_t>(section.getAlignment().value()));
    const int64_t begin =
        (static_cast<int64_t>(blob_.bytes.size()) + alignment - 1) / alignment * alignment;
    blob_.bytes.resize(static_cast<size_t>(begin) + contents->size());
    std::memcpy(blob_.bytes.data() + begin, contents->data(), contents->size());
    offsets_[section.getIndex()] = begin;
    return {};
  }

  Result<int64_t> address(const llvm::object::SymbolRef& symbol) {
    auto section = symbol.getSection();
    if (!section) return llvm_error("symbol", section.takeError());
    auto name = symbol.getName();
    if (!name) return llvm_error("symbol", name.takeError());
    const auto placed =
        *section == object_.section_end() ? offsets_.end() : offsets_.find((*section)->getIndex());
    if (placed == offsets_.end()) {
      return error(Code::kInternal, "link: generated code refers to '", name->str(),
                   "', which is not part of it");
    }
    auto value = symbol.getValue();
    if (!value) return llvm_error("symbol", value.takeError());
    return placed->second + static_cast<int64_t>(*value);
  }

  Status publish() {
    for (const llvm::object::ELFSymbolRef symbol : object_.symbols()) {
      if (symbol.getBinding() != llvm::ELF::STB_GLOBAL ||
          symbol.getELFType() != llvm::ELF::STT_FUNC) {
        continue;
      }
      auto name = symbol.getName();
      if (!name) return llvm_error("symbol", name.takeError());
      CARNOT_ASSIGN(const int64_t offset, address(symbol));
      if (!blob_.entries.emplace(name->str(), offset).second) {
        return error(Code::kInternal, "link: '", name->str(), "' is defined twice");
      }
    }
    return {};
  }

  Status relocate(const llvm::object::SectionRef& section) {
    auto target = section.getRelocatedSection();
    if (!target) return llvm_error("relocations", target.takeError());
    if (*target == object_.section_end()) return {};
    const auto placed = offsets_.find((*target)->getIndex());
    if (placed == offsets_.end()) return {};
    for (const llvm::object::ELFRelocationRef relocation : section.relocations()) {
      if (relocation.getSymbol() == object_.symbol_end()) {
        return error(Code::kInternal, "link: relocation without a symbol");
      }
      CARNOT_ASSIGN(int64_t to, address(*relocation.getSymbol()));
      auto addend = relocation.getAddend();
      if (!addend) return llvm_error("addend", addend.takeError());
      to += *addend;
      const int64_t place = placed->second + static_cast<int64_t>(relocation.getOffset());
      CARNOT_RETURN_IF_ERROR(apply(object_.getEMachine(), relocation.getType(),
                                   blob_.bytes.data() + place, place, to));
    }
    return {};
  }

  CodeBlob& blob_;
  const llvm::object::ELFObjectFileBase& object_;
  std::map<uint64_t, int64_t> offsets_;  ///< section index -> offset in the blob
};

}  // namespace

Result<CodeBlob> link(std::span<const ObjectBytes> objects) {
  CodeBlob blob;
  for (const ObjectBytes& bytes : objects) {
    const llvm::MemoryBufferRef view(llvm::StringRef(bytes.data(), bytes.size()), "object");
    auto object = llvm::object::ObjectFile::createELFObjectFile(view);
    if (!object) return llvm_error("object", object.takeError());
    const auto* elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(object->get());
    if (elf == nullptr) return error(Code::kInternal, "link: not an ELF object");
    CARNOT_RETURN_IF_ERROR(ObjectLinker(blob, *elf).run());
  }
  return blob;
}

Result<LoadedCode> LoadedCode::load(const CodeBlob& blob) {
  LoadedCode loaded;
  if (blob.bytes.empty()) return loaded;
  void* base =
      mmap(nullptr, blob.bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return error(Code::kOutOfMemory, "no memory for generated code");
  loaded.base_ = base;
  loaded.bytes_ = blob.bytes.size();
  std::memcpy(base, blob.bytes.data(), blob.bytes.size());
  if (mprotect(base, loaded.bytes_, PROT_READ | PROT_EXEC) != 0) {
    return error(Code::kIo, "the system does not let generated code be executed");
  }
  __builtin___clear_cache(static_cast<char*>(base), static_cast<char*>(base) + loaded.bytes_);
  loaded.entries_ = blob.entries;
  return loaded;
}

LoadedCode::LoadedCode(LoadedCode&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      entries_(std::move(other.entries_)) {}

LoadedCode& LoadedCode::operator=(LoadedCode&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  std::swap(entries_, other.entries_);
  return *this;
}

LoadedCode::~LoadedCode() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

KernelEntry LoadedCode::entry(const std::string& symbol) const {
  const auto found = entries_.find(symbol);
  if (found == entries_.end()) return nullptr;
  return reinterpret_cast<KernelEntry>(static_cast<std::byte*>(base_) + found->second);
}

}  // namespace carnot::cpu
