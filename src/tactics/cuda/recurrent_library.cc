// cuda.recurrent: LSTM, GRU and RNN after project_recurrent (codegen/cuda/lib/recurrent.cuh).
#include <algorithm>

#include "base/text.h"
#include "codegen/cuda/contraction.h"
#include "codegen/cuda/scalar_text.h"
#include "ops/recurrent.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

using op::Recurrent;

enum Operand : size_t { kX, kW, kR, kBias, kLengths, kInitialH, kInitialC, kPeepholes };

constexpr int kWarps = 16;
/// Weights that a thread keeps in registers, of 128 that it may have.
constexpr int64_t kKeptMax = 64;

bool has(const LibraryProblem& p, Operand which) {
  if (which >= p.node.inputs.size()) return false;
  const Dims& dims = p.in(which).dims;
  return std::none_of(dims.begin(), dims.end(), [](const Dim& d) { return d.is(0); });
}

/// How the hidden units and sequences are divided.
struct Shape {
  int64_t blocks = 1, batch = 1;
  bool keeps = false;
};

int64_t kept_of(const Recurrent& op, int64_t blocks) {
  const int64_t slice = (op.hidden + blocks - 1) / blocks, rows = gates_of(op) * slice;
  return (rows + kWarps - 1) / kWarps * ((op.hidden + 31) / 32);
}

int64_t shared_bytes(const Recurrent& op, const Shape& s) {
  const int64_t slice = (op.hidden + s.blocks - 1) / s.blocks, padded = (op.hidden + 31) / 32 * 32;
  const int64_t rows = gates_of(op) * slice;
  return 4 * (s.batch * (2 * padded + rows + slice) + 2 * rows);
}

Shape shape_of(const LibraryProblem& p, const Gpu& gpu) {
  const auto& op = *p.node.as<Recurrent>();
  constexpr int64_t kBlocksMax = 8;  // of a cluster, wherever there are clusters
  constexpr int kClusters = 90;
  Shape out;
  if (gpu.architecture >= kClusters) {
    while (out.blocks < kBlocksMax && kept_of(op, out.blocks) > kKeptMax) out.blocks *= 2;
  }
  out.keeps = kept_of(op, out.blocks) <= kKeptMax;
  // A sequence for each cluster until the GPU is full; weights that are not kept are read less
  // often by more sequences at once.
  const double batch = likely_value(p.in(kX).dims[1], p.likely, 1);
  const int64_t directions = op.direction == Recurrent::kBidirectional ? 2 : 1;
  const auto is_full = [&] {
    return static_cast<double>(directions * out.blocks) * batch >
           static_cast<double>(out.batch) * gpu.sms;
  };
  while (out.batch < 8 && static_cast<double>(out.batch) < batch && (!out.keeps || is_full())) {
    out.batch *= 2;
  }
  while (out.batch > 1 && shared_bytes(op, out) > gpu.shared_bytes) out.batch /= 2;
  return out;
}

WhyNot why(const LibraryProblem& p) {
  const auto& op = *p.node.as<Recurrent>();
  const DType dtype = p.in(kX).dtype;
  if (dtype == DType::kF64) return "a recurrence in f64";
  if (WhyNot no = why_not_element(dtype); !no.empty()) return no;
  if (!p.in(kW).dims[0].is(0)) return "its input is not multiplied before it";
  if (has(p, kPeepholes)) return "peepholes";
  if (!has_usual_gates(op)) return "unusual gates";
  if (op.kind == Recurrent::kGru && !op.linear_before_reset) {
    return "a GRU that resets its state before the product";
  }
  if (has(p, kLengths) && p.in(kLengths).dtype != DType::kI32 &&
      p.in(kLengths).dtype != DType::kI64) {
    return "lengths of other types";
  }
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return gpu.status().message();
  if (shared_bytes(op, shape_of(p, *gpu)) > gpu->shared_bytes) return "a state that is too large";
  return "";
}

Result<LibraryProgram> generate(const LibraryProblem& p, CodeSink& sink) {
  CARNOT_ASSIGN(const Gpu gpu, gpu_of(p.device));
  const auto& op = *p.node.as<Recurrent>();
  const Shape shape = shape_of(p, gpu);
  const Dims& x = p.in(kX).dims;
  const int64_t directions = op.direction == Recurrent::kBidirectional ? 2 : 1;
  const std::string type = storage_type(p.in(kX).dtype);
  const std::string length = has(p, kLengths) ? storage_type(p.in(kLengths).dtype) : "i32";
  const char* kind = op.kind == Recurrent::kLstm  ? "kLstm"
                     : op.kind == Recurrent::kGru ? "kGru"
                                                  : "kRnn";
  LibraryWriter out(p, sink);
  LibraryKernel k("recurrent", kWarps * 32);
  k.set_shared_bytes(static_cast<int>(shared_bytes(op, shape)));
  k.set_cluster(static_cast<int>(shape.blocks));
  const auto optional = [&](Operand which, const std::string& of) {
    return has(p, which) ? k.input(out.in(which), of) : std::string("nullptr");
  };
  const std::string from = k.input(out.in(kX), type), weights = k.input(out.in(kR), type);
  const std::string bias = optional(kBias, type), lengths = optional(kLengths, length);
  const std::string h0 = optional(kInitialH, type), c0 = optional(kInitialC, type);
  const std::string y = k.output(out.out(0), type), y_h = k.output(out.out(1), type);
  const std::string y_c =
      p.node.outputs.size() > 2 ? k.output(out.out(2), type) : std::string("nullptr");
  k.line(cat("using P = recurrent::Problem<", element_name(p.in(kX).dtype), ", ", length,
             ", recurrent::", kind, ", ", op.hidden, ", ", shape.blocks, ", ", shape.batch, ", ",
             kWarps, ", recurrent::", shape.keeps ? "kRegisters" : "kGlobal", ">;"));
  k.line(cat("recurrent::run<P>({", from, ", ", weights, ", ", bias, ", ", lengths, ", ", h0, ", ",
             c0, ", ", y, ", ", y_h, ", ", y_c, ", ", k.number(x[0]), ", ", k.number(x[1]), ", ",
             directions, ", ", op.direction == Recurrent::kReverse ? "true" : "false", "});"));
  out.add(k, Dim(directions * shape.blocks) * ceil_div(x[1], Dim(shape.batch)));
  return out.take();
}

}  // namespace

const LibraryTactic kRecurrentLibrary = {"cuda.recurrent", why, generate};

}  // namespace carnot::cuda
