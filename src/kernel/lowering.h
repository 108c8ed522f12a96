#pragma once
// Lowering: the state of one lower_region() call. Private to src/kernel.
#include <map>

#include "kernel/expression.h"
#include "kernel/lower.h"

namespace carnot {

class Lowering {
 public:
  explicit Lowering(const Graph& region) : region_(region) {}
  Result<Kernel> run();
  /// Ops that contribute folding stages; a region has at most one.
  static bool is_fold(const Op& op);

 private:
  using Id = StageBuilder::Id;
  /// What views collected between an element's use and its load.
  struct Edge {
    std::vector<Guard> guards;
    double otherwise = 0;
    std::optional<Dim> within;
    bool anything = false;  ///< outside the guards; the reader chooses what is there
    bool is_plain() const { return guards.empty() && !within; }
  };

  /// The value of `v` at `index` (one expression per axis), as a scalar of `b`'s stage.
  Result<Id> eval(StageBuilder& b, const Value* v, const Dims& index, const Edge& edge);
  Result<Id> eval_inside(StageBuilder& b, const Value* v, const Dims& index, const Edge& edge);
  Result<Id> eval_pad(StageBuilder& b, const Node& node, const op::Pad& op, const Dims& index,
                      const Edge& edge);
  Result<Id> eval_resize(StageBuilder& b, const Node& node, const op::Resize& op,
                         const Dims& index);
  /// The index of an axis of `size` that `indices` has at `at`, as a symbol.
  Result<Dim> eval_index(StageBuilder& b, const Value* indices, const Dims& at, const Dim& size);
  Result<Id> eval_gather(StageBuilder& b, const Node& node, const Dims& index);
  Result<Id> fold_value(StageBuilder& b, const Value* v, const Dims& index);

  Status add_buffers();
  int add_axis(std::string name, Dim size);
  /// Adds the axes of `dims` (size-1 axes get none) but those in `skip`; their index expressions.
  Dims outer_index(const Dims& dims, const std::vector<bool>& skip);
  Status store_outputs(StageBuilder& b, const Dims& index, std::vector<Axis> inner);
  /// Appends a folding stage; returns its number.
  int add_fold(StageBuilder& b, Id value, std::vector<Axis> inner, Combiner combiner,
               DType accumulator);

  // lower_fold.cc
  Status lower_fold();
  Status lower_conv(const op::Conv& op);
  Status lower_matmul(const op::MatMul& op);
  Status lower_pool(const op::Pool& op);
  Status lower_reduce(const op::Reduce& op);
  Status lower_arg_reduce(const op::ArgReduce& op);
  Status lower_softmax(const op::Softmax& op);
  Status lower_normalize(const op::Normalize& op);
  Status lower_attention(const op::Attention& op);
  /// Number of elements an average divides by, as an expression of the output's axes.
  Dim pool_count(const op::Pool& op, const Dims& index) const;

  const Graph& region_;
  Kernel kernel_;
  std::map<const Value*, int> buffers_;
  const Node* fold_ = nullptr;
  Dim fold_count_;  ///< elements folded: a mean's divisor
};

/// Why a resize has no exact index arithmetic; empty where it has.
std::string why_not_resize(const Node& node);
DType accumulator_of(DType dtype);

}  // namespace carnot
