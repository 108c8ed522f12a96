// recurrent: ONNX LSTM, GRU and RNN. One step is two matrix products (input and state) into gates,
// then arithmetic per hidden element; all of it in f64, rounded once into y, y_h and y_c. Where w
// is absent, x is the first of those products already.
#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "ops/numbers.h"
#include "ops/operands.h"
#include "ops/scalar_eval.h"

namespace carnot {

using op::Recurrent;

int64_t gates_of(const Recurrent& op) {
  return op.kind == Recurrent::kLstm ? 4 : op.kind == Recurrent::kGru ? 3 : 1;
}

// Of a direction.
static size_t activations_of(const Recurrent& op) {
  return op.kind == Recurrent::kLstm ? 3 : op.kind == Recurrent::kGru ? 2 : 1;
}

int64_t directions_of(const Recurrent& op) {
  return op.direction == Recurrent::kBidirectional ? 2 : 1;
}

bool has_usual_gates(const Recurrent& op) {
  if (op.clip != 0 || op.input_forget) return false;
  for (size_t i = 0; i < op.activations.size(); ++i) {
    const bool gate = i % activations_of(op) == 0 && op.kind != Recurrent::kRnn;
    const ScalarProgram& program = op.activations[i];
    if (program.insts.size() != 1 || program.results[0] != 1) return false;
    if (program.insts[0].op != (gate ? ScalarOp::kSigmoid : ScalarOp::kTanh)) return false;
  }
  return true;
}

namespace {

/// Operands by their ONNX positions.
enum Operand : size_t { kX, kW, kR, kBias, kLengths, kInitialH, kInitialC, kPeepholes };

bool absent(const TensorType& type) {
  return std::any_of(type.dims.begin(), type.dims.end(), [](const Dim& d) { return d.is(0); });
}

// Whether x holds what w would make of it.
bool is_projected(const TensorType& w) {
  return !w.dims.empty() && w.dims[0].is(0);
}

Status expect_dims(const char* operand, const TensorType& type, const Dims& dims) {
  CARNOT_RETURN_IF_ERROR(
      expect_rank(Recurrent::kName, operand, type, static_cast<int64_t>(dims.size())));
  for (size_t i = 0; i < dims.size(); ++i) {
    const std::string what = cat("axis ", i, " of ", operand);
    CARNOT_RETURN_IF_ERROR(expect_same(Recurrent::kName, what.c_str(), type.dims[i], dims[i]));
  }
  return {};
}

Status check_activations(const Recurrent& op, DType dtype) {
  if (op.activations.empty()) return {};
  const size_t wanted = activations_of(op) * static_cast<size_t>(directions_of(op));
  if (op.activations.size() != wanted) {
    return invalid(op, op.activations.size(), " activations, needs ", wanted);
  }
  for (const ScalarProgram& program : op.activations) {
    if (program.inputs != 1 || program.results.size() != 1) {
      return invalid(op, "an activation has one input and one result, got ", to_string(program));
    }
    CARNOT_ASSIGN(const std::vector<DType> types, infer(program, {dtype}));
    if (types[static_cast<size_t>(program.results[0])] != dtype) {
      return invalid(op, "the activation ", to_string(program), " changes the type");
    }
  }
  return {};
}

/// An activation over a row of numbers: the two usual ones directly, any other by the interpreter.
class Activation {
 public:
  Activation(const ScalarProgram& program, ScalarEvaluator evaluator)
      : evaluator_(std::move(evaluator)) {
    if (program.insts.size() == 1 && program.results[0] == 1) simple_ = program.insts[0].op;
  }
  void run(double* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      if (simple_ == ScalarOp::kTanh) {
        values[i] = std::tanh(values[i]);
      } else if (simple_ == ScalarOp::kSigmoid) {
        values[i] = 1 / (1 + std::exp(-values[i]));
      } else {
        const Scalar in = {.real = values[i]};
        Scalar out = {};
        evaluator_.run({&in, 1}, {&out, 1});
        values[i] = out.real;
      }
    }
  }

