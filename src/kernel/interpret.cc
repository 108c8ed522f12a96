// The meaning of a Kernel, executed one element at a time. Float folds accumulate in f64; integer
// folds wrap at the accumulator's width.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "kernel/index_map.h"
#include "kernel/kernel.h"
#include "ops/scalar_eval.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

struct Place {
  int buffer = 0;
  std::vector<IndexMap> index;
};
struct Bound {
  IndexMap lower, index, upper;
};
struct Operand {
  Place place;
  std::vector<Bound> guards;
  Scalar otherwise;
  std::optional<int64_t> within;
};
struct Compiled {
  const Stage* stage = nullptr;
  Shape inner;
  std::vector<Operand> loads;
  std::vector<Place> stores;
  ScalarEvaluator program;
};

// Steps through all points of a box in row-major order; false after the last one.
bool advance(int64_t* at, const Shape& sizes) {
  for (size_t i = sizes.size(); i-- > 0;) {
    if (++at[i] < sizes[i]) return true;
    at[i] = 0;
  }
  return false;
}

bool is_arg(Combiner combiner) {
  return combiner == Combiner::kArgMax || combiner == Combiner::kArgMin;
}

class Accumulator {
 public:
  Accumulator(Combiner combiner, DType type) : combiner_(combiner), type_(type) {
    step_.op = combiner == Combiner::kSum       ? ScalarOp::kAdd
               : combiner == Combiner::kProduct ? ScalarOp::kMul
               : combiner == Combiner::kMax     ? ScalarOp::kMax
               : combiner == Combiner::kMin     ? ScalarOp::kMin
               : combiner == Combiner::kArgMax  ? ScalarOp::kGt
                                                : ScalarOp::kLt;
    value_ = identity();
  }

  void fold(Scalar value) {
    if (!is_float(type_)) value.integer = wrap_integer(type_, value.integer);
    if (!is_arg(combiner_)) {
      value_ = apply(step_, type_, value_, value);
    } else if (count_ == 0 || better(value)) {
      value_ = value;
      best_ = count_;
    }
    ++count_;
  }

  Scalar result() const {
    if (!is_arg(combiner_)) return value_;
    Scalar out;
    out.integer = best_;
    return out;
  }

 private:
  Scalar identity() const {
    const bool product = combiner_ == Combiner::kProduct, least = combiner_ == Combiner::kMin;
    const double infinity = std::numeric_limits<double>::infinity();
    double value = product ? 1 : least ? infinity : combiner_ == Combiner::kMax ? -infinity : 0;
    Scalar out;
    if (is_float(type_)) {
      out.real = value;
    } else if (type_ == DType::kBool) {
      out.integer = least;
    } else {
      out.integer = to_integer(type_, value);
    }
    return out;
  }

  // NaN wins, the first one; else the first of equals.
  bool better(Scalar value) const {
    if (is_float(type_)) {
      if (std::isnan(value_.real)) return false;
      if (std::isnan(value.real)) return true;
    }
    return apply(step_, type_, value, value_).integer != 0;
  }

  Combiner combiner_;
  DType type_;
  ScalarInst step_;
  Scalar value_{};
  int64_t best_ = 0, count_ = 0;
};

class Interpreter {
 public:
  Interpreter(const Kernel& kernel, Tensors inputs, const Symbols& symbols)
      : kernel_(kernel), inputs_(inputs), symbols_(symbols) {}

  Result<std::vector<Tensor>> run() {
    CARNOT_RETURN_IF_ERROR(prepare_buffers());
    if (kernel_.attention) return reference(Op(kernel_.attention->op), inputs_);
    CARNOT_ASSIGN(sizes_, sizes_of(kernel_.axes));
    for (const Stage& stage : kernel_.stages) CARNOT_RETURN_IF_ERROR(compile(stage));
    CARNOT_ASSIGN(const int64_t points, element_count(sizes_));
    if (points > 0) {
      do {
        CARNOT_RETURN_IF_ERROR(run_point());
      } while (advance(slots_.data(), sizes_));
    }
    return std::move(outputs_);
  }

 private:
  Result<Shape> sizes_of(const std::vector<Axis>& axes) const {
    Shape out;
    for (const Axis& axis : axes) {
      CARNOT_ASSIGN(const int64_t size, evaluate(axis.size, symbols_));
      out.push_back(size);
    }
    CARNOT_RETURN_IF_ERROR(element_count(out).status());  // no negative sizes, no overflow
    return out;
  }

