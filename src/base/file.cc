#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

namespace carnot {
namespace {

Status io_error(std::string_view doing, std::string_view path, int number) {
  return error(Code::kIo, "cannot ", doing, " '", path, "': ", std::strerror(number));
}

Result<FileDescriptor> open_file(const std::string& path, int flags = 0) {
  FileDescriptor file;
  do {
    file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  } while (!file.valid() && errno == EINTR);
  if (!file.valid()) return io_error("open", path, errno);
  return file;
}

// The components of a model's path, or why it is refused.
Result<std::vector<std::string>> components(const std::string& relative) {
  const auto refuse = [&](const char* reason) {
    return error(Code::kInvalidModel, "external file '", relative, "' is refused: ", reason);
  };
  if (relative.empty()) return refuse("its name is empty");
  if (relative.find('\0') != std::string::npos) return refuse("its name contains a zero byte");
  if (relative[0] == '/') return refuse("its path is absolute");
  std::vector<std::string> parts;
  for (size_t at = 0; at <= relative.size();) {
    const size_t end = std::min(relative.find('/', at), relative.size());
    const std::string part = relative.substr(at, end - at);
    if (part == "..") return refuse("its path contains '..'");
    if (!part.empty() && part != ".") parts.push_back(part);
    at = end + 1;
  }
  if (parts.empty() || relative.back() == '/') return refuse("it names a folder");
  return parts;
}

// Why an open failed, as far as the model is to blame.
Status open_failed(const std::string& relative, int number) {
  if (number == ELOOP || number == EXDEV || number == ENOTDIR) {
    return error(Code::kInvalidModel, "external file '", relative,
                 "' is refused: a symbolic link or no folder on its path");
  }
  return io_error("open external file", relative, number);
}

Result<FileDescriptor> require_regular(FileDescriptor file, const std::string& relative) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return io_error("examine", relative, errno);
  if (!S_ISREG(status.st_mode)) {
    return error(Code::kInvalidModel, "external file '", relative,
                 "' is refused: it is no regular file");
  }
  return file;
}

// O_NONBLOCK: a pipe must not hold us up before we see that it is one.
constexpr int kBeneathFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

Result<FileDescriptor> open_folder(const std::string& folder) {
  FileDescriptor root(
      ::open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return io_error("open folder", folder, errno);
  return root;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> read_file(const std::string& path, int64_t bytes_max) {
  CARNOT_ASSIGN(const FileDescriptor file, open_file(path));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return io_error("examine", path, errno);
  const auto limit = static_cast<uint64_t>(std::clamp<int64_t>(bytes_max, 0, kBytesMax));
  const auto over = [&] {
    return error(Code::kResourceLimit, "'", path, "' is larger than ", limit, " bytes");
  };
  const auto known = static_cast<uint64_t>(S_ISREG(status.st_mode) ? status.st_size : 0);
  if (known > limit) return over();
  constexpr size_t kStep = 65536;
  std::string out;
  size_t used = 0;
  while (true) {
    // One byte more than the size is asked for, so that the usual file ends without growing.
    if (used == out.size()) {
      try {
        out.resize(used ? used + std::max(kStep, used / 2) : known + 1);
      } catch (const std::bad_alloc&) {  // an endless device, say
        return error(Code::kOutOfMemory, "cannot read '", path, "': no memory beyond ", used,
                     " bytes");
      }
    }
    const ssize_t got = ::read(file.get(), out.data() + used, out.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", path, errno);
    used += static_cast<size_t>(got);
    if (used > limit) return over();
    if (got == 0) break;
  }
  out.resize(used);
  return out;
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  // A pipe must not hold us up before map() sees that it is one.
  CARNOT_ASSIGN(const FileDescriptor file, open_file(path, O_NONBLOCK | O_NOCTTY));
  return map(file, path);
}

Result<MappedFile> MappedFile::map(const FileDescriptor& file, const std::string& name) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return io_error("examine", name, errno);
  if (!S_ISREG(status.st_mode)) {
    return error(Code::kIo, "cannot map '", name, "': it is no regular file");
  }
  MappedFile mapped;
  if (status.st_size == 0) return mapped;  // mmap refuses a length of 0
  const auto size = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return io_error("map", name, errno);
  mapped.bytes_ = {static_cast<const std::byte*>(address), size};
  return mapped;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<FileDescriptor> open_beneath(const std::string& folder, const std::string& relative) {
  CARNOT_RETURN_IF_ERROR(components(relative).status());
  CARNOT_ASSIGN(const FileDescriptor root, open_folder(folder));
  open_how how = {};
  how.flags = kBeneathFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  FileDescriptor file(
      static_cast<int>(syscall(SYS_openat2, root.get(), relative.c_str(), &how, sizeof how)));
  if (file.valid()) return require_regular(std::move(file), relative);
  // Old kernels lack openat2, sandboxes forbid it (EPERM), EAGAIN is a race with a rename.
  if (errno == ENOSYS || errno == EPERM || errno == EAGAIN) {
    return detail::open_beneath_by_component(folder, relative);
  }
  return open_failed(relative, errno);
}

Result<FileDescriptor> detail::open_beneath_by_component(const std::string& folder,
                                                         const std::string& relative) {
  CARNOT_ASSIGN(const std::vector<std::string> parts, components(relative));
  CARNOT_ASSIGN(FileDescriptor at, open_folder(folder));
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    FileDescriptor next(
        openat(at.get(), parts[i].c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) return open_failed(relative, errno);
    at = std::move(next);
  }
  FileDescriptor file(openat(at.get(), parts.back().c_str(), kBeneathFlags));
  if (!file.valid()) return open_failed(relative, errno);
  return require_regular(std::move(file), relative);
}

}  // namespace carnot
