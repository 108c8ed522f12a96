// cuda.cublaslt: matrix products by NVIDIA's library, where operands are matrices as they lie in
// memory and the epilogue is one that it has.
#include <algorithm>

#include "tactics/cuda/epilogue.h"
#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

/// Of the library's proposals, by effort.
constexpr int kProposals[] = {0, 1, 1, 2, 4, 8};

template <class... Args>
Status refuse(const Args&... args) {
  return error(Code::kUnsupported, args...);
}

/// The stride over all axes as one, or nothing; 0 where there are none.
std::optional<Dim> as_one(const Dims& sizes, const Dims& strides) {
  if (sizes.empty()) return Dim(0);
  Dim expected = strides.back();
  for (size_t i = sizes.size(); i-- > 0;) {
    if (strides[i] != expected) return std::nullopt;
    expected = expected * sizes[i];
  }
  return strides.back();
}

/// An operand or the result as a matrix, or a batch of them.
struct Matrix {
  bool transposed = false;
  Dim stride, batch_stride;
};

/// `lines` and `elements` are the strides along the two axes, `line` the size of a line.
Result<Matrix> matrix(const char* what, const ContractionProblem& p, const AxisMap& map,
                      const std::optional<Dim>& lines, const std::optional<Dim>& elements,
                      const Dim& line_count, const Dim& line_size) {
  const std::optional<Dim> batch = as_one(p.batch, map.batch);
  if (!lines || !elements || !batch) return refuse(what, "'s axes do not make a matrix in memory");
  if (!map.base.is(0)) return refuse(what, " begins inside its buffer");
  Matrix out;
  out.batch_stride = *batch;
  const bool one_line = line_count.is(1), one_element = line_size.is(1);
  if (elements->is(1) || one_element) {
    out.stride = one_line ? line_size : *lines;
  } else if (lines->is(1) || one_line) {
    out.transposed = true;
    out.stride = *elements;
  } else {
    return refuse("no axis of ", what, " is contiguous");
  }
  // A stride that is not positive is not one of the library's.
  if (out.stride.is_constant() && out.stride.value() < 1) {
    return refuse(what, " repeats a row");
  }
  return out;
}

struct Product {
  ContractionProblem problem;
  LibraryEpilogue epilogue;
  MatmulCall call;
  Matrix a, b, residual, result;
};

Result<Product> product_of(const Problem& p) {
  CARNOT_ASSIGN(const ContractionView view, as_contraction(p.kernel));
  Product out;
  CARNOT_ASSIGN(out.problem, contraction_problem(p.kernel, view));
  const ContractionProblem& c = out.problem;
  if (!c.guards.empty()) return refuse("it has a window with a border");
  out.call.element = element_code(c.a.dtype);
  if (out.call.element < 0 || c.b.dtype != c.a.dtype) {
    return refuse("products of ", to_string(c.a.dtype), " and ", to_string(c.b.dtype));
  }
  CARNOT_ASSIGN(out.epilogue, library_epilogue(c));
  const DType result = c.stores[0].dtype;
  out.call.result = element_code(result);
  if (result != DType::kF32 && result != c.a.dtype) {
    return refuse("a result of ", to_string(result), " from ", to_string(c.a.dtype));
  }
  const Activation activation = out.epilogue.activation;
  if (activation != Activation::kNone && activation != Activation::kRelu &&
      activation != Activation::kGeluTanh) {
    return refuse("its activation is none that cuBLASLt has");
  }
  out.call.activation = static_cast<int64_t>(activation);
  const Dim m = c.row_count(), n = c.columns, k = c.inner_count();
  const auto inner = [&](const AxisMap& map) { return as_one(c.inner, map.inner); };
  CARNOT_ASSIGN(out.a, matrix("A", c, c.a.map, c.row_stride(c.a.map), inner(c.a.map), m, k));
  CARNOT_ASSIGN(out.b, matrix("B", c, c.b.map, inner(c.b.map), c.b.map.column, k, n));
  const auto as_result = [&](const char* what, const AxisMap& map) -> Result<Matrix> {
    CARNOT_ASSIGN(Matrix r, matrix(what, c, map, c.row_stride(map), map.column, m, n));
    if (r.transposed) return refuse("the columns of ", what, " are not contiguous");
    return r;
  };
  CARNOT_ASSIGN(out.result, as_result("the result", c.stores[0].map));
  if (out.epilogue.residual >= 0) {
    const MappedAccess& load = c.loads[static_cast<size_t>(out.epilogue.residual)];
    if (load.dtype != result) return refuse("the residual has another type than the result");
    CARNOT_ASSIGN(out.residual, as_result("the residual", load.map));
  }
  if (out.epilogue.bias >= 0) {
    const MappedAccess& load = c.loads[static_cast<size_t>(out.epilogue.bias)];
    const bool known = constant_in(p, load.buffer) != nullptr;
    if (!load.map.base.is(0)) return refuse("the bias begins inside its buffer");
    if (load.dtype != result && !known) return refuse("the bias has another type than the result");
  }
  out.call.bias = out.epilogue.bias >= 0;
  out.call.residual = out.epilogue.residual >= 0;
  out.call.a_transposed = out.a.transposed;
  out.call.b_transposed = out.b.transposed;
  return out;
}

