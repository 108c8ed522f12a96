#include "kernel/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel/index_map.h"
#include "ops/scalar_eval.h"

namespace carnot {

namespace {

using Index = std::vector<IndexMap>;

struct SampledLoad {
  int buffer;
  Index index;
  struct Bound {
    IndexMap lower, index, upper;
  };
  std::vector<Bound> guards;
  double otherwise;
  int64_t within;  ///< an index of an axis of this size; 0: it is none
};

struct SampledStage {
  const Stage* stage;
  std::vector<SampledLoad> loads;
  std::vector<int64_t> sizes;  // of the inner axes
  std::vector<Index> stores;   // of each store
  ScalarEvaluator program;
  std::vector<DType> types;  // of the program's inputs
};

constexpr double kRelativeStep = 1e-4;  // of a fold, to see what its error does to the result
constexpr double kLargestFloat = std::numeric_limits<float>::max();

bool is_arg(Combiner c) {
  return c == Combiner::kArgMax || c == Combiner::kArgMin;
}

double to_real(Scalar s, DType type) {
  if (is_float(type)) return s.real;
  if (type == DType::kU64) return static_cast<double>(static_cast<uint64_t>(s.integer));
  return static_cast<double>(s.integer);
}

Scalar from_real(double v, DType type) {
  Scalar s;
  if (is_float(type)) {
    s.real = v;
  } else {
    // The upper half of u64 is kept by its bits.
    const bool upper = type == DType::kU64 && v >= 0x1p63 && v < 0x1p64;
    s.integer = std::abs(v) < 0x1p63 ? static_cast<int64_t>(v) : 0;
    if (upper) s.integer = static_cast<int64_t>(static_cast<uint64_t>(v));
  }
  return s;
}

class Sampler {
 public:
  Sampler(const Kernel& kernel, Tensors inputs, const Symbols& symbols, int64_t period)
      : kernel_(kernel), inputs_(inputs), symbols_(symbols), period_(period) {}

  Status prepare() {
    for (const Buffer& b : kernel_.buffers) {
      Shape shape;
      for (const Dim& d : b.type.dims) {
        CARNOT_ASSIGN(int64_t size, evaluate(d, symbols_));
        shape.push_back(size);
      }
      shapes_.push_back(std::move(shape));
    }
    for (const Axis& a : kernel_.axes) {
      CARNOT_ASSIGN(int64_t size, evaluate(a.size, symbols_));
      sizes_.push_back(size);
    }
    for (const Stage& s : kernel_.stages) CARNOT_RETURN_IF_ERROR(compile(s));
    return {};
  }

  /// Of the axes.
  const Shape& sizes() const { return sizes_; }

  /// All outputs of the point `axes`.
  Status run(const std::vector<int64_t>& axes, std::vector<Sample>& out) {
    std::vector<double> folded, uncertain;
    for (SampledStage& s : stages_) {
      std::copy(axes.begin(), axes.end(), slots_.begin());
      if (s.stage->combiner != Combiner::kNone) {
        double magnitude = 0;
        folded.push_back(fold(s, folded, magnitude));
        uncertain.push_back(is_arg(s.stage->combiner) ? 0 : magnitude);
        continue;
      }
      if (std::find(s.sizes.begin(), s.sizes.end(), 0) != s.sizes.end()) continue;
      // A storing stage with inner axes: only its first, middle and last element are looked at.
      for (int which = 0; which < (s.sizes.empty() ? 1 : 3); ++which) {
        for (size_t i = 0; i < s.sizes.size(); ++i) {
          const int64_t last = s.sizes[i] - 1;
          slots_[axes.size() + i] = which == 0 ? 0 : which == 1 ? last / 2 : last;
        }
        const std::vector<double> values = body(s, folded);
        std::vector<double> off = folded;
        for (size_t i = 0; i < off.size(); ++i) off[i] += kRelativeStep * uncertain[i];
        const std::vector<double> moved = body(s, off);
        for (size_t i = 0; i < s.stores.size(); ++i) {
          const Store& store = s.stage->stores[i];
          Sample sample;
          sample.buffer = store.buffer;
          sample.offset = offset(store.buffer, s.stores[i]);
          sample.value = values[static_cast<size_t>(store.result)];
          const double change = moved[static_cast<size_t>(store.result)] - sample.value;
          sample.slack = std::isfinite(change) ? std::abs(change) / kRelativeStep : 0;
          // Such a sum may leave the floats on the way; then the change above says nothing.
          for (const double sum : uncertain) {
            if (std::isfinite(sum) && sum > kLargestFloat) {
              sample.slack = std::max(sample.slack, sum);
            }
          }
          out.push_back(sample);
        }
      }
    }
    return {};
  }

