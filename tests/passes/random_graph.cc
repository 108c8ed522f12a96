#include "tests/passes/random_graph.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "tensor/fill.h"

namespace carnot {
namespace {

class Builder {
 public:
  explicit Builder(uint64_t seed) : random_(seed) {}

  Graph build(int nodes, int depth) {
    depth_ = depth;
    const Dim batch = pick(3) == 0 ? Dim::symbol("n") : Dim(pick(3) + 1);
    for (int i = 0; i < 2; ++i) {
      values_.push_back(graph_.add_input(cat("x", i), {DType::kF32, {batch, 4, pick(3) + 1}}));
    }
    return finish(nodes);
  }
  Graph build_region(const std::vector<Value*>& captures, const TensorType& result, int nodes) {
    depth_ = 0;
    for (size_t i = 0; i < captures.size(); ++i) {
      values_.push_back(graph_.add_input(cat("c", i), captures[i]->type()));
    }
    grow(nodes);
    std::vector<Value*> fitting;
    for (Value* value : values_) {
      if (value->type() == result) fitting.push_back(value);
    }
    graph_.set_outputs({fitting[static_cast<size_t>(pick(std::ssize(fitting)))]});
    return std::move(graph_);
  }

 private:
  Graph finish(int nodes) {
    grow(nodes);
    std::vector<Value*> outputs;
    for (size_t i = values_.size() - 3; i < values_.size(); ++i) outputs.push_back(values_[i]);
    graph_.set_outputs(std::move(outputs));
    return std::move(graph_);
  }
  void grow(int nodes) {
    for (int i = 0; i < nodes; ++i) add_one();
  }

  int64_t pick(int64_t count) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(count));
  }
  Value* any() { return values_[static_cast<size_t>(pick(std::ssize(values_)))]; }
  Value* floating() {
    for (;;) {
      Value* value = any();
      if (value->type().dtype == DType::kF32) return value;
    }
  }
  Value* constant(Shape shape) {
    if (pick(3) == 0) {
      Tensor number = Tensor::zeros(DType::kF32, {});
      number.set(0, static_cast<double>(pick(3)));
      return graph_.constant(Tensor::splat(number, std::move(shape)));
    }
    return graph_.constant(*fill(DType::kF32, std::move(shape), random_(), Fill::kSmallInts));
  }
  // What does not fit its operands is no node: the next try may.
  void make(Op op, std::vector<Value*> inputs) {
    Result<Node*> node = graph_.add(std::move(op), std::move(inputs), {cat("n", ++count_)});
    if (!node.ok()) return;
    for (Value* value : (*node)->outputs) values_.push_back(value);
  }

  void add_one() {
    switch (pick(12)) {
      case 0:
      case 1:
        return unary();
      case 2:
      case 3:
        return binary();
      case 4:
        return transpose();
      case 5:
        return reshape();
      case 6:
        return slice();
      case 7:
        return concat_or_expand();
      case 8:
        return reduce();
      case 9:
        return contraction();
      case 10:
        return shapes();
      default:
        return depth_ > 0 ? branch() : unary();
    }
  }

  void unary() {
    constexpr ScalarOp kOps[] = {ScalarOp::kNeg, ScalarOp::kAbs, ScalarOp::kSigmoid,
                                 ScalarOp::kTanh, ScalarOp::kNeg};
    op::Pointwise op;
    op.body.inputs = 1;
    int32_t id = op.body.add(kOps[pick(std::ssize(kOps))], 0);
    if (pick(3) == 0) id = op.body.add(ScalarOp::kNeg, id);
    op.body.results = {id};
    make(std::move(op), {floating()});
  }

  void binary() {
    constexpr ScalarOp kOps[] = {ScalarOp::kAdd, ScalarOp::kSub, ScalarOp::kMul,
                                 ScalarOp::kMax, ScalarOp::kMul, ScalarOp::kAdd};
    op::Pointwise op;
    op.body.inputs = 2;
    op.body.results = {op.body.add(kOps[pick(std::ssize(kOps))], 0, 1)};
    Value* a = floating();
    const Dims& dims = a->type().dims;
    Value* b = floating();
    const int64_t kind = pick(4);
    if (kind == 0) b = constant({});
    if (kind == 1 && !dims.empty() && dims.back().is_constant())
      b = constant({dims.back().value()});
    if (kind == 2 && dims.size() > 1 && dims[1].is_constant()) {
      Shape shape(dims.size() - 1, 1);
      shape[0] = dims[1].value();
      b = constant(std::move(shape));
    }
    make(std::move(op), pick(2) ? std::vector<Value*>{a, b} : std::vector<Value*>{b, a});
  }

