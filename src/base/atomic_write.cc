// atomic_write: a temporary file beside the target, fsync, rename, fsync of the folder.
// A temporary is named `.NAME.carnot-tmp-PID-N` and locked (flock) while its writer lives. The next
// save of NAME removes those whose process is gone and whose lock is free: the lock tells a live
// writer of another container, whose process number means nothing here.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/file.h"
#include "base/hash.h"

namespace carnot {
namespace {

Status io_error(std::string_view doing, std::string_view path, int number) {
  return error(Code::kIo, "cannot ", doing, " '", path, "': ", std::strerror(number));
}

Status write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  constexpr size_t kWriteMax = size_t{1} << 30;  // Linux writes at most 2^31 - 4096 at once
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kWriteMax));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("write", path, errno);
    if (n == 0) return io_error("write", path, ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

// Removes its file unless released.
class Temporary {
 public:
  Temporary(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}
  Temporary(const Temporary&) = delete;
  ~Temporary() {
    if (folder_ >= 0) unlinkat(folder_, name_.c_str(), 0);
  }
  void release() { folder_ = -1; }

 private:
  int folder_;
  std::string name_;
};

void remove_stale(int folder, const std::string& prefix) {
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(copy), closedir);
  if (!listing) {
    ::close(copy);
    return;
  }
  while (const dirent* entry = readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name.substr(0, prefix.size()) != prefix) continue;
    const std::string_view tail = name.substr(prefix.size());
    pid_t pid = 0;
    const auto [end, failure] = std::from_chars(tail.data(), tail.data() + tail.size(), pid);
    if (failure != std::errc() || pid <= 0 || end == tail.data() + tail.size() || *end != '-') {
      continue;
    }
    if (kill(pid, 0) == 0 || errno != ESRCH) continue;  // alive
    const FileDescriptor file(
        openat(folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.valid() && flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      unlinkat(folder, entry->d_name, 0);
    }
  }
}

// An existing device or pipe: nothing to rename over.
Status write_in_place(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return io_error("open", path, errno);
  for (const auto part : parts) CARNOT_RETURN_IF_ERROR(write_all(file.get(), part, path));
  return {};
}

// The part of the temporary's name before the process number.
std::string temporary_prefix(const std::string& name) {
  constexpr size_t kNameMax = 200;  // leaves room for the rest within NAME_MAX (255)
  if (name.size() <= kNameMax) return "." + name + ".carnot-tmp-";
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(hash64(name)));
  return cat(".", hash, ".carnot-tmp-");
}

// Creates and locks an own temporary; `name` receives its name.
Result<FileDescriptor> create_temporary(int folder, const std::string& prefix,
                                        const std::string& path, std::string& name) {
  static std::atomic<unsigned> serial{0};
  while (true) {
    name = cat(prefix, getpid(), "-", serial.fetch_add(1));
    FileDescriptor file(
        openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.valid() && (errno == EEXIST || errno == EINTR)) continue;
    if (!file.valid()) return io_error("create a temporary file beside", path, errno);
    flock(file.get(), LOCK_EX | LOCK_NB);  // a file system without locks still has the number
    return file;
  }
}

Status replace(const std::string& path, std::span<const std::span<const std::byte>> parts,
               const struct stat* old) {
  const size_t slash = path.rfind('/');
  const std::string folder_path =
      slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  const std::string target = slash == std::string::npos ? path : path.substr(slash + 1);
  if (target.empty()) return io_error("write", path, EISDIR);
  const FileDescriptor folder(::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return io_error("open folder", folder_path, errno);
  const std::string prefix = temporary_prefix(target);
  remove_stale(folder.get(), prefix);

  std::string name;
  CARNOT_ASSIGN(const FileDescriptor file, create_temporary(folder.get(), prefix, path, name));
  Temporary temporary(folder.get(), name);
  if (old && fchmod(file.get(), old->st_mode & 07777) != 0) {
    return io_error("set the permissions of", path, errno);
  }
  for (const auto part : parts) CARNOT_RETURN_IF_ERROR(write_all(file.get(), part, path));
  if (fsync(file.get()) != 0) return io_error("write", path, errno);
  if (renameat(folder.get(), name.c_str(), folder.get(), target.c_str()) != 0) {
    return io_error("replace", path, errno);
  }
  temporary.release();
  // Some file systems cannot sync a folder (EINVAL); the file itself is whole in any case.
  if (fsync(folder.get()) != 0 && errno != EINVAL)
    return io_error("sync folder", folder_path, errno);
  return {};
}

}  // namespace

Status atomic_write(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  if (path.find('\0') != std::string::npos) return io_error("write", path, EINVAL);
  struct stat old;
  if (stat(path.c_str(), &old) != 0) {
    if (errno != ENOENT) return io_error("examine", path, errno);
    return replace(path, parts, nullptr);
  }
  if (S_ISDIR(old.st_mode)) return io_error("write", path, EISDIR);
  if (!S_ISREG(old.st_mode)) return write_in_place(path, parts);
  // A link's target is replaced, not the link.
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (!real) return io_error("examine", path, errno);
  return replace(real.get(), parts, &old);
}

Status atomic_write(const std::string& path, std::string_view text) {
  const std::span<const std::byte> part = std::as_bytes(std::span(text.data(), text.size()));
  return atomic_write(path, std::span(&part, 1));
}

}  // namespace carnot
