// Cases in tests/plans/separate_memory.cases: a plan whose steps share one memory, `=>`, and what
// separate_memory() makes of it. Both are valid for their devices.
#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "plan/separate_memory.h"

namespace carnot {
namespace {

constexpr const char* kDevice = "cpu features=own_memory";

struct Case {
  std::string name, before, after;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> out;
  const auto text = read_file(path);
  EXPECT_TRUE(text.ok()) << to_string(text.status());
  std::istringstream lines(text.ok() ? *text : "");
  bool after = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("== ", 0) == 0) {
      out.push_back({line.substr(3), "", ""});
      after = false;
    } else if (line == "=>") {
      after = true;
    } else if (!out.empty()) {
      (after ? out.back().after : out.back().before) += line + "\n";
    }
  }
  return out;
}

TEST(SeparateMemory, Cases) {
  const auto cases = read_cases(CARNOT_SOURCE_DIR "/tests/plans/separate_memory.cases");
  ASSERT_FALSE(cases.empty());
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    auto plan = parse_plan(each.before);
    ASSERT_TRUE(plan.ok()) << to_string(plan.status());
    ASSERT_TRUE(verify(*plan, 4).ok()) << to_string(verify(*plan, 4));
    plan->device = kDevice;
    separate_memory(*plan);
    const Status valid = verify(*plan, 4);
    EXPECT_TRUE(valid.ok()) << to_string(valid);
    EXPECT_EQ(print(*plan), each.after);
  }
}

}  // namespace
}  // namespace carnot