 private:
  Status compile(const Stage& stage) {
    IndexMap::Slots slots;
    const size_t axes = kernel_.axes.size();
    for (size_t i = 0; i < axes + stage.inner.size(); ++i) {
      slots[*axis_symbol(static_cast<int>(i)).as_symbol()] = static_cast<int>(i);
    }
    const size_t first_load = axes + stage.inner.size();
    for (size_t i = 0; i < stage.loads.size(); ++i) {
      slots[*load_symbol(static_cast<int>(i)).as_symbol()] = static_cast<int>(first_load + i);
    }
    std::vector<DType> types;
    for (const Load& l : stage.loads) {
      types.push_back(l.buffer == kExpression
                          ? DType::kI64
                          : kernel_.buffers[static_cast<size_t>(l.buffer)].type.dtype);
    }
    types.insert(types.end(), folded_types_.begin(), folded_types_.end());
    CARNOT_ASSIGN(ScalarEvaluator program, ScalarEvaluator::create(stage.body, types));
    if (stage.combiner != Combiner::kNone) {
      folded_types_.push_back(is_arg(stage.combiner) ? DType::kI64 : stage.accumulator);
    }
    SampledStage out{&stage, {}, {}, {}, std::move(program), types};
    for (const Axis& a : stage.inner) {
      CARNOT_ASSIGN(int64_t size, evaluate(a.size, symbols_));
      out.sizes.push_back(size);
    }
    const auto index = [&](const Dims& dims) -> Result<Index> {
      Index maps;
      for (const Dim& d : dims) {
        CARNOT_ASSIGN(IndexMap map, IndexMap::create(d, slots, symbols_));
        maps.push_back(std::move(map));
      }
      return maps;
    };
    for (const Load& l : stage.loads) {
      CARNOT_ASSIGN(Index at, index(l.index));
      SampledLoad load{l.buffer, std::move(at), {}, l.otherwise, 0};
      if (l.within) {
        CARNOT_ASSIGN(load.within, evaluate(*l.within, symbols_));
      }
      for (const Guard& g : l.guards) {
        CARNOT_ASSIGN(Index bounds, index({g.lower, g.index, g.upper}));
        load.guards.push_back({std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2])});
      }
      out.loads.push_back(std::move(load));
    }
    for (const Store& s : stage.stores) {
      CARNOT_ASSIGN(Index at, index(s.index));
      out.stores.push_back(std::move(at));
    }
    stages_.push_back(std::move(out));
    slots_.resize(std::max(slots_.size(), first_load + stage.loads.size()));
    return {};
  }

  int64_t offset(int buffer, const Index& index) const {
    const Shape& shape = shapes_[static_cast<size_t>(buffer)];
    int64_t at = 0;
    for (size_t i = 0; i < index.size(); ++i) at = at * shape[i] + index[i](slots_.data());
    return at;
  }

  Scalar load(const SampledLoad& l, DType type) const {
    for (const SampledLoad::Bound& g : l.guards) {
      const int64_t at = g.index(slots_.data());
      if (at < g.lower(slots_.data()) || at >= g.upper(slots_.data())) {
        return from_real(l.otherwise, type);
      }
    }
    if (l.buffer == kExpression) {
      Scalar s;
      s.integer = l.index[0](slots_.data());
      return s;
    }
    int64_t at = offset(l.buffer, l.index);
    const Tensor& t = inputs_[static_cast<size_t>(l.buffer)];
    if (period_ > 0 && t.elements() == period_ && at >= 0) at %= period_;
    if (at < 0 || at >= t.elements()) return from_real(std::nan(""), type);
    Scalar out = load_scalar(t, at);
    if (l.within > 0 && out.integer < 0) out.integer += l.within;
    return out;
  }

