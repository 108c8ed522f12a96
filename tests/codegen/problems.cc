#include "tests/codegen/problems.h"

#include <chrono>
#include <cstring>
#include <random>

#include "base/status.h"

namespace carnot::cpu {

namespace {

ScalarProgram product_program() {
  ScalarProgram p;
  p.inputs = 2;
  p.results = {p.add(ScalarOp::kMul, 0, 1)};
  return p;
}

Buffer buffer(const Dims& dims, bool output = false) {
  return {TensorType{DType::kF32, dims}, output, {}};
}

}  // namespace

double ConvProblem::flops() const {
  return 2.0 * static_cast<double>(n * out_h() * out_w() * k) *
         static_cast<double>(kh * kw * c / groups);
}

double MatMulProblem::flops() const {
  return 2.0 * static_cast<double>(batch * m) * static_cast<double>(n * k);
}

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor t = Tensor::zeros(DType::kF32, shape);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < t.elements(); ++i) t.as<float>()[i] = uniform(random);
  return t;
}

BuiltProblem build(const ConvProblem& q) {
  BuiltProblem built;
  Kernel& kernel = built.kernel;
  const Dim n = q.symbolic_n ? Dim::symbol("n") : Dim(q.n);
  if (q.symbolic_n) built.symbols["n"] = q.n;
  const int64_t kg = q.k / q.groups, cg = q.c / q.groups;
  kernel.name = q.name;
  kernel.buffers = {buffer({n, q.h, q.w, q.c}), buffer({q.k, cg, q.kh, q.kw})};
  kernel.axes = {{"n", n}, {"h", q.out_h()}, {"w", q.out_w()}, {"g", q.groups}, {"k", kg}};
  const Dim an = axis_symbol(0), ah = axis_symbol(1), aw = axis_symbol(2), ag = axis_symbol(3),
            ak = axis_symbol(4), ikh = axis_symbol(5), ikw = axis_symbol(6), ic = axis_symbol(7);
  const Dim out_k = ag * kg + ak;
  Stage sum;
  sum.inner = {{"kh", q.kh}, {"kw", q.kw}, {"c", cg}};
  const Dim ih = ah * q.stride + ikh * q.dilation - Dim(q.pad);
  const Dim iw = aw * q.stride + ikw * q.dilation - Dim(q.pad);
  Load x{0, {an, ih, iw, ag * cg + ic}, {}, 0};
  if (q.pad > 0) x.guards = {{ih, 0, q.h}, {iw, 0, q.w}};
  sum.loads = {x, {1, {out_k, ic, ikh, ikw}, {}, 0}};
  sum.body = product_program();
  sum.combiner = Combiner::kSum;
  Stage store;
  std::vector<int> slots;
  built.inputs = {random_tensor({q.n, q.h, q.w, q.c}, 1), random_tensor({q.k, cg, q.kh, q.kw}, 2)};
  if (q.bias) {
    store.loads.push_back({static_cast<int>(kernel.buffers.size()), {out_k}, {}, 0});
    kernel.buffers.push_back(buffer({q.k}));
    built.inputs.push_back(random_tensor({q.k}, 3));
  }
  if (q.residual) {
    store.loads.push_back({static_cast<int>(kernel.buffers.size()), {an, ah, aw, out_k}, {}, 0});
    kernel.buffers.push_back(buffer({n, q.out_h(), q.out_w(), q.k}));
    built.inputs.push_back(random_tensor({q.n, q.out_h(), q.out_w(), q.k}, 4));
  }
  ScalarProgram& body = store.body;
  const auto loads = static_cast<int32_t>(store.loads.size());
  body.inputs = loads + 1;
  int32_t value = loads;
  for (int32_t i = 0; i < loads; ++i) value = body.add(ScalarOp::kAdd, value, i);
  if (q.relu) value = body.add(ScalarOp::kMax, value, body.constant(DType::kF32, 0));
  body.results = {value};
  store.stores = {{static_cast<int>(kernel.buffers.size()), {an, ah, aw, out_k}, 0}};
  kernel.buffers.push_back(buffer({n, q.out_h(), q.out_w(), q.k}, true));
  kernel.stages = {sum, store};
  built.view.batch = {3};
  built.view.rows = {0, 1, 2};
  built.view.columns = {4};
  built.view.inner = {0, 1, 2};
  built.output = {q.n, q.out_h(), q.out_w(), q.k};
  return built;
}

BuiltProblem build(const MatMulProblem& q) {
  BuiltProblem built;
  Kernel& kernel = built.kernel;
  const auto size = [&](bool symbolic, const char* name, int64_t value) {
    if (!symbolic) return Dim(value);
    built.symbols[name] = value;
    return Dim::symbol(name);
  };
  const Dim m = size(q.symbolic_m, "m", q.m), n = size(q.symbolic_n, "n", q.n),
            k = size(q.symbolic_k, "k", q.k);
  kernel.name = q.name;
  kernel.buffers = {buffer({q.batch, m, k}),
                    q.transposed ? buffer({q.batch, n, k}) : buffer({q.batch, k, n})};
  kernel.axes = {{"b", q.batch}, {"m", m}, {"n", n}};
  const Dim ab = axis_symbol(0), am = axis_symbol(1), an = axis_symbol(2), ik = axis_symbol(3);
  Stage sum;
  sum.inner = {{"k", k}};
  sum.loads = {{0, {ab, am, ik}, {}, 0},
               {1, q.transposed ? Dims{ab, an, ik} : Dims{ab, ik, an}, {}, 0}};
  sum.body = product_program();
  sum.combiner = Combiner::kSum;
  built.inputs = {
      random_tensor({q.batch, q.m, q.k}, 1),
      random_tensor(q.transposed ? Shape{q.batch, q.n, q.k} : Shape{q.batch, q.k, q.n}, 2)};
  Stage store;
  store.body.inputs = q.bias ? 2 : 1;
  if (q.bias) {
    store.loads.push_back({2, {an}, {}, 0});
    kernel.buffers.push_back(buffer({n}));
    built.inputs.push_back(random_tensor({q.n}, 3));
    store.body.results = {store.body.add(ScalarOp::kAdd, 1, 0)};
  } else {
    store.body.results = {0};
  }
  store.stores = {{static_cast<int>(kernel.buffers.size()), {ab, am, an}, 0}};
  kernel.buffers.push_back(buffer({q.batch, m, n}, true));
  kernel.stages = {sum, store};
  built.view.batch = {0};
  built.view.rows = {1};
  built.view.columns = {2};
  built.view.inner = {0};
  built.output = {q.batch, q.m, q.n};
  return built;
}

