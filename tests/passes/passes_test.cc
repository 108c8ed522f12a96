// Every tests/passes/*.ir: before, after, run twice, same numbers. `passes_tests --bless [FILE...]`
// rewrites what is expected.
#include "passes/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "ir/text.h"
#include "tests/passes/equivalence.h"
#include "tests/passes/text_cases.h"

namespace carnot {
namespace {

constexpr int64_t kBytesMax = int64_t{32} << 20;

Result<Pipeline> pipeline_of(const std::string& passes) {
  Pipeline out;
  std::istringstream names(passes);
  for (std::string name; std::getline(names >> std::ws, name, ',');) {
    const auto append = [&](const Pipeline& phases) {
      out.insert(out.end(), phases.begin(), phases.end());
    };
    if (name == "canonicalize") {
      append(canonicalize_pipeline());
    } else if (name == "fuse") {
      append(fuse_pipeline());
    } else if (name == "lower") {
      append(lower_pipeline());
    } else if (const PassRow* row = find_pass(name)) {
      append({{"one", {row->name}, 1}});
    } else {
      return error(Code::kInvalidArgument, "no pass is named ", name);
    }
  }
  return out;
}

DType storage_of(const Pipeline& pipeline) {
  DType out = DType::kF32;
  for (const Phase& phase : pipeline) {
    for (const std::string_view pass : phase.passes) {
      if (pass == "store_as_f16") out = DType::kF16;
      if (pass == "store_as_bf16") out = DType::kBF16;
    }
  }
  return out;
}

// What comes out, checked: the same text after a second run and after parsing, the same numbers.
Result<std::string> run(const TextCase& c) {
  CARNOT_ASSIGN(const Pipeline pipeline, pipeline_of(c.passes));
  CARNOT_ASSIGN(Graph graph, parse_graph(c.input));
  const Graph original = graph.clone();
  std::vector<Note> notes;
  PassOptions options;
  options.notes = &notes;
  options.kernels_report = c.kernels_report;
  CARNOT_RETURN_IF_ERROR(run_passes(pipeline, graph, options));
  ConstantTable constants;
  std::string once = print(graph, {false, &constants});
  options.notes = nullptr;
  CARNOT_RETURN_IF_ERROR(run_passes(pipeline, graph, options).with("second run"));
  if (const std::string twice = print(graph); twice != once) {
    return error(Code::kInternal, "not idempotent: a second run gives\n", twice);
  }
  CARNOT_ASSIGN(const Graph again, parse_graph(once, {&constants, "printed"}));
  if (print(again) != once) return error(Code::kInternal, "print(parse(t)) != t for\n", once);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    CARNOT_RETURN_IF_ERROR(same_results(original, graph, seed, kBytesMax, storage_of(pipeline)));
  }
  if (c.notes) {
    for (const Note& note : notes) {
      once += cat("// ", note.pass, ": ", note.node, ": ", note.reason, "\n");
    }
  }
  return once;
}

std::string outcome(const TextCase& c) {
  const Result<std::string> got = run(c);
  return trimmed(got.ok() ? *got : "error: " + got.status().message());
}

std::vector<std::string> case_files() {
  std::vector<std::string> out;
  const std::filesystem::path folder = std::string(CARNOT_SOURCE_DIR) + "/tests/passes";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".ir") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void bless(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::vector<TextCase> cases = read_cases(path);
    for (TextCase& c : cases) {
      c.expect = outcome(c);
      if (c.expect.rfind("error: ", 0) == 0) std::cout << c.name << ": " << c.expect << "\n";
    }
    write_cases(path, cases);
    std::cout << path << ": " << cases.size() << " cases\n";
  }
}

class PassFile : public testing::TestWithParam<std::string> {};

TEST_P(PassFile, GivesWhatIsExpected) {
  const std::vector<TextCase> cases = read_cases(GetParam());
  EXPECT_FALSE(cases.empty());
  for (const TextCase& c : cases) EXPECT_EQ(trimmed(c.expect), outcome(c)) << "in: " << c.name;
}

INSTANTIATE_TEST_SUITE_P(Text, PassFile, testing::ValuesIn(case_files()), [](const auto& test) {
  return std::filesystem::path(test.param).stem().string();
});

TEST(Passes, EachHasATextFile) {
  for (const PassRow& row : all_passes()) {
    const std::string path = cat(CARNOT_SOURCE_DIR, "/tests/passes/", row.name, ".ir");
    EXPECT_TRUE(std::filesystem::exists(path)) << row.name;
  }
}

TEST(Passes, EachRunsInAPipeline) {
  std::set<std::string_view> run;
  for (const Pipeline& pipeline :
       {canonicalize_pipeline(), fuse_pipeline(), precision_pipeline(DType::kF16),
        precision_pipeline(DType::kBF16), attention_pipeline(), lower_pipeline(true)}) {
    for (const Phase& phase : pipeline) run.insert(phase.passes.begin(), phase.passes.end());
  }
  for (const PassRow& row : all_passes()) {
    EXPECT_TRUE(run.count(row.name)) << row.name << " is in no phase of src/passes/pipeline.cc";
  }
}

TEST(Passes, AnUnknownOneIsAnError) {
  Graph graph;
  EXPECT_FALSE(run_pass("no_such_pass", graph).ok());
}

TEST(Passes, StopAfterTheGivenNumberOfRewrites) {
  const char* text = R"(graph (%x: f32[2]) {
    %0 = pointwise(%x) by neg(neg($0))
    %1 = pointwise(%0) by neg(neg($0))
    return %1
  })";
  for (int limit = 0; limit <= 2; ++limit) {
    Result<Graph> graph = parse_graph(text);
    ASSERT_TRUE(graph.ok()) << to_string(graph.status());
    PassOptions options;
    options.rewrites_max = limit;
    std::vector<PassStats> stats;
    options.stats = &stats;
    ASSERT_TRUE(run_pass("simplify_algebra", *graph, options).ok());
    EXPECT_EQ(graph->size(), static_cast<size_t>(2 - limit));
    ASSERT_EQ(stats.size(), 1u);
    EXPECT_EQ(stats[0].rewrites, limit);
  }
}

TEST(Passes, PrintAfterAPass) {
  Result<Graph> graph = parse_graph("graph (%x: f32[2]) { return %x }");
  ASSERT_TRUE(graph.ok());
  std::string seen;
  PassOptions options;
  options.print_after = "simplify_views";
  options.print = [&](std::string_view pass, const std::string& text) {
    seen += cat(pass, "\n", text);
  };
  ASSERT_TRUE(run_passes(canonicalize_pipeline(), *graph, options).ok());
  EXPECT_EQ(seen, "simplify_views\ngraph (%x: f32[2]) {\n  return %x\n}\n");
}

}  // namespace
}  // namespace carnot

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && std::string(argv[1]) == "--bless") {
    std::vector<std::string> paths(argv + 2, argv + argc);
    carnot::bless(paths.empty() ? carnot::case_files() : paths);
    return 0;
  }
  return RUN_ALL_TESTS();
}
