#pragma once
// A CUDA device that is the host: its memory, streams, events and graphs. libcudart and libcuda of
// this folder are thin layers over it, and share it, so that what one makes the other knows.
//
// Work is done in the call that submits it, so streams are in order and every event has happened
// when its call returns; a stream that is being captured collects work in a graph instead.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace carnot::host_cuda {

/// Numbers of cudaError_t, which are those of CUresult where both have one.
enum Error : int {
#define CARNOT_CUDA_ERROR(name, number, driver) k##name = number,
#include "errors.def"
#undef CARNOT_CUDA_ERROR
};

/// An error's name as its text: "InvalidValue" is "invalid value".
std::string words_of(const char* name);

/// The calling thread's last error, as cudaGetLastError() has it.
int& last_error();
/// Keeps an error as the thread's last one; returns it.
int done(int error);
/// Says once for each name, on stderr, why it fails; returns `error`, kept as the last one.
int refuse(const char* name, const char* reason, int error = kNotSupported);
/// refuse() for a kernel's launch, whose error few programs look at: what waits for the device next
/// fails as well, unless the program asks for its last error before.
int refuse_launch(const char* name);
/// The result of a wait: `error`, else that of a launch that was refused and not seen, once.
int waited(int error);
/// Forgets launches that were refused: the program has seen the error.
void see_launches();

/// Where an address lies.
enum class MemoryKind : int { kUnknown = 0, kHost = 1, kDevice = 2, kManaged = 3 };
struct Block {
  void* begin = nullptr;
  size_t bytes = 0;
  MemoryKind kind = MemoryKind::kUnknown;
  unsigned flags = 0;
  bool owned = true;  ///< false: the program's own memory, registered
};

/// New memory, `*address` null where bytes is 0. Device memory is aligned to 512 bytes.
int allocate(void** address, size_t bytes, MemoryKind kind, unsigned flags = 0);
/// Frees what allocate() of this kind (or managed) gave; null is allowed.
int release(void* address, MemoryKind kind);
/// Makes the program's own memory known as host memory, and forgets it.
int register_host(void* address, size_t bytes, unsigned flags);
int unregister_host(void* address);
/// The block that holds an address; of kind kUnknown when none does.
Block find_block(const void* address);
/// Frees everything that is owned.
void release_all();
struct MemorySize {
  size_t available = 0, total = 0;
};
MemorySize memory_size();

/// `height` rows of `width` bytes each in `depth` slices; pitches and slices in bytes.
struct Copy {
  void* to = nullptr;
  const void* from = nullptr;
  size_t width = 0, height = 1, depth = 1;
  size_t to_pitch = 0, from_pitch = 0, to_slice = 0, from_slice = 0;
  int kind = 4;  ///< cudaMemcpyKind
};
int check_copy(const Copy& copy);
void run_copy(const Copy& copy);

/// Sets `width` elements of `element` bytes in each row.
struct Fill {
  void* to = nullptr;
  uint32_t value = 0;
  size_t element = 1, width = 0, height = 1, depth = 1, pitch = 0, slice = 0;
};
int check_fill(const Fill& fill);
void run_fill(const Fill& fill);

struct Graph;

/// Numbers of cudaGraphNodeType.
enum class NodeKind : int {
  kKernel = 0,
  kCopy = 1,
  kFill = 2,
  kHost = 3,
  kGraph = 4,
  kEmpty = 5,
  kWait = 6,
  kRecord = 7
};
struct GraphNode {
  NodeKind kind = NodeKind::kEmpty;
  std::function<void()> work;
  std::vector<GraphNode*> after;
  Graph* graph = nullptr;
};
struct Graph {
  std::vector<std::unique_ptr<GraphNode>> nodes;
};
/// A graph's work in an order that its edges allow.
struct GraphExec {
  std::vector<std::function<void()>> work;
  uint64_t flags = 0;
};

struct Stream {
  unsigned flags = 0;
  int priority = 0;
  uint64_t id = 0;
  Graph* capture = nullptr;
  GraphNode* last = nullptr;  ///< of the capture
  bool owns_capture = true;
};
struct Event {
  unsigned flags = 0;
  bool recorded = false;
  int64_t at_ns = 0;
  GraphNode* captured = nullptr;  ///< where it was last recorded in a capture
};

/// The stream behind a handle: null, 1 and 2 are the default one. Null for what is no stream.
Stream* find_stream(const void* handle);
int create_stream(Stream** stream, unsigned flags, int priority);
int destroy_stream(Stream* stream);
/// Does the work, or adds it to the graph that the stream is captured into.
int submit(const void* stream, NodeKind kind, std::function<void()> work);
/// kStreamCaptureUnsupported where a stream that is being captured must not be waited for.
int wait(const void* stream);

int begin_capture(const void* stream, Graph* into);
int end_capture(const void* stream, Graph** graph);

/// For libnvinfer, which looks for it by name: adds work to the graph that the stream is captured
/// into, to be run and in the end dropped; 0 where nothing is captured. Asks only, where `run` is
/// null.
extern "C" int carnotHostCudaCapture(const void* stream, void (*run)(void*), void (*drop)(void*),
                                     void* work);

bool is_event(const Event* event);
int create_event(Event** event, unsigned flags);
int destroy_event(Event* event);
int record_event(Event* event, const void* stream);
int wait_event(const void* stream, const Event* event);
int elapsed_ms(float* ms, const Event* begin, const Event* end);

bool is_graph(const Graph* graph);
bool is_node(const GraphNode* node);
bool is_exec(const GraphExec* exec);
int create_graph(Graph** graph);
int destroy_graph(Graph* graph);
int clone_graph(Graph** copy, const Graph* graph);
int add_node(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count, NodeKind kind,
             std::function<void()> work);
int destroy_node(GraphNode* node);
int add_edges(Graph* graph, GraphNode* const* from, GraphNode* const* to, size_t count);
/// The work of a graph, for an exec or for a node that holds a graph.
int flatten(const Graph& graph, std::vector<std::function<void()>>* work);
int instantiate(GraphExec** exec, const Graph* graph, uint64_t flags);
int destroy_exec(GraphExec* exec);
int launch(const GraphExec* exec, const void* stream);

/// A context of the driver's interface, and the calling thread's stack of them.
struct Context {
  uint64_t id = 0;
  unsigned flags = 0;
  int users = 1;
};
/// The one that the runtime's interface uses; it is never destroyed.
Context* primary_context();
bool is_context(const Context* context);
/// Null where the thread has none.
Context* current_context();
int push_context(Context* context);
int pop_context(Context** context);
/// In the place of the current one; null leaves none there.
int set_context(Context* context);
/// Makes one current as well.
int create_context(Context** context, unsigned flags);
int destroy_context(Context* context);
int retain_context(Context* context);
int release_context(Context* context);
/// The runtime's calls make the primary context current where a thread has none.
void use_primary_context();

/// What stands for the one memory pool of the device.
void* default_pool();

/// What a program may ask of the device.
struct Device {
  std::string name;
  size_t memory = 0;
  int cores = 1, cache_bytes = 0;
};
const Device& device();
/// Of cudaDeviceAttr; false for a number that has no meaning.
bool attribute(int which, int* value);

inline constexpr int kMajor = 9, kMinor = 0;  ///< what TensorRT's programs expect of fp8 and bf16
inline constexpr int kBusId = 0;

}  // namespace carnot::host_cuda
