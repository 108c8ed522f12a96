// cuda.grid_sample and cuda.roi_align (codegen/cuda/lib/sample.cuh).
#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

WhyNot why_not_grid(const LibraryProblem& p) {
  if (!is_float(p.in(0).dtype)) return "not a float image";
  if (WhyNot no = why_not_element(p.in(0).dtype); !no.empty()) return no;
  const Dims& x = p.in(0).dims;
  for (size_t i = 2; i < x.size(); ++i) {
    if (x[i].is(0)) return "nothing to sample";
  }
  return why_not_element(p.in(1).dtype);
}

Result<LibraryProgram> grid_sample(const LibraryProblem& p, CodeSink& sink) {
  static constexpr const char* kModes[] = {"kLinear", "kNearest", "kCubic"};
  static constexpr const char* kPaddings[] = {"kZeros", "kBorder", "kReflection"};
  const auto& op = *p.node.as<op::GridSample>();
  const Dims &x = p.in(0).dims, &grid = p.in(1).dims;
  const Dims sizes(x.begin() + 2, x.end());
  const Dim points = product({grid.begin() + 1, grid.end() - 1});
  // A thread has the weights of so many channels; few threads are worse than weights twice.
  const double threads = likely_value(x[0] * x[1] * points, p.likely, 1);
  const int channels = threads >= 8.0 * 2048 * p.device.sms ? 8 : threads >= 1 << 20 ? 4 : 1;
  const DType dtype = p.in(0).dtype, grid_dtype = p.in(1).dtype;
  LibraryWriter out(p, sink);
  out.must_equal(x[0], grid[0]);
  LibraryKernel k("sample", kLibraryThreads);
  const std::string from = k.input(out.in(0), storage_type(dtype));
  const std::string at = k.input(out.in(1), storage_type(grid_dtype));
  const std::string to = k.output(out.out(0), storage_type(dtype));
  k.line(cat("const i64 sizes[] = ", k.list(sizes), ";"));
  k.line(cat("sample::grid<", element_name(dtype), ", ", element_name(grid_dtype), ", ",
             sizes.size(), ", sample::", kModes[op.mode], ", sample::", kPaddings[op.padding], ", ",
             op.align_corners ? "true" : "false", ", ", channels, ">(", from, ", ", at, ", ", to,
             ", ", k.number(x[0]), ", ", k.number(x[1]), ", ", k.number(points), ", sizes);"));
  out.add_for(k, x[0] * points * ceil_div(x[1], Dim(channels)));
  return out.take();
}

WhyNot why_not_rois(const LibraryProblem& p) {
  if (p.in(2).dtype != DType::kI64 && p.in(2).dtype != DType::kI32) return "indices of other types";
  if (WhyNot no = why_not_element(p.in(0).dtype); !no.empty()) return no;
  return why_not_element(p.in(1).dtype);
}

Result<LibraryProgram> roi_align(const LibraryProblem& p, CodeSink& sink) {
  const auto& op = *p.node.as<op::RoiAlign>();
  const Dims &x = p.in(0).dims, &result = p.out(0).dims;
  const DType dtype = p.in(0).dtype, box = p.in(1).dtype;
  LibraryWriter out(p, sink);
  out.must_equal(p.in(1).dims[0], p.in(2).dims[0]);
  LibraryKernel k("sample", kLibraryThreads);
  const std::string from = k.input(out.in(0), storage_type(dtype));
  const std::string boxes = k.input(out.in(1), storage_type(box));
  const std::string index = storage_type(p.in(2).dtype), images = k.input(out.in(2), index);
  const std::string to = k.output(out.out(0), storage_type(dtype)), fault = k.fault();
  std::string sizes;
  for (const Dim& size : {result[2], result[3], product(result), x[0], x[1], x[2], x[3]}) {
    sizes += cat(", ", k.number(size));
  }
  k.line(cat("sample::rois<", element_name(dtype), ", ", element_name(box), ", ", index, ", ",
             op.maximum ? "true" : "false", ", ", op.half_pixel ? "true" : "false", ">(", from,
             ", ", boxes, ", ", images, ", ", to, ", ", fault, ", ",
             literal(DType::kF64, op.spatial_scale, 0), ", ", op.sampling_ratio, sizes, ");"));
  out.add_for(k, product(result));
  return out.take();
}

}  // namespace

const LibraryTactic kGridSampleLibrary = {"cuda.grid_sample", why_not_grid, grid_sample};
const LibraryTactic kRoiAlignLibrary = {"cuda.roi_align", why_not_rois, roi_align};

}  // namespace carnot::cuda
