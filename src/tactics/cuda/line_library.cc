// cuda.cumulative, cuda.one_hot, cuda.reverse_sequence and cuda.dims
// (codegen/cuda/lib/cumulative.cuh, one_hot.cuh, reverse.cuh).
#include <algorithm>

#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

constexpr int kScanThreads = 256;
/// As cumulative.cuh.
constexpr int64_t kTile = 4096;
/// Lines side by side of which a thread each keeps a GPU busy, and a warp's loads together.
constexpr double kLinesMin = 4096, kNeighboursMin = 32;

WhyNot why_not_cumulative(const LibraryProblem& p) {
  return p.in(0).rank() == 0 ? "a scalar" : why_not_element(p.in(0).dtype);
}

/// Three launches for few long lines. `with`: "<element, product, exclusive, reverse".
void add_tiled(const LibraryProblem& p, LibraryWriter& out, const std::string& with) {
  const auto& op = *p.node.as<op::Cumulative>();
  const Dims& dims = p.in(0).dims;
  const size_t axis = resolved_axis(op.axis, p.in(0));
  const DType dtype = p.in(0).dtype,
              value = is_float(dtype) && bits_of(dtype) < 32 ? DType::kF32 : dtype;
  const std::string type = storage_type(dtype), sum = register_type(value);
  const Dim inner = inner_of(dims, axis), lines = outer_of(dims, axis) * inner;
  const Dim tiles = ceil_div(dims[axis], Dim(kTile));
  const int totals = out.temporary(value, {lines, tiles}),
            before = out.temporary(value, {lines, tiles});
  const char* product = op.product ? "true" : "false";
  LibraryKernel first("cumulative", kScanThreads);
  {
    const std::string x = first.input(out.in(0), type), to = first.output(totals, sum);
    first.line(cat("cumulative::tile_totals<", element_name(dtype), ", ", product, ", ",
                   op.reverse ? "true" : "false", ", ", kScanThreads, ">(", x, ", ", to, ", ",
                   first.number(dims[axis]), ", ", first.number(inner), ", ", first.number(tiles),
                   ");"));
  }
  out.add(first, lines * tiles);
  LibraryKernel second("cumulative", kScanThreads);
  {
    const std::string x = second.input(totals, sum), to = second.output(before, sum);
    second.line(cat("cumulative::by_block<", element_name(value), ", ", product, ", true, false, ",
                    kScanThreads, ">(", x, ", ", to, ", ", second.number(tiles), ", i64{1});"));
  }
  out.add(second, lines);
  LibraryKernel third("cumulative", kScanThreads);
  const std::string x = third.input(out.in(0), type), b = third.input(before, sum);
  const std::string y = third.output(out.out(0), type);
  third.line(cat("cumulative::by_tile", with, ", ", kScanThreads, ">(", x, ", ", b, ", ", y, ", ",
                 third.number(dims[axis]), ", ", third.number(inner), ", ", third.number(tiles),
                 ");"));
  out.add(third, lines * tiles);
}

Result<LibraryProgram> cumulative(const LibraryProblem& p, CodeSink& sink) {
  const auto& op = *p.node.as<op::Cumulative>();
  const Dims& dims = p.in(0).dims;
  const size_t axis = resolved_axis(op.axis, p.in(0));
  const Dim inner = inner_of(dims, axis), lines = outer_of(dims, axis) * inner;
  const std::string type = storage_type(p.in(0).dtype);
  const auto flag = [](bool is) { return is ? "true" : "false"; };
  const std::string with = cat("<", element_name(p.in(0).dtype), ", ", flag(op.product), ", ",
                               flag(op.exclusive), ", ", flag(op.reverse));
  const bool by_thread = likely_value(inner, p.likely, 1) >= kNeighboursMin &&
                         (likely_value(lines, p.likely, 1) >= kLinesMin ||
                          likely_value(dims[axis], p.likely, kScanThreads) < kNeighboursMin);
  LibraryWriter out(p, sink);
  const bool few = likely_value(lines, p.likely, 1) * 4 <= p.device.sms;
  if (!by_thread && few && likely_value(dims[axis], p.likely, kScanThreads) >= 4 * kTile) {
    add_tiled(p, out, with);
    return out.take();
  }
  LibraryKernel k("cumulative", by_thread ? kLibraryThreads : kScanThreads);
  const std::string x = k.input(out.in(0), type), y = k.output(out.out(0), type);
  const std::string sizes = cat(x, ", ", y, ", ", k.number(dims[axis]), ", ", k.number(inner));
  if (by_thread) {
    k.line(cat("cumulative::by_thread", with, ">(", sizes, ", ", k.number(lines), ");"));
    out.add_for(k, lines);
  } else {
    k.line(cat("cumulative::by_block", with, ", ", kScanThreads, ">(", sizes, ");"));
    out.add(k, lines);
  }
  return out.take();
}

