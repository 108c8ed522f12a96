// Kernels of one plan as a chain of nodes. The chain is built once; addresses that change between
// two replays are given to the nodes that have them. A kernel that waits for its predecessor itself
// hangs on a programmatic edge: its blocks start while the predecessor's last ones still run.
// What a library starts is recorded as a graph inside the graph, and recorded again for other
// addresses: what its kernels are given is not ours to read.
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
  if (kernel.scratch) pointers[count] = const_cast<void**>(&scratch);
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
  const bool after_kernel = last && !part.nodes.back().call;
  CARNOT_RETURN_IF_ERROR(node.call ? add_call(part, node, scratch, last)
                                   : add_kernel(part, node, scratch, after_kernel, last));
  node.bound.assign(launch.buffers, launch.buffers + kernel.pointers);
  node.bound.push_back(scratch);
  last = node.object;
  part.nodes.push_back(std::move(node));
  return {};
}

Status GraphRecording::add_kernel(Part& part, Node& node, void* scratch, bool after_kernel,
                                  GraphNodeObject* last) {
  const Driver& driver = context_.driver();
  const Launch& launch = launches_[node.launch];
  CARNOT_RETURN_IF_ERROR(check_grid(launch));
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  Arguments arguments(launch, scratch);
  const KernelNode parameters = node_of(launch, arguments);
  const bool programmatic = kernel.dependent_launch && after_kernel && driver.graph_edges;
  CARNOT_RETURN_IF_ERROR(
      context_.status(driver.graph_kernel(&node.object, part.graph, &last,
                                          last && !programmatic ? 1 : 0, &parameters),
                      "adding a kernel to a CUDA graph"));
  if (programmatic) {
    GraphEdge edge;
    edge.from_port = kPortProgrammatic;
    edge.type = kEdgeProgrammatic;
    CARNOT_RETURN_IF_ERROR(
        context_.status(driver.graph_edges(part.graph, &last, &node.object, &edge, 1),
                        "ordering two kernels of a CUDA graph"));
  }
  if (kernel.cluster <= 1) return {};
  const unsigned cluster[16] = {kernel.cluster, 1, 1};
  return context_.status(driver.graph_attribute(node.object, kLaunchCluster, cluster),
                         "setting a kernel's cluster size");
}

// What a library starts is its own affair: it is recorded, and becomes one node.
Status GraphRecording::add_call(Part& part, Node& node, void* scratch, GraphNodeObject* last) {
  CARNOT_ASSIGN(GraphObject * recorded, capture(launches_[node.launch], scratch));
  const Driver& driver = context_.driver();
  const Code_t code = driver.graph_child(&node.object, part.graph, &last, last ? 1 : 0, recorded);
  driver.graph_destroy(recorded);  // the node has a copy
  return context_.status(code, "adding a library's call to a CUDA graph");
}

Result<GraphObject*> GraphRecording::capture(const Launch& launch, void* scratch) {
  const Driver& driver = context_.driver();
  if (!capture_stream_) {
    CARNOT_RETURN_IF_ERROR(context_.status(
        driver.stream_create(&capture_stream_, kStreamNonBlocking), "making a stream"));
  }
  CARNOT_RETURN_IF_ERROR(context_.status(driver.capture_begin(capture_stream_, kCaptureRelaxed),
                                         "recording a library's call"));
  Status status =
      static_cast<const LoadedKernel*>(launch.entry)->call->queue(launch, scratch, capture_stream_);
  GraphObject* out = nullptr;
  const Code_t code = driver.capture_end(capture_stream_, &out);
  if (status.ok()) status = context_.status(code, "recording a library's call");
  if (status.ok()) return out;
  if (out) driver.graph_destroy(out);
  return status;
}

Status GraphRecording::bind(Part& part, Node& node, void* scratch) {
  const Driver& driver = context_.driver();
  const Launch& launch = launches_[node.launch];
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  const bool same = std::equal(node.bound.begin(), node.bound.end() - 1, launch.buffers) &&
                    (!kernel.scratch || node.bound.back() == scratch);
  if (same) return {};
  if (node.call) {
    CARNOT_ASSIGN(GraphObject * recorded, capture(launch, scratch));
    const Code_t code = driver.graph_set_child(part.exec, node.object, recorded);
    driver.graph_destroy(recorded);
    CARNOT_RETURN_IF_ERROR(context_.status(code, "giving a library's call new addresses"));
  } else {
    Arguments arguments(launch, scratch);
    const KernelNode parameters = node_of(launch, arguments);
    CARNOT_RETURN_IF_ERROR(
        context_.status(driver.graph_set_kernel(part.exec, node.object, &parameters),
                        "giving a CUDA graph new addresses"));
  }
  std::copy(launch.buffers, launch.buffers + kernel.pointers, node.bound.begin());
  node.bound.back() = scratch;
  return {};
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