  void transpose() {
    Value* x = any();
    op::Transpose op;
    op.perm.resize(x->type().dims.size());
    std::iota(op.perm.begin(), op.perm.end(), 0);
    std::shuffle(op.perm.begin(), op.perm.end(), random_);
    make(std::move(op), {x});
  }

  void reshape() {
    Value* x = any();
    op::Reshape op{x->type().dims};
    if (op.sizes.size() > 1 && pick(2)) {
      const Dim merged = op.sizes[0] * op.sizes[1];
      op.sizes.erase(op.sizes.begin());
      op.sizes[0] = merged;
    } else {
      op.sizes.insert(op.sizes.begin() + pick(std::ssize(op.sizes) + 1), 1);
    }
    if (op.sizes.size() <= 5) make(std::move(op), {x});
  }

  void slice() {
    Value* x = any();
    op::Slice op;
    for (const Dim& dim : x->type().dims) {
      op.starts.push_back(0);
      op.sizes.push_back(dim);
      op.steps.push_back(1);
      if (!dim.is_constant() || dim.value() < 1 || pick(3) == 0) continue;
      const int64_t start = pick(dim.value()), step = pick(2) + 1;
      op.starts.back() = start;
      op.steps.back() = step;
      op.sizes.back() = (dim.value() - start + step - 1) / step;
    }
    make(std::move(op), {x});
  }

  void concat_or_expand() {
    Value* x = floating();
    const int64_t rank = x->type().rank();
    if (rank == 0) return;
    if (pick(2)) return make(op::Concat{pick(rank)}, {x, pick(2) ? x : floating()});
    op::Expand op{x->type().dims};
    op.sizes.insert(op.sizes.begin(), pick(2) + 1);
    if (op.sizes.size() <= 4) make(std::move(op), {x});
  }

  void reduce() {
    Value* x = floating();
    if (x->type().rank() == 0) return;
    if (pick(3) == 0) return make(op::Softmax{-1}, {x});
    op::Reduce op;
    op.kind = pick(2) ? op::Reduce::kMean : op::Reduce::kSum;
    op.axes = {pick(x->type().rank())};
    op.keep = pick(2);
    make(std::move(op), {x});
  }

  void contraction() {
    Value* x = floating();
    const Dims& dims = x->type().dims;
    if (dims.size() == 3 && pick(2) && dims[1].is_constant()) {
      return make(op::Conv{}, {x, constant({pick(3) + 1, dims[1].value(), 1})});
    }
    if (dims.size() < 2 || !dims.back().is_constant()) return;
    make(op::MatMul{}, {x, constant({dims.back().value(), pick(3) + 1})});
  }

  void shapes() {
    const size_t first = values_.size();
    make(op::ShapeOf{}, {any()});
    if (values_.size() == first) return;
    op::Pointwise twice;
    twice.body.inputs = 1;
    twice.body.results = {twice.body.add(ScalarOp::kAdd, 0, 0)};
    make(std::move(twice), {values_.back()});
    make(op::Reduce{op::Reduce::kSum, {0}, false}, {values_.back()});
  }

  // An if whose condition is sometimes a constant.
  void branch() {
    Value* x = floating();
    const std::vector<Value*> captures = {x, any()};
    std::vector<std::unique_ptr<Graph>> regions;
    for (const char* name : {"then", "else"}) {
      Graph region = Builder(random_()).build_region(captures, x->type(), 3);
      region.name = name;
      regions.push_back(std::make_unique<Graph>(std::move(region)));
    }
    Value* condition = nullptr;
    if (pick(2)) {
      Tensor known = Tensor::zeros(DType::kBool, {});
      known.set_int(0, pick(2));
      condition = graph_.constant(std::move(known));
    } else {
      op::Pointwise positive;
      positive.body.inputs = 1;
      const int32_t zero = positive.body.constant(DType::kF32, 0);
      positive.body.results = {positive.body.add(ScalarOp::kGt, 0, zero)};
      Result<Value*> sum = graph_.make(op::Reduce{op::Reduce::kSum, {}, false}, {x}, {});
      if (!sum.ok()) return;
      Result<Value*> made = graph_.make(std::move(positive), {*sum}, {});
      if (!made.ok()) return;
      condition = *made;
    }
    std::vector<Value*> inputs = {condition};
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    Result<Node*> node =
        graph_.add(op::If{{x->type()}}, std::move(inputs), {}, {}, nullptr, std::move(regions));
    if (node.ok()) values_.push_back((*node)->output());
  }

  std::mt19937_64 random_;
  Graph graph_;
  std::vector<Value*> values_;
  int depth_ = 0, count_ = 0;
};

}  // namespace

Graph random_graph(uint64_t seed) {
  return Builder(seed).build(14, 1);
}

}  // namespace carnot
