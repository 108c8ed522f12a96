#pragma once
// The CUDA driver as far as it is used: its types and functions, declared here so that nothing of
// CUDA is needed to build, and opened when first wanted, so that one binary serves machines with
// and without a GPU.
#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace carnot::cuda {

using DevicePointer = uint64_t;
struct ContextObject;
struct ModuleObject;
struct FunctionObject;
struct StreamObject;
struct EventObject;
struct GraphObject;
struct GraphExecObject;
struct GraphNodeObject;

/// What a function of the driver returns: 0 is success.
using Code_t = int;
inline constexpr Code_t kSuccess = 0, kOutOfMemoryCode = 2, kNoDevice = 100, kNoBinaryForGpu = 209;

// Attributes of a device.
inline constexpr int kClockRate = 13, kMultiprocessors = 16, kMemoryClockRate = 36,
                     kMemoryBusWidth = 37, kL2Bytes = 38, kComputeMajor = 75, kComputeMinor = 76,
                     kSharedPerMultiprocessor = 81, kSharedPerBlock = 97;
// Attributes of a pointer, and the memory type that is a device's.
inline constexpr int kPointerMemoryType = 2, kPointerIsManaged = 8, kPointerOrdinal = 9;
inline constexpr uint32_t kMemoryTypeDevice = 2;
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr int kCaptureNone = 0, kModeRelaxed = 2;
inline constexpr int kFunctionDynamicShared = 8, kFunctionAnyCluster = 14;
inline constexpr int kJitErrorLog = 5, kJitErrorLogBytes = 6;
inline constexpr int kLaunchCluster = 4, kLaunchProgrammatic = 6;

struct LaunchAttribute {
  int id = 0;
  int pad = 0;
  union {
    char bytes[64] = {};
    struct {
      unsigned x, y, z;
    } cluster;
    int flag;
  } value;
};

struct LaunchConfig {
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  unsigned shared_bytes = 0;
  StreamObject* stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned attribute_count = 0;
};

struct KernelNode {
  FunctionObject* function = nullptr;
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  unsigned shared_bytes = 0;
  void** arguments = nullptr;
  void** extra = nullptr;
  void* kernel = nullptr;
  ContextObject* context = nullptr;
};

struct GraphEdge {
  unsigned char from_port = 0, to_port = 0, type = 0, reserved[5] = {};
};
/// The edge of a kernel that waits for its predecessor itself.
inline constexpr unsigned char kPortProgrammatic = 1, kEdgeProgrammatic = 1;
inline constexpr int kNodeKernel = 0;

struct Driver {
#define CARNOT_CUDA(name, symbol, arguments) Code_t(*name) arguments = nullptr;
#include "device/cuda/driver.def"
#undef CARNOT_CUDA
  /// Since 12.3; null before.
  Code_t (*graph_edges)(GraphObject* graph, GraphNodeObject* const* from,
                        GraphNodeObject* const* to, const GraphEdge* edges, size_t count) = nullptr;
  Code_t (*edges_of)(GraphObject* graph, GraphNodeObject** from, GraphNodeObject** to,
                     GraphEdge* edges, size_t* count) = nullptr;
  int api_version = 0;  ///< 13000 for 13.0

  /// kDevice (or kOutOfMemory) with the driver's name and words for the code.
  Status status(Code_t code, const char* what) const;
};

/// The driver, opened and initialised; the same answer for the whole process. An error says what is
/// missing: the driver, a newer one, or a GPU.
Result<const Driver*> driver();

}  // namespace carnot::cuda
