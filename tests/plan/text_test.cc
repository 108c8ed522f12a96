// Cases in tests/plans/*.plan. A file is a list of cases:
//   == name                        a plan that prints as it stands, and is valid
//   == name ! part of the error    one that parse_plan() or verify() refuses
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "plan/plan.h"

namespace carnot {
namespace {

constexpr int kWeights = 4;  // that the plans may refer to

struct Case {
  std::string name, error, text;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> out;
  const auto text = read_file(path);
  EXPECT_TRUE(text.ok()) << to_string(text.status());
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("== ", 0) == 0) {
      const size_t mark = line.find(" ! ");
      out.push_back({line.substr(3, mark == std::string::npos ? mark : mark - 3),
                     mark == std::string::npos ? "" : line.substr(mark + 3), ""});
    } else if (!out.empty()) {
      out.back().text += line + "\n";
    }
  }
  return out;
}

void run(const Case& each) {
  const auto plan = parse_plan(each.text);
  const Status status = plan.ok() ? verify(*plan, kWeights) : plan.status();
  if (!each.error.empty()) {
    EXPECT_NE(to_string(status).find(each.error), std::string::npos) << to_string(status);
    return;
  }
  ASSERT_TRUE(status.ok()) << to_string(status);
  const std::string printed = print(*plan);
  EXPECT_EQ(printed, each.text);
  const auto again = parse_plan(printed);
  ASSERT_TRUE(again.ok()) << to_string(again.status());
  EXPECT_EQ(print(*again), printed);
}

TEST(PlanText, Cases) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/plans")) {
    if (entry.path().extension() == ".plan") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    for (const Case& each : read_cases(file)) {
      SCOPED_TRACE(file + ": " + each.name);
      run(each);
    }
  }
}

TEST(PlanText, NestingIsBounded) {
  std::string text;
  for (int i = 0; i < 100000; ++i) {
    text += "plan p { step if \"t\" () -> () op if regions { ";
  }
  const auto plan = parse_plan(text);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.status().message().find("more than 32 deep"), std::string::npos);
}

// Cutting a plan anywhere gives an error, or a plan, never a crash.
TEST(PlanText, EveryPrefix) {
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/plans")) {
    if (!entry.is_regular_file()) continue;
    for (const Case& each : read_cases(entry.path().string())) {
      for (size_t size = 0; size < each.text.size(); ++size) {
        const auto plan = parse_plan(std::string_view(each.text).substr(0, size));
        if (plan.ok()) (void)verify(*plan, kWeights).ok();
      }
    }
  }
}

}  // namespace
}  // namespace carnot
