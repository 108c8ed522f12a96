// cuda.non_zero and cuda.suppression: operations whose results are as many as the data says
// (codegen/cuda/lib/non_zero.cuh, suppression.cuh).
#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

// As non_zero.cuh.
constexpr int kSumThreads = 256, kTile = 2048;

/// Makes counts the sums before them, and their whole sum a shape.
void add_sum(LibraryWriter& out, int counts, int size, const Dim& blocks) {
  LibraryKernel k("non_zero", kSumThreads);
  const std::string c = k.output(counts, "u32"), s = k.output(size, "i64");
  k.line(cat("non_zero::sum(", c, ", ", s, ", ", k.number(blocks), ");"));
  out.add(k, 1);
}

WhyNot why_not_non_zero(const LibraryProblem& p) {
  if (!p.node.as<op::NonZero>()->count.as_symbol()) return "its count is told by the graph";
  return why_not_element(p.in(0).dtype);
}

Result<LibraryProgram> non_zero(const LibraryProblem& p, CodeSink& sink) {
  const TensorType& x = p.in(0);
  const std::string type = storage_type(x.dtype), element = element_name(x.dtype);
  const Dim count = product(x.dims), blocks = ceil_div(count, Dim(kTile));
  LibraryWriter out(p, sink);
  const int counts = out.temporary(DType::kU32, {blocks});
  const int size = out.temporary(DType::kI64, {2});
  LibraryKernel first("non_zero", kSumThreads);
  const std::string from = first.input(out.in(0), type), to = first.output(counts, "u32");
  first.line(
      cat("non_zero::count<", element, ">(", from, ", ", to, ", ", first.number(count), ");"));
  out.add(first, blocks);
  add_sum(out, counts, size, blocks);
  out.size_is_in(size);
  LibraryKernel last("non_zero", kSumThreads);
  const std::string data = last.input(out.in(0), type), before = last.input(counts, "u32");
  const std::string result = last.output(out.out(0), "i64");
  const Dims sizes = x.dims.empty() ? Dims{1} : x.dims;
  last.line(cat("const i64 sizes[] = ", last.list(sizes), ";"));
  last.line(cat("non_zero::write<", element, ", ", x.dims.size(), ">(", data, ", ", before, ", ",
                result, ", ", last.number(count), ", ", last.number(p.out(0).dims[1]),
                ", sizes);"));
  out.add(last, blocks);
  return out.take();
}

WhyNot why_not_suppression(const LibraryProblem& p) {
  if (!p.node.as<op::NonMaxSuppression>()->count.as_symbol()) {
    return "its count is told by the graph";
  }
  for (size_t i = 0; i < p.node.inputs.size(); ++i) {
    if (WhyNot no = why_not_element(p.in(i).dtype); !no.empty()) return no;
  }
  return p.in(0).dtype == p.in(1).dtype ? "" : "boxes and scores of different types";
}

Result<LibraryProgram> suppression(const LibraryProblem& p, CodeSink& sink) {
  const DType dtype = p.in(0).dtype;
  const std::string type = storage_type(dtype), element = element_name(dtype);
  const int threads = dtype == DType::kF64 ? 256 : 512;
  const Dims& scores = p.in(1).dims;
  const Dim rows = scores[0] * scores[1];
  LibraryWriter out(p, sink);
  out.must_equal(p.in(0).dims[0], scores[0]);
  out.must_equal(p.in(0).dims[1], scores[2]);
  const int kept = out.temporary(DType::kU32, {rows, scores[2]});
  const int counts = out.temporary(DType::kU32, {rows});
  const int size = out.temporary(DType::kI64, {2});
  LibraryKernel first("suppression", threads);
  {
    const std::string boxes = first.input(out.in(0), type), from = first.input(out.in(1), type);
    const auto limit = [&](size_t i) {
      const DType each = p.in(i).dtype;
      return cat(element_name(each), "::get(*", first.input(out.in(i), storage_type(each)), ")");
    };
    const std::string limits = cat(limit(2), ", ", limit(3), ", ", limit(4), ", ");
    const std::string k = first.output(kept, "u32"), c = first.output(counts, "u32");
    const std::string whole = rows.is(1) ? first.output(size, "i64") : "nullptr";
    const bool center = p.node.as<op::NonMaxSuppression>()->center_point_box;
    first.line(cat("suppression::suppress<", element, ", ", center ? "true" : "false", ", ",
                   threads, ">(", boxes, ", ", from, ", ", limits, k, ", ", c, ", ", whole, ", ",
                   first.number(scores[1]), ", ", first.number(scores[2]), ");"));
  }
  out.add(first, rows);
  if (!rows.is(1)) add_sum(out, counts, size, rows);
  out.size_is_in(size);
  LibraryKernel last("suppression", kLibraryThreads);
  const std::string k = last.input(kept, "u32"), before = last.input(counts, "u32");
  last.line(cat("suppression::write(", k, ", ", before, ", ", last.output(out.out(0), "i64"), ", ",
                last.number(scores[1]), ", ", last.number(scores[2]), ", ", last.number(rows), ", ",
                last.number(p.out(0).dims[0]), ");"));
  out.add(last, rows);
  return out.take();
}

}  // namespace

const LibraryTactic kNonZeroLibrary = {"cuda.non_zero", why_not_non_zero, non_zero};
const LibraryTactic kNonMaxSuppressionLibrary = {"cuda.suppression", why_not_suppression,
                                                 suppression};

}  // namespace carnot::cuda
