#include "tests/kernels/random_kernel.h"

#include <algorithm>
#include <random>

#include "base/status.h"

namespace carnot {

namespace {

class RandomKernel {
 public:
  explicit RandomKernel(uint64_t seed) : seed_(seed), random_(seed) {}

  StoredKernel make() {
    StoredKernel out;
    out.name = cat("random", seed_);
    const int axes = below(4);
    for (int i = 0; i < axes; ++i) out.kernel.axes.push_back({"", size(out)});
    type_ = pick({DType::kF32, DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kU8,
                  DType::kF64, DType::kI64});
    const int inputs = 1 + below(3);
    std::vector<Stage> stages(static_cast<size_t>(below(3)));
    stages.emplace_back();
    for (Stage& stage : stages) {
      const bool last = &stage == &stages.back();
      const int inner = last ? below(3) == 0 : 1 + below(2);
      for (int i = 0; i < inner; ++i) stage.inner.push_back({"", size(out)});
    }
    out.kernel.name = out.name;
    for (int i = 0; i < inputs; ++i) add_input(out);
    int folded = 0;
    for (Stage& stage : stages) {
      const bool last = &stage == &stages.back();
      fill(out, stage, folded, last);
      if (!last) ++folded;
    }
    add_output(out, stages.back());
    out.kernel.stages = std::move(stages);
    out.tolerance = bits_of(type_) == 16 && is_float(type_) ? 1e-2 : 1e-5;
    return out;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[below(static_cast<int>(list.size()))];
  }

  /// A constant, or a symbol with that value.
  Dim size(StoredKernel& out) {
    const int64_t value = pick({1, 2, 3, 5, 8, 16, 17, 33, 70});
    if (below(3) > 0) return value;
    const std::string name = cat("s", out.symbols.size());
    out.symbols[name] = value;
    return Dim::symbol(name);
  }

  void add_input(StoredKernel& out) {
    Buffer buffer;
    buffer.type.dtype = type_;
    for (int i = 1 + below(3); i-- > 0;) buffer.type.dims.push_back(size(out));
    out.kernel.buffers.push_back(buffer);
  }

  Dim axis(const StoredKernel& out, const Stage& stage) {
    const int count = static_cast<int>(out.kernel.axes.size() + stage.inner.size());
    return count == 0 ? Dim(below(3)) : axis_symbol(below(count));
  }

  /// Some expression, made to stay within [0, size) by a modulus, a clamp or a guard.
  Dim index(const StoredKernel& out, const Stage& stage, const Dim& size, Load& load) {
    Dim e = axis(out, stage);
    switch (below(7)) {
      case 0:
        e = e * Dim(2) - Dim(1);
        break;
      case 1:
        e = e + axis(out, stage) - Dim(3);
        break;
      case 2:
        e = floor_div(e * Dim(3), Dim(2 + below(4)));
        break;
      case 3:
        e = mod(e, Dim(3)) * Dim(4) + axis(out, stage);
        break;
      case 4:
        e = Dim(below(4));
        break;
      default:
        break;
    }
    switch (below(4)) {
      case 0:
        return mod(e, size);
      case 1:
        return max(Dim(0), min(e, size - Dim(1)));
      default:
        load.guards.push_back({e, 0, size});
        load.otherwise = below(2);
        return e;
    }
  }

  void fill(const StoredKernel& out, Stage& stage, int folded, bool last) {
    ScalarProgram& program = stage.body;
    const int loads = 1 + below(3);
    for (int i = 0; i < loads; ++i) {
      Load load;
      load.buffer = below(static_cast<int>(out.kernel.buffers.size()));
      for (const Dim& size : out.kernel.buffers[static_cast<size_t>(load.buffer)].type.dims) {
        load.index.push_back(index(out, stage, size, load));
      }
      stage.loads.push_back(load);
    }
    program.inputs = loads + folded;
    int32_t value = 0;
    for (int i = 1; i < program.inputs; ++i) {
      const int32_t other = i < loads ? i : program.cast(i, type_);
      const ScalarOp op = pick({ScalarOp::kAdd, ScalarOp::kSub, ScalarOp::kMax, ScalarOp::kMin});
      value = program.add(op, value, other);
    }
    if (is_float(type_) && below(3) == 0) {
      value = program.add(pick({ScalarOp::kSigmoid, ScalarOp::kTanh, ScalarOp::kAbs}), value);
    }
    if (is_float(type_) && below(3) == 0) value = program.add(ScalarOp::kMul, value, 0);
    program.results = {value};
    if (last) return;
    stage.combiner = pick({Combiner::kSum, Combiner::kMax, Combiner::kMin, Combiner::kSum,
                           Combiner::kArgMax, Combiner::kArgMin});
    stage.accumulator = is_float(type_) && type_ != DType::kF64 ? DType::kF32 : type_;
  }

  void add_output(StoredKernel& out, Stage& stage) {
    std::vector<int> order;
    std::vector<Dim> sizes;
    const auto& axes = out.kernel.axes;
    for (size_t i = 0; i < axes.size() + stage.inner.size(); ++i) {
      order.push_back(static_cast<int>(i));
      sizes.push_back(i < axes.size() ? axes[i].size : stage.inner[i - axes.size()].size);
    }
    std::shuffle(order.begin(), order.end(), random_);
    Buffer buffer;
    buffer.type.dtype = type_;
    buffer.output = true;
    Store store;
    store.buffer = static_cast<int>(out.kernel.buffers.size());
    for (const int i : order) {
      buffer.type.dims.push_back(sizes[static_cast<size_t>(i)]);
      store.index.push_back(axis_symbol(i));
    }
    if (below(4) == 0 && !order.empty()) {  // a piece of something wider
      Dim stride = 1;
      buffer.strides.resize(order.size(), 1);
      for (size_t i = order.size(); i-- > 0;) {
        buffer.strides[i] = stride;
        stride = stride * (buffer.type.dims[i] + Dim(below(3)));
      }
    }
    stage.stores = {store};
    out.kernel.buffers.push_back(buffer);
  }

  uint64_t seed_;
  std::mt19937_64 random_;
  DType type_ = DType::kF32;
};

}  // namespace

StoredKernel random_kernel(uint64_t seed) {
  return RandomKernel(seed).make();
}

}  // namespace carnot