WhyNot why_not_one_hot(const LibraryProblem& p) {
  if (WhyNot no = why_not_element(p.in(0).dtype); !no.empty()) return no;
  const auto& op = *p.node.as<op::OneHot>();
  if (p.node.inputs.size() > 2 && !op.depth.is_constant()) {
    return "its depth is computed at run time";
  }
  return why_not_element(p.in(1).dtype);
}

Result<LibraryProgram> one_hot(const LibraryProblem& p, CodeSink& sink) {
  const auto& op = *p.node.as<op::OneHot>();
  const Dims& dims = p.out(0).dims;
  const size_t axis = resolved_axis(op.axis, p.out(0));
  const std::string index = storage_type(p.in(0).dtype), type = storage_type(p.in(1).dtype);
  LibraryWriter out(p, sink);
  LibraryKernel k("one_hot", kLibraryThreads);
  const std::string indices = k.input(out.in(0), index), values = k.input(out.in(1), type);
  k.line(cat("one_hot::write<", element_name(p.in(0).dtype), ">(", indices, ", ", values, ", ",
             k.output(out.out(0), type), ", ", k.number(dims[axis]), ", ",
             k.number(inner_of(dims, axis)), ", ", k.number(product(dims)), ");"));
  out.add_for(k, product(dims));
  return out.take();
}

WhyNot why_not_dims(const LibraryProblem& p) {
  // What the host reads as well costs it a copy.
  const auto& users = p.node.output()->users;
  const bool kernels = std::all_of(users.begin(), users.end(),
                                   [](const Node* n) { return n->as<op::Fused>() != nullptr; });
  return kernels ? "" : "the host reads it";
}

Result<LibraryProgram> dims(const LibraryProblem& p, CodeSink& sink) {
  const Dims& values = p.node.as<op::DimsTensor>()->values;
  LibraryWriter out(p, sink);
  if (values.empty()) return out.take();
  LibraryKernel k("element", 1);
  const std::string to = k.output(out.out(0), "i64");
  for (size_t i = 0; i < values.size(); ++i) {
    k.line(cat(to, "[", i, "] = ", k.number(values[i]), ";"));
  }
  out.add(k, 1);
  return out.take();
}

WhyNot why_not_reverse(const LibraryProblem& p) {
  const DType lengths = p.in(1).dtype;
  if (lengths != DType::kI64 && lengths != DType::kI32) return "lengths of other types";
  return why_not_element(p.in(0).dtype);
}

Result<LibraryProgram> reverse_sequence(const LibraryProblem& p, CodeSink& sink) {
  const auto& op = *p.node.as<op::ReverseSequence>();
  const Dims& dims = p.in(0).dims;
  const std::string type = storage_type(p.in(0).dtype), length = storage_type(p.in(1).dtype);
  const size_t batch = resolved_axis(op.batch_axis, p.in(0));
  LibraryWriter out(p, sink);
  out.must_equal(p.in(1).dims[0], dims[batch]);
  LibraryKernel k("reverse", kLibraryThreads);
  const std::string x = k.input(out.in(0), type), lengths = k.input(out.in(1), length);
  const std::string y = k.output(out.out(0), type), fault = k.fault();
  const auto axis = [&](size_t at) {
    return cat("{", k.number(dims[at]), ", ", k.number(inner_of(dims, at)), "}, ");
  };
  k.line(cat("reverse::sequences(", x, ", ", lengths, ", ", y, ", ", fault, ", ", axis(batch),
             axis(resolved_axis(op.time_axis, p.in(0))), k.number(product(dims)), ");"));
  out.add_for(k, product(dims));
  return out.take();
}

}  // namespace

const LibraryTactic kReverseSequenceLibrary = {"cuda.reverse_sequence", why_not_reverse,
                                               reverse_sequence};
const LibraryTactic kDimsLibrary = {"cuda.dims", why_not_dims, dims};
const LibraryTactic kCumulativeLibrary = {"cuda.cumulative", why_not_cumulative, cumulative};
const LibraryTactic kOneHotLibrary = {"cuda.one_hot", why_not_one_hot, one_hot};

}  // namespace carnot::cuda
