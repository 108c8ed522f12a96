// Every generated kernel compiles for every architecture that we say we support. Needs no GPU, only
// NVIDIA's run-time compiler: `./dev test` brings it to build/venv.
#include <gtest/gtest.h>

#include <filesystem>

#include "codegen/cuda/loops.h"
#include "codegen/cuda/nvrtc.h"
#include "codegen/cuda/rowwise_attention.h"
#include "tests/kernels/stored_kernel.h"

namespace carnot::cuda {
namespace {

/// Where tools/models/environment.py puts the library.
std::vector<std::string> environment_folders() {
  std::vector<std::string> out;
  std::error_code none;
  const std::string lib = CARNOT_SOURCE_DIR "/build/venv/lib";
  for (const auto& python : std::filesystem::directory_iterator(lib, none)) {
    out.push_back((python.path() / "site-packages/nvidia/cu13/lib").string());
  }
  return out;
}

#define NVRTC_OR_SKIP(nvrtc)                                             \
  const Result<const Nvrtc*> nvrtc = Nvrtc::open(environment_folders()); \
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message()

TEST(Nvrtc, CompilesEveryKernel) {
  NVRTC_OR_SKIP(nvrtc);
  const Result<std::vector<StoredKernel>> tests = all_stored_kernels();
  ASSERT_TRUE(tests.ok()) << to_string(tests.status());
  for (const char* isa : {"sm_75", "sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120"}) {
    DeviceDescription device;
    device.kind = "cuda";
    device.isa = isa;
    std::vector<Source> sources;
    for (const StoredKernel& test : *tests) {
      if (test.kernel.attention) {
        sources.push_back({test.name, rowwise_attention("kernel", test.kernel).text});
        continue;
      }
      const auto choices = loop_choices(test.kernel, device, test.symbols);
      ASSERT_TRUE(choices.ok()) << test.name << ": " << to_string(choices.status());
      const auto source = loop_source("kernel", test.kernel, test.symbols, choices->front());
      ASSERT_TRUE(source.ok()) << test.name << ": " << to_string(source.status());
      sources.push_back({test.name, source->text});
    }
    const auto cubins = (*nvrtc)->compile(sources, isa, 2);
    ASSERT_TRUE(cubins.ok()) << isa << ": " << cubins.status().message();
    for (const Cubin& cubin : *cubins) EXPECT_GT(cubin.size(), 64u);
  }
}

TEST(Nvrtc, ErrorsCarryTheLogAndTheKernel) {
  NVRTC_OR_SKIP(nvrtc);
  const auto made = (*nvrtc)->compile({"softmax_3", "__global__ void f() { no_such(); }"}, "sm_80");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("kernel softmax_3: "), std::string::npos);
  EXPECT_NE(made.status().message().find("no_such"), std::string::npos);
}

TEST(Nvrtc, RefusesUnknownArchitectures) {
  NVRTC_OR_SKIP(nvrtc);
  const auto made = (*nvrtc)->compile({"k", "__global__ void f() {}"}, "sm_12345");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("sm_12345"), std::string::npos);
}

}  // namespace
}  // namespace carnot::cuda
