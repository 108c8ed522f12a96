#include "device/cpu/code.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/checked.h"

namespace carnot::cpu {
namespace {

class MappedCode : public LoadedCode {
 public:
  MappedCode(void* base, size_t bytes) : base_(static_cast<std::byte*>(base)), bytes_(bytes) {}
  MappedCode(const MappedCode&) = delete;
  MappedCode& operator=(const MappedCode&) = delete;
  ~MappedCode() override { munmap(base_, bytes_); }
  const void* entry(size_t offset) const override { return base_ + offset; }

 private:
  std::byte* base_;
  size_t bytes_;
};

// Runs off the end of the code stop at once.
constexpr std::byte kTrap{0xcc};

}  // namespace

Result<std::unique_ptr<LoadedCode>> map_code(std::span<const std::byte> code) {
  CARNOT_ASSIGN(const int64_t rounded,
                align_up(static_cast<int64_t>(code.size()) + 1, sysconf(_SC_PAGESIZE)));
  const auto bytes = static_cast<size_t>(rounded);
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return error(Code::kOutOfMemory, "the system refused ", bytes,
                 " bytes for machine code: ", std::strerror(errno));
  }
  auto mapped = std::make_unique<MappedCode>(base, bytes);
  if (!code.empty()) std::memcpy(base, code.data(), code.size());
  std::memset(static_cast<std::byte*>(base) + code.size(), std::to_integer<int>(kTrap),
              bytes - code.size());
  if (mprotect(base, bytes, PROT_READ | PROT_EXEC) != 0) {
    return error(Code::kDevice,
                 "the system refuses to make compiled code executable: ", std::strerror(errno),
                 "; allow this process executable memory");
  }
  __builtin___clear_cache(static_cast<char*>(base), static_cast<char*>(base) + bytes);
  return std::unique_ptr<LoadedCode>(std::move(mapped));
}

}  // namespace carnot::cpu
