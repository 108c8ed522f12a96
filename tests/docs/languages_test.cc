// The examples of docs/languages.md are what they say: each is read, verified, and printed back.
#include <gtest/gtest.h>

#include <map>

#include "base/file.h"
#include "ir/graph.h"
#include "kernel/kernel.h"
#include "plan/plan.h"

namespace carnot {
namespace {

struct Example {
  std::string language, text;
};

// The fenced blocks that name a language.
std::vector<Example> examples(const std::string& page) {
  std::vector<Example> out;
  constexpr std::string_view kFence = "\n```";
  for (size_t at = page.find(kFence); at != std::string::npos; at = page.find(kFence, at)) {
    const size_t word = at + kFence.size(), line = page.find('\n', word);
    const size_t end = page.find(kFence, line);
    if (end == std::string::npos) break;
    out.push_back({page.substr(word, line - word), page.substr(line + 1, end - line)});
    at = end + kFence.size();
  }
  return out;
}

Result<std::string> read_back(const Example& example) {
  if (example.language == "graph") {
    CARNOT_ASSIGN(const Graph graph, parse_graph(example.text));  // verifies
    return print(graph);
  }
  if (example.language == "kernel") {
    CARNOT_ASSIGN(const Kernel kernel, parse_kernel(example.text));
    CARNOT_RETURN_IF_ERROR(verify(kernel));
    return print(kernel);
  }
  if (example.language == "plan") {
    CARNOT_ASSIGN(const Plan plan, parse_plan(example.text));
    CARNOT_RETURN_IF_ERROR(verify(plan, 0));
    return print(plan);
  }
  return error(Code::kInvalidArgument, "no language is named '", example.language, "'");
}

TEST(Languages, ExamplesOfTheGuide) {
  const Result<std::string> page = read_file(CARNOT_SOURCE_DIR "/docs/languages.md", 1 << 20);
  ASSERT_TRUE(page.ok()) << to_string(page.status());
  std::map<std::string, int> seen;
  for (const Example& example : examples(*page)) {
    const Result<std::string> printed = read_back(example);
    ASSERT_TRUE(printed.ok()) << to_string(printed.status()) << "\n" << example.text;
    EXPECT_EQ(*printed, example.text);
    ++seen[example.language];
  }
  for (const char* language : {"graph", "kernel", "plan"}) EXPECT_GT(seen[language], 0) << language;
}

}  // namespace
}  // namespace carnot
