// Graphs: nodes of work, in an order that their edges allow.
#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include "core.h"

namespace carnot::host_cuda {

namespace {

struct Handles {
  std::mutex mutex;
  std::set<const void*> graphs, nodes, execs;
};

Handles& handles() {
  static auto& h = *new Handles;
  return h;
}

bool known(const std::set<const void*> Handles::*table, const void* handle) {
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  return (h.*table).count(handle) != 0;
}

void remember(std::set<const void*> Handles::*table, const void* handle) {
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  (h.*table).insert(handle);
}

bool forget(std::set<const void*> Handles::*table, const void* handle) {
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  return (h.*table).erase(handle) != 0;
}

// Nodes in an order in which each follows those it comes after; empty where there is a cycle.
std::vector<const GraphNode*> order(const Graph& graph) {
  std::unordered_map<const GraphNode*, size_t> waits;
  std::unordered_map<const GraphNode*, std::vector<const GraphNode*>> followers;
  std::vector<const GraphNode*> ready;
  for (const auto& n : graph.nodes) {
    waits[n.get()] = n->after.size();
    if (n->after.empty()) ready.push_back(n.get());
    for (const GraphNode* before : n->after) followers[before].push_back(n.get());
  }
  for (size_t i = 0; i < ready.size(); ++i) {
    for (const GraphNode* n : followers[ready[i]]) {
      if (--waits[n] == 0) ready.push_back(n);
    }
  }
  if (ready.size() < graph.nodes.size()) ready.clear();
  return ready;
}

}  // namespace

bool is_graph(const Graph* graph) {
  return known(&Handles::graphs, graph);
}
bool is_node(const GraphNode* node) {
  return known(&Handles::nodes, node);
}
bool is_exec(const GraphExec* exec) {
  return known(&Handles::execs, exec);
}

int create_graph(Graph** graph) {
  if (graph == nullptr) return kInvalidValue;
  *graph = std::make_unique<Graph>().release();
  remember(&Handles::graphs, *graph);
  return kSuccess;
}

int destroy_graph(Graph* graph) {
  if (!forget(&Handles::graphs, graph)) return kInvalidValue;
  for (const auto& n : graph->nodes) forget(&Handles::nodes, n.get());
  delete graph;
  return kSuccess;
}

int clone_graph(Graph** copy, const Graph* graph) {
  if (copy == nullptr || !is_graph(graph)) return kInvalidValue;
  if (const int error = create_graph(copy)) return error;
  std::unordered_map<const GraphNode*, GraphNode*> twins;
  for (const auto& n : graph->nodes) {
    GraphNode* twin = nullptr;
    if (const int error = add_node(&twin, *copy, nullptr, 0, n->kind, n->work)) return error;
    twins[n.get()] = twin;
  }
  for (const auto& n : graph->nodes) {
    for (const GraphNode* before : n->after) twins[n.get()]->after.push_back(twins[before]);
  }
  return kSuccess;
}

int add_node(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count, NodeKind kind,
             std::function<void()> work) {
  if (node == nullptr || !is_graph(graph) || (after == nullptr && count > 0)) return kInvalidValue;
  if (count > graph->nodes.size()) return kInvalidValue;  // more than there are
  auto made = std::make_unique<GraphNode>();
  made->kind = kind;
  made->work = std::move(work);
  made->graph = graph;
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(after[i]) || after[i]->graph != graph) return kInvalidValue;
    made->after.push_back(after[i]);
  }
  *node = made.get();
  remember(&Handles::nodes, made.get());
  graph->nodes.push_back(std::move(made));
  return kSuccess;
}

int destroy_node(GraphNode* node) {
  if (!forget(&Handles::nodes, node)) return kInvalidValue;
  auto& nodes = node->graph->nodes;
  for (const auto& n : nodes) {
    n->after.erase(std::remove(n->after.begin(), n->after.end(), node), n->after.end());
  }
  nodes.erase(std::find_if(nodes.begin(), nodes.end(), [&](auto& n) { return n.get() == node; }));
  return kSuccess;
}

int add_edges(Graph* graph, GraphNode* const* from, GraphNode* const* to, size_t count) {
  if (!is_graph(graph) || (count > 0 && (from == nullptr || to == nullptr))) return kInvalidValue;
  for (size_t i = 0; i < count; ++i) {
    const bool mine = is_node(from[i]) && is_node(to[i]) && from[i] != to[i] &&
                      from[i]->graph == graph && to[i]->graph == graph;
    if (!mine) return kInvalidValue;
    to[i]->after.push_back(from[i]);
  }
  return kSuccess;
}

int flatten(const Graph& graph, std::vector<std::function<void()>>* work) {
  const auto ordered = order(graph);
  if (ordered.empty() && !graph.nodes.empty()) return kInvalidValue;  // a cycle
  for (const GraphNode* n : ordered) {
    if (n->work) work->push_back(n->work);
  }
  return kSuccess;
}

int instantiate(GraphExec** exec, const Graph* graph, uint64_t flags) {
  if (exec == nullptr || !is_graph(graph)) return kInvalidValue;
  auto made = std::make_unique<GraphExec>();
  made->flags = flags;
  if (const int error = flatten(*graph, &made->work)) return error;
  remember(&Handles::execs, made.get());
  *exec = made.release();
  return kSuccess;
}

int destroy_exec(GraphExec* exec) {
  if (!forget(&Handles::execs, exec)) return kInvalidValue;
  delete exec;
  return kSuccess;
}

int launch(const GraphExec* exec, const void* stream) {
  if (!is_exec(exec)) return kInvalidValue;
  return submit(stream, NodeKind::kGraph, [work = exec->work] {
    for (const auto& step : work) step();
  });
}

// One address that programs hand back, never look into.
void* default_pool() {
  static auto& pool = *new char;
  return &pool;
}

}  // namespace carnot::host_cuda
