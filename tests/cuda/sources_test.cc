// The CUDA C++ of some kernels, as text: tests/cuda/sources/*.txt, each for the kernel of that name
// in tests/kernels and the choice that an H200's cost model puts first. `cuda_tests --bless`
// rewrites them; read what was blessed.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "codegen/cuda/loops.h"
#include "tests/kernels/stored_kernel.h"

namespace carnot::cuda {
namespace {

bool bless = false;

TEST(CudaSources, AreAsRead) {
  const auto device = parse_device("cuda isa=sm_90a sms=132 clock=1980 gbps=4800");
  ASSERT_TRUE(device.ok()) << to_string(device.status());
  const std::filesystem::path folder = CARNOT_SOURCE_DIR "/tests/cuda/sources";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    const auto test = read_stored_kernel(CARNOT_SOURCE_DIR "/tests/kernels/" + name + ".kernel");
    ASSERT_TRUE(test.ok()) << name << ": " << to_string(test.status());
    const auto choices = loop_choices(test->kernel, *device, test->symbols);
    ASSERT_TRUE(choices.ok()) << name << ": " << to_string(choices.status());
    const auto source = loop_source(name, test->kernel, test->symbols, choices->front());
    ASSERT_TRUE(source.ok()) << name << ": " << to_string(source.status());
    const std::string text = cat("// ", to_string(choices->front()), "\n", source->text);
    if (bless) {
      std::ofstream(entry.path()) << text;
      continue;
    }
    std::stringstream stored;
    stored << std::ifstream(entry.path()).rdbuf();
    EXPECT_EQ(stored.str(), text) << name;
  }
}

}  // namespace
}  // namespace carnot::cuda

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    carnot::cuda::bless = carnot::cuda::bless || std::strcmp(argv[i], "--bless") == 0;
  }
  return RUN_ALL_TESTS();
}
