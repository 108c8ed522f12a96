// Every case of tests/kernels/*.kernels (form in kernel_case.h), one test per file; `kernels_tests
// --bless` rewrites what they expect. The kernels of the code generators' tests (*.kernel) are
// printed and read back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/kernel.h"
#include "tests/kernels/kernel_case.h"

namespace carnot {
namespace {

constexpr const char* kFolder = CARNOT_SOURCE_DIR "/tests/kernels";
bool bless = false;

class KernelFile : public testing::Test {
 public:
  explicit KernelFile(std::filesystem::path path) : path_(std::move(path)) {}

  void TestBody() override {
    std::vector<KernelCase> cases = read_kernel_cases(path_.string());
    EXPECT_FALSE(cases.empty());
    for (KernelCase& test : cases) {
      KernelCase blessed;
      const Status status = run_kernel_case(test, &blessed);
      EXPECT_TRUE(bless || status.ok())
          << path_.filename().string() << ": " << test.name << ": " << status.message();
      if (bless) test = blessed;
    }
    if (bless) write_kernel_cases(path_.string(), cases);
  }

 private:
  std::filesystem::path path_;
};

TEST(KernelText, OfTheCodeGeneratorsTests) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".kernel") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const Result<Kernel> kernel = parse_kernel(text.str());
    ASSERT_TRUE(kernel.ok()) << entry.path() << ": " << kernel.status().message();
    EXPECT_TRUE(verify(*kernel).ok()) << entry.path();
    const Result<Kernel> again = parse_kernel(print(*kernel));
    ASSERT_TRUE(again.ok()) << again.status().message() << "\n" << print(*kernel);
    EXPECT_EQ(*again, *kernel) << entry.path();
  }
}

void register_files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".kernels") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    testing::RegisterTest("KernelCases", path.stem().string().c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [path]() -> testing::Test* { return new KernelFile(path); });
  }
}

}  // namespace
}  // namespace carnot

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    carnot::bless = carnot::bless || std::strcmp(argv[i], "--bless") == 0;
  }
  carnot::register_files();
  return RUN_ALL_TESTS();
}
