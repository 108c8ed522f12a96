// Kernels of one plan as a chain of nodes. The chain is built once; addresses that change between
// two replays are given to the nodes that have them. A kernel that waits for its predecessor itself
// hangs on a programmatic edge: its blocks start while the predecessor's last ones still run.
#include <algorithm>

#include "device/cuda/objects.h"

namespace carnot::cuda {
namespace {

// Fewer kernels start as fast one by one.
constexpr size_t kGraphMin = 2;

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
    const size_t work = static_cast<size_t>(
        std::count_if(launches.begin() + static_cast<ptrdiff_t>(out->parts_.back().first),
                      launches.begin() + static_cast<ptrdiff_t>(i),
                      [](const Launch& launch) { return launch.tasks > 0; }));
    if (kernels && work >= kGraphMin) CARNOT_RETURN_IF_ERROR(out->build(out->parts_.back()));
  }
  return out;
}

GraphRecording::~GraphRecording() {
  const Current current = context_.current();
  for (const Part& part : parts_) {
    if (part.exec) context_.driver().graph_exec_destroy(part.exec);
    if (part.graph) context_.driver().graph_destroy(part.graph);
  }
}

Status GraphRecording::build(Part& part) {
  const Driver& driver = context_.driver();
  CARNOT_RETURN_IF_ERROR(
      context_.status(driver.graph_create(&part.graph, 0), "making a CUDA graph"));
  GraphNodeObject* last = nullptr;
  for (size_t i = part.first; i < part.end; ++i) {
    if (launches_[i].tasks > 0) CARNOT_RETURN_IF_ERROR(add(part, i, last));
  }
  return context_.status(driver.graph_instantiate(&part.exec, part.graph, 0),
                         "making a CUDA graph ready");
}

Status GraphRecording::add(Part& part, size_t i, GraphNodeObject*& last) {
  const Driver& driver = context_.driver();
  const Launch& launch = launches_[i];
  CARNOT_RETURN_IF_ERROR(check_grid(launch));
  const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
  void* scratch = nullptr;  // given by the first replay, as all addresses may be
  Arguments arguments(launch, scratch);
  const KernelNode parameters = node_of(launch, arguments);
  Node node;
  node.launch = i;
  const bool programmatic = kernel.dependent_launch && last && driver.graph_edges;
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
  if (kernel.cluster > 1) {
    const unsigned cluster[16] = {kernel.cluster, 1, 1};
    CARNOT_RETURN_IF_ERROR(
        context_.status(driver.graph_attribute(node.object, kLaunchCluster, cluster),
                        "setting a kernel's cluster size"));
  }
  node.bound.assign(launch.buffers, launch.buffers + kernel.pointers);
  node.bound.push_back(scratch);
  last = node.object;
  part.nodes.push_back(std::move(node));
  return {};
}

Status GraphRecording::start(Part& part, void* scratch, StreamObject* stream) {
  const Driver& driver = context_.driver();
  for (Node& node : part.nodes) {
    const Launch& launch = launches_[node.launch];
    const auto& kernel = *static_cast<const LoadedKernel*>(launch.entry);
    const bool same = std::equal(node.bound.begin(), node.bound.end() - 1, launch.buffers) &&
                      (!kernel.scratch || node.bound.back() == scratch);
    if (same) continue;
    Arguments arguments(launch, scratch);
    const KernelNode parameters = node_of(launch, arguments);
    CARNOT_RETURN_IF_ERROR(
        context_.status(driver.graph_set_kernel(part.exec, node.object, &parameters),
                        "giving a CUDA graph new addresses"));
    std::copy(launch.buffers, launch.buffers + kernel.pointers, node.bound.begin());
    node.bound.back() = scratch;
  }
  return context_.status(driver.graph_launch(part.exec, stream), "starting a CUDA graph");
}

}  // namespace carnot::cuda