Tensor reference(const ConvProblem& q, const BuiltProblem& built) {
  Tensor out = Tensor::zeros(DType::kF32, built.output);
  const float* x = built.inputs[0].as<float>();
  const float* w = built.inputs[1].as<float>();
  const int64_t kg = q.k / q.groups, cg = q.c / q.groups;
  int64_t at = 0;
  for (int64_t n = 0; n < q.n; ++n) {
    for (int64_t h = 0; h < q.out_h(); ++h) {
      for (int64_t v = 0; v < q.out_w(); ++v) {
        for (int64_t k = 0; k < q.k; ++k, ++at) {
          double sum = 0;
          for (int64_t a = 0; a < q.kh; ++a) {
            for (int64_t b = 0; b < q.kw; ++b) {
              const int64_t ih = h * q.stride + a * q.dilation - q.pad;
              const int64_t iw = v * q.stride + b * q.dilation - q.pad;
              if (ih < 0 || ih >= q.h || iw < 0 || iw >= q.w) continue;
              for (int64_t c = 0; c < cg; ++c) {
                sum += static_cast<double>(x[((n * q.h + ih) * q.w + iw) * q.c + k / kg * cg + c]) *
                       static_cast<double>(w[((k * cg + c) * q.kh + a) * q.kw + b]);
              }
            }
          }
          size_t input = 2;
          if (q.bias) sum += static_cast<double>(built.inputs[input++].as<float>()[k]);
          if (q.residual) sum += static_cast<double>(built.inputs[input].as<float>()[at]);
          out.as<float>()[at] = static_cast<float>(q.relu && sum < 0 ? 0 : sum);
        }
      }
    }
  }
  return out;
}

Tensor reference(const MatMulProblem& q, const BuiltProblem& built) {
  Tensor out = Tensor::zeros(DType::kF32, built.output);
  const float* a = built.inputs[0].as<float>();
  const float* b = built.inputs[1].as<float>();
  for (int64_t i = 0; i < q.batch; ++i) {
    for (int64_t m = 0; m < q.m; ++m) {
      for (int64_t n = 0; n < q.n; ++n) {
        double sum = q.bias ? static_cast<double>(built.inputs[2].as<float>()[n]) : 0;
        for (int64_t k = 0; k < q.k; ++k) {
          const int64_t at = q.transposed ? (i * q.n + n) * q.k + k : (i * q.k + k) * q.n + n;
          sum += static_cast<double>(a[(i * q.m + m) * q.k + k]) * static_cast<double>(b[at]);
        }
        out.as<float>()[(i * q.m + m) * q.n + n] = static_cast<float>(sum);
      }
    }
  }
  return out;
}

Result<PreparedCall> PreparedCall::make(const BuiltProblem& built, const Target& target,
                                        const ContractionTactic& tactic, bool b_constant) {
  PreparedCall call;
  const ContractionQuery query{built.kernel, built.view, target, b_constant, b_constant};
  const auto start = std::chrono::steady_clock::now();
  CARNOT_ASSIGN(Module module, Module::create(target));
  CARNOT_ASSIGN(const GeneratedFunction made, emit_contraction(module, "kernel", query, tactic));
  CARNOT_ASSIGN(const ObjectBytes object, module.compile());
  CARNOT_ASSIGN(call.blob, link(std::span(&object, 1)));
  call.compile_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  CARNOT_ASSIGN(LoadedCode code, LoadedCode::load(call.blob));
  call.code_.emplace(std::move(code));
  call.entry_ = call.code_->entry("kernel");
  if (call.entry_ == nullptr) return error(Code::kInternal, "no entry");
  call.operands_ = built.inputs;
  if (tactic.columns == ColumnAccess::kPacked) {
    CARNOT_ASSIGN(call.operands_[1], pack_weights(query, tactic, built.inputs[1]));
  }
  CARNOT_ASSIGN(call.output_, Tensor::allocate(DType::kF32, built.output));
  for (Tensor& t : call.operands_) call.buffers_.push_back(t.mutable_data());
  call.buffers_.push_back(call.output_.mutable_data());
  for (const Dim& d : made.params) {
    CARNOT_ASSIGN(const int64_t value, evaluate(d, built.symbols));
    call.params_.push_back(value);
  }
  CARNOT_ASSIGN(call.tasks, evaluate(made.tasks, built.symbols));
  CARNOT_ASSIGN(call.scratch_bytes, evaluate(made.scratch_bytes, built.symbols));
  call.scratch_.resize(static_cast<size_t>(call.scratch_bytes + 63) / 64 + 1);
  return call;
}

void PreparedCall::run(int64_t begin, int64_t end, void* scratch) {
  entry_(buffers_.data(), params_.data(), begin, end, scratch);
}

}  // namespace carnot::cpu