 private:
  ScalarEvaluator evaluator_;
  ScalarOp simple_ = ScalarOp::kConst;
};

Result<std::vector<Activation>> activations_for(const Recurrent& op, DType dtype,
                                                size_t direction) {
  const size_t count = activations_of(op);
  std::vector<Activation> out;
  for (size_t i = 0; i < count; ++i) {
    ScalarProgram program;
    if (op.activations.empty()) {
      // ONNX's defaults: the gates by sigmoid, what they pass by tanh.
      const bool gate = i == 0 && op.kind != Recurrent::kRnn;
      program.inputs = 1;
      program.results = {program.add(gate ? ScalarOp::kSigmoid : ScalarOp::kTanh, 0)};
    } else {
      program = op.activations[direction * count + i];
    }
    CARNOT_ASSIGN(ScalarEvaluator evaluator, ScalarEvaluator::create(program, {dtype}));
    out.emplace_back(program, std::move(evaluator));
  }
  return out;
}

/// [rows, columns] -> [columns, rows]: then a product runs along contiguous rows.
std::vector<double> transposed(const double* x, int64_t rows, int64_t columns) {
  std::vector<double> out(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      out[static_cast<size_t>(j * rows + i)] = x[i * columns + j];
    }
  }
  return out;
}

/// out[0, width) += x[0, count) times the [count, stride] matrix's columns [0, width).
void accumulate(const double* x, int64_t count, const double* matrix, int64_t stride, int64_t width,
                double* out) {
  for (int64_t k = 0; k < count; ++k) {
    const double factor = x[k];
    const double* row = matrix + k * stride;
    for (int64_t j = 0; j < width; ++j) out[j] += factor * row[j];
  }
}

/// The weights of one direction, and the scratch rows of a step.
struct Cell {
  const Recurrent& op;
  int64_t inputs = 0, hidden = 0, gates = 0;
  bool projected = false;
  std::vector<double> w, r;            ///< [inputs or hidden, gates * hidden]
  std::vector<double> w_bias, r_bias;  ///< [gates * hidden]
  std::vector<double> peepholes;       ///< [3 * hidden] (i, o, f)
  std::vector<Activation> act;
  std::vector<double> from_x, from_h, passed;

  void clip(double* values, int64_t count) const {
    if (op.clip <= 0) return;
    for (int64_t i = 0; i < count; ++i) values[i] = std::clamp(values[i], -op.clip, op.clip);
  }
  void activate(size_t which, double* values, int64_t count) {
    clip(values, count);
    act[which].run(values, count);
  }

  /// h, c [hidden] become those of the next step.
  void step(const double* x, double* h, double* c) {
    from_x = w_bias, from_h = r_bias;
    const int64_t width = gates * hidden;
    if (projected) {
      for (int64_t j = 0; j < width; ++j) from_x[static_cast<size_t>(j)] += x[j];
    } else {
      accumulate(x, inputs, w.data(), width, width, from_x.data());
    }
    // The GRU's third gate may need the state scaled first; it then adds that part itself.
    const bool late = op.kind == Recurrent::kGru && !op.linear_before_reset;
    accumulate(h, hidden, r.data(), width, late ? 2 * hidden : width, from_h.data());
    switch (op.kind) {
      case Recurrent::kLstm:
        return step_lstm(h, c);
      case Recurrent::kGru:
        return step_gru(h);
      case Recurrent::kRnn:
        break;
    }
    for (int64_t j = 0; j < hidden; ++j) h[j] = at(from_x, j) + at(from_h, j);
    activate(0, h, hidden);
  }

  // Gates i, o, f, c.
  void step_lstm(double* h, double* c) {
    double* g = from_x.data();
    double *i = g, *o = g + hidden, *f = g + 2 * hidden, *next = g + 3 * hidden;
    const double* p = peepholes.data();
    for (int64_t j = 0; j < 4 * hidden; ++j) g[j] += at(from_h, j);
    for (int64_t j = 0; j < hidden; ++j) i[j] += p[j] * c[j], f[j] += p[2 * hidden + j] * c[j];
    activate(0, i, hidden);
    activate(0, f, hidden);
    activate(1, next, hidden);
    for (int64_t j = 0; j < hidden; ++j) {
      if (op.input_forget) f[j] = 1 - i[j];
      c[j] = f[j] * c[j] + i[j] * next[j];
      o[j] += p[hidden + j] * c[j];
    }
    activate(0, o, hidden);
    std::copy_n(c, hidden, h);
    act[2].run(h, hidden);
    for (int64_t j = 0; j < hidden; ++j) h[j] *= o[j];
  }

