// How long an engine file of the size of ResNet-50's takes to load: 100 MB of weights, 300 steps.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "carnot/engine.h"
#include "engine/engine_file.h"

namespace carnot {
namespace {

EngineFile big() {
  constexpr int kSteps = 300;
  EngineFile file;
  std::string text = "plan big device \"cpu isa=x86-64 threads=1\" {\n  input \"x\" @0\n" +
                     cat("  output \"y\" @", kSteps, "\n  buffer @0 \"x\" f32[?n, 8] input 0\n");
  for (int i = 1; i <= kSteps; ++i) {
    text += cat("  buffer @", i, " \"v\" f32[?n, 8] ", i == kSteps ? "output 0\n" : "arena\n");
  }
  for (int i = 0; i < kSteps; ++i) {
    text += cat("  buffer @", kSteps + 1 + i, " \"w\" f32[87381] constant ", i, "\n");
  }
  for (int i = 0; i < kSteps; ++i) {
    text += cat("  step kernel \"cpu.contraction[8x3]\" (@", i, ", @", kSteps + 1 + i, ") -> (@",
                i + 1, ")\n    entry \"k", i, "\" arguments (@", i, ", @", kSteps + 1 + i, ", @",
                i + 1, ") params [?n*3, 7] tasks ?n*8\n    origin [\"conv", i, " (Conv)\"]\n");
  }
  file.plan = std::move(*parse_plan(text + "}\n"));
  for (int i = 0; i < kSteps; ++i) {
    file.weights.push_back(Tensor::zeros(DType::kF32, {87381}));
    file.code.entries.emplace_back(cat("k", i), static_cast<size_t>(i));
  }
  file.code.bytes.resize(1 << 20);
  return file;
}

int run() {
  const std::string path =
      (std::filesystem::temp_directory_path() / cat("carnot-load-", getpid())).string();
  if (!save_engine(big(), path).ok()) return 1;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto engine = Engine::load(path);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    if (!engine.ok()) return std::printf("%s\n", to_string(engine.status()).c_str()), 1;
    std::printf("%.1f ms\n", time.count());
  }
  std::filesystem::remove(path);
  return 0;
}

}  // namespace
}  // namespace carnot

int main() {
  return carnot::run();
}
