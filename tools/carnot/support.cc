// `carnot ops` and `carnot devices`: what there is.
#include <cstdio>

#include "device/cuda/cuda.h"
#include "device/device.h"
#include "onnx/importer.h"
#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

int print_ops(bool markdown) {
  if (markdown) std::printf("| operator | domain | opsets | |\n|---|---|---|---|\n");
  int supported = 0, refused = 0;
  for (const SupportedOp& op : supported_ops()) {
    const std::string domain = op.domain.empty() ? "ai.onnx" : op.domain;
    const std::string opsets = op.until ? cat(op.since, "-", op.until) : cat(op.since, "+");
    const std::string state = op.refused.empty() ? "yes" : cat("no: ", op.refused);
    ++(op.refused.empty() ? supported : refused);
    std::printf(markdown ? "| %s | %s | %s | %s |\n" : "%-28s %-14s %-8s %s\n", op.name.c_str(),
                domain.c_str(), opsets.c_str(), state.c_str());
  }
  std::printf("%s%d operators, %d refused\n", markdown ? "\n" : "", supported, refused);
  return kOk;
}

int print_devices() {
  std::printf("cpu     %s\n", to_string(describe_cpu()).c_str());
  const auto gpus = list_gpus();
  if (!gpus.ok()) std::printf("cuda    none: %s\n", gpus.status().message().c_str());
  for (size_t i = 0; gpus.ok() && i < gpus->size(); ++i) {
    const GpuListing& gpu = (*gpus)[i];
    std::printf("cuda:%zu  %s\n", i, to_string(gpu.description).c_str());
    std::printf("        %s, %.1f GB, clocks up to %d MHz, memory %d MHz\n", gpu.name.c_str(),
                static_cast<double>(gpu.memory_bytes) / 1e9, gpu.description.clock_mhz,
                gpu.memory_clock_mhz);
  }
  if (const auto version = gpu_driver_version(); version.ok()) {
    std::printf("driver  for CUDA %s\n", version->c_str());
  }
  for (const GpuLibrary& library : gpu_libraries()) {
    const bool found = !library.path.empty();
    const std::string what = found ? library.path + " " + library.version : library.missing;
    std::printf("%-12s %s\n", library.name.c_str(), what.empty() ? "not found" : what.c_str());
  }
  return kOk;
}

}  // namespace

void add_ops(CLI::App& app, int& exit) {
  auto markdown = std::make_shared<bool>(false);
  CLI::App* cmd = app.add_subcommand("ops", "List the supported ONNX operators");
  cmd->add_flag("--markdown", *markdown, "As a table for documents");
  cmd->callback([markdown, &exit] { exit = print_ops(*markdown); });
}

void add_devices(CLI::App& app, int& exit) {
  CLI::App* cmd = app.add_subcommand("devices", "List the devices of this machine");
  cmd->callback([&exit] { exit = print_devices(); });
}

}  // namespace carnot::cli
