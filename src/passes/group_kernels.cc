// group_kernels: nodes that become one kernel move into the region of one fused node.
//
// A group has at most one folding op (contraction, pool, reduction, softmax, norm). In this order:
//   1. contractions take the pointwise op that alone uses their result (bias, activation,
//   residual),
//   2. the other folds take their only pointwise producer, if recomputing it a pass is cheap, and
//      their pointwise user,
//   3. what is left (pointwise, resize, transposes, pads) takes the views in front of it.
// Slices in front of any load only move its index, so each group that reads one repeats it. Gathers
// do too, where kernels can report a bad index: they take what is behind them or join it.
// Reshapes, concats and constants stay outside: they are views and weights of the plan. So do the
// slices and transposes of what attention alone reads, and a transpose of what it writes: they are
// strides of its operands.
#include <algorithm>
#include <set>

#include "ir/match.h"
#include "kernel/lower.h"
#include "kernel/strided_view.h"
#include "passes/passes.h"

namespace carnot {

namespace {

constexpr size_t kOperandsMax = 14;  ///< buffers of one kernel
constexpr size_t kCheapInsts = 4;    ///< a prologue that may be computed once per pass over a row

bool is_contraction(const Node& n) {
  return n.as<op::Conv>() || n.as<op::MatMul>();
}
bool is_fold(const Node& n) {
  return is_contraction(n) || n.as<op::Pool>() || n.as<op::Reduce>() || n.as<op::Softmax>() ||
         n.as<op::Normalize>() || n.as<op::ArgReduce>() || n.as<op::Attention>();
}
bool is_slow(ScalarOp op) {
  return op >= ScalarOp::kExp && op <= ScalarOp::kSigmoid && op != ScalarOp::kRecip;
}

class Grouping {
 public:
  Grouping(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  Status run() {
    const std::vector<Node*> nodes = graph_.nodes();
    for (size_t i = 0; i < nodes.size(); ++i) order_[nodes[i]] = i;
    for (Node* n : nodes) {
      if (is_contraction(*n)) seed(n);
    }
    for (Node* n : nodes) {
      if (is_fold(*n) && !is_contraction(*n)) seed(n);
    }
    for (Node* n : nodes) {
      if (n->as<op::Pointwise>() || n->as<op::Resize>() || n->as<op::Transpose>() ||
          n->as<op::Pad>() || n->as<op::Expand>() || n->as<op::Iota>() || is_gather(*n)) {
        seed(n);
      }
    }
    // After the groups that repeat them: what nobody else reads is gone then.
    for (Node* n : nodes) {
      if (n->as<op::Slice>()) seed(n);
    }
    for (const auto& group : groups_) {
      if (context_.exhausted()) break;
      CARNOT_RETURN_IF_ERROR(fuse(group));
    }
    graph_.remove_dead();
    return {};
  }

 private:
  using Group = std::vector<Node*>;

  bool free(const Node* n) const { return !taken_.count(n); }

  std::string why_not(const Node& n) const {
    if (is_gather(n) && !context_.kernels_report()) return "a bad index is for the host to report";
    return why_not_lowered(n);
  }

  void take(Group& group, Node* n) {
    group.push_back(n);
    taken_.insert(n);
  }

  void seed(Node* n) {
    if (!free(n) || is_operand_view(graph_, *n) || is_result_view(graph_, *n)) return;
    if (const std::string why = why_not(*n); !why.empty()) {
      context_.note(*n, why);
      return;
    }
    Group group;
    take(group, n);
    if (!is_contraction(*n) && is_fold(*n) && !n->as<op::Attention>()) take_producer(group, n);
    const bool fold = is_fold(*n) && !n->as<op::Attention>();
    if (fold || n->as<op::Resize>() || is_gather(*n)) take_users(group, n);
    if (n->as<op::Pointwise>()) take_transpose(group, n);
    Node* last = group.back();
    if (!n->as<op::Attention>()) take_views(group);
    if (n->as<op::Pointwise>() || n->as<op::Transpose>()) take_pad(group, last);
    groups_.push_back(std::move(group));
  }

  // The pointwise op that alone computes what a fold reads.
  void take_producer(Group& group, Node* fold) {
    Value* x = fold->inputs[0];
    Node* p = x->producer;
    if (!p || !free(p) || !p->as<op::Pointwise>() || p->outputs.size() != 1) return;
    if (x->users.size() != 1 || graph_.is_output(x) || !why_not_lowered(*p).empty()) return;
    if (auto* pool = fold->as<op::Pool>(); pool) return;  // windows overlap: it would be repeated
    const auto& insts = p->as<op::Pointwise>()->body.insts;
    const bool one_pass = fold->as<op::Reduce>() || fold->as<op::ArgReduce>();
    const bool slow =
        std::any_of(insts.begin(), insts.end(), [](const ScalarInst& i) { return is_slow(i.op); });
    if (!one_pass && (slow || insts.size() > kCheapInsts)) {
      context_.note(*fold, "its producer would be computed again in each pass over the row");
      return;
    }
    for (const Value* v : p->inputs) {  // an operand smaller than x is fine, a larger is not
      if (v->type().rank() > x->type().rank()) return;
    }
    take(group, p);
  }

  // Pointwise users of the same shape, while each is the only one.
  void take_users(Group& group, Node* last) {
    while (true) {
      Value* y = last->output();
      if (y->users.empty() || graph_.is_output(y)) return;
      Node* user = y->users[0];
      if (std::any_of(y->users.begin(), y->users.end(), [&](Node* n) { return n != user; })) return;
      if (!free(user) || !user->as<op::Pointwise>() || user->outputs.size() != 1) return;
      if (!(user->output()->type().dims == y->type().dims)) {
        context_.note(*user, "broadcasts the result before it");
        return;
      }
      if (!why_not_lowered(*user).empty()) return;
      if (operands(group) + user->inputs.size() > kOperandsMax) {
        context_.note(*user, "too many operands for one kernel");
        return;
      }
      take(group, user);
      last = user;
    }
  }

  // The transpose that alone reads a pointwise result: it is computed where it shall lie.
  void take_transpose(Group& group, const Node* n) {
    const Value* y = n->output();
    Node* user = n->outputs.size() == 1 ? sole_user(graph_, y) : nullptr;
    if (!user || !free(user) || !user->as<op::Transpose>()) return;
    if (!is_operand_view(graph_, *user) && why_not_lowered(*user).empty()) take(group, user);
  }

  // The pad that alone reads what a group without a fold computes: of channels, for a convolution's
  // sake, where an image is turned.
  void take_pad(Group& group, const Node* last) {
    const auto simple = [](const Node* n) {
      return n->as<op::Pointwise>() || n->as<op::Transpose>() || n->as<op::Slice>() ||
             n->as<op::Expand>() || n->as<op::Iota>();
    };
    if (last->outputs.size() != 1 || !std::all_of(group.begin(), group.end(), simple)) return;
    Node* user = sole_user(graph_, last->output());
    const auto* pad = user ? user->as<op::Pad>() : nullptr;
    if (!pad || pad->mode != op::Pad::kConstant || !free(user)) return;
    if (why_not_lowered(*user).empty()) take(group, user);
  }

  // Views in front of any operand: slices always (they are free to repeat), for groups without a
  // fold also transposes and expands that nobody else reads. Pads only where a load is next.
  void take_views(Group& group) {
    const bool fold = is_fold(*group[0]);
    for (size_t i = 0; i < group.size(); ++i) {
      for (Value* v : group[i]->inputs) {
        Node* p = v->producer;
        if (!p || graph_.is_output(v) || !why_not(*p).empty()) continue;
        if (std::find(group.begin(), group.end(), p) != group.end()) continue;
        const bool sole = v->users.size() == 1 && free(p);
        if (p->as<op::Slice>()) {
          group.push_back(p);  // repeated, not taken: another group may repeat it too
        } else if (!fold && sole && (p->as<op::Transpose>() || p->as<op::Expand>())) {
          take(group, p);
        } else if (sole && is_gather(*p) && !is_contraction(*group[0]) && !is_index(*group[i], v)) {
          take(group, p);  // its rows are read where they lie, in each pass of a fold
        } else if (!fold && (p->as<op::Iota>())) {
          group.push_back(p);
        }
      }
    }
  }

  // Indices are read from memory.
  static bool is_index(const Node& n, const Value* v) { return is_gather(n) && n.inputs[1] == v; }

  static size_t operands(const Group& group) {
    std::set<const Value*> values;
    for (const Node* n : group) values.insert(n->inputs.begin(), n->inputs.end());
    return values.size();
  }

  static bool is_immediate(const Value* v) {
    const Tensor* c = constant_of(v);
    return c && c->elements() == 1 && v->type().rank() == 0 &&
           class_of(c->dtype()) != DTypeClass::kString;
  }

  Status fuse(Group group) {
    std::sort(group.begin(), group.end(),
              [&](Node* a, Node* b) { return order_.at(a) < order_.at(b); });
    group.erase(std::unique(group.begin(), group.end()), group.end());
    Node* last = group.back();
    auto region = std::make_unique<Graph>();
    region->name = last->output()->name;
    std::map<Value*, Value*> inside;
    std::vector<Value*> operands;
    Origin origin;
    for (Node* n : group) {
      std::vector<Value*> inputs;
      for (Value* v : n->inputs) {
        if (!inside.count(v) || n->as<op::Attention>()) {  // whose operands may be one value
          if ((is_immediate(v) && !is_index(*n, v) && !n->as<op::Attention>()) ||
              (n->as<op::Pad>() && constant_of(v) && v != n->inputs[0])) {
            inside[v] = region->constant(*constant_of(v));
          } else {
            inside[v] = region->add_input(v->name, v->type());
            operands.push_back(v);
          }
        }
        inputs.push_back(inside[v]);
      }
      CARNOT_ASSIGN(Node * copy, region->add(n->op, inputs, n->origin));
      for (size_t i = 0; i < n->outputs.size(); ++i) {
        inside[n->outputs[i]] = copy->outputs[i];
        copy->outputs[i]->name = n->outputs[i]->name;
      }
      origin = merge(origin, n->origin);
    }
    // Results that somebody outside the group reads.
    std::vector<Value*> results, returned;
    for (Value* v : last->outputs) {
      results.push_back(v);
      returned.push_back(inside[v]);
    }
    region->set_outputs(returned);
    if (auto kernel = lower_region(*region); !kernel.ok()) {
      context_.note(*last, kernel.status().message());
      return {};
    }
    if (!context_.rewrite()) return {};
    std::vector<std::string> names;
    for (const Value* v : results) names.push_back(v->name);
    std::vector<std::unique_ptr<Graph>> regions;
    regions.push_back(std::move(region));
    CARNOT_ASSIGN(Node * made,
                  graph_.add(op::Fused{}, operands, origin, names, last, std::move(regions)));
    for (size_t i = 0; i < results.size(); ++i) graph_.replace_uses(results[i], made->outputs[i]);
    return {};
  }

  Graph& graph_;
  PassContext& context_;
  std::map<const Node*, size_t> order_;
  std::set<const Node*> taken_;
  std::vector<Group> groups_;
};

}  // namespace

Status group_kernels(Graph& graph, PassContext& context) {
  return Grouping(graph, context).run();
}

}  // namespace carnot
