// Streams, events, capture.
#include <chrono>
#include <mutex>
#include <set>

#include "core.h"

namespace carnot::host_cuda {

namespace {

struct Handles {
  std::mutex mutex;
  std::set<const void*> streams, events;
  uint64_t streams_made = 0;
  Stream fallback;  // the default one
};

Handles& handles() {
  static auto& h = *new Handles;
  return h;
}

int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

Stream* find_stream(const void* handle) {
  Handles& h = handles();
  const auto number = reinterpret_cast<uintptr_t>(handle);
  if (number <= 2) return &h.fallback;  // null, cudaStreamLegacy, cudaStreamPerThread
  const std::lock_guard lock(h.mutex);
  if (!h.streams.count(handle)) return nullptr;
  return static_cast<Stream*>(const_cast<void*>(handle));
}

int create_stream(Stream** stream, unsigned flags, int priority) {
  if (stream == nullptr || flags > 1) return kInvalidValue;
  auto made = std::make_unique<Stream>();
  made->flags = flags;
  made->priority = priority < -5 ? -5 : priority > 0 ? 0 : priority;
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  made->id = ++h.streams_made;
  h.streams.insert(made.get());
  *stream = made.release();
  return kSuccess;
}

int destroy_stream(Stream* stream) {
  Handles& h = handles();
  {
    const std::lock_guard lock(h.mutex);
    if (h.streams.erase(stream) == 0) return kInvalidResourceHandle;
  }
  if (stream->capture && stream->owns_capture) destroy_graph(stream->capture);
  delete stream;
  return kSuccess;
}

int submit(const void* stream, NodeKind kind, std::function<void()> work) {
  Stream* s = find_stream(stream);
  if (s == nullptr) return kInvalidResourceHandle;
  if (s->capture == nullptr) {
    work();
    return kSuccess;
  }
  return add_node(&s->last, s->capture, &s->last, s->last ? 1 : 0, kind, std::move(work));
}

int wait(const void* stream) {
  const Stream* s = find_stream(stream);
  if (s == nullptr) return kInvalidResourceHandle;
  return s->capture ? kStreamCaptureUnsupported : kSuccess;
}

int begin_capture(const void* stream, Graph* into) {
  Stream* s = find_stream(stream);
  if (s == nullptr) return kInvalidResourceHandle;
  if (reinterpret_cast<uintptr_t>(stream) <= 1) return kStreamCaptureUnsupported;
  if (s->capture) return kIllegalState;
  s->owns_capture = into == nullptr;
  if (into == nullptr) {
    if (const int error = create_graph(&into)) return error;
  }
  s->capture = into;
  s->last = nullptr;
  return kSuccess;
}

int end_capture(const void* stream, Graph** graph) {
  Stream* s = find_stream(stream);
  if (s == nullptr) return kInvalidResourceHandle;
  if (graph == nullptr) return kInvalidValue;
  *graph = s->capture;
  if (s->capture == nullptr) return kIllegalState;
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  for (const void* handle : h.streams) {  // those that joined through an event as well
    auto* other = static_cast<Stream*>(const_cast<void*>(handle));
    if (other->capture == *graph) other->capture = nullptr, other->last = nullptr;
  }
  s->capture = nullptr;
  s->last = nullptr;
  return kSuccess;
}

bool is_event(const Event* event) {
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  return h.events.count(event) != 0;
}

int create_event(Event** event, unsigned flags) {
  constexpr unsigned kFlags = 7;  // blocking sync, no timing, between processes
  if (event == nullptr || flags > kFlags) return kInvalidValue;
  auto made = std::make_unique<Event>();
  made->flags = flags;
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  h.events.insert(made.get());
  *event = made.release();
  return kSuccess;
}

int destroy_event(Event* event) {
  Handles& h = handles();
  const std::lock_guard lock(h.mutex);
  if (h.events.erase(event) == 0) return kInvalidResourceHandle;
  delete event;
  return kSuccess;
}

int record_event(Event* event, const void* stream) {
  if (!is_event(event)) return kInvalidResourceHandle;
  const int error = submit(stream, NodeKind::kRecord, [event] {
    if (!is_event(event)) return;  // of a graph that outlived it
    event->at_ns = now_ns();
    event->recorded = true;
  });
  const Stream* s = find_stream(stream);
  event->captured = s && s->capture ? s->last : nullptr;
  return error;
}

int wait_event(const void* stream, const Event* event) {
  if (!is_event(event)) return kInvalidResourceHandle;
  Stream* s = find_stream(stream);
  if (s == nullptr) return kInvalidResourceHandle;
  GraphNode* captured = event->captured;
  if (captured == nullptr || !is_node(captured)) return kSuccess;
  if (s->capture == nullptr) {  // the stream joins the capture
    s->capture = captured->graph;
    s->owns_capture = false;
    s->last = captured;
    return kSuccess;
  }
  if (s->capture != captured->graph) return kStreamCaptureMerge;
  GraphNode* const after[] = {captured, s->last};
  return add_node(&s->last, s->capture, after, s->last ? 2 : 1, NodeKind::kEmpty, {});
}

int elapsed_ms(float* ms, const Event* begin, const Event* end) {
  constexpr unsigned kNoTiming = 2;
  if (ms == nullptr) return kInvalidValue;
  if (!is_event(begin) || !is_event(end)) return kInvalidResourceHandle;
  if ((begin->flags | end->flags) & kNoTiming) return kInvalidResourceHandle;
  if (!begin->recorded || !end->recorded) return kInvalidResourceHandle;
  *ms = static_cast<float>(static_cast<double>(end->at_ns - begin->at_ns) / 1e6);
  return kSuccess;
}

extern "C" int carnotHostCudaCapture(const void* stream, void (*run)(void*), void (*drop)(void*),
                                     void* work) {
  const Stream* s = find_stream(stream);
  if (s == nullptr || s->capture == nullptr) return 0;
  if (run == nullptr) return 1;
  const std::shared_ptr<void> kept(work, drop);
  return submit(stream, NodeKind::kKernel, [kept, run] { run(kept.get()); }) == kSuccess;
}

}  // namespace carnot::host_cuda
