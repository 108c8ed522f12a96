#include <cstdio>

#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

void print_summary(const Built& built, const std::string& path) {
  const BuildSummary& s = built.summary;
  int measured = 0, wrong = 0;
  for (const auto& k : s.kernels) {
    measured += k.measured_us > 0;
    wrong += static_cast<int>(k.wrong.size());
  }
  std::printf("%s: %.1f MB, %zu kernels (%d measured", path.c_str(),
              static_cast<double>(built.bytes.size()) / 1e6, s.kernels.size(), measured);
  if (wrong) std::printf(", %d candidates refused as wrong", wrong);
  std::printf("), built in %.2f s\n ", s.total_s);
  for (const auto& [stage, ms] : s.stages_ms) std::printf(" %s %.0f ms", stage.c_str(), ms);
  std::printf("\n");
}

int run_build(const std::string& model, const std::string& output, const BuildFlags& flags) {
  auto built = build_model(model, flags);
  if (!built.ok()) return fail(built.status());
  if (const Status saved = save_engine(output, built->bytes); !saved.ok()) return fail(saved);
  print_summary(*built, output);
  return kOk;
}

}  // namespace

void add_build(CLI::App& app, int& exit) {
  struct Flags : BuildFlags {
    std::string model, output;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("build", "Build an engine from an ONNX model");
  cmd->add_option("model", flags->model, "ONNX model")->required()->type_name("MODEL");
  cmd->add_option("-o,--output", flags->output, "Engine file to write")
      ->required()
      ->type_name("FILE");
  flags->add_to(*cmd);
  cmd->callback([flags, &exit] { exit = run_build(flags->model, flags->output, *flags); });
}

}  // namespace carnot::cli
