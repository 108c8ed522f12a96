// LSTM, GRU and RNN as loops over the sequence: a gate after the other, in the order in which
// NVIDIA's parser (and its compiler, from the last argument of a call to the first) makes layers.
#include "control.h"
#include "layers_math.h"
#include "onnx_rows.h"

namespace trt {

namespace {

using Binary = ElementWiseOperation;

/// A node's loop in the making.
class Cell {
 public:
  Cell(OnnxView& view, int32_t gates_of_kind, std::vector<ActivationType> usual);

  NetTensor* product(NetTensor* a, NetTensor* b, bool called = false);
  NetTensor* part(NetTensor* from, const Ints& start, const Ints& size, bool called);
  NetTensor* part(NetTensor* from, NetTensor* start, NetTensor* size, bool called);
  NetTensor* concat(std::vector<NetTensor*> parts, int32_t axis, bool called);
  NetTensor* activated(NetTensor* x, size_t i, bool called);
  NetTensor* int32s(const std::vector<int32_t>& values);
  /// The length of the input's axis, as one element or as a scalar.
  NetTensor* length(int32_t axis, bool scalar) { return axis_length(v, x, axis, scalar); }
  /// [directions, batch, hidden].
  NetTensor* state_shape(bool called);
  NetTensor* first_state(size_t input, NetTensor* shape, DataType type);
  NetTensor* combined_bias();

  void start_loop();
  NetTensor* iterated();
  Recurrence* state(NetTensor* first, bool called);
  void close(Recurrence* state, NetTensor* next) {
    state->inputs.resize(2);
    state->inputs[1] = next;
  }
  /// Where a sequence has ended the state stays.
  NetTensor* kept(NetTensor* before, NetTensor* now, NetTensor* pass);
  NetTensor* all_states(NetTensor* state, NetTensor* pass);
  NetTensor* last_state(Recurrence* state);
  bool wants(size_t i) const { return i < v.outputs() && !v.step().outputs[i].empty(); }
  bool ragged() const { return v.has(4); }

  OnnxView& v;
  NetTensor *x = nullptr, *weights = nullptr, *recurrence = nullptr;
  std::string direction;
  int32_t directions = 1, hidden = 0, gates = 1;
  float clip = -1;

 private:
  NetTensor* unnamed_slice(NetTensor* from, NetTensor* start, NetTensor* size);
  NetTensor* counter();
  NetTensor* mask(NetTensor* longest, bool reverse, NetTensor* count);
  NetTensor* cleared(NetTensor* values, NetTensor* longest, bool reverse, NetTensor* count);
  NetTensor* one_of(NetTensor* before, NetTensor* now, NetTensor* longest, bool reverse,
                    NetTensor* count);
  NetTensor* scanned(NetTensor* values, LoopOutput how, NetTensor* sizes);
  NetTensor* iterator(bool reverse);
  void read_activations(std::vector<ActivationType> usual);