  Status prepare_buffers() {
    size_t inputs = 0;
    for (const Buffer& buffer : kernel_.buffers) {
      Shape shape;
      for (const Dim& dim : buffer.type.dims) {
        CARNOT_ASSIGN(const int64_t size, evaluate(dim, symbols_));
        shape.push_back(size);
      }
      if (buffer.output) {
        CARNOT_ASSIGN(const Tensor storage, Tensor::allocate(buffer.type.dtype, shape));
        outputs_.push_back(storage);
        std::fill_n(outputs_.back().mutable_data(), storage.bytes(), std::byte{0});
      } else if (inputs >= inputs_.size()) {
        return error(Code::kInvalidArgument, "too few inputs: ", inputs_.size());
      } else {
        const Tensor& given = inputs_[inputs++];
        if (given.dtype() != buffer.type.dtype || given.shape() != shape) {
          return error(Code::kInvalidArgument, "input ", inputs - 1, " is ",
                       to_string(given.type()), ", not ",
                       to_string(static_type(buffer.type.dtype, shape)));
        }
      }
      shapes_.push_back(std::move(shape));
    }
    if (inputs == inputs_.size()) return {};
    return error(Code::kInvalidArgument, "too many inputs: ", inputs_.size());
  }

  DType type_of(const Load& load) const {
    if (load.buffer == kExpression) return DType::kI64;
    return kernel_.buffers[static_cast<size_t>(load.buffer)].type.dtype;
  }

  Status compile(const Stage& stage) {
    IndexMap::Slots slots;
    const size_t axes = kernel_.axes.size() + stage.inner.size();
    for (size_t i = 0; i < axes; ++i) slots[cat("#", i)] = static_cast<int>(i);
    for (size_t i = 0; i < stage.loads.size(); ++i) {
      slots[cat("$", i)] = static_cast<int>(axes + i);
    }
    slots_.resize(std::max(slots_.size(), axes + stage.loads.size()));
    const auto place = [&](int buffer, const Dims& index) -> Result<Place> {
      Place out{buffer, {}};
      for (const Dim& dim : index) {
        CARNOT_ASSIGN(IndexMap map, IndexMap::create(dim, slots, symbols_));
        out.index.push_back(std::move(map));
      }
      return out;
    };
    std::vector<DType> types;
    std::vector<Operand> loads;
    for (const Load& load : stage.loads) {
      CARNOT_ASSIGN(Place at, place(load.buffer, load.index));
      Operand operand{std::move(at), {}, {}, {}};
      if (load.within) {
        CARNOT_ASSIGN(operand.within, evaluate(*load.within, symbols_));
      }
      types.push_back(type_of(load));
      if (is_float(types.back())) {
        operand.otherwise.real = load.otherwise;
      } else {
        operand.otherwise.integer = to_integer(types.back(), load.otherwise);
      }
      for (const Guard& guard : load.guards) {
        CARNOT_ASSIGN(IndexMap lower, IndexMap::create(guard.lower, slots, symbols_));
        CARNOT_ASSIGN(IndexMap index, IndexMap::create(guard.index, slots, symbols_));
        CARNOT_ASSIGN(IndexMap upper, IndexMap::create(guard.upper, slots, symbols_));
        operand.guards.push_back({std::move(lower), std::move(index), std::move(upper)});
      }
      loads.push_back(std::move(operand));
    }
    types.insert(types.end(), folded_types_.begin(), folded_types_.end());
    CARNOT_ASSIGN(ScalarEvaluator program, ScalarEvaluator::create(stage.body, types));
    if (stage.combiner != Combiner::kNone) {
      folded_types_.push_back(is_arg(stage.combiner) ? DType::kI64 : stage.accumulator);
    }
    std::vector<Place> stores;
    for (const Store& store : stage.stores) {
      CARNOT_ASSIGN(Place at, place(store.buffer, store.index));
      stores.push_back(std::move(at));
    }
    CARNOT_ASSIGN(Shape inner, sizes_of(stage.inner));
    stages_.push_back(
        {&stage, std::move(inner), std::move(loads), std::move(stores), std::move(program)});
    return {};
  }

