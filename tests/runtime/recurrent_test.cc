// The library's LSTM, GRU and RNN through build, engine and run, against the reference executor;
// and the same bits for any number of threads.
#include <gtest/gtest.h>

#include <cstring>

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cpu/library/recurrent.h"
#include "device/device.h"
#include "ir/executor.h"
#include "tensor/fill.h"

namespace carnot {

namespace {

using op::Recurrent;
using Kernel = void(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                    void* scratch);

struct Case {
  Recurrent op;
  int64_t steps, batch, inputs;
  bool bias, state;
};

int64_t gates_of(const Recurrent& op) {
  return op.kind == Recurrent::kLstm ? 4 : op.kind == Recurrent::kGru ? 3 : 1;
}

Result<Value*> operand(Graph& graph, bool present, const Shape& shape, uint64_t seed) {
  CARNOT_ASSIGN(Tensor value, fill(DType::kF32, present ? shape : Shape(2, 0), seed));
  return graph.constant(std::move(value));
}

// The steps' number is a symbol; weights are constants.
Result<Graph> graph_of(const Case& c) {
  Graph graph;
  const int64_t dirs = c.op.direction == Recurrent::kBidirectional ? 2 : 1, h = c.op.hidden;
  const int64_t width = gates_of(c.op) * h;
  std::vector<Value*> in = {
      graph.add_input("x", {DType::kF32, {Dim::symbol("t"), c.batch, c.inputs}})};
  uint64_t seed = 3;
  const std::pair<bool, Shape> constants[] = {
      {true, {dirs, width, c.inputs}}, {true, {dirs, width, h}},
      {c.bias, {dirs, 2 * width}},     {false, {}},
      {c.state, {dirs, c.batch, h}},   {c.state, {dirs, c.batch, h}}};
  for (const auto& [present, shape] : constants) {
    if (in.size() == 6 && c.op.kind != Recurrent::kLstm) break;
    if (in.size() == 4) {
      in.push_back(graph.constant(Tensor::zeros(DType::kI32, {0})));
      continue;
    }
    CARNOT_ASSIGN(Value * v, operand(graph, present, shape, seed++));
    in.push_back(v);
  }
  CARNOT_ASSIGN(Node * node, graph.add(c.op, in, {"r"}));
  graph.set_outputs(node->outputs);
  graph.output_names = {"y", "y_h", "y_c"};
  graph.output_names.resize(node->outputs.size());
  return graph;
}

std::string describe(const Case& c) {
  return cat(attrs_text(c.op), " steps ", c.steps, " batch ", c.batch, " inputs ", c.inputs,
             c.bias ? " bias" : "", c.state ? " state" : "");
}

void check(const Case& c) {
  auto graph = graph_of(c);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  auto x = fill(DType::kF32, {c.steps, c.batch, c.inputs}, 1);
  ASSERT_TRUE(x.ok());
  Budget budget;
  const std::vector<Tensor> inputs = {*x};
  auto want = execute(*graph, inputs, budget);
  ASSERT_TRUE(want.ok()) << to_string(want.status());
  Network network;
  network.graph() = graph->clone();
  BuilderOptions options;
  options.effort = 0;
  auto bytes = build(std::move(network), options);
  ASSERT_TRUE(bytes.ok()) << to_string(bytes.status());
  auto engine = Engine::load(*bytes);
  ASSERT_TRUE(engine.ok()) << to_string(engine.status());
  EXPECT_NE((*engine)->plan_text().find("cpu.recurrent"), std::string::npos);
  std::vector<Tensor> first;
  for (const int threads : {1, 2, 3}) {
    auto context = (*engine)->make_context({.threads = threads});
    ASSERT_TRUE(context.ok());
    auto got = context->run(inputs);
    ASSERT_TRUE(got.ok()) << to_string(got.status());
    for (size_t i = 0; i < want->size(); ++i) {
      const Difference d = compare((*got)[i], (*want)[i], tolerance(c.op, DType::kF32));
      EXPECT_TRUE(d.ok) << "result " << i << ": " << d.first;
    }
    if (threads == 1) first = *got;
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(std::memcmp(first[i].data(), (*got)[i].data(), first[i].bytes()), 0)
          << "result " << i << " of " << threads << " threads";
    }
  }
}

TEST(Recurrent, AgreesWithTheReference) {
  Recurrent lstm, gru, late, rnn;
  gru.kind = late.kind = Recurrent::kGru;
  gru.linear_before_reset = true;
  rnn.kind = Recurrent::kRnn;
  // Hidden sizes of whole vectors, of parts, of parts of a block; 1 to 5 rows: one task and two.
  const struct {
    int64_t hidden, steps, batch, inputs;
    Recurrent::Direction direction;
  } sizes[] = {{64, 5, 1, 7, Recurrent::kForward},       {30, 4, 2, 5, Recurrent::kReverse},
               {17, 3, 3, 1, Recurrent::kForward},       {1, 2, 4, 2, Recurrent::kBidirectional},
               {96, 3, 5, 8, Recurrent::kBidirectional}, {8, 1, 1, 3, Recurrent::kReverse},
               {8, 0, 2, 3, Recurrent::kForward}};
  bool bias = false;
  for (Recurrent op : {lstm, gru, late, rnn}) {
    for (const auto& s : sizes) {
      op.hidden = s.hidden;
      op.direction = s.direction;
      bias = !bias;
      const Case c = {op, s.steps, s.batch, s.inputs, bias, s.batch % 2 == 1};
      SCOPED_TRACE(describe(c));
      check(c);
    }
  }
}

// The engine takes the widest that the CPU has; the others are called by hand.
std::vector<float> run_width(Kernel* kernel, const cpu::RecurrentLayout& layout,
                             const int64_t (&params)[cpu::kParams]) {
  const int64_t rows = params[cpu::kSteps] * params[cpu::kBatch], hidden = layout.hidden;
  const int64_t width = layout.early_columns + layout.late_columns;
  const auto uniform = [](int64_t count, uint64_t seed) {
    return fill(DType::kF32, {count}, seed).value();
  };
  Tensor gates = uniform(rows * width, 1), packed = uniform(layout.packed(), 2);
  std::vector<float> y(static_cast<size_t>(rows * hidden)), h(y.size()), c(y.size());
  std::vector<float> scratch(static_cast<size_t>(layout.scratch()));
  void* const buffers[cpu::kArguments] = {gates.mutable_data(),
                                          packed.mutable_data(),
                                          gates.mutable_data(),
                                          gates.mutable_data(),
                                          y.data(),
                                          h.data(),
                                          c.data()};
  const int64_t tasks = (params[cpu::kBatch] + cpu::kTaskRows - 1) / cpu::kTaskRows;
  kernel(buffers, params, 0, tasks, scratch.data());
  return y;
}

TEST(Recurrent, EveryWidthAgrees) {
  std::vector<Kernel*> kernels = {cpu::recurrent_base};
#if defined(__x86_64__)
  const std::string isa = describe_cpu().isa;
  if (isa == "avx2" || isa == "avx512") kernels.push_back(cpu::recurrent_avx2);
  if (isa == "avx512") kernels.push_back(cpu::recurrent_avx512);
#endif
  for (const int64_t kind : {cpu::kLstm, cpu::kRnn, cpu::kGruLinearFirst, cpu::kGruResetFirst}) {
    for (const int64_t batch : {1, 2, 3, 5}) {
      const int64_t params[cpu::kParams] = {kind, 0, 1, 21, 0, 0, 3, batch};
      const cpu::RecurrentLayout layout(kind, 21);
      const std::vector<float> want = run_width(kernels[0], layout, params);
      for (Kernel* kernel : kernels) {
        const std::vector<float> got = run_width(kernel, layout, params);
        for (size_t i = 0; i < want.size(); ++i) {
          ASSERT_NEAR(got[i], want[i], 1e-5)
              << "kind " << kind << " batch " << batch << " at " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace carnot
