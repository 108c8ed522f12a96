// Random and extreme attributes and operands for every operation: infer() must answer (a type or
// an error), and what it accepts reference() must run or refuse, with results of the types that
// infer() promised. The seed is fixed; a failure prints the operation.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "ops/attrs.h"
#include "ops/op.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

constexpr int kRounds = 1500;
// A result or an operand beyond this is not computed, only inferred.
constexpr int64_t kElementsMax = 1 << 12;

class Hostile {
 public:
  explicit Hostile(uint64_t seed) : random_(seed) {}

  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random_); }
  bool rarely() { return below(12) == 0; }

  int64_t extreme() {
    constexpr int64_t kLow = std::numeric_limits<int64_t>::min();
    constexpr int64_t kHigh = std::numeric_limits<int64_t>::max();
    const int64_t list[] = {kLow,  kLow + 1,         kHigh,   kHigh - 1,           int64_t{1} << 62,
                            -1000, int64_t{1} << 32, 1 << 20, -(int64_t{1} << 40), 65536};
    return list[below(std::size(list))];
  }
  int64_t number() { return rarely() ? extreme() : below(6) - 1; }
  int64_t size() { return rarely() ? extreme() : below(5); }
  Dim dim() {
    if (below(8) == 0) return Dim::symbol(below(2) == 0 ? "n" : "m") * Dim(below(3)) + Dim(size());
    return size();
  }

  void set(int64_t& v) { v = number(); }
  void set(bool& v) { v = below(2) == 0; }
  void set(double& v) {
    const double list[] = {0, 1, 0.5, 2, -1, 1e-300, 1e300, INFINITY, NAN};
    v = list[below(rarely() ? 9 : 4)];
  }
  void set(DType& v) { v = dtype(); }
  void set(Dim& v) { v = dim(); }
  void set(std::string& v) {
    const char* list[] = {"ij,jk->ik", "ii->i", "ij->", "i,i->", "->", "", "i,j", "a->aa", "ab->c"};
    v = list[below(std::size(list))];
  }
  void set(Tensor& v) { v = fill(dtype(), {below(3)}, 7).value(); }
  void set(TensorType& v) { v = type(); }
  void set(ScalarProgram& v) {
    v = {};
    v.inputs = static_cast<int32_t>(1 + below(2));
    v.results = {v.add(below(2) == 0 ? ScalarOp::kTanh : ScalarOp::kNeg, 0)};
  }
  template <class T>
  void set(std::vector<T>& v) {
    v.resize(static_cast<size_t>(below(5)));
    for (T& each : v) set(each);
  }
  template <class E>
  requires std::is_enum_v<E>
  void set(E& v) { v = static_cast<E>(below(static_cast<int64_t>(names(E{}).size()))); }

  DType dtype() { return rarely() ? static_cast<DType>(below(22)) : usual_; }
  TensorType type() {
    TensorType t{dtype(), {}};
    const int64_t rank = rarely() ? below(6) : usual_rank_;
    for (int64_t i = 0; i < rank; ++i) t.dims.push_back(below(3) == 0 ? dim() : Dim(usual_size_));
    return t;
  }
  /// Most operands of a round share a type, so that some rounds pass the checks.
  void new_round() {
    const DType list[] = {DType::kF32, DType::kF32, DType::kI64, DType::kF16, DType::kI8};
    usual_ = list[below(std::size(list))];
    usual_rank_ = below(5), usual_size_ = below(4);
  }

 private:
  std::mt19937_64 random_;
  DType usual_ = DType::kF32;
  int64_t usual_rank_ = 2, usual_size_ = 3;
};

bool small(const std::vector<Info>& infos) {
  for (const Info& info : infos) {
    double elements = 1;
    for (const Dim& d : info.type.dims) {
      if (!d.is_constant()) return false;
      elements *= static_cast<double>(d.value());
    }
    if (elements > static_cast<double>(kElementsMax)) return false;
  }
  return true;
}

template <class T>
void try_op(Hostile& hostile) {
  T op;
  hostile.new_round();
  T::attrs(op, [&](const char*, auto& value) {
    if (hostile.below(3) == 0) hostile.set(value);
  });
  const int most = T::kMax < 0 ? 3 : T::kMax;
  std::vector<Info> infos(static_cast<size_t>(T::kMin + hostile.below(most - T::kMin + 1) +
                                              (hostile.rarely() ? 1 : 0)));
  for (Info& info : infos) info.type = hostile.type();
  const auto types = infer(op, infos);
  if (!types.ok()) {
    EXPECT_FALSE(types.status().message().empty());
    return;
  }
  bool concrete = small(infos) && small(*types);
  std::vector<Tensor> operands;
  for (size_t i = 0; concrete && i < infos.size(); ++i) {
    Shape shape;
    for (const Dim& d : infos[i].type.dims) shape.push_back(d.value());
    const Fill kind = hostile.below(2) == 0 ? Fill::kProvoking : Fill::kSmallInts;
    auto operand = fill(infos[i].type.dtype, shape, i, kind);
    concrete = operand.ok();
    if (concrete) operands.push_back(*operand);
  }
  if (!concrete) return;
  const auto results = reference(Op(op), operands);
  if (!results.ok()) return;
  ASSERT_EQ(results->size(), types->size());
  for (size_t i = 0; i < results->size(); ++i) {
    EXPECT_EQ((*results)[i].type(), (*types)[i].type) << T::kName << attrs_text(Op(op));
  }
}

#define CARNOT_OP(T)                                             \
  TEST(HostileTest, T) {                                         \
    Hostile hostile(static_cast<uint64_t>(Op(op::T{}).index())); \
    for (int i = 0; i < kRounds; ++i) try_op<op::T>(hostile);    \
  }
#include "carnot/ops.def"

}  // namespace
}  // namespace carnot