  // Gates z, r, h.
  void step_gru(double* h) {
    double *z = from_x.data(), *reset = z + hidden, *next = z + 2 * hidden;
    double* state_part = from_h.data() + 2 * hidden;
    for (int64_t j = 0; j < 2 * hidden; ++j) z[j] += at(from_h, j);
    activate(0, z, 2 * hidden);
    if (op.linear_before_reset) {
      for (int64_t j = 0; j < hidden; ++j) next[j] += reset[j] * state_part[j];
    } else {
      passed.assign(h, h + hidden);
      for (int64_t j = 0; j < hidden; ++j) passed[static_cast<size_t>(j)] *= reset[j];
      accumulate(passed.data(), hidden, r.data() + 2 * hidden, 3 * hidden, hidden, state_part);
      for (int64_t j = 0; j < hidden; ++j) next[j] += state_part[j];
    }
    activate(1, next, hidden);
    for (int64_t j = 0; j < hidden; ++j) h[j] = (1 - z[j]) * next[j] + z[j] * h[j];
  }

  static double at(const std::vector<double>& v, int64_t i) { return v[static_cast<size_t>(i)]; }
};

/// All operands as f64; absent ones empty.
struct Operands {
  std::vector<double> x, w, r, bias, h, c, peepholes;
  std::vector<int64_t> lengths;
  int64_t steps = 0, batch = 0, inputs = 0;
  bool projected = false;
};

Result<Operands> read_operands(const Recurrent& op, Tensors in) {
  Operands out;
  const auto doubles = [&](Operand which) {
    return in.size() > which ? doubles_of(in[which]) : std::vector<double>();
  };
  out.x = doubles(kX), out.w = doubles(kW), out.r = doubles(kR), out.bias = doubles(kBias);
  out.h = doubles(kInitialH), out.c = doubles(kInitialC), out.peepholes = doubles(kPeepholes);
  const Shape& shape = in[kX].shape();
  out.steps = shape[0], out.batch = shape[1], out.inputs = shape[2];
  out.projected = is_projected(in[kW].type());
  if (in.size() > kLengths && in[kLengths].elements() > 0) out.lengths = ints_of(in[kLengths]);
  for (const int64_t length : out.lengths) {
    if (length < 0 || length > out.steps) {
      return bad_value(op, "sequence length ", length, " is not within the ", out.steps, " steps");
    }
  }
  out.lengths.resize(static_cast<size_t>(out.batch), out.steps);
  return out;
}

