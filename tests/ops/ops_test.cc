// Every line of tests/ops/*.txt (grammar in op_case.h), one test per file. `ops_tests --bless`
// rewrites what the lines expect.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/ops/op_case.h"

namespace carnot {
namespace {

bool bless = false;

class OpFile : public testing::Test {
 public:
  explicit OpFile(std::filesystem::path path) : path_(std::move(path)) {}

  void TestBody() override {
    std::ifstream in(path_);
    std::string rewritten;
    int number = 0, cases = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const Result<std::optional<OpCase>> test = parse_op_case(line);
      if (test.ok() && *test) {
        ++cases;
        std::string blessed;
        const Status status = run_op_case(**test, &blessed);
        if (bless && !status.ok()) line = blessed;
        EXPECT_TRUE(bless || status.ok()) << path_.filename().string() << ":" << number << ": "
                                          << line << "\n  " << status.message();
      } else {
        EXPECT_TRUE(test.ok()) << path_.filename().string() << ":" << number << ": " << line
                               << "\n  " << test.status().message();
      }
      rewritten += line + "\n";
    }
    EXPECT_GT(cases, 0) << "no cases";
    in.close();
    if (bless) std::ofstream(path_) << rewritten;
  }

 private:
  std::filesystem::path path_;
};

void register_files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/ops")) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    testing::RegisterTest("OpCases", path.stem().string().c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [path]() -> testing::Test* { return new OpFile(path); });
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
