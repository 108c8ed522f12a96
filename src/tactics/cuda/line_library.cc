// cuda.cumulative and cuda.one_hot (codegen/cuda/lib/cumulative.cuh, one_hot.cuh).
#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

constexpr int kScanThreads = 256;
/// Lines side by side of which a thread each keeps a GPU busy, and a warp's loads together.
constexpr double kLinesMin = 4096, kNeighboursMin = 32;

WhyNot why_not_cumulative(const LibraryProblem& p) {
  return p.in(0).rank() == 0 ? "a scalar" : why_not_element(p.in(0).dtype);
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

}  // namespace

const LibraryTactic kCumulativeLibrary = {"cuda.cumulative", why_not_cumulative, cumulative};
const LibraryTactic kOneHotLibrary = {"cuda.one_hot", why_not_one_hot, one_hot};

}  // namespace carnot::cuda
