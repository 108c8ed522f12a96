#include "codegen/cuda/library_kernel.h"

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "base/text.h"

namespace carnot::cuda {

const char* element_name(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return "Plain<double>";
    case DType::kF32:
      return "Plain<float>";
    case DType::kF16:
      return "HalfElement";
    case DType::kBF16:
      return "BrainElement";
    case DType::kI64:
      return "Plain<i64>";
    case DType::kI32:
      return "Plain<i32>";
    case DType::kI16:
      return "Plain<i16>";
    case DType::kI8:
      return "Plain<i8>";
    case DType::kU64:
      return "Plain<u64>";
    case DType::kU32:
      return "Plain<u32>";
    case DType::kU16:
      return "Plain<u16>";
    case DType::kU8:
      return "Plain<u8>";
    case DType::kBool:
      return "BoolElement";
    default:
      return nullptr;
  }
}

LibraryKernel::LibraryKernel(std::string_view header, int threads)
    : header_(header), threads_(threads) {}

std::string LibraryKernel::pointer(int index, std::string_view type) {
  const std::string name = cat("b", arguments_.size());
  pointers_.push_back(cat(type, "* ", name));
  arguments_.push_back(index);
  return name;
}

std::string LibraryKernel::input(int index, std::string_view type) {
  return pointer(index, cat("const ", type));
}

std::string LibraryKernel::output(int index, std::string_view type) {
  return pointer(index, type);
}

std::string LibraryKernel::fault() {
  return pointer(kFault, "Fault");
}

std::string LibraryKernel::number(const Dim& size) {
  if (size.is_constant()) return cat("i64{", size.value(), "}");
  const auto found = std::find(params_.begin(), params_.end(), size);
  const auto at = found - params_.begin();
  if (found == params_.end()) params_.push_back(size);
  return cat("p", at);
}

std::string LibraryKernel::list(const Dims& sizes) {
  std::string out = "{";
  for (const Dim& size : sizes) out += cat(out.size() > 1 ? ", " : "", number(size));
  return out + "}";
}

KernelSource LibraryKernel::finish(const Dim& blocks) {
  std::string parameters;
  for (const std::string& each : pointers_) parameters += cat(parameters.empty() ? "" : ", ", each);
  for (size_t i = 0; i < params_.size(); ++i) parameters += cat(", i64 p", i);
  std::string start = "  take_turn();\n";
  for (size_t i = 0; i < pointers_.size(); ++i) start += cat("  b", i, " = fresh(b", i, ");\n");
  const std::string body = cat("(", parameters, ") {\n", start, body_.text(), "}\n");
  const std::string head =
      cat("#include \"codegen/cuda/lib/", header_,
          ".cuh\"\nusing namespace carnot;\nextern \"C\" __global__ void "
          "__launch_bounds__(",
          threads_, ") ", cluster_ > 1 ? cat("__cluster_dims__(", cluster_, ", 1, 1) ") : "");
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(hash64(head + body)));
  KernelSource out;
  out.function = cat("carnot_", digits);
  out.text = cat(head, out.function, body);
  out.threads = threads_;
  out.shared_bytes = shared_bytes_;
  out.cluster = cluster_;
  out.pointers = static_cast<int>(pointers_.size());
  out.has_faults = std::find(arguments_.begin(), arguments_.end(), kFault) != arguments_.end();
  out.params = params_;
  out.tasks = blocks;
  out.dependent_launch = true;
  return out;
}

KernelSource LibraryKernel::finish_for(const Dim& threads) {
  return finish(ceil_div(threads, Dim(threads_)));
}

}  // namespace carnot::cuda
