// engine_run.h: build, load the bytes as a file would be, run.
#include "tests/onnx/engine_run.h"

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cuda/cuda.h"

namespace carnot {

bool has_engine() {
  return true;
}

Result<std::vector<Tensor>> run_engine(Graph graph, const std::vector<Tensor>& inputs, int effort,
                                       const std::string& device) {
  // Opening a GPU takes longer than a case does: a worker keeps it open.
  static const auto gpu =
      device == "cuda" ? make_cuda_device(0) : Result<std::unique_ptr<Device>>(nullptr);
  if (!gpu.ok()) return gpu.status();
  Network network;
  network.graph() = std::move(graph);
  // The processes are what keeps the cores busy.
  constexpr int kThreads = 1;
  BuilderOptions options;
  options.device = device;
  options.effort = effort;
  options.threads = kThreads;
  CARNOT_ASSIGN(const std::vector<std::byte> bytes, build(std::move(network), options));
  CARNOT_ASSIGN(const EnginePtr engine, Engine::load(bytes));
  ContextOptions context_options;
  context_options.threads = kThreads;
  CARNOT_ASSIGN(Context context, engine->make_context(context_options));
  return context.run(inputs);
}

}  // namespace carnot
