// cuda.top_k: (codegen/cuda/lib/top_k.cuh).
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

constexpr int kThreadsMax = 1024;
/// A segment of a row that is worth a block of its own, and how many a row is cut into at most.
constexpr double kSegment = 4096;
constexpr double kSegmentsMax = 128;

WhyNot why(const LibraryProblem& p) {
  if (WhyNot no = why_not_element(p.in(0).dtype); !no.empty()) return no;
  if (p.in(0).rank() == 0) return "a scalar";
  // A target that is left says that nothing else knows the count.
  return p.node.inputs.size() > 1 ? "its count is computed at run time" : "";
}

int threads_for(double size) {
  int threads = 32;
  while (threads < size / 4 && threads < kThreadsMax) threads *= 2;
  return threads;
}

// Long rows that are few leave a GPU idle, unless each is cut.
int64_t segments_for(const LibraryProblem& p, double rows, double size, double count) {
  if (rows * 4 > p.device.sms || size < 4 * kSegment) return 1;
  const double most = std::min({kSegmentsMax, p.device.sms / rows, size / kSegment});
  // What the segments give is read again by one block.
  const double useful = std::min(most, std::sqrt(size / std::max(count, 1.0)));
  return useful < 2 ? 1 : static_cast<int64_t>(useful);
}

Result<LibraryProgram> generate(const LibraryProblem& p, CodeSink& sink) {
  const auto& op = *p.node.as<op::TopK>();
  const Dims& dims = p.in(0).dims;
  const size_t axis = resolved_axis(op.axis, p.in(0));
  const DType dtype = p.in(0).dtype;
  const Dim rows = outer_of(dims, axis) * inner_of(dims, axis), size = dims[axis];
  const double likely_size = likely_value(size, p.likely, kSegment);
  const int64_t segments = segments_for(p, likely_value(rows, p.likely, 1), likely_size,
                                        likely_value(op.count, p.likely, likely_size));
  // A block sorts what it finds in one round.
  const int64_t round = bits_of(dtype) <= 32 ? 4096 : 2048;
  const bool cut = segments > 1 && op.count.is_constant() && op.count.value() <= round;
  const int threads = threads_for(cut ? likely_size / static_cast<double>(segments) : likely_size);
  const std::string type = storage_type(dtype);
  const std::string with =
      cat("<", element_name(dtype), ", ", op.largest ? "true" : "false", ", ", threads, ">(");
  LibraryWriter out(p, sink);
  const auto shape = [&](LibraryKernel& k) {
    return cat("{", k.number(size), ", ", k.number(inner_of(dims, axis)), "}, ",
               k.number(op.count));
  };
  if (!cut) {
    LibraryKernel k("top_k", threads);
    const std::string x = k.input(out.in(0), type), values = k.output(out.out(0), type);
    const std::string indices = k.output(out.out(1), "i64"), fault = k.fault();
    k.line(cat("top_k::rows", with, x, ", ", values, ", ", indices, ", ", shape(k), ", ", fault,
               ");"));
    out.add(k, rows);
    return out.take();
  }
  const int candidates = out.temporary(DType::kU32, {rows, Dim(segments), op.count});
  LibraryKernel first("top_k", threads);
  {
    const std::string x = first.input(out.in(0), type), to = first.output(candidates, "u32");
    const std::string fault = first.fault();
    first.line(cat("top_k::segments", with, x, ", ", to, ", ", shape(first), ", ", segments, ", ",
                   fault, ");"));
  }
  out.add(first, rows * Dim(segments));
  LibraryKernel second("top_k", threads);
  const std::string x = second.input(out.in(0), type), from = second.input(candidates, "u32");
  const std::string values = second.output(out.out(0), type);
  const std::string indices = second.output(out.out(1), "i64");
  second.line(cat("top_k::best_of_segments", with, x, ", ", from, ", ", values, ", ", indices, ", ",
                  shape(second), ", ", segments, ");"));
  out.add(second, rows);
  return out.take();
}

}  // namespace

const LibraryTactic kTopKLibrary = {"cuda.top_k", why, generate};

}  // namespace carnot::cuda