WhyNot why(const Problem& p) {
  const auto version = library_version(p.device, Library::kCublasLt);
  if (!version.ok()) return version.status().message();
  return product_of(p).status().message();
}

std::vector<Candidate> list(const Problem& p, int effort) {
  const auto version = library_version(p.device, Library::kCublasLt);
  const auto product = product_of(p);
  if (!version.ok() || !product.ok()) return {};
  const ContractionProblem& c = product->problem;
  const double m = likely_size(c.rows, p.likely) * likely_size(c.batch, p.likely);
  const double n = likely_size({c.columns}, p.likely), k = likely_size(c.inner, p.likely);
  const double batch = likely_size(c.batch, p.likely);
  const double bytes = (m * k + k * n * batch + m * n) * bits_of(c.a.dtype) / 8;
  const double us = predict_library_us(p.device, c.a.dtype, m * n * k, bytes);
  return library_candidates(kProposals[std::clamp(effort, 0, 5)], *version, us);
}

Result<carnot::Tensor> converted(const carnot::Tensor& from, DType type) {
  CARNOT_ASSIGN(carnot::Tensor out, carnot::Tensor::allocate(type, from.shape()));
  for (int64_t i = 0; i < from.elements(); ++i) out.set(i, from.get(i));
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate, const std::string&,
                                 CodeSink& sink) {
  auto& cuda_sink = static_cast<CudaCodeSink&>(sink);
  CARNOT_ASSIGN(Product found, product_of(p));
  CARNOT_ASSIGN(found.call.choice, library_choice("cuda.cublaslt", candidate));
  const ContractionProblem& c = found.problem;
  const std::string key = share_key(p.kernel, "cuda.cublaslt", candidate.variant);
  const KernelSource* source = cuda_sink.find(key);
  if (!source) {
    KernelSource made;
    made.function = function_of(key);
    made.text = to_string(found.call);
    made.pointers = static_cast<int>(found.call.pointers());
    made.params = {c.row_count(),
                   c.columns,
                   c.inner_count(),
                   product(c.batch),
                   found.a.stride,
                   found.b.stride,
                   found.residual.stride,
                   found.result.stride,
                   found.a.batch_stride,
                   found.b.batch_stride,
                   found.residual.batch_stride,
                   found.result.batch_stride};
    made.scratch_bytes = kLibraryScratchBytes;
    source = &cuda_sink.add(key, std::move(made), Library::kCublasLt);
  }
  GeneratedKernel out = generated(*source, 0);
  out.arguments = {c.a.buffer, c.b.buffer};
  if (found.call.bias) {
    const MappedAccess& load = c.loads[static_cast<size_t>(found.epilogue.bias)];
    const DType result = c.stores[0].dtype;
    if (load.dtype == result) {
      out.arguments.push_back(load.buffer);
    } else {
      CARNOT_ASSIGN(carnot::Tensor bias, converted(*constant_in(p, load.buffer), result));
      out.packed.push_back(std::move(bias));
      out.arguments.push_back(-1);
    }
  }
  if (found.call.residual) {
    out.arguments.push_back(c.loads[static_cast<size_t>(found.epilogue.residual)].buffer);
  }
  out.arguments.push_back(c.stores[0].buffer);
  return out;
}

}  // namespace

const Tactic kCublaslt = {"cuda.cublaslt", 1, why, list, generate, "cublaslt"};

}  // namespace carnot::cuda
