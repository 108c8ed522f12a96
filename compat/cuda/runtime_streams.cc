// The CUDA runtime's calls for streams and events.
#include <cstring>

#include "runtime_types.h"

namespace carnot::host_cuda {

namespace {

enum class Capture : int { kNone = 0, kActive = 1 };

// What a stream's attribute needs: cudaLaunchAttributeValue.
constexpr size_t kAttributeBytes = 64;

}  // namespace

extern "C" {

int cudaStreamCreateWithPriority(Stream** stream, unsigned flags, int priority) {
  use_primary_context();
  return done(create_stream(stream, flags, priority));
}
int cudaStreamCreateWithFlags(Stream** stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}
int cudaStreamCreate(Stream** stream) {
  return cudaStreamCreateWithPriority(stream, 0, 0);
}
int cudaStreamDestroy(Stream* stream) {
  return done(destroy_stream(stream));
}
int cudaStreamSynchronize(const void* stream) {
  return waited(wait(stream));
}
int cudaStreamQuery(const void* stream) {
  return done(wait(stream));
}
int cudaStreamWaitEvent(const void* stream, const Event* event, unsigned) {
  return done(wait_event(stream, event));
}
int cudaStreamGetFlags(const void* stream, unsigned* flags) {
  const Stream* s = find_stream(stream);
  if (s == nullptr) return done(kInvalidResourceHandle);
  if (flags == nullptr) return done(kInvalidValue);
  *flags = s->flags;
  return kSuccess;
}
int cudaStreamGetPriority(const void* stream, int* priority) {
  const Stream* s = find_stream(stream);
  if (s == nullptr) return done(kInvalidResourceHandle);
  if (priority == nullptr) return done(kInvalidValue);
  *priority = s->priority;
  return kSuccess;
}
int cudaStreamGetId(const void* stream, unsigned long long* id) {
  const Stream* s = find_stream(stream);
  if (s == nullptr) return done(kInvalidResourceHandle);
  if (id == nullptr) return done(kInvalidValue);
  *id = s->id;
  return kSuccess;
}
int cudaStreamGetDevice(const void* stream, int* device) {
  if (!find_stream(stream)) return done(kInvalidResourceHandle);
  if (device == nullptr) return done(kInvalidValue);
  *device = 0;
  return kSuccess;
}
int cudaStreamCopyAttributes(const void* to, const void* from) {
  return find_stream(to) && find_stream(from) ? kSuccess : done(kInvalidResourceHandle);
}
int cudaStreamSetAttribute(const void* stream, int, const void* value) {
  if (!find_stream(stream)) return done(kInvalidResourceHandle);
  return value ? kSuccess : done(kInvalidValue);
}
int cudaStreamGetAttribute(const void* stream, int, void* value) {
  if (!find_stream(stream)) return done(kInvalidResourceHandle);
  if (value == nullptr) return done(kInvalidValue);
  std::memset(value, 0, kAttributeBytes);
  return kSuccess;
}

int cudaLaunchHostFunc(const void* stream, void (*function)(void*), void* argument) {
  if (function == nullptr) return done(kInvalidValue);
  return done(submit(stream, NodeKind::kHost, [=] { function(argument); }));
}
int cudaStreamAddCallback(const void* stream, void (*function)(const void*, int, void*),
                          void* argument, unsigned flags) {
  if (function == nullptr || flags != 0) return done(kInvalidValue);
  return done(submit(stream, NodeKind::kHost, [=] { function(stream, kSuccess, argument); }));
}

int cudaStreamBeginCapture(const void* stream, int mode) {
  if (mode < 0 || mode > 2) return done(kInvalidValue);
  return done(begin_capture(stream, nullptr));
}
int cudaStreamBeginCaptureToGraph(const void* stream, Graph* graph, GraphNode* const*, const void*,
                                  size_t count, int mode) {
  if (mode < 0 || mode > 2 || count != 0 || !is_graph(graph)) return done(kInvalidValue);
  return done(begin_capture(stream, graph));
}
int cudaStreamEndCapture(const void* stream, Graph** graph) {
  return done(end_capture(stream, graph));
}
int cudaStreamIsCapturing(const void* stream, Capture* status) {
  const Stream* s = find_stream(stream);
  if (s == nullptr) return done(kInvalidResourceHandle);
  if (status == nullptr) return done(kInvalidValue);
  *status = s->capture ? Capture::kActive : Capture::kNone;
  return kSuccess;
}
int cudaThreadExchangeStreamCaptureMode(int* mode) {
  return mode && *mode >= 0 && *mode <= 2 ? kSuccess : done(kInvalidValue);
}

// Every version asks for the status and a number; what else it asks for is what its node depends
// on.
static int capture_info(const void* stream, Capture* status, unsigned long long* id, Graph** graph,
                        GraphNode* const** after, const void** edges, size_t* count) {
  if (const int error = cudaStreamIsCapturing(stream, status)) return error;
  const Stream* s = find_stream(stream);
  if (id) *id = s->id;
  if (graph) *graph = s->capture;
  if (after) *after = s->last ? &s->last : nullptr;
  if (edges) *edges = nullptr;
  if (count) *count = s->last ? 1 : 0;
  return kSuccess;
}
#if CARNOT_CUDART_MAJOR >= 13
int cudaStreamGetCaptureInfo(const void* stream, Capture* status, unsigned long long* id,
                             Graph** graph, GraphNode* const** after, const void** edges,
                             size_t* count) {
  return capture_info(stream, status, id, graph, after, edges, count);
}
#else
int cudaStreamGetCaptureInfo_v2(const void* stream, Capture* status, unsigned long long* id,
                                Graph** graph, GraphNode* const** after, size_t* count) {
  return capture_info(stream, status, id, graph, after, nullptr, count);
}
int cudaStreamGetCaptureInfo_v3(const void* stream, Capture* status, unsigned long long* id,
                                Graph** graph, GraphNode* const** after, const void** edges,
                                size_t* count) {
  return capture_info(stream, status, id, graph, after, edges, count);
}
#endif

int cudaEventCreateWithFlags(Event** event, unsigned flags) {
  use_primary_context();
  return done(create_event(event, flags));
}
int cudaEventCreate(Event** event) {
  return cudaEventCreateWithFlags(event, 0);
}
int cudaEventDestroy(Event* event) {
  return done(destroy_event(event));
}
int cudaEventRecord(Event* event, const void* stream) {
  return done(record_event(event, stream));
}
int cudaEventRecordWithFlags(Event* event, const void* stream, unsigned) {
  return cudaEventRecord(event, stream);
}
int cudaEventQuery(const Event* event) {
  return is_event(event) ? kSuccess : done(kInvalidResourceHandle);
}
int cudaEventSynchronize(const Event* event) {
  return waited(cudaEventQuery(event));
}
int cudaEventElapsedTime(float* ms, const Event* begin, const Event* end) {
  return done(elapsed_ms(ms, begin, end));
}

}  // extern "C"

}  // namespace carnot::host_cuda
