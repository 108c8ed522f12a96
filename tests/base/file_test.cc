// Files: opening beneath a folder, mapping, atomic saves.
#include "base/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

namespace carnot {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  File() {
    char name[] = "/tmp/carnot-file-XXXXXX";
    dir = mkdtemp(name);
  }
  ~File() override { fs::remove_all(dir); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(dir), {}));
  }
  std::string dir;
};

TEST_F(File, ReadAndMap) {
  const std::string path = dir + "/a";
  ASSERT_TRUE(atomic_write(path, "hello").ok());
  EXPECT_EQ(*read_file(path), "hello");
  EXPECT_EQ(*read_file(path, 5), "hello");
  EXPECT_EQ(read_file(path, 4).status().code(), Code::kResourceLimit);
  EXPECT_EQ(read_file(dir + "/none").status().code(), Code::kIo);
  EXPECT_EQ(read_file(dir).status().code(), Code::kIo);
  EXPECT_EQ(read_file("/dev/zero", 1 << 20).status().code(), Code::kResourceLimit);
  EXPECT_FALSE(read_file("/proc/self/status")->empty());  // a size of 0 that is not empty
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  const MappedFile moved = std::move(*mapped);
  EXPECT_EQ(moved.text(), "hello");
  ASSERT_TRUE(atomic_write(path, "").ok());
  EXPECT_EQ(moved.text(), "hello");  // the old file lives as long as its mapping
  EXPECT_TRUE(MappedFile::open(path)->bytes().empty());
  EXPECT_FALSE(MappedFile::open(dir).ok());
}

using Open = std::function<Result<FileDescriptor>(const std::string&, const std::string&)>;

TEST_F(File, OpenBeneath) {
  fs::create_directories(dir + "/model/sub");
  ASSERT_TRUE(atomic_write(dir + "/secret", "s").ok());
  ASSERT_TRUE(atomic_write(dir + "/model/sub/weights", "w").ok());
  fs::create_symlink("../secret", dir + "/model/link");
  fs::create_symlink("sub", dir + "/model/sublink");
  fs::create_symlink("model", dir + "/modellink");
  ASSERT_EQ(mkfifo((dir + "/model/pipe").c_str(), 0600), 0);
  for (const Open& open : {Open(open_beneath), Open(detail::open_beneath_by_component)}) {
    for (const char* good : {"sub/weights", "./sub//weights"}) {
      auto file = open(dir + "/modellink", good);
      ASSERT_TRUE(file.ok()) << file.status().message();
      EXPECT_EQ(MappedFile::map(*file, good)->text(), "w");
    }
    for (const std::string bad :
         {"../secret", "sub/../../secret", "sub/..", "/etc/passwd", "", ".", "sub", "sub/", "link",
          "sublink/weights", "pipe", "sub/weights/x"}) {
      EXPECT_EQ(open(dir + "/model", bad).status().code(), Code::kInvalidModel) << bad;
    }
    EXPECT_FALSE(open(dir + "/model", std::string("sub/weights\0x", 13)).ok());
    EXPECT_EQ(open(dir + "/model", "none").status().code(), Code::kIo);
  }
}

TEST_F(File, AtomicWriteReplaces) {
  const std::string path = dir + "/engine", a = "abc", b = "def";
  const std::array parts = {std::as_bytes(std::span(a)), std::as_bytes(std::span(b))};
  ASSERT_TRUE(atomic_write(path, parts).ok());
  EXPECT_EQ(*read_file(path), "abcdef");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("engine", dir + "/link");
  ASSERT_TRUE(atomic_write(dir + "/link", "new").ok());
  EXPECT_TRUE(fs::is_symlink(dir + "/link"));
  EXPECT_EQ(*read_file(path), "new");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(atomic_write(dir + "/" + std::string(250, 'n'), "long").ok());
  EXPECT_EQ(entries(), 3u);
}

TEST_F(File, AtomicWriteFails) {
  EXPECT_EQ(atomic_write(dir, "x").code(), Code::kIo);
  EXPECT_EQ(atomic_write(dir + "/none/x", "x").code(), Code::kIo);
  EXPECT_EQ(atomic_write(dir + "/x/", "x").code(), Code::kIo);
  EXPECT_EQ(atomic_write("/dev/full", "x").code(), Code::kIo);
  EXPECT_TRUE(atomic_write("/dev/null", "x").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const std::string path = dir + "/full";  // a full disk: the size limit stands in for it
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const std::string large(1 << 20, 'x');
    const bool first = atomic_write(path, "old").ok();
    const rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(first && !atomic_write(path, large).ok() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*read_file(path), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, KilledWriterLeavesOldOrNew) {
  const std::string path = dir + "/engine";
  const std::string contents[] = {std::string(3 << 20, 'a'), std::string(2 << 20, 'b')};
  ASSERT_TRUE(atomic_write(path, contents[0]).ok());
  size_t stale = 0;
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0;; ++i) (void)atomic_write(path, contents[i % 2]);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 2 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    stale += entries() - 1;
    const auto now = read_file(path);
    ASSERT_TRUE(now.ok());
    EXPECT_TRUE(*now == contents[0] || *now == contents[1]);
  }
  EXPECT_GT(stale, 0u);  // at least one was killed in the middle, or this tests nothing
  ASSERT_TRUE(atomic_write(path, "end").ok());
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, ConcurrentWriters) {
  const std::string path = dir + "/cache";
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(atomic_write(path, std::string(10000, static_cast<char>('0' + w))).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string end = *read_file(path);
  EXPECT_EQ(end, std::string(10000, end[0]));
  EXPECT_EQ(entries(), 1u);
}

}  // namespace
}  // namespace carnot