Result<Cell> make_cell(const Recurrent& op, const Operands& in, DType dtype, int64_t direction) {
  const int64_t hidden = op.hidden, width = gates_of(op) * hidden;
  Cell cell = {op, in.inputs, hidden, gates_of(op), in.projected, {}, {},
               {}, {},        {},     {},           {},           {}, {}};
  if (!in.projected) {
    cell.w = transposed(in.w.data() + direction * width * in.inputs, width, in.inputs);
  }
  cell.r = transposed(in.r.data() + direction * width * hidden, width, hidden);
  cell.w_bias.resize(static_cast<size_t>(width), 0);
  cell.r_bias = cell.w_bias;
  if (!in.bias.empty()) {
    std::copy_n(in.bias.data() + direction * 2 * width, width, cell.w_bias.data());
    std::copy_n(in.bias.data() + direction * 2 * width + width, width, cell.r_bias.data());
  }
  cell.peepholes.resize(static_cast<size_t>(3 * hidden), 0);
  if (!in.peepholes.empty()) {
    std::copy_n(in.peepholes.data() + direction * 3 * hidden, 3 * hidden, cell.peepholes.data());
  }
  CARNOT_ASSIGN(cell.act, activations_for(op, dtype, static_cast<size_t>(direction)));
  return cell;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Recurrent& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[kX].type;
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "x", x));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "x", x, 3));
  if (op.hidden < 1) return invalid(op, "hidden is ", op.hidden, ", needs at least 1");
  if (!(op.clip >= 0)) return invalid(op, "clip is ", op.clip, ", needs 0 (none) or more");
  CARNOT_RETURN_IF_ERROR(check_activations(op, x.dtype));
  const Dim steps = x.dims[0], batch = x.dims[1], dirs = directions_of(op), hidden = op.hidden;
  const Dim width = hidden * Dim(gates_of(op));
  const bool projected = is_projected(in[kW].type);
  if (projected) {
    CARNOT_RETURN_IF_ERROR(
        expect_same(op.kName, "axis 2 of x, w being absent,", x.dims[2], dirs * width));
  }
  const struct {
    Operand which;
    const char* name;
    Dims dims;
  } shapes[] = {
      {kW, "w", {dirs, width, x.dims[2]}},
      {kR, "r", {dirs, width, hidden}},
      {kBias, "the bias", {dirs, width * Dim(2)}},
      {kLengths, "sequence lengths", {batch}},
      {kInitialH, "initial h", {dirs, batch, hidden}},
      {kInitialC, "initial c", {dirs, batch, hidden}},
      {kPeepholes, "peepholes", {dirs, hidden * Dim(3)}},
  };
  for (const auto& [which, operand, dims] : shapes) {
    if (which >= in.size()) continue;
    const TensorType& type = in[which].type;
    if ((which > kR && absent(type)) || (which == kW && projected)) continue;
    CARNOT_RETURN_IF_ERROR(expect_dims(operand, type, dims));
    if (which == kLengths) CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, operand, type));
    if (which != kLengths && type.dtype != x.dtype) {
      return invalid(op, operand, " is ", to_string(type), ", x is ", to_string(x));
    }
  }
  std::vector<Info> out = {{{x.dtype, {steps, dirs, batch, hidden}}, std::nullopt},
                           {{x.dtype, {dirs, batch, hidden}}, std::nullopt}};
  if (op.kind == Recurrent::kLstm) out.push_back(out[1]);
  return checked_results(op.kName, std::move(out));
}

Result<std::vector<Tensor>> reference(const op::Recurrent& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_ASSIGN(const std::vector<TensorType> types, concrete_types(op, in));
  CARNOT_ASSIGN(const Operands operands, read_operands(op, in));
  const int64_t dirs = directions_of(op), hidden = op.hidden, batch = operands.batch;
  const Shape y_shape = shape_of(types[0].dims), h_shape = shape_of(types[1].dims);
  std::vector<double> y(static_cast<size_t>(volume(y_shape)), 0);
  std::vector<double> h = operands.h, c = operands.c;
  h.resize(static_cast<size_t>(volume(h_shape)), 0);
  c.resize(h.size(), 0);
  for (int64_t d = 0; d < dirs; ++d) {
    CARNOT_ASSIGN(Cell cell, make_cell(op, operands, types[0].dtype, d));
    const bool backwards = op.direction == Recurrent::kReverse || d == 1;
    for (int64_t n = 0; n < batch; ++n) {
      double* state = h.data() + (d * batch + n) * hidden;
      double* memory = c.data() + (d * batch + n) * hidden;
      const int64_t length = operands.lengths[static_cast<size_t>(n)];
      for (int64_t s = 0; s < length; ++s) {
        const int64_t t = backwards ? length - 1 - s : s;
        const double* x = operands.x.data() + (t * batch + n) * operands.inputs;
        if (operands.projected) x += d * gates_of(op) * hidden;
        cell.step(x, state, memory);
        std::copy_n(state, hidden, y.data() + ((t * dirs + d) * batch + n) * hidden);
      }
    }
  }
  std::vector<Tensor> out;
  CARNOT_ASSIGN(out.emplace_back(), tensor_of(types[0].dtype, y_shape, y));
  CARNOT_ASSIGN(out.emplace_back(), tensor_of(types[0].dtype, h_shape, h));
  if (op.kind == Recurrent::kLstm) {
    CARNOT_ASSIGN(out.emplace_back(), tensor_of(types[0].dtype, h_shape, c));
  }
  return out;
}

}  // namespace carnot
