// `carnot inspect`: what is in a model or an engine.
#include <cstdio>

#include "ir/graph.h"
#include "tools/carnot/session.h"

namespace carnot::cli {

namespace {

struct Flags : RunFlags {
  bool plan = false, kernels = false, profile = false;
};

int inspect_model(const Flags& flags) {
  auto shapes = parse_shapes(flags.shapes);
  if (!shapes.ok()) return fail(shapes.status());
  auto network = load_network(flags.model, *shapes);
  if (!network.ok()) return fail(std::move(network).status().with(flags.model));
  for (const TensorSpec& i : network->inputs()) {
    std::printf("input  %s: %s\n", i.name.c_str(), to_string(i.type).c_str());
  }
  for (const TensorSpec& o : network->outputs()) {
    std::printf("output %s: %s\n", o.name.c_str(), to_string(o.type).c_str());
  }
  std::map<std::string, int> counts;
  int64_t weights = 0;
  for (const Node* n : network->graph().nodes()) {
    ++counts[name(n->op)];
    if (auto* c = n->as<op::Constant>()) weights += static_cast<int64_t>(c->value.bytes());
  }
  std::printf("constants: %.2f MB\n", static_cast<double>(weights) / 1e6);
  for (const auto& [op, count] : counts) std::printf("%6d %s\n", count, op.c_str());
  return kOk;
}

void print_steps(const std::vector<StepTime>& steps) {
  double total = 0;
  for (const StepTime& s : steps) total += s.median_us;
  std::printf("%6s %10s %6s  %-36s %s\n", "step", "us", "%", "tactic", "from");
  for (size_t i = 0; i < steps.size(); ++i) {
    const StepTime& s = steps[i];
    std::string origin;
    for (const std::string& o : s.origin) origin += cat(origin.empty() ? "" : ", ", o);
    std::printf("%6zu %10.1f %6.1f  %-36s %s\n", i, s.median_us,
                total > 0 ? 100 * s.median_us / total : 0, s.tactic.c_str(), origin.c_str());
  }
  std::printf("%6s %10.1f\n", "total", total);
}

int inspect_engine(const Flags& flags) {
  auto engine = Engine::load(flags.model);
  if (!engine.ok()) return fail(engine.status());
  const Engine& e = **engine;
  for (const auto& [key, value] : e.metadata()) std::printf("%s: %s\n", key.c_str(), value.c_str());
  for (const TensorInfo& i : e.inputs()) {
    std::printf("input  %s: %s\n", i.name.c_str(), to_string(i.type).c_str());
  }
  for (const TensorInfo& o : e.outputs()) {
    std::printf("output %s: %s\n", o.name.c_str(), to_string(o.type).c_str());
  }
  std::printf("weights: %.2f MB, code: %.1f kB\n", static_cast<double>(e.weight_bytes()) / 1e6,
              static_cast<double>(e.code_bytes()) / 1e3);
  if (flags.plan) std::printf("%s\n", e.plan_text().c_str());
  if (flags.kernels) std::printf("%s\n", e.kernels_text().c_str());
  if (flags.plan || flags.kernels) return kOk;
  auto session = open_session(flags);
  if (!session.ok()) return fail(session.status());
  auto steps = session->context->profile(10);
  if (!steps.ok()) return fail(steps.status());
  print_steps(*steps);
  return kOk;
}

}  // namespace

void add_inspect(CLI::App& app, int& exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand(
      "inspect", "Show what is in a model, or an engine's steps with kernel, time and origin");
  flags->add_to(*cmd);
  cmd->add_flag("--plan", flags->plan, "Print the engine's plan");
  cmd->add_flag("--kernels", flags->kernels, "Print the engine's kernels");
  cmd->callback([flags, &exit] {
    exit = is_model(flags->model) ? inspect_model(*flags) : inspect_engine(*flags);
  });
}

}  // namespace carnot::cli
