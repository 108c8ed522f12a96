// Every hostile model gives its error, quickly; no cut or altered model does harm.
#include <gtest/gtest.h>

#include <chrono>

#include "base/log.h"
#include "onnx/importer.h"
#include "tests/onnx_import/encode.h"
#include "tests/onnx_import/hostile.h"

namespace carnot {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Hostile, EachGivesItsError) {
  for (const HostileModel& hostile : hostile_models()) {
    SCOPED_TRACE(hostile.name);
    const auto start = std::chrono::steady_clock::now();
    const Result<Graph> graph = import_onnx(bytes_of(hostile.bytes));
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took, std::chrono::seconds(10));  // a second, on a machine that is busy
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.status().code(), hostile.code) << to_string(graph.status());
    EXPECT_NE(graph.status().message().find(hostile.message), std::string::npos)
        << to_string(graph.status());
  }
}

std::string small_model() {
  using namespace encode;  // NOLINT
  return model(
      {{node("Conv", {"x", "w"}, {"c"}, {attribute("pads", std::vector<int64_t>{1, 1, 1, 1})}),
        node("Shape", {"c"}, {"s"}), node("Reshape", {"c", "s"}, {"r"}),
        node("Softmax", {"r"}, {"y"}, {attribute("axis", int64_t{-1})})},
       {value("x", kFloat, {"n", 1, 4, 4})},
       {value("y", kFloat, {"n", 2, 4, 4})},
       {tensor_f32("w", {2, 1, 3, 3}, std::vector<float>(18, 0.5F))}});
}

TEST(Hostile, NoCutModelIsTakenForWhole) {
  const std::string whole = small_model();
  ASSERT_TRUE(import_onnx(bytes_of(whole)).ok());
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    EXPECT_FALSE(import_onnx(bytes_of(cut)).ok()) << "cut to " << length << " bytes";
  }
}

TEST(Hostile, AlteredModelsDoNoHarm) {
  const std::string whole = small_model();
  uint64_t state = 1;
  const auto random = [&] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 33;
  };
  set_log_level(LogLevel::kError);  // altered shapes are only worth a warning
  constexpr int kTrials = 3000;
  for (int i = 0; i < kTrials; ++i) {
    std::string altered = whole;
    for (uint64_t k = random() % 3 + 1; k > 0; --k) {
      altered[random() % altered.size()] = static_cast<char>(random());
    }
    (void)import_onnx(bytes_of(altered)).ok();
  }
  EXPECT_TRUE(import_onnx(bytes_of(whole)).ok());
  set_log_level(LogLevel::kWarning);
}

}  // namespace
}  // namespace carnot
