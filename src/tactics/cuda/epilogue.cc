#include "tactics/cuda/epilogue.h"

#include <algorithm>
#include <cmath>

namespace carnot::cuda {
namespace {

template <class... Args>
Status refuse(const Args&... args) {
  return error(Code::kUnsupported, args...);
}

// Ways in which models write activations; $0 is what they are applied to.
struct Form {
  Activation activation;
  const char* text;
};
constexpr Form kForms[] = {
    {Activation::kRelu, "max($0, 0.0:f32)"},
    {Activation::kSilu, "mul($0, sigmoid($0))"},
    {Activation::kSigmoid, "sigmoid($0)"},
    {Activation::kTanh, "tanh($0)"},
    {Activation::kGelu, "mul(mul($0, add(erf(div($0, 1.4142135:f32)), 1.0:f32)), 0.5:f32)"},
    {Activation::kGelu, "mul(mul($0, add(erf(mul($0, 0.70710678:f32)), 1.0:f32)), 0.5:f32)"},
    {Activation::kGelu, "mul(mul($0, 0.5:f32), add(erf(div($0, 1.4142135:f32)), 1.0:f32))"},
    {Activation::kGelu, "mul(mul($0, 0.5:f32), add(erf(mul($0, 0.70710678:f32)), 1.0:f32))"},
    {Activation::kGeluTanh,
     "mul(mul($0, 0.5:f32), add(tanh(mul(add($0, mul(mul(mul($0, $0), $0), 0.044715:f32)), "
     "0.7978846:f32)), 1.0:f32))"},
};

class Matcher {
 public:
  Matcher(const ScalarProgram& program, DType result) : program_(program), result_(result) {}

  /// The instruction of a value, or null for an input.
  const ScalarInst* inst(int32_t id) const {
    return id < program_.inputs ? nullptr
                                : &program_.insts[static_cast<size_t>(id - program_.inputs)];
  }
  /// What is under casts between floats: a library rounds once, at the end, which is as good as on
  /// the way unless the result's type is finer.
  int32_t strip(int32_t id) const {
    const auto is_stripped = [&](const ScalarInst* i) {
      return i && i->op == ScalarOp::kCast && is_float(i->type) && bits_of(i->type) <= 32 &&
             bits_of(i->type) >= bits_of(result_);
    };
    for (const ScalarInst* i = inst(id); is_stripped(i); i = inst(id)) id = i->args[0];
    return id;
  }

  /// Whether the value `id` is the form; then `operand` is what it is of.
  bool match(int32_t id, const ScalarProgram& form, int32_t part, int32_t& operand) const {
    id = strip(id);
    if (part < form.inputs) {
      if (operand < 0) operand = id;
      return operand == id;
    }
    const ScalarInst& wanted = form.insts[static_cast<size_t>(part - form.inputs)];
    const ScalarInst* found = inst(id);
    if (!found || found->op != wanted.op) return false;
    if (wanted.op == ScalarOp::kConst) {
      return std::abs(found->real - wanted.real) <= 1e-6 * std::abs(wanted.real);
    }
    const int count = operands_of(wanted.op);
    const auto in_order = [&](int first, int second) {
      int32_t bound = operand;
      if (!match(found->args[static_cast<size_t>(first)], form, wanted.args[0], bound))
        return false;
      if (count > 1 &&
          !match(found->args[static_cast<size_t>(second)], form, wanted.args[1], bound)) {
        return false;
      }
      operand = bound;
      return true;
    };
    if (in_order(0, 1)) return true;
    const bool commutes = wanted.op == ScalarOp::kAdd || wanted.op == ScalarOp::kMul ||
                          wanted.op == ScalarOp::kMax || wanted.op == ScalarOp::kMin;
    return commutes && in_order(1, 0);
  }

