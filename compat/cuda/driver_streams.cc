// libcuda's calls for streams, events and graphs, as far as they are not the runtime's by
// another name.
#include "driver.h"
#include "runtime_types.h"

namespace carnot::host_cuda {

extern "C" {

int cuStreamCreateWithPriority(Stream** stream, unsigned flags, int priority) {
  return create_stream(stream, flags, priority);
}
int cuStreamCreate(Stream** stream, unsigned flags) {
  return create_stream(stream, flags, 0);
}
int cuStreamDestroy_v2(Stream* stream) {
  return destroy_stream(stream);
}
int cuStreamSynchronize(const void* stream) {
  return waited(wait(stream));
}
int cuStreamQuery(const void* stream) {
  return wait(stream);
}
int cuStreamWaitEvent(const void* stream, const Event* event, unsigned) {
  return wait_event(stream, event);
}
int cuStreamGetFlags(const void* stream, unsigned* flags) {
  const Stream* s = find_stream(stream);
  if (s == nullptr || flags == nullptr) return s ? kInvalidValue : kInvalidResourceHandle;
  *flags = s->flags;
  return kSuccess;
}
int cuStreamGetCtx(const void* stream, Context** context) {
  if (context == nullptr) return kInvalidValue;
  *context = current_context() ? current_context() : primary_context();
  return find_stream(stream) ? kSuccess : kInvalidResourceHandle;
}
int cuStreamIsCapturing(const void* stream, int* status) {
  const Stream* s = find_stream(stream);
  if (s == nullptr || status == nullptr) return s ? kInvalidValue : kInvalidResourceHandle;
  *status = s->capture ? 1 : 0;
  return kSuccess;
}
int cuStreamBeginCapture_v2(const void* stream, int) {
  return begin_capture(stream, nullptr);
}
int cuStreamEndCapture(const void* stream, Graph** graph) {
  return end_capture(stream, graph);
}
int cuLaunchHostFunc(const void* stream, void (*function)(void*), void* argument) {
  if (function == nullptr) return kInvalidValue;
  return submit(stream, NodeKind::kHost, [=] { function(argument); });
}
int cuGraphInstantiateWithFlags(GraphExec** exec, const Graph* graph, unsigned long long flags) {
  return instantiate(exec, graph, flags);
}
int cuGraphLaunch(const GraphExec* exec, const void* stream) {
  return launch(exec, stream);
}
int cuGraphExecDestroy(GraphExec* exec) {
  return destroy_exec(exec);
}
int cuGraphDestroy(Graph* graph) {
  return destroy_graph(graph);
}

int cuEventCreate(Event** event, unsigned flags) {
  return create_event(event, flags);
}
int cuEventDestroy_v2(Event* event) {
  return destroy_event(event);
}
int cuEventRecord(Event* event, const void* stream) {
  return record_event(event, stream);
}
int cuEventQuery(const Event* event) {
  return is_event(event) ? kSuccess : kInvalidResourceHandle;
}
int cuEventSynchronize(const Event* event) {
  return waited(cuEventQuery(event));
}
int cuEventElapsedTime_v2(float* ms, const Event* begin, const Event* end) {
  return elapsed_ms(ms, begin, end);
}
int cuEventElapsedTime(float* ms, const Event* begin, const Event* end) {
  return elapsed_ms(ms, begin, end);
}

int cuStreamGetCtx_v2(const void* stream, Context** context, void** green) {
  if (green) *green = nullptr;
  return cuStreamGetCtx(stream, context);
}
int cuCtxRecordEvent(const Context* context, Event* event) {
  return is_context(context) ? record_event(event, nullptr) : kDeviceUninitialized;
}
int cuCtxWaitEvent(const Context* context, const Event* event) {
  return is_context(context) ? wait_event(nullptr, event) : kDeviceUninitialized;
}

// What they were before an edge had data, and an update said more.
int cudaGraphGetEdges(const Graph*, GraphNode**, GraphNode**, void*, size_t*);
int cudaGraphAddDependencies(Graph*, GraphNode* const*, GraphNode* const*, const void*, size_t);
int cudaGraphNodeGetDependencies(const GraphNode*, GraphNode**, void*, size_t*);
int cudaGraphNodeGetDependentNodes(const GraphNode*, GraphNode**, void*, size_t*);
int cudaGraphExecUpdate(GraphExec*, const Graph*, void*);
int cudaStreamGetCaptureInfo(const void*, int*, unsigned long long*, Graph**, GraphNode* const**,
                             const void**, size_t*);

int cuGraphGetEdges(const Graph* graph, GraphNode** from, GraphNode** to, size_t* count) {
  return cudaGraphGetEdges(graph, from, to, nullptr, count);
}
int cuGraphAddDependencies(Graph* graph, GraphNode* const* from, GraphNode* const* to,
                           size_t count) {
  return cudaGraphAddDependencies(graph, from, to, nullptr, count);
}
int cuGraphNodeGetDependencies(const GraphNode* node, GraphNode** to, size_t* count) {
  return cudaGraphNodeGetDependencies(node, to, nullptr, count);
}
int cuGraphNodeGetDependentNodes(const GraphNode* node, GraphNode** to, size_t* count) {
  return cudaGraphNodeGetDependentNodes(node, to, nullptr, count);
}
int cuGraphExecUpdate(GraphExec* exec, const Graph* graph, GraphNode** failed, int* result) {
  if (failed) *failed = nullptr;
  const int error = cudaGraphExecUpdate(exec, graph, nullptr);
  if (result) *result = error ? 1 : 0;
  return error;
}
int cuGraphInstantiate_v2(GraphExec** exec, const Graph* graph, GraphNode** failed, char* text,
                          size_t bytes) {
  if (failed) *failed = nullptr;
  if (text && bytes > 0) *text = '\0';
  return instantiate(exec, graph, 0);
}
int cuStreamGetCaptureInfo(const void* stream, int* status, unsigned long long* id) {
  return cudaStreamGetCaptureInfo(stream, status, id, nullptr, nullptr, nullptr, nullptr);
}
int cuStreamGetCaptureInfo_v2(const void* stream, int* status, unsigned long long* id,
                              Graph** graph, GraphNode* const** after, size_t* count) {
  return cudaStreamGetCaptureInfo(stream, status, id, graph, after, nullptr, count);
}

}  // extern "C"

}  // namespace carnot::host_cuda
