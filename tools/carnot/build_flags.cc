// The options of every command that may build an engine, exit codes, messages.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "base/log.h"
#include "tools/carnot/cli.h"

namespace carnot::cli {

int exit_code(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return kOk;
    case Code::kWrongResult:
      return kWrong;
    case Code::kInternal:
    case Code::kDevice:
      return kInternal;
    default:
      return kUsage;
  }
}

int fail(const Status& status) {
  std::fprintf(stderr, "carnot: error: %s\n", escape_control(status.message()).c_str());
  return exit_code(status);
}

void BuildFlags::add_to(CLI::App& app) {
  app.add_option("--shapes", shapes,
                 "Sizes of inputs: x=1x3x224x224,y=... pins them; x=MIN:OPT:MAX serves a range")
      ->type_name("SHAPES");
  app.add_option("--device", device,
                 "Device to build for: cpu, cuda, cuda:1, cuda:sm_90a (not measured)")
      ->capture_default_str();
  app.add_option("--effort", effort,
                 "0: choose kernels by the cost model only; 3: measure; 5: measure everything")
      ->check(CLI::Range(0, 5))
      ->capture_default_str();
  app.add_option("--threads", threads, "Threads to tune for and run with (0: all)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--timing-cache", timing_cache, "File of measured times to read and extend")
      ->type_name("FILE");
  app.add_option("--tactics", tactics,
                 "Tactics or libraries to switch off (or on again): -cpu.window,-cublaslt,-cudnn")
      ->delimiter(',');
  CLI::Option* half = app.add_flag("--fp16", fp16,
                                   "Allow f32 values between kernels to be stored as f16, where "
                                   "the device gains by it (GPUs)");
  app.add_flag("--bf16", bf16, "The same as bf16")->excludes(half);
  app.add_flag("--tf32", tf32,
               "Allow products of f32 whose factors are rounded to TF32, 10 bits (GPUs)");
  app.add_option("--shared-memory", shared_memory,
                 "The most dynamic shared memory that a GPU's kernels may have: 48K (0: all)")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--print", print, "Print the lowered graph, the kernels, their code or the plan")
      ->check(CLI::IsMember({"graph", "kernel", "code", "plan"}));
  app.add_option("--print-after", print_after, "Print the graph after this pass (or 'all')")
      ->type_name("PASS");
  app.add_option("--stop-after", stop_after, "Allow passes only this many rewrites (bisection)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--time-limit", time_limit, "Give up after this many seconds (0: never)")
      ->check(CLI::Range(0.0, 1e6));
}

namespace {

// One line on a terminal, rewritten; nothing elsewhere.
void show_progress(const BuildProgress& p) {
  if (!isatty(STDERR_FILENO)) return;
  std::fprintf(stderr, "\r%s: %d/%d, %.1f s, about %.1f s left  ", p.stage.c_str(), p.done, p.total,
               p.elapsed_s, p.eta_s);
  std::fflush(stderr);
}

void clear_progress() {
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\033[K");
}

}  // namespace

Result<BuilderOptions> builder_options(const BuildFlags& flags) {
  BuilderOptions options;
  options.device = flags.device;
  options.threads = flags.threads;
  options.effort = flags.effort;
  options.storage = flags.fp16 ? DType::kF16 : flags.bf16 ? DType::kBF16 : DType::kF32;
  options.tf32 = flags.tf32;
  options.shared_bytes_max = flags.shared_memory;
  options.cancel = flags.cancel;
  options.timing_cache = flags.timing_cache;
  for (const std::string& t : flags.tactics) {
    if (t.size() < 2 || (t[0] != '-' && t[0] != '+')) {
      return error(Code::kInvalidArgument, "--tactics: '", t,
                   "': write -NAME to switch one off, +NAME to switch it on again");
    }
    std::vector<std::string>& off = options.exclude_tactics;
    off.erase(std::remove(off.begin(), off.end(), t.substr(1)), off.end());
    if (t[0] == '-') off.push_back(t.substr(1));
  }
  CARNOT_ASSIGN(ShapeFlags shapes, parse_shapes(flags.shapes));
  options.profiles = shapes.profiles;
  options.progress = show_progress;
  if (!flags.print.empty()) options.dumps = {flags.print};
  options.print_after = flags.print_after;
  options.stop_after = flags.stop_after;
  options.dump = [](const std::string& title, const std::string& text) {
    std::printf("// %s\n%s\n", title.c_str(), text.c_str());
  };
  return options;
}

bool is_model(const std::string& path) {
  auto ends_with = [&](std::string_view suffix) {
    return path.size() > suffix.size() && path.substr(path.size() - suffix.size()) == suffix;
  };
  return ends_with(".onnx") || ends_with(".ir") || ends_with(".graph");
}

Result<Network> load_network(const std::string& path, const ShapeFlags& shapes) {
  if (path.size() > 5 && path.substr(path.size() - 5) == ".onnx") {
    return Network::from_onnx(path, shapes.pinned);
  }
  CARNOT_ASSIGN(std::string text, read_file(path, int64_t{1} << 30));
  return Network::from_text(text).with(path);
}

Result<Built> build_model(const std::string& path, const BuildFlags& flags) {
  CARNOT_ASSIGN(ShapeFlags shapes, parse_shapes(flags.shapes));
  CARNOT_ASSIGN(Network network, load_network(path, shapes));
  CARNOT_ASSIGN(BuilderOptions options, builder_options(flags));
  Built built;
  auto bytes = build(std::move(network), options, &built.summary);
  clear_progress();
  if (!bytes.ok()) return std::move(bytes).status().with(path);
  built.bytes = std::move(*bytes);
  return built;
}

std::string file_name_of(const std::string& value_name) {
  std::string out = value_name;
  for (char& c : out) {
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '_';
  }
  if (out.empty() || out[0] == '.') out = "_" + out;
  return out;
}

}  // namespace carnot::cli
