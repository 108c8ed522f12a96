// A GPU's kernels keep to the shared memory that they may have, whatever the effort.
#include <gtest/gtest.h>

#include <regex>

#include "build/build.h"

namespace carnot {
namespace {

constexpr const char* kGraph = R"(graph g (%x: f16[16, 28, 28, 128], %y: f16[8, 512, 768],
    %q: f16[4, 12, 256, 64], %z: f32[64, 1024]) {
  %w1 = constant {value = f16[256, 128, 3, 3] fill(seed = 1)}
  %t = transpose(%x) {perm = [0, 3, 1, 2]}
  %c = conv(%t, %w1) {pads_lo = [1, 1], pads_hi = [1, 1]}
  %r = pointwise(%c) by max($0, 0.0:f16)
  %w2 = constant {value = f16[768, 3072] fill(seed = 2)}
  %m = matmul(%y, %w2)
  %a = attention(%q, %q, %q) {scale = 0.125}
  %w3 = constant {value = f32[1024, 512] fill(seed = 3)}
  %p = matmul(%z, %w3)
  %s = softmax(%z) {axis = 1}
  return %r, %m, %a, %p, %s
})";

/// Bytes of dynamic shared memory of each kernel of the engine.
Result<std::vector<int>> kernels_with(int64_t shared_bytes, const char* isa, int effort) {
  CARNOT_ASSIGN(Graph graph, parse_graph(kGraph));
  BuildOptions options;
  options.device.kind = "cuda";
  options.device.isa = isa;
  options.device.sms = 132;
  options.device.shared_bytes = shared_bytes;
  options.tune.effort = effort;
  options.compile = false;
  options.dumps = {"code"};
  std::vector<int> out;
  options.dump = [&](const std::string&, const std::string& text) {
    const std::regex line("// carnot_[0-9a-f]+: blocks of [0-9]+ threads, ([0-9]+) bytes");
    for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) {
      out.push_back(std::stoi((*at)[1]));
    }
  };
  CARNOT_RETURN_IF_ERROR(build_engine(graph, options).status());
  return out;
}

TEST(SharedMemory, NoKernelHasMoreThanItMay) {
  for (const char* isa : {"sm_80", "sm_90a"}) {
    for (const int effort : {0, 3}) {
      const int64_t all = 163 << 10, few = 48 << 10;
      const auto most = [&](int64_t limit) {
        const auto kernels = kernels_with(limit, isa, effort);
        EXPECT_TRUE(kernels.ok()) << to_string(kernels.status());
        EXPECT_TRUE(kernels.ok() && kernels->size() >= 5);
        return kernels.ok() ? *std::max_element(kernels->begin(), kernels->end()) : 0;
      };
      EXPECT_LE(most(few), few) << isa;
      EXPECT_GT(most(all), few) << isa << ": the limit above would be met by chance";
      EXPECT_LE(most(all), all) << isa;
    }
  }
}

}  // namespace
}  // namespace carnot
