// Every case of tests/ops/*.txt with attributes and operand types bent at random: infer() must
// answer, and what it accepts reference() must run or refuse, with results of the promised types.
// Nearer to legal operations than hostile_test.cc, so most mutants get past the first check.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <set>

#include "ops/attrs.h"
#include "tensor/fill.h"
#include "tests/ops/op_case.h"

namespace carnot {
namespace {

constexpr int kMutants = 40;  // of each case
// Operands and results beyond this are inferred, not computed.
constexpr int64_t kElementsMax = 20000;

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random_); }

  void bend(int64_t& v) {
    if (below(6) != 0) return;
    constexpr int64_t kLow = std::numeric_limits<int64_t>::min();
    constexpr int64_t kHigh = std::numeric_limits<int64_t>::max();
    constexpr int64_t kExtremes[] = {
        kLow, kLow + 1, kHigh, int64_t{1} << 62, -(int64_t{1} << 62), 1 << 20, 65536, -1000};
    v = below(6) == 0 ? kExtremes[below(std::size(kExtremes))] : below(7) - 2;
  }
  void bend(bool& v) { v = v != (below(6) == 0); }
  void bend(Dim& v) {
    int64_t number = v.is_constant() ? v.value() : below(6);
    const int64_t before = number;
    bend(number);
    if (number != before) v = Dim(number);
  }
  void bend(DType& v) {
    if (below(12) == 0) v = static_cast<DType>(below(static_cast<int64_t>(DType::kString) + 1));
  }
  void bend(TensorType& v) { bend(v.dtype), bend(v.dims); }
  template <class T>
  void bend(std::vector<T>& v) {
    for (T& each : v) bend(each);
    if (below(15) == 0 && !v.empty()) v.pop_back();
    if (below(15) == 0) v.push_back(v.empty() ? T{} : v.back());
  }
  template <class E>
  requires std::is_enum_v<E>
  void bend(E& v) {
    if (below(6) == 0) v = static_cast<E>(below(static_cast<int64_t>(names(E{}).size())));
  }
  void bend(double&) {}
  void bend(std::string&) {}
  void bend(Tensor&) {}
  void bend(ScalarProgram&) {}

 private:
  std::mt19937_64 random_;
};

std::optional<Shape> small_shape(const TensorType& type) {
  Shape shape;
  const Dim count = product(type.dims);
  if (!count.is_constant() || count.value() > kElementsMax) return std::nullopt;
  for (const Dim& dim : type.dims) {
    if (!dim.is_constant() || dim.value() < 0 || dim.value() > kElementsMax) return std::nullopt;
    shape.push_back(dim.value());
  }
  return shape;
}

// The same numbers one byte off any alignment, as a model's file may have them.
Result<Tensor> shifted(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) return tensor;
  auto bytes = std::make_shared<std::vector<std::byte>>(tensor.bytes() + 1);
  std::copy_n(tensor.data(), tensor.bytes(), bytes->begin() + 1);
  return Tensor::wrap(tensor.dtype(), tensor.shape(), std::span(*bytes).subspan(1), bytes);
}

Result<Tensor> make_operand(const OpCase::Operand& original, DType dtype, const Shape& shape,
                            Mutator& mutator) {
  if (original.value && original.value->shape() == shape && original.value->dtype() == dtype) {
    return *original.value;
  }
  const Fill kind = mutator.below(2) == 0 ? Fill::kProvoking : Fill::kSmallInts;
  const auto seed = static_cast<uint64_t>(mutator.below(1000));
  if (mutator.below(6) != 0) {
    CARNOT_ASSIGN(const Tensor filled, fill(dtype, shape, seed, kind));
    return mutator.below(3) == 0 ? shifted(filled) : filled;
  }
  CARNOT_ASSIGN(const Tensor scalar, fill(dtype, {}, seed, kind));
  return Tensor::splat(scalar, shape);
}

void try_mutant(const OpCase& original, Mutator& mutator) {
  Op op = original.op;
  std::visit([&](auto& o) { o.attrs(o, [&](const char*, auto& value) { mutator.bend(value); }); },
             op);
  std::vector<Info> infos;
  for (const OpCase::Operand& operand : original.operands) {
    infos.push_back({operand.type, std::nullopt});
    mutator.bend(infos.back().type);
  }
  const Result<std::vector<Info>> types = infer(op, infos);
  if (!types.ok()) return;
  for (const Info& info : *types) {
    if (!small_shape(info.type)) return;
  }
  std::vector<Tensor> operands;
  for (size_t i = 0; i < infos.size(); ++i) {
    const std::optional<Shape> shape = small_shape(infos[i].type);
    if (!shape) return;
    Result<Tensor> operand =
        make_operand(original.operands[i], infos[i].type.dtype, *shape, mutator);
    ASSERT_TRUE(operand.ok()) << operand.status().message();
    operands.push_back(std::move(*operand));
  }
  const Result<std::vector<Tensor>> results = reference(op, operands);
  if (!results.ok()) return;
  ASSERT_EQ(results->size(), types->size());
  for (size_t i = 0; i < results->size(); ++i) {
    EXPECT_EQ((*results)[i].type(), (*types)[i].type)
        << original.text << "\n  as " << attrs_text(op);
  }
}

TEST(MutateTest, EveryCase) {
  Mutator mutator(11);
  std::set<std::filesystem::path> paths;  // in one order everywhere
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/ops")) {
    const bool has_cases = entry.path().extension() == ".txt";
    if (has_cases && entry.path().stem() != "CMakeLists") paths.insert(entry.path());
  }
  for (const std::filesystem::path& path : paths) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      const Result<std::optional<OpCase>> test = parse_op_case(line);
      if (!test.ok() || !*test) continue;  // ops_test.cc tells
      for (int i = 0; i < kMutants; ++i) try_mutant(**test, mutator);
    }
  }
}

}  // namespace
}  // namespace carnot
