// `carnot compare`: an engine's results beside ONNX Runtime's (or our own reference executor's).
// ONNX Runtime is no dependency: the Python package does its part, through .npy files.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "ir/executor.h"
#include "tensor/npy.h"
#include "tools/carnot/session.h"

namespace carnot::cli {

namespace {

struct Flags : RunFlags {
  std::string against = "onnxruntime", python = "python3";
  double tolerance = 1e-4;
  bool layers = false;
};

struct Outcome {
  std::string name;
  Difference difference;
};

// Names of results are arguments, never part of the script.
constexpr const char* kScript = R"(
import sys, numpy as np, onnxruntime as ort
folder, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = ort.SessionOptions()
options.log_severity_level = 3
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
names = sys.argv[4:]
feed = {n: np.load(f"{folder}/in{i}.npy") for i, n in enumerate(names[:count])}
for i, value in enumerate(session.run(names[count:], feed)):
    np.save(f"{folder}/out{i}.npy", np.asarray(value))
)";

Result<Tensor> load_npy(const std::string& path) {
  auto text = std::make_shared<std::string>();
  CARNOT_ASSIGN(*text, read_file(path));
  return read_npy(std::as_bytes(std::span(*text)), text);
}

Status run_python(const Flags& flags, const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {flags.python, "-c", kScript};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return error(Code::kIo, "cannot start ", flags.python);
  if (child == 0) {
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int state = 0;
  waitpid(child, &state, 0);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return {};
  return error(Code::kInvalidArgument,
               "the onnxruntime side failed (see above); --python names an interpreter that has "
               "the packages onnxruntime and numpy");
}

Result<std::vector<Tensor>> run_onnxruntime(const Flags& flags, const Session& s) {
  std::string folder = (std::filesystem::temp_directory_path() / "carnot-XXXXXX").string();
  if (!mkdtemp(folder.data())) return error(Code::kIo, "cannot make a folder ", folder);
  std::vector<std::string> arguments = {folder, flags.model, std::to_string(s.inputs.size())};
  Status status;
  for (size_t i = 0; i < s.inputs.size() && status.ok(); ++i) {
    arguments.push_back(s.engine->inputs()[i].name);
    auto npy = write_npy(s.inputs[i]);
    status = npy.ok() ? atomic_write(cat(folder, "/in", i, ".npy"), *npy) : npy.status();
  }
  for (const TensorInfo& o : s.engine->outputs()) arguments.push_back(o.name);
  if (status.ok()) status = run_python(flags, arguments);
  std::vector<Tensor> out;
  for (size_t i = 0; i < s.engine->outputs().size() && status.ok(); ++i) {
    auto tensor = load_npy(cat(folder, "/out", i, ".npy"));
    if (!tensor.ok()) status = tensor.status();
    if (tensor.ok()) out.push_back(std::move(*tensor));
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!status.ok()) return status;
  return out;
}

Result<std::vector<Tensor>> run_reference(const Flags& flags, const Session& s) {
  CARNOT_ASSIGN(ShapeFlags shapes, parse_shapes(flags.shapes));
  CARNOT_ASSIGN(Network network, load_network(flags.model, shapes));
  Budget budget;
  return execute(network.graph(), s.inputs, budget);
}

// Builds one engine whose outputs are all the float values of the imported graph, and compares each
// with the reference executor: the first that is off is where the error begins.
int compare_layers(const Flags& flags, Session& session) {
  auto shapes = parse_shapes(flags.shapes);
  if (!shapes.ok()) return fail(shapes.status());
  auto network = load_network(flags.model, *shapes);
  if (!network.ok()) return fail(network.status());
  Graph& graph = network->graph();
  std::vector<Value*> outputs;
  std::vector<std::string> names;
  for (const Node* n : graph.nodes()) {
    if (n->as<op::Constant>() || !n->regions.empty()) continue;
    for (Value* v : n->outputs) {
      if (!is_float(v->type().dtype)) continue;
      outputs.push_back(v);
      names.push_back(cat(outputs.size(), " ", v->name, n->origin.empty() ? "" : " from ",
                          n->origin.empty() ? "" : n->origin[0]));
    }
  }
  graph.set_outputs(outputs);
  graph.output_names = names;
  Budget budget;
  auto want = execute(graph, session.inputs, budget);
  if (!want.ok()) return fail(want.status());
  auto options = builder_options(flags);
  if (!options.ok()) return fail(options.status());
  auto bytes = build(std::move(*network), *options);
  if (!bytes.ok()) return fail(bytes.status());
  auto engine = Engine::load(*bytes);
  if (!engine.ok()) return fail(engine.status());
  auto context = (*engine)->make_context({.threads = flags.threads});
  if (!context.ok()) return fail(context.status());
  auto got = context->run(session.inputs);
  if (!got.ok()) return fail(got.status());
  int exit = kOk;
  for (size_t i = 0; i < names.size(); ++i) {
    const Difference d = compare((*got)[i], (*want)[i], {flags.tolerance, flags.tolerance, true});
    if (!d.ok) exit = kWrong;
    std::printf("%-4s %.2e  %s\n", d.ok ? "ok" : "OFF", d.relative, names[i].c_str());
  }
  return exit;
}

int compare_model(const Flags& flags) {
  if (!is_model(flags.model)) {
    return fail(error(Code::kInvalidArgument, flags.model,
                      ": compare needs the model, not an engine: both sides run it"));
  }
  auto session = open_session(flags);
  if (!session.ok()) return fail(session.status());
  if (flags.layers) return compare_layers(flags, *session);
  if (Status s = session->context->run(); !s.ok()) return fail(s);
  auto want = flags.against == "reference" ? run_reference(flags, *session)
                                           : run_onnxruntime(flags, *session);
  if (!want.ok()) return fail(want.status());
  int exit = kOk;
  for (size_t i = 0; i < session->engine->outputs().size(); ++i) {
    const TensorInfo& info = session->engine->outputs()[i];
    auto got = session->context->output(info.name);
    if (!got.ok()) return fail(got.status());
    const Difference d = compare(*got, (*want)[i], {flags.tolerance, flags.tolerance, true});
    std::printf("%s: largest error %.3e, %.3e of the largest value: %s\n", info.name.c_str(),
                d.largest, d.relative, d.ok ? "ok" : d.first.c_str());
    if (!d.ok) exit = kWrong;
  }
  return exit;
}

}  // namespace

void add_compare(CLI::App& app, int& exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("compare", "Compare a model's results with another runtime's");
  flags->add_to(*cmd);
  cmd->add_option("--against", flags->against, "onnxruntime, or our slow reference executor")
      ->check(CLI::IsMember({"onnxruntime", "reference"}))
      ->capture_default_str();
  cmd->add_option("--tolerance", flags->tolerance, "Allowed error, relative to the largest value")
      ->capture_default_str();
  cmd->add_option("--python", flags->python, "Interpreter with onnxruntime and numpy")
      ->capture_default_str();
  cmd->add_flag("--layers", flags->layers, "Compare every value with the reference executor");
  cmd->callback([flags, &exit] { exit = compare_model(*flags); });
}

}  // namespace carnot::cli
