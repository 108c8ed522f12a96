// `carnot build`: an engine file, and why it is as it is.
#include <cstdio>

#include "tools/carnot/cli.h"
#include "tools/carnot/stop.h"

namespace carnot::cli {

namespace {

void print_summary(const Built& built, const std::string& path) {
  const BuildSummary& s = built.summary;
  int measured = 0, wrong = 0;
  for (const auto& k : s.kernels) {
    measured += k.measured_us > 0;
    wrong += static_cast<int>(k.wrong.size());
  }
  const double bytes = static_cast<double>(built.bytes.size());
  const bool small = bytes < 1e6;
  std::printf("%s: %.1f %s, %zu kernels (%d measured", path.c_str(), bytes / (small ? 1e3 : 1e6),
              small ? "kB" : "MB", s.kernels.size(), measured);
  if (wrong) std::printf(", %d candidates refused as wrong", wrong);
  std::printf("), built in %.2f s\n ", s.total_s);
  for (const auto& [stage, ms] : s.stages_ms) std::printf(" %s %.0f ms", stage.c_str(), ms);
  std::printf("\n");
  if (s.time_by.find(',') != std::string::npos) std::printf("  time by %s\n", s.time_by.c_str());
}

// Why each kernel was chosen, and what almost happened.
void print_reasons(const BuildSummary& s) {
  for (const auto& k : s.kernels) {
    std::printf("%s: %s, %s, predicted %.1f us\n", k.origin.c_str(), k.tactic.c_str(),
                k.note.c_str(), k.predicted_us);
    for (const std::string& t : k.tried) std::printf("    tried   %s\n", t.c_str());
    for (const std::string& r : k.refused) std::printf("    refused %s\n", r.c_str());
    for (const std::string& w : k.wrong) std::printf("    wrong   %s\n", w.c_str());
  }
  for (const std::string& note : s.notes) std::printf("near miss: %s\n", note.c_str());
}

int run_build(const std::string& model, const std::string& output, BuildFlags flags, bool explain) {
  Stop stop(flags.time_limit);
  flags.cancel = stop.flag();
  auto built = build_model(model, flags);
  if (!built.ok()) return fail(stop.explain(built.status()));
  if (const Status saved = save_engine(output, built->bytes); !saved.ok()) return fail(saved);
  print_summary(*built, output);
  if (explain) print_reasons(built->summary);
  return kOk;
}

}  // namespace

void add_build(CLI::App& app, int& exit) {
  struct Flags : BuildFlags {
    std::string model, output;
    bool explain = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("build", "Build an engine from an ONNX model");
  cmd->add_option("model", flags->model, "ONNX model")->required()->type_name("MODEL");
  cmd->add_option("-o,--output", flags->output, "Engine file to write")
      ->required()
      ->type_name("FILE");
  flags->add_to(*cmd);
  cmd->add_flag("--explain", flags->explain,
                "Print for each kernel what was tried and refused, and passes' near misses");
  cmd->callback(
      [flags, &exit] { exit = run_build(flags->model, flags->output, *flags, flags->explain); });
}

}  // namespace carnot::cli
