#pragma once
// Passes are functions on a Graph. Each leaves a graph that verify() accepts, keeps the meaning of
// every output, and changes nothing when it is run a second time.
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/budget.h"
#include "ir/graph.h"

namespace carnot {

/// A matcher that almost fitted: what `carnot explain` prints.
struct Note {
  std::string pass, node, reason;
  bool operator==(const Note&) const = default;
};

/// What a pass is given beside the graph. A pass asks rewrite() before each change that it makes.
class PassContext {
 public:
  static constexpr int64_t kUnlimited = INT64_MAX;
  PassContext(const Graph& outermost, Budget& budget, int64_t rewrites_max = kUnlimited,
              std::span<const std::string> keep_f32 = {}, bool kernels_report = false)
      : outermost_(outermost),
        budget_(budget),
        rewrites_max_(rewrites_max),
        keep_f32_(keep_f32.begin(), keep_f32.end()),
        kernels_report_(kernels_report) {}

  /// Leave to make one change at this node; counts it. False once the limit is reached: then the
  /// pass leaves the node as it is.
  bool rewrite() {
    if (rewrites_ >= rewrites_max_) return false;
    return ++rewrites_, true;
  }
  int64_t rewrites() const { return rewrites_; }
  bool exhausted() const { return rewrites_ >= rewrites_max_; }

  /// Records why a rewrite that seemed to fit was not made at this node. Says it once.
  void note(const Node& node, std::string reason);
  std::vector<Note> take_notes() { return std::move(notes_); }

  /// Whether the user wants this node's values in f32, whatever half-size storage is allowed.
  bool keeps_f32(const Node& node) const;

  /// Time and cancellation for long passes; bytes for what they compute.
  Budget& budget() { return budget_; }
  /// The graph that all others are regions of, for what must be unique in all of them.
  const Graph& outermost() const { return outermost_; }
  /// Kernels can tell of an index that is out of range: what indexes by data may be one.
  bool kernels_report() const { return kernels_report_; }
  std::string_view pass() const { return pass_; }
  void begin(std::string_view pass) { pass_ = pass; }

 private:
  const Graph& outermost_;
  Budget& budget_;
  int64_t rewrites_max_;
  std::unordered_set<std::string> keep_f32_;  ///< origins
  bool kernels_report_;
  int64_t rewrites_ = 0;
  std::string_view pass_;
  std::vector<Note> notes_;
  std::unordered_set<uint64_t> said_;
};

#define CARNOT_PASS(name, summary) Status name(Graph& graph, PassContext& context);
#include "passes/passes.def"

struct PassRow {
  const char* name;
  const char* summary;
  Status (*run)(Graph&, PassContext&);
};
/// All of passes.def, in its order.
std::span<const PassRow> all_passes();
const PassRow* find_pass(std::string_view name);

/// What one run of one pass did.
struct PassStats {
  std::string pass;
  int64_t rewrites = 0;
  double milliseconds = 0;
  size_t nodes_before = 0, nodes_after = 0;  ///< of the outer graph
};

struct PassOptions {
  /// verify() before the first pass and after every one that changed something: linear, and it
  /// names the pass at fault.
  bool verify = true;
  /// Stops for good after this many rewrites (bisection of a wrong result).
  int64_t rewrites_max = PassContext::kUnlimited;
  /// Origins of nodes whose values stay f32.
  std::vector<std::string> keep_f32;
  /// The device's kernels can tell of an index that is out of range.
  bool kernels_report = false;
  /// The graph's text after this pass ("all": after each) goes to `print`.
  std::string print_after;
  std::function<void(std::string_view pass, const std::string& text)> print;
  /// Called after each pass.
  std::function<void(const PassStats& stats, const Graph& graph)> listener;
  /// Receives near misses of all passes; may be null.
  std::vector<Note>* notes = nullptr;
  /// Receives a row per pass run; may be null.
  std::vector<PassStats>* stats = nullptr;
  /// May be null: no limit.
  Budget* budget = nullptr;
};

/// Passes in order; the list is repeated until a round changes nothing, at most `rounds` times.
struct Phase {
  const char* name;
  std::vector<std::string_view> passes;
  int rounds = 1;
};
using Pipeline = std::vector<Phase>;

/// What runs when and why: pipeline.cc.
Pipeline canonicalize_pipeline();
Pipeline fuse_pipeline();
/// `storage`: kF16 or kBF16; empty for others.
Pipeline precision_pipeline(DType storage);
Pipeline attention_pipeline();
/// `pairs_pixels`: the device's convolutions want channels by the 16 bytes.
Pipeline lower_pipeline(bool pairs_pixels = false);

/// Runs passes on the graph and, innermost first, on the regions of if, loop and scan.
Status run_passes(const Pipeline& pipeline, Graph& graph, const PassOptions& options = {});
/// One pass by name, run once.
Status run_pass(std::string_view name, Graph& graph, const PassOptions& options = {});

}  // namespace carnot
