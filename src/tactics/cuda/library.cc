#include "tactics/cuda/library.h"

#include "base/text.h"

namespace carnot::cuda {

int LibraryWriter::temporary(DType dtype, Dims dims) {
  program_.temporaries.push_back({dtype, std::move(dims)});
  return static_cast<int>(problem_.node.inputs.size() + problem_.node.outputs.size() +
                          program_.temporaries.size()) -
         1;
}

void LibraryWriter::add(KernelSource source, const LibraryKernel& kernel) {
  GeneratedKernel made;
  made.entry = source.function;
  made.params = source.params;
  made.tasks = source.tasks;
  for (const int argument : kernel.arguments()) {
    made.arguments.push_back(argument == LibraryKernel::kFault ? GeneratedKernel::kFault
                                                               : argument);
  }
  // By its text: the same call for other sizes is the same code.
  const std::string key = source.text;
  if (!sink_.find(key)) sink_.add(key, std::move(source));
  program_.kernels.push_back(std::move(made));
}

void LibraryWriter::size_is_in(int temporary) {
  program_.size = temporary;
  program_.before_size = program_.kernels.size();
}

void LibraryWriter::must_equal(const Dim& a, const Dim& b) {
  if (!(a == b)) program_.checks.emplace_back(a, b);
}

WhyNot why_not_element(DType dtype) {
  if (element_name(dtype)) return "";
  if (dtype == DType::kString) return "strings stay on the host";
  return cat("elements of ", to_string(dtype));
}

Dim outer_of(const Dims& dims, size_t axis) {
  return product({dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis)});
}

Dim inner_of(const Dims& dims, size_t axis) {
  return product({dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end()});
}

size_t resolved_axis(int64_t axis, const TensorType& type) {
  return static_cast<size_t>(axis < 0 ? axis + type.rank() : axis);
}

double likely_value(const Dim& dim, const Symbols& likely, double otherwise) {
  const Result<int64_t> value = evaluate(dim, likely);
  return value.ok() ? static_cast<double>(*value) : otherwise;
}

}  // namespace carnot::cuda
