#pragma once
// Files: reading, mapping, opening what an untrusted model names, saving all or nothing.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/checked.h"
#include "base/status.h"

namespace carnot {

/// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The whole file (a pipe too), or kResourceLimit when it holds more than `bytes_max`.
Result<std::string> read_file(const std::string& path, int64_t bytes_max = kBytesMax);

/// A read-only private mapping of a whole regular file. Truncating the file while it is mapped is
/// the owner's mistake (SIGBUS), like everywhere.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  /// Maps an open file; `name` is for messages.
  static Result<MappedFile> map(const FileDescriptor& file, const std::string& name);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();
  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Opens a regular file beneath `folder` for reading: a path from a model can reach nothing else.
/// Absolute paths, "..", symbolic links (on any component) and devices are kInvalidModel.
Result<FileDescriptor> open_beneath(const std::string& folder, const std::string& relative);

/// Replaces `path` by the parts' bytes, all or nothing, durably, with the old file's permissions: a
/// reader or a crash sees the old file or the new one. A device or pipe is written in place. Cleans
/// up after earlier writers of the same file that were killed.
Status atomic_write(const std::string& path, std::span<const std::span<const std::byte>> parts);
Status atomic_write(const std::string& path, std::string_view text);

namespace detail {
/// open_beneath where the kernel has no openat2: component by component.
Result<FileDescriptor> open_beneath_by_component(const std::string& folder,
                                                 const std::string& relative);
}  // namespace detail

}  // namespace carnot