  // The program's results at the current slots.
  std::vector<double> body(SampledStage& s, const std::vector<double>& folded) {
    std::vector<Scalar> in;
    const size_t load_slot = kernel_.axes.size() + s.sizes.size();
    for (size_t i = 0; i < s.loads.size(); ++i) {
      in.push_back(load(s.loads[i], s.types[i]));
      slots_[load_slot + i] = is_float(s.types[i]) ? 0 : in.back().integer;
    }
    for (size_t i = 0; i < folded.size(); ++i) {
      in.push_back(from_real(folded[i], s.types[s.loads.size() + i]));
    }
    std::vector<Scalar> out(s.program.results().size());
    s.program.run(in, out);
    std::vector<double> values;
    for (size_t i = 0; i < out.size(); ++i) {
      values.push_back(to_real(out[i], s.program.results()[i]));
    }
    return values;
  }

  double fold(SampledStage& s, const std::vector<double>& folded, double& magnitude) {
    const Combiner c = s.stage->combiner;
    const double inf = std::numeric_limits<double>::infinity();
    double acc = c == Combiner::kProduct ? 1
                 : c == Combiner::kMax   ? -inf
                 : c == Combiner::kMin   ? inf
                                         : 0;
    double best = c == Combiner::kArgMax ? -inf : inf, sum = 0;
    int64_t position = 0;
    const size_t base = kernel_.axes.size();
    int64_t total = 1;
    for (int64_t size : s.sizes) total *= size;
    for (int64_t i = 0; i < total; ++i) {
      int64_t rest = i;
      for (size_t a = s.sizes.size(); a-- > 0;) {
        slots_[base + a] = rest % s.sizes[a];
        rest /= s.sizes[a];
      }
      const double v = body(s, folded)[0];
      sum += std::abs(v);
      const bool nan = std::isnan(v) || std::isnan(acc);
      switch (c) {
        case Combiner::kProduct:
          acc *= v;
          break;
        case Combiner::kMax:
          acc = nan ? std::nan("") : std::max(acc, v);
          break;
        case Combiner::kMin:
          acc = nan ? std::nan("") : std::min(acc, v);
          break;
        case Combiner::kArgMax:
          if (v > best || i == 0) best = v, position = i;
          break;
        case Combiner::kArgMin:
          if (v < best || i == 0) best = v, position = i;
          break;
        default:
          acc += v;
      }
    }
    if (is_arg(c)) return static_cast<double>(position);
    magnitude = c == Combiner::kSum ? sum : std::abs(acc);
    return acc;
  }

  const Kernel& kernel_;
  Tensors inputs_;
  const Symbols& symbols_;
  int64_t period_;
  std::vector<Shape> shapes_;  // of the buffers
  Shape sizes_;
  std::vector<SampledStage> stages_;
  std::vector<DType> folded_types_;
  std::vector<int64_t> slots_;
};

}  // namespace

Result<std::vector<Sample>> sample(const Kernel& kernel, Tensors inputs, const Symbols& symbols,
                                   int count, uint64_t seed, int64_t period) {
  Sampler sampler(kernel, inputs, symbols, period);
  CARNOT_RETURN_IF_ERROR(sampler.prepare());
  std::vector<Sample> out;
  for (int64_t size : sampler.sizes()) {
    if (size <= 0) return out;
  }
  for (int p = 0; p < count; ++p) {
    std::vector<int64_t> axes;
    for (int64_t size : sampler.sizes()) {
      seed = seed * 6364136223846793005ull + 1442695040888963407ull;
      const uint64_t r = seed >> 33;
      // A third of the coordinates sit on a border, where guards and tails are.
      const int64_t at = p == 0 || r % 6 == 0 ? 0
                         : r % 6 == 1         ? size - 1
                                              : static_cast<int64_t>(r / 6) % size;
      axes.push_back(p == 1 ? size - 1 : at);
    }
    CARNOT_RETURN_IF_ERROR(sampler.run(axes, out));
  }
  return out;
}

}  // namespace carnot