  /// The inputs that are added up to the value; empty where it is not a plain sum.
  std::vector<int32_t> terms(int32_t id) const {
    id = strip(id);
    const ScalarInst* found = inst(id);
    if (!found) return {id};
    if (found->op != ScalarOp::kAdd) return {};
    std::vector<int32_t> out = terms(found->args[0]), more = terms(found->args[1]);
    if (out.empty() || more.empty()) return {};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }

 private:
  const ScalarProgram& program_;
  DType result_;
};

bool is_zero(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& d) { return d.is(0); });
}

}  // namespace

Result<LibraryEpilogue> library_epilogue(const ContractionProblem& p) {
  if (p.stores.size() != 1) return refuse("it has ", p.stores.size(), " results");
  LibraryEpilogue out;
  const Matcher matcher(p.epilogue, p.stores[0].dtype);
  int32_t sum = p.epilogue.results[static_cast<size_t>(p.results[0])];
  for (const Form& form : kForms) {
    CARNOT_ASSIGN(const ScalarProgram pattern, parse_scalar_program(form.text, 1));
    int32_t operand = -1;
    if (!matcher.match(sum, pattern, pattern.results[0], operand)) continue;
    out.activation = form.activation;
    sum = operand;
    break;
  }
  const auto accumulator = static_cast<int32_t>(p.loads.size());
  bool has_sum = false;
  const std::vector<int32_t> terms = matcher.terms(sum);
  for (const int32_t term : terms) {
    if (term == accumulator) {
      if (has_sum) return refuse("its epilogue adds the sum twice");
      has_sum = true;
      continue;
    }
    const MappedAccess& load = p.loads[static_cast<size_t>(term)];
    if (load.buffer < 0) return refuse("its epilogue adds an index");
    const bool column = is_zero(load.map.batch) && is_zero(load.map.rows) && load.map.column.is(1);
    const bool as_bias = column && out.bias < 0;
    const bool as_residual = !as_bias && out.residual < 0 && load.map == p.stores[0].map;
    if (!as_bias && !as_residual) {
      return refuse("its epilogue adds more than a bias and a residual of the result's form");
    }
    (as_bias ? out.bias : out.residual) = static_cast<int>(term);
  }
  if (!has_sum) return refuse("its epilogue is none that the library has");
  return out;
}

Result<std::string> library_version(const DeviceDescription& device, Library library) {
  const std::string prefix = cat(word_of(library), '-');
  for (const std::string& feature : device.features) {
    if (feature.compare(0, prefix.size(), prefix) == 0) return feature.substr(prefix.size());
  }
  return refuse(to_string(library), " is not known to be on the device's machine");
}

double predict_library_us(const DeviceDescription& device, DType element, double products,
                          double bytes) {
  constexpr double kStartUs = 2.5;
  constexpr double kTensorCores = 14;  ///< their rate beside that of f32, of what is reached
  const double gflops =
      std::max(device.peak_gflops, 1000.0) * (element == DType::kF32 ? 0.8 : 0.6 * kTensorCores);
  const double gbps = std::max(device.memory_gbps, 100.0) * 0.8;
  return kStartUs + std::max(2 * products / gflops, bytes / gbps) * 1e-3;
}

std::vector<Candidate> library_candidates(int count, const std::string& version, double us) {
  std::vector<Candidate> out;
  for (int i = 0; i < count; ++i) {
    out.push_back({cat('h', i, ' ', version), {i}, us * (1 + 0.01 * i)});
  }
  return out;
}

Result<int64_t> library_choice(std::string_view tactic, const Candidate& candidate) {
  if (candidate.knobs.size() != 1 || candidate.knobs[0] < 0 || candidate.knobs[0] > 63) {
    return error(Code::kInvalidArgument, tactic, " has one number, 0 to 63");
  }
  return candidate.knobs[0];
}

double likely_size(const Dims& dims, const Symbols& likely) {
  double out = 1;
  for (const Dim& d : dims) {
    const Result<int64_t> v = evaluate(d, likely);
    out *= v.ok() ? static_cast<double>(*v) : 1.0;
  }
  return out;
}

}  // namespace carnot::cuda