  Loop* loop_ = nullptr;
  std::vector<ActivationType> activations_;
  std::vector<float> alphas_, betas_;
};

struct ActivationName {
  std::string_view name;
  ActivationType type;
  float alpha, beta;
};
constexpr ActivationName kActivations[] = {
    {"Relu", ActivationType::kRELU, 0, 0},
    {"Tanh", ActivationType::kTANH, 0, 0},
    {"Sigmoid", ActivationType::kSIGMOID, 0, 0},
    {"LeakyRelu", ActivationType::kLEAKY_RELU, 0.01F, 0},
    {"ThresholdedRelu", ActivationType::kTHRESHOLDED_RELU, 1, 0},
    {"ScaledTanh", ActivationType::kSCALED_TANH, 1, 1},
    {"HardSigmoid", ActivationType::kHARD_SIGMOID, 0.2F, 0.5F},
    {"Elu", ActivationType::kELU, 1, 0},
    {"Softsign", ActivationType::kSOFTSIGN, 0, 0},
    {"Softplus", ActivationType::kSOFTPLUS, 0, 0},
};

const ActivationName& row_of(ActivationType type) {
  for (const ActivationName& row : kActivations) {
    if (row.type == type) return row;
  }
  throw NotShown();
}

Cell::Cell(OnnxView& view, int32_t gates_of_kind, std::vector<ActivationType> usual) : v(view) {
  if (v.integer("layout", 0) != 0) throw NotShown();
  gates = gates_of_kind;
  direction = v.text("direction", "forward");
  directions = direction == "bidirectional" ? 2 : 1;
  hidden = static_cast<int32_t>(v.integer("hidden_size", 0));
  if (hidden < 1 || hidden > (1 << 24)) throw NotShown();
  clip = v.real("clip", -1);
  x = v.in(0);
  weights = v.in(1);
  recurrence = v.in(2);
  if (directions == 2) usual.insert(usual.end(), usual.begin(), usual.end());
  read_activations(std::move(usual));
}

// Numbers of an LSTM are for those activations that have one, of others for all in order.
void Cell::read_activations(std::vector<ActivationType> usual) {
  activations_ = std::move(usual);
  if (const std::vector<std::string> names = v.texts("activations"); !names.empty()) {
    if (names.size() < activations_.size()) throw NotShown();
    activations_.clear();
    for (const std::string& name : names) {
      const auto* const row =
          std::find_if(std::begin(kActivations), std::end(kActivations),
                       [&](const ActivationName& each) { return each.name == name; });
      if (row == std::end(kActivations)) throw NotShown();
      activations_.push_back(row->type);
    }
  }
  const auto numbers = [&](const char* name, float ActivationName::*otherwise) {
    const std::vector<double> given = v.reals(name);
    std::vector<float> out;
    size_t next = 0;
    for (const ActivationType type : activations_) {
      const float usual_number = row_of(type).*otherwise;
      const bool takes = next < given.size() && (gates != 4 || usual_number != 0);
      out.push_back(takes ? static_cast<float>(given[next++]) : usual_number);
    }
    return out;
  };
  alphas_ = numbers("activation_alpha", &ActivationName::alpha);
  betas_ = numbers("activation_beta", &ActivationName::beta);
}

NetTensor* Cell::product(NetTensor* a, NetTensor* b, bool called) {
  Layer* const layer = v.add<MatrixMultiply>(
      {a, b}, [](MatrixMultiply& l) { l.operations[1] = MatrixOperation::kTRANSPOSE; });
  if (called) v.call(layer);
  return OnnxView::result(layer);
}

NetTensor* Cell::part(NetTensor* from, const Ints& start, const Ints& size, bool called) {
  Layer* const layer = v.add<Slice>({from}, [&](Slice& l) {
    l.start = dims_of(start), l.size = dims_of(size), l.stride = dims_of(Ints(start.size(), 1));
  });
  if (called) v.call(layer);
  return OnnxView::result(layer);
}

NetTensor* Cell::unnamed_slice(NetTensor* from, NetTensor* start, NetTensor* size) {
  return OnnxView::result(v.add<Slice>({from, start, size}, [](Slice& l) {
    l.start = l.size = dims_of({0, 0, 0}), l.stride = dims_of({1, 1, 1});
  }));
}

NetTensor* Cell::part(NetTensor* from, NetTensor* start, NetTensor* size, bool called) {
  NetTensor* const out = unnamed_slice(from, start, size);
  if (called) v.call(out->producer);
  return out;
}

NetTensor* Cell::concat(std::vector<NetTensor*> parts, int32_t axis, bool called) {
  Layer* const layer =
      v.add<Concatenation>(std::move(parts), [&](Concatenation& l) { l.axis = axis; });
  if (called) v.call(layer);
  return OnnxView::result(layer);
}

NetTensor* Cell::activated(NetTensor* from, size_t i, bool called) {
  if (clip >= 0) {
    from = OnnxView::result(v.add<Activation>({from}, [&](Activation& l) {
      l.type = ActivationType::kCLIP, l.alpha = -clip, l.beta = clip;
    }));
  }
  Layer* const layer = v.add<Activation>({from}, [&](Activation& l) {
    l.type = activations_.at(i), l.alpha = alphas_.at(i), l.beta = betas_.at(i);
  });
  if (called) v.call(layer);
  return OnnxView::result(layer);
}

NetTensor* Cell::int32s(const std::vector<int32_t>& values) {
  carnot::Tensor out = carnot::Tensor::zeros(DType::kI32, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) out.set_int(static_cast<int64_t>(i), values[i]);
  return v.constant(std::move(out));
}

NetTensor* Cell::state_shape(bool called) {
  NetTensor* const first = int32s({directions});
  NetTensor* const last = int32s({hidden});
  return concat({first, length(1, false), last}, 0, called);
}

NetTensor* Cell::first_state(size_t input, NetTensor* shape, DataType type) {
  if (v.has(input)) return v.in(input);
  NetTensor* const zero = v.scalar(type, 0, 1);
  return spread(v, zero, shape);
}

/// Both biases of all gates, added up: [directions, 1, gates * hidden].
NetTensor* Cell::combined_bias() {
  if (!v.has(3)) return nullptr;
  NetTensor* const bias = v.in(3);
  NetTensor* const pairs = v.named<Shuffle>({bias}, [&](Shuffle& l) {
    l.reshape = dims_of({directions, 2, int64_t{gates} * hidden});
    l.zero_copies = false;
  });
  return v.named<Reduce>({pairs}, [](Reduce& l) {
    l.operation = ReduceOperation::kSUM, l.axes = 2, l.keep_dims = true;
  });
}

void Cell::start_loop() {
  loop_ = static_cast<Loop*>(v.network().addLoop());
  if (!loop_) throw NotShown();
  NetTensor* const trips = length(0, true);
  loop_->addTripLimit(*trips, TripLimit::kCOUNT);
}

NetTensor* Cell::iterator(bool reverse) {
  auto* const layer = static_cast<Iterator*>(loop_->addIterator(*x, 0, reverse));
  return OnnxView::result(layer);
}

NetTensor* Cell::iterated() {
  if (directions == 1) {
    const bool reverse = direction == "reverse";
    NetTensor* const step = unsqueeze(v, iterator(reverse), {0});
    return ragged() ? cleared(step, length(0, true), reverse, nullptr) : step;
  }
  NetTensor* const ahead = iterator(false);
  NetTensor* const back = iterator(true);
  NetTensor* both[2] = {unsqueeze(v, ahead, {0}), nullptr};
  both[1] = unsqueeze(v, back, {0});
  if (ragged()) {
    NetTensor* const count = counter();
    NetTensor* const longest = length(0, true);
    both[0] = cleared(both[0], longest, false, count);
    both[1] = cleared(both[1], longest, true, count);
  }
  return concat({both[0], both[1]}, 0, false);
}

Recurrence* Cell::state(NetTensor* first, bool called) {
  auto* const layer = static_cast<Recurrence*>(loop_->addRecurrence(*first));
  if (!layer) throw NotShown();
  if (called) v.call(layer);
  return layer;
}

/// The number of the iteration.
NetTensor* Cell::counter() {
  NetTensor* const zero = v.scalar(DataType::kINT64, 0, 1);
  NetTensor* const one = v.scalar(DataType::kINT64, 1, 1);
  Recurrence* const count = state(zero, false);
  close(count, v.binary(OnnxView::result(count), one, Binary::kSUM));
  return OnnxView::result(count);
}

/// Where this iteration is within the sequence.
NetTensor* Cell::mask(NetTensor* longest, bool reverse, NetTensor* count) {
  if (!count) count = counter();
  count = v.cast(count, DataType::kINT32);
  NetTensor* const lengths = v.in(4);
  NetTensor* valid = nullptr;
  if (reverse) {
    count = v.binary(unsqueeze(v, longest, {0}), count, Binary::kSUB);
    valid = v.unary(v.binary(lengths, count, Binary::kLESS), UnaryOperation::kNOT);
  } else {
    valid = v.binary(count, lengths, Binary::kLESS);
  }
  return unsqueeze(v, valid, {0, 2});
}

NetTensor* Cell::cleared(NetTensor* values, NetTensor* longest, bool reverse, NetTensor* count) {
  NetTensor* const zero = v.scalar(DataType::kFLOAT, 0, 3);
  NetTensor* const valid = mask(longest, reverse, count);
  return OnnxView::result(v.add<Select>({valid, values, zero}));
}

NetTensor* Cell::one_of(NetTensor* before, NetTensor* now, NetTensor* longest, bool reverse,
                        NetTensor* count) {
  NetTensor* const valid = mask(longest, reverse, count);
  return OnnxView::result(v.add<Select>({valid, now, before}));
}

NetTensor* Cell::kept(NetTensor* before, NetTensor* now, NetTensor* pass) {
  v.in(4);
  NetTensor* const longest = length(0, true);
  if (directions == 1) return one_of(before, now, longest, direction == "reverse", nullptr);
  NetTensor* const first = int32s({0, 0, 0});
  NetTensor* const second = int32s({1, 0, 0});
  NetTensor* const now_ahead = unnamed_slice(now, first, pass);
  NetTensor* const now_back = unnamed_slice(now, second, pass);
  NetTensor* const before_ahead = unnamed_slice(before, first, pass);
  NetTensor* const before_back = unnamed_slice(before, second, pass);
  NetTensor* const count = counter();
  NetTensor* const ahead = one_of(before_ahead, now_ahead, longest, false, count);
  NetTensor* const back = one_of(before_back, now_back, longest, true, count);
  return concat({ahead, back}, 0, false);
}

NetTensor* Cell::scanned(NetTensor* values, LoopOutput how, NetTensor* sizes) {
  auto* const layer =
      v.add<LoopOutputLayer>({values}, [&](LoopOutputLayer& l) { l.loop = loop_, l.output = how; });
  loop_->outputs.push_back(layer);
  if (sizes) layer->inputs.push_back(sizes);
  return OnnxView::result(layer);
}

NetTensor* Cell::all_states(NetTensor* values, NetTensor* pass) {
  const bool reverse = direction == "reverse";
  NetTensor* const sizes = length(0, true);
  if (directions == 1) {
    if (ragged()) values = cleared(values, sizes, reverse, nullptr);
    return scanned(values, reverse ? LoopOutput::kREVERSE : LoopOutput::kCONCATENATE, sizes);
  }
  NetTensor* const first = int32s({0, 0, 0});
  NetTensor* const second = int32s({1, 0, 0});
  NetTensor* ahead = part(values, first, pass, true);
  NetTensor* back = part(values, second, pass, true);
  if (ragged()) {
    ahead = cleared(ahead, sizes, false, nullptr);
    back = cleared(back, sizes, true, nullptr);
  }
  ahead = scanned(ahead, LoopOutput::kCONCATENATE, sizes);
  back = scanned(back, LoopOutput::kREVERSE, sizes);
  return concat({ahead, back}, 1, true);
}

NetTensor* Cell::last_state(Recurrence* state) {
  return scanned(OnnxView::result(state), LoopOutput::kLAST_VALUE, nullptr);
}

NetTensor* single_pass(Cell& c, NetTensor* shape) {
  return c.v.binary(shape, c.int32s({c.directions, 1, 1}), Binary::kDIV);
}

/// A row's results; absent ones take no place there.
void give(Cell& c, size_t i, const std::function<NetTensor*()>& result) {
  c.v.out(c.wants(i) ? result() : nullptr);
}

void lstm(OnnxView& v) {
  Cell c(v, 4, {ActivationType::kSIGMOID, ActivationType::kTANH, ActivationType::kTANH});
  NetTensor* const bias = c.combined_bias();
  NetTensor* const shape = c.state_shape(true);
  const DataType given = v.type(c.x);
  const bool half = given == DataType::kHALF || given == DataType::kBF16;
  const DataType type = half ? given : DataType::kFLOAT;
  NetTensor* const first_hidden = c.first_state(5, shape, type);
  NetTensor* const first_cell = c.first_state(6, shape, type);
  c.start_loop();
  NetTensor* const step = c.iterated();
  Recurrence* const hidden = c.state(first_hidden, true);
  Recurrence* const cell = c.state(first_cell, false);
  NetTensor *const h = OnnxView::result(hidden), *const c1 = OnnxView::result(cell);
  NetTensor* const from_step = c.product(step, c.weights);
  NetTensor* gates = v.binary(from_step, c.product(h, c.recurrence), Binary::kSUM);
  if (bias) gates = v.binary(gates, bias, Binary::kSUM);
  NetTensor* const peephole = v.has(7) ? v.in(7) : nullptr;
  const auto gate = [&](int32_t i, NetTensor* state) {
    Layer* const layer = v.add<Slice>({gates}, [](Slice& l) {
      l.start = l.size = dims_of({0, 0, 0}), l.stride = dims_of({1, 1, 1});
    });
    v.call(layer);
    layer->inputs = {gates, c.int32s({0, 0, i * c.hidden}), shape};
    NetTensor* const out = OnnxView::result(layer);
    if (!peephole || !state) return out;
    NetTensor* const weights =
        c.part(peephole, {0, int64_t{i} * c.hidden}, {c.directions, c.hidden}, true);
    return v.binary(out, v.binary(unsqueeze(v, weights, {1}), state, Binary::kPROD), Binary::kSUM);
  };
  NetTensor* const in = c.activated(gate(0, c1), 0, true);
  NetTensor* const forget = c.activated(gate(2, c1), 0, true);
  NetTensor* const candidate = c.activated(gate(3, nullptr), 1, true);
  NetTensor* const added = v.binary(in, candidate, Binary::kPROD);
  NetTensor* next_cell = v.binary(v.binary(forget, c1, Binary::kPROD), added, Binary::kSUM);
  NetTensor* const pass = single_pass(c, shape);
  if (c.ragged()) next_cell = c.kept(c1, next_cell, pass);
  c.close(cell, next_cell);
  NetTensor* const out = c.activated(gate(1, next_cell), 0, true);
  NetTensor* next = v.binary(out, c.activated(next_cell, 2, true), Binary::kPROD);
  if (c.ragged()) next = c.kept(h, next, pass);
  c.close(hidden, next);
  give(c, 0, [&] { return c.all_states(next, pass); });
  give(c, 1, [&] { return c.last_state(hidden); });
  give(c, 2, [&] { return c.last_state(cell); });
}

void rnn(OnnxView& v) {
  Cell c(v, 1, {ActivationType::kTANH});
  NetTensor* const bias = c.combined_bias();
  NetTensor* first = nullptr;
  if (v.has(5)) {
    first = v.in(5);
  } else {
    NetTensor* const shape = c.state_shape(true);
    first = c.first_state(5, shape, DataType::kFLOAT);
  }
  c.start_loop();
  NetTensor* const step = c.iterated();
  Recurrence* const hidden = c.state(first, true);
  NetTensor* const h = OnnxView::result(hidden);
  NetTensor* const from_step = c.product(step, c.weights, true);
  NetTensor* sum = v.binary(from_step, c.product(h, c.recurrence, true), Binary::kSUM);
  if (bias) sum = v.binary(sum, bias, Binary::kSUM);
  NetTensor* next = c.activated(sum, 0, true);
  NetTensor* const divisor = c.int32s({c.directions, 1, 1});
  NetTensor* const pass = v.binary(c.state_shape(true), divisor, Binary::kDIV);
  if (c.ragged()) next = c.kept(h, next, pass);
  c.close(hidden, next);
  give(c, 0, [&] { return c.all_states(next, pass); });
  give(c, 1, [&] { return c.last_state(hidden); });
}

/// Weights and biases of a GRU: of both first gates, and of the third.
struct GruParts {
  NetTensor *gates = nullptr, *candidate = nullptr, *recurrent_gates = nullptr,
            *recurrent_candidate = nullptr;
  NetTensor *bias[2] = {}, *recurrent_bias[2] = {};
};

GruParts gru_parts(Cell& c) {
  OnnxView& v = c.v;
  const int64_t n = c.directions, h = c.hidden;
  GruParts p;
  NetTensor* const directions = c.int32s({c.directions});
  NetTensor* const hidden = c.int32s({c.hidden});
  NetTensor* const twice = c.int32s({2 * c.hidden});
  NetTensor* const features = c.length(2, false);
  const auto weights = [&](int32_t from, NetTensor* count) {
    NetTensor* const start = c.int32s({0, from, 0});
    NetTensor* const size = c.concat({directions, count, features}, 0, false);
    return OnnxView::result(v.add<Slice>({c.weights, start, size}, [](Slice& l) {
      l.start = l.size = dims_of({0, 0, 0}), l.stride = dims_of({1, 1, 1});
    }));
  };
  p.gates = weights(0, twice);
  p.candidate = weights(2 * c.hidden, hidden);
  p.recurrent_gates = c.part(c.recurrence, {0, 0, 0}, {n, 2 * h, h}, false);
  p.recurrent_candidate = c.part(c.recurrence, {0, 2 * h, 0}, {n, h, h}, false);
  if (!v.has(3)) return p;
  NetTensor* const given = v.in(3);
  NetTensor* const bias = OnnxView::result(v.add<Shuffle>({given}, [&](Shuffle& l) {
    l.reshape = dims_of({n, 1, 6 * h});
    l.zero_copies = false;
  }));
  p.bias[0] = c.part(bias, {0, 0, 0}, {n, 1, 2 * h}, false);
  p.bias[1] = c.part(bias, {0, 0, 2 * h}, {n, 1, h}, false);
  p.recurrent_bias[0] = c.part(bias, {0, 0, 3 * h}, {n, 1, 2 * h}, false);
  p.recurrent_bias[1] = c.part(bias, {0, 0, 5 * h}, {n, 1, h}, false);
  return p;
}

/// What the third gate sees, with the reset before the product or behind it.
NetTensor* gru_candidate(Cell& c, const GruParts& p, NetTensor* step, NetTensor* h,
                         NetTensor* reset) {
  OnnxView& v = c.v;
  NetTensor* const from_step = c.product(step, p.candidate);
  if (v.integer("linear_before_reset", 0) == 0) {
    NetTensor* const masked = v.binary(reset, h, Binary::kPROD);
    NetTensor* sum = v.binary(from_step, c.product(masked, p.recurrent_candidate), Binary::kSUM);
    if (p.bias[1]) {
      sum = v.binary(sum, v.binary(p.recurrent_bias[1], p.bias[1], Binary::kSUM), Binary::kSUM);
    }
    return c.activated(sum, 1, false);
  }
  NetTensor* before = c.product(h, p.recurrent_candidate);
  if (p.bias[1]) before = v.binary(before, p.recurrent_bias[1], Binary::kSUM);
  NetTensor* masked = v.binary(reset, before, Binary::kPROD);
  if (p.bias[1]) masked = v.binary(masked, p.bias[1], Binary::kSUM);
  return c.activated(v.binary(from_step, masked, Binary::kSUM), 1, false);
}

void gru(OnnxView& v) {
  Cell c(v, 3, {ActivationType::kSIGMOID, ActivationType::kTANH});
  const GruParts p = gru_parts(c);
  NetTensor* const shape = c.state_shape(false);
  c.start_loop();
  NetTensor* const step = c.iterated();
  Recurrence* const hidden = c.state(c.first_state(5, shape, DataType::kFLOAT), true);
  NetTensor* const h = OnnxView::result(hidden);
  NetTensor* const from_step = c.product(step, p.gates);
  NetTensor* gates = v.binary(from_step, c.product(h, p.recurrent_gates), Binary::kSUM);
  for (NetTensor* bias : {p.bias[0], p.recurrent_bias[0]}) {
    if (bias) gates = v.binary(gates, bias, Binary::kSUM);
  }
  gates = c.activated(gates, 0, false);
  const auto gate = [&](int32_t i) {
    Layer* const layer = v.add<Slice>({gates}, [](Slice& l) {
      l.start = l.size = dims_of({0, 0, 0}), l.stride = dims_of({1, 1, 1});
    });
    layer->inputs = {gates, c.int32s({0, 0, i * c.hidden}), shape};
    return OnnxView::result(layer);
  };
  NetTensor* const update = gate(0);
  NetTensor* const reset = gate(1);
  NetTensor* const candidate = gru_candidate(c, p, step, h, reset);
  const bool half = v.type(update) == DataType::kHALF;
  NetTensor* const one = v.scalar(half ? DataType::kHALF : DataType::kFLOAT, 1, 3);
  NetTensor* const old = v.binary(update, h, Binary::kPROD);
  NetTensor* const fresh = v.binary(v.binary(one, update, Binary::kSUB), candidate, Binary::kPROD);
  NetTensor* next = v.binary(fresh, old, Binary::kSUM);
  NetTensor* const pass = single_pass(c, shape);
  if (c.ragged()) next = c.kept(h, next, pass);
  c.close(hidden, next);
  give(c, 0, [&] { return c.all_states(next, pass); });
  give(c, 1, [&] { return c.last_state(hidden); });
}

constexpr OnnxRow kRows[] = {
    {"GRU", gru},
    {"LSTM", lstm},
    {"RNN", rnn},
};

}  // namespace

std::span<const OnnxRow> rows_of_recurrences() {
  return kRows;
}

}  // namespace trt