  // The row-major position of an element, or an error outside the buffer.
  Result<int64_t> position(const Place& place) const {
    const Shape& shape = shapes_[static_cast<size_t>(place.buffer)];
    int64_t at = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      const int64_t index = place.index[i](slots_.data());
      if (index < 0 || index >= shape[i]) {
        return error(Code::kInvalidArgument, "index ", index, " of axis ", i, " of buffer ",
                     place.buffer, " is outside ", to_string(shape));
      }
      at = at * shape[i] + index;
    }
    return at;
  }

  Result<Scalar> value_of(const Operand& operand) const {
    for (const Bound& guard : operand.guards) {
      const int64_t index = guard.index(slots_.data());
      if (index < guard.lower(slots_.data()) || index >= guard.upper(slots_.data())) {
        return operand.otherwise;
      }
    }
    if (operand.place.buffer == kExpression) {
      Scalar out;
      out.integer = operand.place.index[0](slots_.data());
      return out;
    }
    CARNOT_ASSIGN(const int64_t at, position(operand.place));
    Scalar out = load_scalar(inputs_[static_cast<size_t>(operand.place.buffer)], at);
    if (!operand.within) return out;
    const int64_t size = *operand.within;
    if (out.integer < -size || out.integer >= size) {
      return error(Code::kInvalidArgument, "index ", out.integer, " is outside an axis of ", size);
    }
    if (out.integer < 0) out.integer += size;
    return out;
  }

  // The program's results at the current point.
  Status run_body(Compiled& stage) {
    const size_t first = kernel_.axes.size() + stage.inner.size();
    operands_.clear();
    for (size_t i = 0; i < stage.loads.size(); ++i) {
      CARNOT_ASSIGN(const Scalar value, value_of(stage.loads[i]));
      operands_.push_back(value);
      slots_[first + i] = is_float(type_of(stage.stage->loads[i])) ? 0 : value.integer;
    }
    operands_.insert(operands_.end(), folded_.begin(), folded_.end());
    results_.resize(stage.program.results().size());
    stage.program.run(operands_, results_);
    return {};
  }

  Status store(const Compiled& stage) {
    for (size_t i = 0; i < stage.stores.size(); ++i) {
      const Store& to = stage.stage->stores[i];
      CARNOT_ASSIGN(const int64_t at, position(stage.stores[i]));
      store_scalar(outputs_[static_cast<size_t>(to.buffer) - inputs_.size()], at,
                   results_[static_cast<size_t>(to.result)]);
    }
    return {};
  }

  // All stages at one point of the axes, which are the first slots.
  Status run_point() {
    folded_.clear();
    for (Compiled& stage : stages_) {
      const Combiner combiner = stage.stage->combiner;
      Accumulator accumulator(combiner, stage.stage->accumulator);
      int64_t* inner = slots_.data() + sizes_.size();
      std::fill_n(inner, stage.inner.size(), 0);
      const bool empty = std::count(stage.inner.begin(), stage.inner.end(), 0) > 0;
      bool more = !empty;
      while (more) {
        CARNOT_RETURN_IF_ERROR(run_body(stage));
        if (combiner == Combiner::kNone) {
          CARNOT_RETURN_IF_ERROR(store(stage));
        } else {
          accumulator.fold(results_[0]);
        }
        more = advance(inner, stage.inner);
      }
      if (combiner != Combiner::kNone) folded_.push_back(accumulator.result());
    }
    return {};
  }

  const Kernel& kernel_;
  Tensors inputs_;
  const Symbols& symbols_;
  std::vector<Shape> shapes_;  ///< of the buffers
  std::vector<Tensor> outputs_;
  Shape sizes_;  ///< of the axes
  std::vector<Compiled> stages_;
  std::vector<DType> folded_types_;
  std::vector<int64_t> slots_;  ///< axes, inner axes, loads
  std::vector<Scalar> operands_, results_, folded_;
};

}  // namespace

Result<std::vector<Tensor>> interpret(const Kernel& kernel, Tensors inputs,
                                      const Symbols& symbols) {
  CARNOT_RETURN_IF_ERROR(verify(kernel));
  return Interpreter(kernel, inputs, symbols).run().with("kernel " + kernel.name);
}

}  // namespace carnot
