// Custom operations: the user's code inside an engine.
#include "carnot/custom.h"

#include <gtest/gtest.h>

#include <cstring>

#include "carnot/builder.h"
#include "carnot/engine.h"

namespace carnot {
namespace {

using Handle = Network::Handle;

const Dim kN = Dim::symbol("n");

/// y = x * factor, the factor being the state.
class Scaled : public CustomBody {
 public:
  explicit Scaled(float factor) : factor_(factor) {}
  Status run(CustomCall& call) override {
    const auto* const x = static_cast<const float*>(call.inputs[0].data);
    auto* const y = static_cast<float*>(call.outputs[0].data);
    for (int64_t i = 0; i < volume(call.inputs[0].shape); ++i) y[i] = x[i] * factor_;
    return {};
  }

 private:
  float factor_;
};

/// The elements above zero; how many there are only the run tells.
class Positive : public CustomBody {
 public:
  Status run(CustomCall& call) override {
    const auto* const x = static_cast<const float*>(call.inputs[0].data);
    const int64_t n = volume(call.inputs[0].shape);
    EXPECT_EQ(call.outputs[0].shape, (Shape{-1, 1}));
    EXPECT_EQ(call.outputs[0].data, nullptr);
    auto memory = call.allocate(0, n * 4);
    if (!memory.ok()) return memory.status();
    auto scratch = call.scratch(100);
    if (!scratch.ok()) return scratch.status();
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (x[i] > 0) static_cast<float*>(*memory)[count++] = x[i];
    }
    return call.set_shape(0, {count, 1});
  }
};

/// Adds 1 to what is there.
class Increment : public CustomBody {
 public:
  Status run(CustomCall& call) override {
    EXPECT_EQ(call.inputs[0].data, call.outputs[0].data);
    auto* const x = static_cast<float*>(call.outputs[0].data);
    for (int64_t i = 0; i < volume(call.outputs[0].shape); ++i) x[i] += 1;
    return {};
  }
};

class Failing : public CustomBody {
 public:
  Status run(CustomCall&) override { return {Code::kInvalidArgument, "it does not like it"}; }
};

class Silent : public CustomBody {
 public:
  Status run(CustomCall&) override { return {}; }
};

Result<std::unique_ptr<CustomBody>> make(const op::Custom& op, std::string_view device) {
  EXPECT_EQ(device, "cpu");
  if (op.code == "scale") {
    float factor = 0;
    std::memcpy(&factor, op.state.data(), sizeof factor);
    return std::make_unique<Scaled>(factor);
  }
  if (op.code == "positive") return std::make_unique<Positive>();
  if (op.code == "increment") return std::make_unique<Increment>();
  if (op.code == "fail") return std::make_unique<Failing>();
  if (op.code == "silent") return std::make_unique<Silent>();
  return Status(Code::kInvalidArgument, "there is no such code");
}

op::Custom custom(const char* code, Dims sizes) {
  op::Custom out;
  out.code = code;
  out.types = {{DType::kF32, std::move(sizes)}};
  return out;
}

op::Custom scale_by(float factor) {
  op::Custom out = custom("scale", {kN});
  out.state.assign(reinterpret_cast<const char*>(&factor), sizeof factor);
  return out;
}

Handle square(Network& n, Handle x) {
  op::Pointwise mul;
  mul.body.inputs = 2;
  mul.body.results = {mul.body.add(ScalarOp::kMul, 0, 1)};
  const Handle pair[] = {x, x};
  return (*n.add(mul, pair))[0];
}

EnginePtr engine_of(Network n) {
  BuilderOptions options;
  options.effort = 0;
  auto bytes = build(std::move(n), options);
  EXPECT_TRUE(bytes.ok()) << to_string(bytes.status());
  auto engine = Engine::load(*bytes);
  EXPECT_TRUE(engine.ok()) << to_string(engine.status());
  return *engine;
}

Result<std::vector<float>> run(const EnginePtr& engine, std::vector<float> x) {
  auto context = engine->make_context({.custom = make});
  if (!context.ok()) return context.status();
  const auto n = static_cast<int64_t>(x.size());
  std::vector<float> out;
  for (int i = 0; i < 2; ++i) {  // the second run finds the first one's memory
    const Tensor in[] = {Tensor::from_f32({n}, x)};
    auto results = context->run(in);
    if (!results.ok()) return results.status();
    out.assign((*results)[0].as<float>(), (*results)[0].as<float>() + (*results)[0].elements());
  }
  return out;
}

Network with(const op::Custom& op) {
  Network n;
  const Handle x[] = {square(n, n.add_input("x", {DType::kF32, {kN}}))};
  n.mark_output(square(n, (*n.add(op, x))[0]), "y");
  return n;
}

TEST(Custom, RunsBetweenKernels) {
  const EnginePtr engine = engine_of(with(scale_by(0.5f)));
  ASSERT_EQ(engine->custom_ops().size(), 1u);
  EXPECT_EQ(engine->custom_ops()[0], scale_by(0.5f));
  EXPECT_EQ(*run(engine, {1, 2, 3}), (std::vector<float>{0.25f, 4, 20.25f}));
}

TEST(Custom, TwoOfAKindStayTwo) {
  Network n;
  const Handle x[] = {n.add_input("x", {DType::kF32, {kN}})};
  n.mark_output((*n.add(scale_by(2), x))[0], "a");
  n.mark_output((*n.add(scale_by(2), x))[0], "b");
  EXPECT_EQ(engine_of(std::move(n))->custom_ops().size(), 2u);
}

TEST(Custom, TellsSizes) {
  const EnginePtr engine = engine_of(with(custom("positive", {Dim::symbol("k"), 1})));
  EXPECT_EQ(*run(engine, {1, 0, 3}), (std::vector<float>{1, 81}));
  EXPECT_EQ(*run(engine, {0}), std::vector<float>());
}

TEST(Custom, WorksInPlace) {
  op::Custom op = custom("increment", {kN});
  op.in_place = {0};
  Network n;
  const Handle x[] = {n.add_input("x", {DType::kF32, {kN}})};
  n.mark_output((*n.add(op, x))[0], "y");
  n.mark_output(square(n, x[0]), "square");
  const EnginePtr engine = engine_of(std::move(n));
  EXPECT_EQ(*run(engine, {1, 2}), (std::vector<float>{2, 3}));
}

TEST(Custom, IsRunInALoop) {
  Network body;
  const Handle i = body.add_input("i", {DType::kI64, {}});
  const Handle go = body.add_input("go", {DType::kBool, {}});
  const Handle y[] = {body.add_input("y", {DType::kF32, {kN}})};
  (void)i;
  body.mark_output(go, "go");
  body.mark_output((*body.add(scale_by(3), y))[0], "y");
  Network n;
  op::Loop loop;
  loop.carried = 1;
  loop.types = {{DType::kF32, {kN}}};
  Tensor yes = Tensor::zeros(DType::kBool, {});
  yes.set_int(0, 1);
  const Handle operands[] = {n.add_constant(Tensor::from_i64({}, {4})), n.add_constant(yes),
                             n.add_input("x", {DType::kF32, {kN}})};
  auto out = n.add(loop, operands, {&body, 1});
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  n.mark_output((*out)[0], "z");
  EXPECT_EQ(*run(engine_of(std::move(n)), {1, 2}), (std::vector<float>{81, 162}));
}

TEST(Custom, SaysWhatIsWrong) {
  const EnginePtr engine = engine_of(with(scale_by(1)));
  EXPECT_EQ(engine->make_context().status().message(),
            "the engine's custom operation 'scale' has no code: give it in ContextOptions::custom");
  EXPECT_EQ(run(engine_of(with(custom("unknown", {kN}))), {1}).status().message(),
            "the engine's custom operation 'unknown': there is no such code");
  EXPECT_NE(run(engine_of(with(custom("fail", {kN}))), {1})
                .status()
                .message()
                .find("(custom.fail, custom): it does not like it"),
            std::string::npos);
  const Network network = with(custom("silent", {Dim::symbol("k")}));
  EXPECT_NE(run(engine_of(network.clone()), {1})
                .status()
                .message()
                .find("its code told no shape of result 0"),
            std::string::npos);
}

}  // namespace
}  // namespace carnot
