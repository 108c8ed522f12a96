// `carnot check`: is the model valid, and how will each of its operations run?
#include <algorithm>
#include <cstdio>

#include "ir/graph.h"
#include "kernel/lower.h"
#include "passes/passes.h"
#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

struct Flags {
  std::string model, shapes;
};

struct Tally {
  std::map<std::string, int> compiled, host;
  std::map<std::string, std::string> reasons;
  int views = 0;
};

void count(const Graph& graph, Tally& tally) {
  for (const Node* n : graph.nodes()) {
    if (n->as<op::Fused>()) {
      for (const Node* inner : n->regions[0]->nodes()) {
        if (!inner->as<op::Constant>()) ++tally.compiled[name(inner->op)];
      }
      continue;
    }
    for (const auto& region : n->regions) count(*region, tally);
    const bool view = (n->as<op::Reshape>() && n->inputs.size() == 1) || n->as<op::Concat>();
    if (n->as<op::Constant>()) continue;
    if (view) {
      ++tally.views;
    } else {
      ++tally.host[name(n->op)];
      tally.reasons[name(n->op)] = why_not_lowered(*n);
    }
  }
}

std::string join(const std::map<std::string, int>& counts) {
  std::string out;
  for (const auto& [op, n] : counts) out += cat(out.empty() ? "" : ", ", op, " ", n);
  return out.empty() ? "none" : out;
}

int check_model(const Flags& flags) {
  auto shapes = parse_shapes(flags.shapes);
  if (!shapes.ok()) return fail(shapes.status());
  auto network = load_network(flags.model, *shapes);
  if (!network.ok()) return fail(network.status());
  Graph& graph = network->graph();
  if (const Status s = verify(graph); !s.ok()) return fail(s);
  std::printf("%s: valid, %zu operations\n", flags.model.c_str(), graph.size());
  for (const TensorSpec& i : network->inputs()) {
    std::printf("  input  %s: %s\n", i.name.c_str(), to_string(i.type).c_str());
  }
  for (const TensorSpec& o : network->outputs()) {
    std::printf("  output %s: %s\n", o.name.c_str(), to_string(o.type).c_str());
  }
  for (const Pipeline& p : {canonicalize_pipeline(), fuse_pipeline(), lower_pipeline()}) {
    if (const Status s = run_passes(p, graph); !s.ok()) return fail(s);
  }
  Tally tally;
  count(graph, tally);
  std::printf("compiled: %s\n", join(tally.compiled).c_str());
  std::printf("views, free or copied: %d\n", tally.views);
  std::printf("on the host: %s\n", join(tally.host).c_str());
  for (const auto& [op, why] : tally.reasons) {
    if (!why.empty()) std::printf("  %s: %s\n", op.c_str(), why.c_str());
  }
  return kOk;
}

}  // namespace

void add_check(CLI::App& app, int& exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("check", "Check a model and say how each operation will run");
  cmd->add_option("model", flags->model, "ONNX model")->required()->type_name("MODEL");
  cmd->add_option("--shapes", flags->shapes, "Sizes of inputs, as for build")->type_name("SHAPES");
  cmd->callback([flags, &exit] { exit = check_model(*flags); });
}

}  // namespace carnot::cli
