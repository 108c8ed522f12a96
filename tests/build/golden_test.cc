// Golden plans: a graph, a device that is not there and recorded timings give this very plan. Each
// case of tests/plans/golden/*.plan:
//   //! name
//   //! device: null isa=avx2 threads=2 ...
//   //! scratch: 4096                       (bytes; the limit, if there is one)
//   //! profile: x 1,64 8,64 128,64         (least, likely and largest sizes of an input)
//   //! timing: KERNEL_HASH tactic[variant] revision microseconds      (any number of them)
//   graph ...
//   //! expect
//   plan ...
// `build_tests --bless` rewrites what is expected.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hash.h"
#include "build/build.h"

namespace carnot {
namespace {

bool bless = false;

struct Case {
  std::string head, device, graph, expect;  ///< `head`: the lines before the graph
  std::vector<std::string> timings;
  std::map<std::string, ShapeRange> profile;
  int64_t scratch_bytes_max = -1;
};

Shape shape_of(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  Shape out;
  for (int64_t size; in >> size;) out.push_back(size);
  return out;
}

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> out;
  std::ifstream in(path);
  bool expected = true;
  for (std::string line; std::getline(in, line);) {
    const bool directive = line.rfind("//! ", 0) == 0;
    if (directive && expected && line != "//! expect") {
      out.emplace_back();
      expected = false;
    }
    if (out.empty()) continue;
    Case& c = out.back();
    if (line == "//! expect") {
      expected = true;
    } else if (directive) {
      c.head += line + "\n";
      if (line.rfind("//! device: ", 0) == 0) c.device = line.substr(std::strlen("//! device: "));
      if (line.rfind("//! scratch: ", 0) == 0) {
        c.scratch_bytes_max = std::stoll(line.substr(std::strlen("//! scratch: ")));
      }
      if (line.rfind("//! profile: ", 0) == 0) {
        std::istringstream words(line.substr(std::strlen("//! profile: ")));
        std::string input, least, likely, largest;
        words >> input >> least >> likely >> largest;
        c.profile[input] = {shape_of(least), shape_of(likely), shape_of(largest)};
      }
      if (line.rfind("//! timing: ", 0) == 0) {
        c.timings.push_back(line.substr(std::strlen("//! timing: ")));
      }
    } else if (!line.empty()) {
      (expected ? c.expect : c.graph) += line + "\n";
    }
  }
  return out;
}

Result<std::string> plan_of(const Case& c) {
  CARNOT_ASSIGN(Graph graph, parse_graph(c.graph));
  BuildOptions options;
  CARNOT_ASSIGN(options.device, parse_device(c.device));
  // Lines of a timing cache, whose second word is the device's hash.
  char device[17];
  std::snprintf(device, sizeof device, "%016lx", timing_key(options.device));
  std::string lines;
  for (const std::string& timing : c.timings) {
    const size_t space = timing.find(' ');
    lines += cat(timing.substr(0, space), ' ', device, timing.substr(space), '\n');
  }
  TimingCache cache;
  if (cache.parse(lines) != 0) return error(Code::kInvalidArgument, "unreadable timings");
  options.tune.cache = &cache;
  options.tune.scratch_bytes_max = c.scratch_bytes_max;
  options.profile = c.profile;
  options.compile = false;
  CARNOT_ASSIGN(const EngineFile file, build_engine(graph, options));
  return print(file.plan);
}

class GoldenPlan : public testing::TestWithParam<std::string> {};

TEST_P(GoldenPlan, IsWhatIsExpected) {
  std::vector<Case> cases = read_cases(GetParam());
  EXPECT_FALSE(cases.empty());
  std::string rewritten;
  for (Case& c : cases) {
    const Result<std::string> plan = plan_of(c);
    const std::string got = plan.ok() ? *plan : to_string(plan.status()) + "\n";
    EXPECT_TRUE(bless || got == c.expect) << c.head << got;
    rewritten += (rewritten.empty() ? "" : "\n") + c.head + c.graph + "//! expect\n" + got;
  }
  if (bless) std::ofstream(GetParam()) << rewritten;
}

std::vector<std::string> case_files() {
  std::vector<std::string> out;
  const std::filesystem::path folder = CARNOT_SOURCE_DIR "/tests/plans/golden";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Text, GoldenPlan, testing::ValuesIn(case_files()), [](const auto& test) {
  return std::filesystem::path(test.param).stem().string();
});

}  // namespace
}  // namespace carnot

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  carnot::bless = argc > 1 && std::strcmp(argv[1], "--bless") == 0;
  return RUN_ALL_TESTS();
}
