// Kernels of one plan as a chain of nodes. The chain is built once; addresses that change between
// two replays are given to the nodes that have them. A kernel that waits for its predecessor itself
// hangs on a programmatic edge: its blocks start while the predecessor's last ones still run.
// What a library starts is recorded, and recorded again for other addresses: what its kernels are
// given is not ours to read. It is one kernel mostly, which becomes a node like ours; else it is a
// graph inside the graph.
#include <algorithm>

#include "device/cuda/libraries.h"
#include "device/cuda/objects.h"

namespace carnot::cuda {
namespace {

// Fewer kernels start as fast one by one.
constexpr size_t kGraphMin = 2;
constexpr int kCaptureRelaxed = 2;  // other threads may do what they like meanwhile

bool is_kernel(const Launch& launch) {
  return !launch.host && launch.copy_bytes < 0;
}

KernelNode node_of(const Launch& launch, Arguments& arguments) {
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  KernelNode out;
  out.function = kernel.function;
  out.grid[0] = static_cast<unsigned>(launch.tasks);
  out.block[0] = kernel.threads;
  out.shared_bytes = kernel.shared_bytes;
  out.arguments = arguments.pointers;
  return out;
}

}  // namespace

Status check_grid(const Launch& launch) {
  constexpr int64_t kGridMax = 2147483647;
  if (launch.tasks <= kGridMax) return {};
  return error(Code::kResourceLimit, "a kernel would have ", launch.tasks, " blocks, at most ",
               kGridMax, " are possible");
}

Arguments::Arguments(const Launch& launch, void* const& scratch) {
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  size_t count = 0;
  for (uint32_t i = 0; i < kernel.pointers; ++i) {
    pointers[count++] = const_cast<void**>(&launch.buffers[i]);
  }
  for (uint32_t i = 0; i < kernel.integers; ++i) {
    pointers[count++] = const_cast<int64_t*>(&launch.params[i]);
  }
  if (kernel.scratch) pointers[count++] = const_cast<void**>(&scratch);
  for (size_t i = 0; i < maps_.size(); ++i) {
    if (kernel.boxes[i].element_bytes > 0) pointers[count++] = &maps_[i];
  }
}

namespace {

/// `map` stays as it is where the copy engine cannot address the memory.
Status make_map(const Context& context, const Launch& launch, const BoxMap& box, void* map) {
  enum { kBefore, kColumns, kRows, kRowStep, kMatrices, kMatrixStep };
  const int64_t* const n = launch.params + box.numbers;
  auto* const memory = static_cast<std::byte*>(launch.buffers[box.pointer]);
  std::byte* const first = memory + n[kBefore] * box.element_bytes;
  constexpr uintptr_t kAlignment = 16;
  const bool addressable = memory && reinterpret_cast<uintptr_t>(first) % kAlignment == 0;
  if (!addressable || n[kColumns] < 1 || n[kRows] < 1 || n[kMatrices] < 1) return {};
  constexpr int kU16 = 1, kU32 = 2, kPlain = 0, kSwizzle128 = 3, kLines128 = 2;
  const auto size = [&](int i) { return static_cast<uint64_t>(n[i]); };
  // A step is looked at even where there is no next matrix.
  const uint64_t row = size(kRowStep) * box.element_bytes;
  const uint64_t matrix = n[kMatrixStep] > 0 ? size(kMatrixStep) * box.element_bytes : row;
  const uint64_t sizes[] = {size(kColumns), size(kRows), size(kMatrices)},
                 strides[] = {row, matrix};
  const unsigned extent[] = {128 / box.element_bytes, box.rows, 1}, steps[] = {1, 1, 1};
  return context.status(
      context.driver().tensor_map(map, box.element_bytes == 2 ? kU16 : kU32, 3, first, sizes,
                                  strides, extent, steps, kPlain, kSwizzle128, kLines128, kPlain),
      "making a tensor map");
}

}  // namespace

Status Arguments::make_maps(const Context& context, const Launch& launch) {
  const BoxMaps& boxes = static_cast<const LoadedKernel*>(launch.entry)->boxes;
  for (size_t i = 0; i < maps_.size(); ++i) {
    if (boxes[i].element_bytes == 0) break;
    CARNOT_RETURN_IF_ERROR(make_map(context, launch, boxes[i], &maps_[i]));
  }
  return {};
}

Status queue_kernel(const Context& context, const Launch& launch, void* scratch,
                    StreamObject* stream, bool early_starts) {
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  CARNOT_RETURN_IF_ERROR(check_grid(launch));
  Arguments arguments(launch, scratch);
  CARNOT_RETURN_IF_ERROR(arguments.make_maps(context, launch));
  LaunchAttribute attributes[2];
  LaunchConfig config;
  config.grid[0] = static_cast<unsigned>(launch.tasks);
  config.block[0] = kernel.threads;
  config.shared_bytes = kernel.shared_bytes;
  config.stream = stream;
  config.attributes = attributes;
  if (kernel.dependent_launch && early_starts) {
    attributes[config.attribute_count].id = kLaunchProgrammatic;
    attributes[config.attribute_count++].value.flag = 1;
  }
  if (kernel.cluster > 1) {
    attributes[config.attribute_count].id = kLaunchCluster;
    attributes[config.attribute_count++].value.cluster = {kernel.cluster, 1, 1};
  }
  return context.status(
      context.driver().launch(&config, kernel.function, arguments.pointers, nullptr),
      "launching a kernel");
}

Result<std::unique_ptr<GraphRecording>> GraphRecording::make(const Context& context,
                                                             std::span<const Launch> launches) {
  auto out = std::make_unique<GraphRecording>(context);
  out->launches_ = launches;
  for (size_t i = 0; i < launches.size();) {
    Part part;
    part.first = i;
    const bool kernels = is_kernel(launches[i]);
    while (i < launches.size() && is_kernel(launches[i]) == kernels) ++i;
    part.end = i;
    out->parts_.push_back(std::move(part));
    const auto first = launches.begin() + static_cast<ptrdiff_t>(out->parts_.back().first);
    const auto end = launches.begin() + static_cast<ptrdiff_t>(i);
    const auto work = static_cast<size_t>(
        std::count_if(first, end, [](const Launch& launch) { return launch.tasks > 0; }));
    const bool calls = kernels && std::any_of(first, end, [](const Launch& launch) {
                         return static_cast<const LoadedKernel*>(launch.entry)->call != nullptr;
                       });
    out->parts_.back().together = kernels && work >= kGraphMin;
    // A library wants to see the true addresses: they come with the first replay.
    if (out->parts_.back().together && !calls) {
      CARNOT_RETURN_IF_ERROR(out->build(out->parts_.back(), nullptr));
    }
  }
  return out;
}

GraphRecording::~GraphRecording() {
  const Current current = context_.current();
  for (Part& part : parts_) drop(part);
  if (capture_stream_) context_.driver().stream_destroy(capture_stream_);
}

void GraphRecording::drop(Part& part) const {
  if (part.exec) context_.driver().graph_exec_destroy(part.exec);
  if (part.graph) context_.driver().graph_destroy(part.graph);
  part.exec = nullptr;
  part.graph = nullptr;
  part.nodes.clear();
}

Status GraphRecording::build(Part& part, void* scratch) {
  const Driver& driver = context_.driver();
  CARNOT_RETURN_IF_ERROR(
      context_.status(driver.graph_create(&part.graph, 0), "making a CUDA graph"));
  GraphNodeObject* last = nullptr;
  for (size_t i = part.first; i < part.end; ++i) {
    if (launches_[i].tasks > 0) CARNOT_RETURN_IF_ERROR(add(part, i, scratch, last));
  }
  return context_.status(driver.graph_instantiate(&part.exec, part.graph, 0),
                         "making a CUDA graph ready");
}

Status GraphRecording::add(Part& part, size_t i, void* scratch, GraphNodeObject*& last) {
  const Launch& launch = launches_[i];
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  Node node;
  node.launch = i;
  node.call = kernel.call != nullptr;
  const bool after_kernel = last && part.nodes.back().kernel;
  CARNOT_RETURN_IF_ERROR(node.call ? add_call(part, node, scratch, after_kernel, last)
                                   : add_kernel(part, node, scratch, after_kernel, last));
  node.bound.assign(launch.buffers, launch.buffers + kernel.pointers);
  node.bound.push_back(scratch);
  last = node.object;
  part.nodes.push_back(std::move(node));
  return {};
}

Status GraphRecording::add_node(Part& part, Node& node, const KernelNode& parameters, bool overlaps,
                                GraphNodeObject* last) {
  const Driver& driver = context_.driver();
  const bool programmatic = overlaps && driver.graph_edges;
  CARNOT_RETURN_IF_ERROR(
      context_.status(driver.graph_kernel(&node.object, part.graph, &last,
                                          last && !programmatic ? 1 : 0, &parameters),
                      "adding a kernel to a CUDA graph"));
  if (!programmatic) return {};
  GraphEdge edge;
  edge.from_port = kPortProgrammatic;
  edge.type = kEdgeProgrammatic;
  return context_.status(driver.graph_edges(part.graph, &last, &node.object, &edge, 1),
                         "ordering two kernels of a CUDA graph");
}

Status GraphRecording::add_kernel(Part& part, Node& node, void* scratch, bool after_kernel,
                                  GraphNodeObject* last) {
  const Launch& launch = launches_[node.launch];
  CARNOT_RETURN_IF_ERROR(check_grid(launch));
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  Arguments arguments(launch, scratch);
  CARNOT_RETURN_IF_ERROR(arguments.make_maps(context_, launch));
  CARNOT_RETURN_IF_ERROR(add_node(part, node, node_of(launch, arguments),
                                  kernel.dependent_launch && after_kernel, last));
  if (kernel.cluster <= 1) return {};
  const unsigned cluster[16] = {kernel.cluster, 1, 1};
  return context_.status(context_.driver().graph_attribute(node.object, kLaunchCluster, cluster),
                         "setting a kernel's cluster size");
}

// What a library starts is its own affair: it is recorded. One kernel becomes a node like ours, so
// that the next one can overlap with it; anything else is one node that is a graph.
Status GraphRecording::add_call(Part& part, Node& node, void* scratch, bool after_kernel,
                                GraphNodeObject* last) {
  const Driver& driver = context_.driver();
  Recorded recorded(driver);
  CARNOT_RETURN_IF_ERROR(record(part, launches_[node.launch], scratch, recorded));
  node.kernel = recorded.kernel != nullptr;
  if (node.kernel) {
    CARNOT_RETURN_IF_ERROR(
        add_node(part, node, recorded.parameters, recorded.overlaps && after_kernel, last));
    return context_.status(driver.copy_attributes(node.object, recorded.kernel),
                           "giving a library's kernel its attributes");
  }
  return context_.status(
      driver.graph_child(&node.object, part.graph, &last, last ? 1 : 0, recorded.graph),
      "adding a library's call to a CUDA graph");
}

// A kernel of ours in front shows whether the library's kernel wants to overlap with it: the edge
// between the two says so.
Status GraphRecording::record(const Part& part, const Launch& launch, void* scratch,
                              Recorded& out) {
  const Driver& driver = context_.driver();
  const Launch* before = nullptr;
  for (size_t i = part.first; i < part.end && !before; ++i) {
    const auto& kernel = *static_cast<const LoadedKernel*>(launches_[i].entry);
    if (launches_[i].tasks > 0 && !kernel.call) before = &launches_[i];
  }
  if (before && driver.edges_of) {
    CARNOT_RETURN_IF_ERROR(capture(before, launch, scratch, out));
    GraphNodeObject *from = nullptr, *to = nullptr, *nodes[3] = {};
    GraphEdge edge;
    size_t count = 3, edges = 1;
    int type = -1;
    if (driver.graph_nodes(out.graph, nodes, &count) == kSuccess && count == 2 &&
        driver.edges_of(out.graph, &from, &to, &edge, &edges) == kSuccess && edges == 1 &&
        driver.node_type(to, &type) == kSuccess && type == kNodeKernel &&
        driver.kernel_parameters(to, &out.parameters) == kSuccess) {
      out.kernel = to;
      out.overlaps = edge.type == kEdgeProgrammatic;
      return {};
    }
    driver.graph_destroy(std::exchange(out.graph, nullptr));
  }
  return capture(nullptr, launch, scratch, out);
}

Status GraphRecording::capture(const Launch* before, const Launch& launch, void* scratch,
                               Recorded& out) {
  const Driver& driver = context_.driver();
  if (!capture_stream_) {
    CARNOT_RETURN_IF_ERROR(context_.status(
        driver.stream_create(&capture_stream_, kStreamNonBlocking), "making a stream"));
  }
  CARNOT_RETURN_IF_ERROR(context_.status(driver.capture_begin(capture_stream_, kCaptureRelaxed),
                                         "recording a library's call"));
  Status status;
  if (before) status = queue_kernel(context_, *before, scratch, capture_stream_, true);
  if (status.ok()) {
    status = static_cast<const LoadedKernel*>(launch.entry)
                 ->call->queue(launch, scratch, capture_stream_);
  }
  const Code_t code = driver.capture_end(capture_stream_, &out.graph);
  return status.ok() ? context_.status(code, "recording a library's call") : status;
}

Status GraphRecording::bind(Part& part, Node& node, void* scratch) {
  const Launch& launch = launches_[node.launch];
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  const bool same = std::equal(node.bound.begin(), node.bound.end() - 1, launch.buffers) &&
                    (!kernel.scratch || node.bound.back() == scratch);
  if (same) return {};
  if (node.call) {
    CARNOT_RETURN_IF_ERROR(bind_call(part, node, scratch));
  } else {
    Arguments arguments(launch, scratch);
    CARNOT_RETURN_IF_ERROR(arguments.make_maps(context_, launch));
    const KernelNode parameters = node_of(launch, arguments);
    CARNOT_RETURN_IF_ERROR(
        context_.status(context_.driver().graph_set_kernel(part.exec, node.object, &parameters),
                        "giving a CUDA graph new addresses"));
  }
  std::copy(launch.buffers, launch.buffers + kernel.pointers, node.bound.begin());
  node.bound.back() = scratch;
  return {};
}

Status GraphRecording::bind_call(Part& part, Node& node, void* scratch) {
  const Driver& driver = context_.driver();
  Recorded recorded(driver);
  CARNOT_RETURN_IF_ERROR(record(part, launches_[node.launch], scratch, recorded));
  if (node.kernel != (recorded.kernel != nullptr)) {
    return error(Code::kUnsupported, "a library starts other kernels for new addresses");
  }
  const Code_t code = node.kernel
                          ? driver.graph_set_kernel(part.exec, node.object, &recorded.parameters)
                          : driver.graph_set_child(part.exec, node.object, recorded.graph);
  return context_.status(code, "giving a library's call new addresses");
}

Status GraphRecording::start(Part& part, void* scratch, StreamObject* stream) {
  if (!part.exec) CARNOT_RETURN_IF_ERROR(build(part, scratch));
  for (size_t i = 0; i < part.nodes.size(); ++i) {
    Status status = bind(part, part.nodes[i], scratch);
    if (status.ok()) continue;
    if (!part.nodes[i].call) return status;
    // For other addresses a library may start other kernels than those that the graph has.
    drop(part);
    CARNOT_RETURN_IF_ERROR(build(part, scratch));
    break;
  }
  return context_.status(context_.driver().graph_launch(part.exec, stream),
                         "starting a CUDA graph");
}

}  // namespace carnot::cuda
