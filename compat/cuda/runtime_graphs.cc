// The CUDA runtime's calls for graphs.
#include "runtime_types.h"

namespace carnot::host_cuda {

namespace {

// The next of `count` handles for a program that first asks how many there are.
template <typename T>
int list(const std::vector<T*>& from, T** to, size_t* count) {
  if (count == nullptr) return done(kInvalidValue);
  if (to != nullptr) {
    for (size_t i = 0; i < *count; ++i) to[i] = i < from.size() ? from[i] : nullptr;
  }
  if (to == nullptr || *count > from.size()) *count = from.size();
  return kSuccess;
}

int edges_of(const Graph* graph, GraphNode** from, GraphNode** to, size_t* count) {
  if (!is_graph(graph) || (from == nullptr) != (to == nullptr)) return done(kInvalidValue);
  std::vector<GraphNode*> begins, ends;
  for (const auto& n : graph->nodes) {
    for (GraphNode* before : n->after) begins.push_back(before), ends.push_back(n.get());
  }
  size_t same = count ? *count : 0;
  if (const int error = list(begins, from, count ? &same : nullptr)) return error;
  return list(ends, to, count);
}

int followers_of(const GraphNode* node, GraphNode** to, size_t* count) {
  if (!is_node(node)) return done(kInvalidValue);
  std::vector<GraphNode*> found;
  for (const auto& n : node->graph->nodes) {
    for (const GraphNode* before : n->after) {
      if (before == node) found.push_back(n.get());
    }
  }
  return list(found, to, count);
}

int dependencies_of(const GraphNode* node, GraphNode** to, size_t* count) {
  return is_node(node) ? list(node->after, to, count) : done(kInvalidValue);
}

}  // namespace

extern "C" {

int cudaGraphCreate(Graph** graph, unsigned flags) {
  return flags == 0 ? done(create_graph(graph)) : done(kInvalidValue);
}
int cudaGraphDestroy(Graph* graph) {
  return done(destroy_graph(graph));
}
int cudaGraphClone(Graph** copy, const Graph* graph) {
  return done(clone_graph(copy, graph));
}
int cudaGraphInstantiate(GraphExec** exec, const Graph* graph, unsigned long long flags) {
  return done(instantiate(exec, graph, flags));
}
int cudaGraphInstantiateWithFlags(GraphExec** exec, const Graph* graph, unsigned long long flags) {
  return done(instantiate(exec, graph, flags));
}
int cudaGraphLaunch(const GraphExec* exec, const void* stream) {
  return done(launch(exec, stream));
}
int cudaGraphUpload(const GraphExec* exec, const void* stream) {
  if (!is_exec(exec)) return done(kInvalidValue);
  return find_stream(stream) ? kSuccess : done(kInvalidResourceHandle);
}
int cudaGraphExecDestroy(GraphExec* exec) {
  return done(destroy_exec(exec));
}
int cudaGraphExecGetFlags(const GraphExec* exec, unsigned long long* flags) {
  if (!is_exec(exec) || flags == nullptr) return done(kInvalidValue);
  *flags = exec->flags;
  return kSuccess;
}
int cudaGraphExecUpdate(GraphExec* exec, const Graph* graph, void*) {
  if (!is_exec(exec) || !is_graph(graph)) return done(kInvalidValue);
  std::vector<std::function<void()>> work;
  if (const int error = flatten(*graph, &work)) return done(error);
  exec->work = std::move(work);
  return kSuccess;
}

int cudaGraphGetNodes(const Graph* graph, GraphNode** nodes, size_t* count) {
  if (!is_graph(graph)) return done(kInvalidValue);
  std::vector<GraphNode*> found;
  for (const auto& n : graph->nodes) found.push_back(n.get());
  return list(found, nodes, count);
}
int cudaGraphGetRootNodes(const Graph* graph, GraphNode** nodes, size_t* count) {
  if (!is_graph(graph)) return done(kInvalidValue);
  std::vector<GraphNode*> found;
  for (const auto& n : graph->nodes) {
    if (n->after.empty()) found.push_back(n.get());
  }
  return list(found, nodes, count);
}
int cudaGraphNodeGetType(const GraphNode* node, int* type) {
  if (!is_node(node) || type == nullptr) return done(kInvalidValue);
  *type = static_cast<int>(node->kind);
  return kSuccess;
}
int cudaGraphDestroyNode(GraphNode* node) {
  return done(destroy_node(node));
}

#if CARNOT_CUDART_MAJOR >= 13
int cudaGraphGetEdges(const Graph* graph, GraphNode** from, GraphNode** to, void*, size_t* count) {
  return edges_of(graph, from, to, count);
}
int cudaGraphAddDependencies(Graph* graph, GraphNode* const* from, GraphNode* const* to,
                             const void*, size_t count) {
  return done(add_edges(graph, from, to, count));
}
int cudaGraphNodeGetDependencies(const GraphNode* node, GraphNode** to, void*, size_t* count) {
  return dependencies_of(node, to, count);
}
int cudaGraphNodeGetDependentNodes(const GraphNode* node, GraphNode** to, void*, size_t* count) {
  return followers_of(node, to, count);
}
#else
int cudaGraphGetEdges(const Graph* graph, GraphNode** from, GraphNode** to, size_t* count) {
  return edges_of(graph, from, to, count);
}
int cudaGraphAddDependencies(Graph* graph, GraphNode* const* from, GraphNode* const* to,
                             size_t count) {
  return done(add_edges(graph, from, to, count));
}
int cudaGraphNodeGetDependencies(const GraphNode* node, GraphNode** to, size_t* count) {
  return dependencies_of(node, to, count);
}
int cudaGraphNodeGetDependentNodes(const GraphNode* node, GraphNode** to, size_t* count) {
  return followers_of(node, to, count);
}
#endif

int cudaGraphAddEmptyNode(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count) {
  return done(add_node(node, graph, after, count, NodeKind::kEmpty, {}));
}
int cudaGraphAddHostNode(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count,
                         const HostParameters* p) {
  if (p == nullptr || p->function == nullptr) return done(kInvalidValue);
  return done(add_node(node, graph, after, count, NodeKind::kHost,
                       [call = *p] { call.function(call.argument); }));
}
int cudaGraphAddMemcpyNode1D(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count,
                             void* to, const void* from, size_t bytes, int kind) {
  Copy c;
  c.to = to, c.from = from, c.width = bytes, c.kind = kind;
  if (const int error = check_copy(c)) return done(error);
  return done(add_node(node, graph, after, count, NodeKind::kCopy, [c] { run_copy(c); }));
}
int cudaGraphAddMemsetNode(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count,
                           const FillParameters* p) {
  if (p == nullptr) return done(kInvalidValue);
  Fill f;
  f.to = p->to, f.value = p->value, f.element = p->element;
  f.width = p->width, f.height = p->height, f.pitch = p->pitch;
  if (const int error = check_fill(f)) return done(error);
  return done(add_node(node, graph, after, count, NodeKind::kFill, [f] { run_fill(f); }));
}
int cudaGraphAddChildGraphNode(GraphNode** node, Graph* graph, GraphNode* const* after,
                               size_t count, const Graph* child) {
  if (!is_graph(child) || child == graph) return done(kInvalidValue);
  std::vector<std::function<void()>> steps;
  if (const int error = flatten(*child, &steps)) return done(error);
  return done(add_node(node, graph, after, count, NodeKind::kGraph, [steps] {
    for (const auto& step : steps) step();
  }));
}
int cudaGraphAddEventRecordNode(GraphNode** node, Graph* graph, GraphNode* const* after,
                                size_t count, Event* event) {
  if (!is_event(event)) return done(kInvalidResourceHandle);
  return done(add_node(node, graph, after, count, NodeKind::kRecord,
                       [event] { record_event(event, nullptr); }));
}
int cudaGraphAddEventWaitNode(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count,
                              const Event* event) {
  if (!is_event(event)) return done(kInvalidResourceHandle);
  return done(add_node(node, graph, after, count, NodeKind::kWait, {}));
}

}  // extern "C"

}  // namespace carnot::host_cuda
