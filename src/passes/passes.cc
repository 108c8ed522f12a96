#include "passes/passes.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/hash.h"

namespace carnot {
namespace {

// A model can have a near miss at every node; nobody reads more than these.
constexpr size_t kMaxNotes = 10000;

constexpr PassRow kPasses[] = {
#define CARNOT_PASS(name, summary) {#name, summary, &name},
#include "passes/passes.def"
};

// Innermost first: a region that became simple lets the node around it be folded. A fused node's
// region belongs to its kernel, whose shape is decided.
Status run_nested(const PassRow& row, Graph& graph, PassContext& context) {
  if (graph.nesting() > 1) {
    for (Node* node : graph.nodes()) {
      if (node->as<op::Fused>()) continue;
      for (const auto& region : node->regions) {
        CARNOT_RETURN_IF_ERROR(run_nested(row, *region, context).with(cat("in ", describe(*node))));
      }
    }
  }
  CARNOT_RETURN_IF_ERROR(context.budget().check());
  return row.run(graph, context);
}

class Runner {
 public:
  Runner(Graph& graph, const PassOptions& options)
      : graph_(graph),
        options_(options),
        context_(graph, options.budget ? *options.budget : unlimited_, options.rewrites_max,
                 options.keep_f32, options.kernels_report) {}

  Status check(const std::string& when) const {
    return options_.verify ? verify(graph_).with(when) : Status();
  }

  Status run(std::string_view name) {
    const PassRow* row = find_pass(name);
    if (!row) return error(Code::kInvalidArgument, "no pass is named ", name);
    PassStats stats{row->name, context_.rewrites(), 0, graph_.size(), 0};
    const auto start = std::chrono::steady_clock::now();
    context_.begin(row->name);
    // What a pass changed may tell types and elements further on, in regions too.
    Status status = changed_ ? graph_.reinfer() : Status();
    if (status.ok()) status = run_nested(*row, graph_, context_);
    changed_ = context_.rewrites() > stats.rewrites;
    if (changed_) graph_.remove_dead();
    stats.milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    stats.rewrites = context_.rewrites() - stats.rewrites;
    stats.nodes_after = graph_.size();
    CARNOT_RETURN_IF_ERROR(std::move(status).with(cat("in the pass ", name)));
    if (changed_) CARNOT_RETURN_IF_ERROR(check(cat("after the pass ", name)));
    report(stats);
    return {};
  }

  int64_t rewrites() const { return context_.rewrites(); }
  bool exhausted() const { return context_.exhausted(); }
  void finish() {
    if (!options_.notes) return;
    std::vector<Note> notes = context_.take_notes();
    std::move(notes.begin(), notes.end(), std::back_inserter(*options_.notes));
  }

 private:
  void report(const PassStats& stats) {
    if (options_.print && (options_.print_after == stats.pass || options_.print_after == "all")) {
      options_.print(stats.pass, print(graph_));
    }
    if (options_.listener) options_.listener(stats, graph_);
    if (options_.stats) options_.stats->push_back(stats);
  }

  Graph& graph_;
  const PassOptions& options_;
  Budget unlimited_;
  PassContext context_;
  bool changed_ = true;  // since types were inferred
};

}  // namespace

bool PassContext::keeps_f32(const Node& node) const {
  return !keep_f32_.empty() &&
         std::any_of(node.origin.begin(), node.origin.end(),
                     [&](const std::string& name) { return keep_f32_.count(name) > 0; });
}

void PassContext::note(const Node& node, std::string reason) {
  if (notes_.size() >= kMaxNotes) return;
  Note note{std::string(pass_), describe(node), std::move(reason)};
  if (said_.insert(Hasher().add(note.pass).add(note.node).add(note.reason).digest()).second) {
    notes_.push_back(std::move(note));
  }
}

std::span<const PassRow> all_passes() {
  return kPasses;
}

const PassRow* find_pass(std::string_view name) {
  for (const PassRow& row : kPasses) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

Status run_passes(const Pipeline& pipeline, Graph& graph, const PassOptions& options) {
  Runner runner(graph, options);
  CARNOT_RETURN_IF_ERROR(runner.check("before any pass"));
  for (const Phase& phase : pipeline) {
    for (int round = 0; round < phase.rounds; ++round) {
      const int64_t before = runner.rewrites();
      for (const std::string_view pass : phase.passes) {
        CARNOT_RETURN_IF_ERROR(runner.run(pass));
      }
      if (runner.rewrites() == before || runner.exhausted()) break;
    }
  }
  runner.finish();
  return {};
}

Status run_pass(std::string_view name, Graph& graph, const PassOptions& options) {
  return run_passes({Phase{"one", {name}, 1}}, graph, options);
}

}  // namespace carnot
