#pragma once
// What the files of this folder share: the driver's objects as members that clean up, and a kernel
// as loaded.
#include <utility>
#include <vector>

#include "device/cuda/code_file.h"
#include "device/cuda/driver.h"
#include "device/device.h"

namespace carnot::cuda {

/// Makes a context this thread's as long as it lives.
class Current {
 public:
  Current(const Driver& driver, ContextObject* context) : driver_(driver) {
    ContextObject* now = nullptr;
    if (driver.context_current(&now) == kSuccess && now == context) return;
    pushed_ = driver.context_push(context) == kSuccess;
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current() {
    ContextObject* ignored = nullptr;
    if (pushed_) driver_.context_pop(&ignored);
  }

 private:
  const Driver& driver_;
  bool pushed_ = false;
};

/// As long as it lives, this thread may allocate while streams are captured into CUDA graphs.
class DuringCapture {
 public:
  explicit DuringCapture(const Driver& driver) : driver_(driver) {
    exchanged_ = driver_.capture_mode(&mode_) == kSuccess;
  }
  DuringCapture(const DuringCapture&) = delete;
  DuringCapture& operator=(const DuringCapture&) = delete;
  ~DuringCapture() {
    if (exchanged_) driver_.capture_mode(&mode_);
  }

 private:
  const Driver& driver_;
  int mode_ = kModeRelaxed;
  bool exchanged_ = false;
};

/// A GPU's primary context, which the CUDA runtime of the process uses too: its pointers and
/// streams are ours.
class Context {
 public:
  static Result<std::unique_ptr<Context>> retain(int index);
  Context(const Driver& driver, int device, ContextObject* object)
      : driver_(driver), device_(device), object_(object) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { driver_.context_release(device_); }

  const Driver& driver() const { return driver_; }
  int device() const { return device_; }
  Current current() const { return Current(driver_, object_); }
  Status status(Code_t code, const char* what) const { return driver_.status(code, what); }

 private:
  const Driver& driver_;
  int device_;
  ContextObject* object_;
};

class LibraryCall;

/// A kernel of a loaded module: what LoadedCode::entry() points to.
struct LoadedKernel {
  FunctionObject* function = nullptr;
  LibraryCall* call = nullptr;  ///< instead of the function
  unsigned threads = 1, shared_bytes = 0, cluster = 1;
  uint32_t pointers = 0, integers = 0;
  bool scratch = false, dependent_launch = false;
  BoxMaps boxes;

  uint32_t arguments() const {
    return pointers + integers + (scratch ? 1 : 0) + static_cast<uint32_t>(boxes.size());
  }
};
/// More than any plan's step needs; the driver's limit for the bytes of all is 4096.
inline constexpr uint32_t kArgumentsMax = 512;

/// The driver's limit of blocks: kResourceLimit beyond it.
Status check_grid(const Launch& launch);

/// Where the driver finds the arguments of one launch.
struct Arguments {
  Arguments(const Launch& launch, void* const& scratch);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  /// The kernel's tensor maps, for the addresses as they are now. Of memory that the copy engine
  /// cannot address (or that is not known yet) they stay empty: the kernel sees by itself that it
  /// must do without.
  Status make_maps(const Context& context, const Launch& launch);

  void* pointers[kArgumentsMax];

 private:
  struct alignas(64) Map {
    unsigned char bytes[128] = {};
  };
  std::array<Map, std::tuple_size_v<BoxMaps>> maps_;
};

Result<std::unique_ptr<LoadedCode>> load_code(const Context& context,
                                              std::span<const std::byte> code);

/// Starts a kernel of ours. With early starts it may overlap with what is in front of it, and waits
/// for that itself.
Status queue_kernel(const Context& context, const Launch& launch, void* scratch,
                    StreamObject* stream, bool early_starts);

/// A CUDA graph for each run of kernels among the launches; the others are done one by one.
class GraphRecording : public Recording {
 public:
  static Result<std::unique_ptr<GraphRecording>> make(const Context& context,
                                                      std::span<const Launch> launches);
  explicit GraphRecording(const Context& context) : context_(context) {}
  GraphRecording(const GraphRecording&) = delete;
  GraphRecording& operator=(const GraphRecording&) = delete;
  ~GraphRecording() override;

  struct Node {
    size_t launch = 0;
    GraphNodeObject* object = nullptr;
    std::vector<void*> bound;  ///< pointers and scratch as the graph has them
    bool call = false;         ///< a library's
    bool kernel = true;        ///< one kernel; else a graph inside the graph
  };
  /// Launches [first, end): a graph, or launches to be run one by one.
  struct Part {
    size_t first = 0, end = 0;
    bool together = false;
    GraphObject* graph = nullptr;
    GraphExecObject* exec = nullptr;
    std::vector<Node> nodes;
  };
  std::span<const Launch> launches() const { return launches_; }
  std::span<Part> parts() { return parts_; }
  /// Queues a part with a graph, after giving it the addresses that have changed.
  Status start(Part& part, void* scratch, StreamObject* stream);

 private:
  /// What a library starts for a launch, recorded.
  struct Recorded {
    explicit Recorded(const Driver& from) : driver(from) {}
    Recorded(const Recorded&) = delete;
    Recorded& operator=(const Recorded&) = delete;
    ~Recorded() {
      if (graph) driver.graph_destroy(graph);
    }
    const Driver& driver;
    GraphObject* graph = nullptr;
    GraphNodeObject* kernel = nullptr;  ///< where it is one
    KernelNode parameters;              ///< of that, as long as the graph lives
    bool overlaps = false;              ///< it waits for its predecessor itself
  };
  Status build(Part& part, void* scratch);
  void drop(Part& part) const;
  Status add(Part& part, size_t launch, void* scratch, GraphNodeObject*& last);
  Status add_kernel(Part& part, Node& node, void* scratch, bool after_kernel,
                    GraphNodeObject* last);
  Status add_node(Part& part, Node& node, const KernelNode& parameters, bool overlaps,
                  GraphNodeObject* last);
  Status add_call(Part& part, Node& node, void* scratch, bool after_kernel, GraphNodeObject* last);
  Status bind(Part& part, Node& node, void* scratch);
  Status bind_call(Part& part, Node& node, void* scratch);
  Status record(const Part& part, const Launch& launch, void* scratch, Recorded& out);
  Status capture(const Launch* before, const Launch& launch, void* scratch, Recorded& out);

  const Context& context_;
  std::span<const Launch> launches_;
  std::vector<Part> parts_;
  StreamObject* capture_stream_ = nullptr;  ///< made when a library's call is first recorded
};

}  // namespace carnot::cuda
