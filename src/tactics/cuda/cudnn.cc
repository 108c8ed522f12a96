// cuda.cudnn: convolutions of images with channels last by NVIDIA's library, with what it can fuse
// after them. Sizes must be known: the library makes an engine for each, which takes its time.
#include <algorithm>
#include <cstring>

#include "tactics/cuda/epilogue.h"
#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

/// Of the library's proposals, by effort.
constexpr int kProposals[] = {0, 1, 1, 2, 3, 6};

template <class... Args>
Status refuse(const Args&... args) {
  return error(Code::kUnsupported, args...);
}

/// An index as numbers: its axes and the rest.
struct Index {
  std::vector<std::pair<int, int64_t>> terms;  ///< axis, coefficient
  int64_t rest = 0;
};

class Reader {
 public:
  explicit Reader(const Kernel& kernel) : kernel_(kernel) {
    const size_t count = kernel.axes.size() + kernel.stages[0].inner.size();
    for (size_t i = 0; i < count; ++i) {
      symbols_.push_back(*axis_symbol(static_cast<int>(i)).as_symbol());
    }
  }
  int64_t size(int axis) const {
    const auto i = static_cast<size_t>(axis), outer = kernel_.axes.size();
    const Dim& d = i < outer ? kernel_.axes[i].size : kernel_.stages[0].inner[i - outer].size;
    return d.is_constant() ? d.value() : -1;
  }
  bool is_inner(int axis) const { return static_cast<size_t>(axis) >= kernel_.axes.size(); }
  Result<Index> read(const Dim& index) const {
    const std::optional<Linear> linear = linear_in(index, symbols_);
    if (!linear || !linear->rest.is_constant()) return refuse("an index is not linear");
    Index out;
    out.rest = linear->rest.value();
    for (size_t i = 0; i < symbols_.size(); ++i) {
      const Dim c = linear->of(symbols_[i]);
      if (c.is(0)) continue;
      if (!c.is_constant()) return refuse("an index has a symbolic stride");
      out.terms.emplace_back(static_cast<int>(i), c.value());
    }
    return out;
  }

 private:
  const Kernel& kernel_;
  std::vector<std::string> symbols_;
};

/// One of an image's two directions.
struct Direction {
  int64_t in = 1, out = 1, taps = 1, stride = 1, dilation = 1, before = 0, after = 0;
  int out_axis = -1, tap_axis = -1;
};

Result<Direction> direction(const Reader& reader, const Dim& size, const Dim& index) {
  if (!size.is_constant())
    return refuse("its sizes are not known: cuDNN's engines are for one size");
  CARNOT_ASSIGN(const Index read, reader.read(index));
  Direction out;
  out.in = size.value();
  for (const auto& [axis, coefficient] : read.terms) {
    int& place = reader.is_inner(axis) ? out.tap_axis : out.out_axis;
    if (place >= 0 || coefficient < 1) return refuse("an image's index has several axes");
    place = axis;
    (reader.is_inner(axis) ? out.dilation : out.stride) = coefficient;
    (reader.is_inner(axis) ? out.taps : out.out) = reader.size(axis);
  }
  if (out.taps < 1 || out.out < 1) return refuse("its sizes are not known");
  out.before = -read.rest;
  if (out.before < 0) return refuse("it begins inside the image");
  // What is after the image follows from how far the last window reaches.
  const int64_t reach = (out.out - 1) * out.stride + (out.taps - 1) * out.dilation + 1;
  out.after = reach - out.before - out.in;
  // Less than the image is a window that stops early: as long as no other output would fit in.
  if (out.after < 0 && -out.after < out.stride) out.after = 0;
  if (out.after < 0) return refuse("it stops before the image's end");
  return out;
}

struct Found {
  ContractionProblem problem;
  LibraryEpilogue epilogue;
  ConvolutionCall call;
  Dims weight_strides;  ///< of groups, k, r, s, c in B's buffer
  bool packed = false;
};

/// Channels: an axis of its own, or of a group and in it. Gives how many are in each, and checks
/// that they lie one after the other.
Result<int64_t> channels(const Reader& reader, const Dim& index, bool inner, int group_axis,
                         int* axis) {
  CARNOT_ASSIGN(const Index read, reader.read(index));
  if (read.rest != 0) return refuse("it begins inside the channels");
  int64_t count = 1, group_step = 0;
  for (const auto& [a, coefficient] : read.terms) {
    if (a == group_axis) {
      group_step = coefficient;
      continue;
    }
    if (*axis >= 0 || coefficient != 1 || reader.is_inner(a) != inner) {
      return refuse("its channels are not one axis");
    }
    *axis = a;
    count = reader.size(a);
  }
  if (count < 1) return refuse("its sizes are not known");
  if (group_axis >= 0 && group_step != count) return refuse("its groups do not lie side by side");
  return count;
}

Status read_weights(const Problem& p, const Load& b, const std::array<int, 5>& axes, Found& out) {
  const Buffer& buffer = p.kernel.buffers[static_cast<size_t>(b.buffer)];
  std::vector<std::string> symbols;
  for (size_t i = 0; i < p.kernel.axes.size() + p.kernel.stages[0].inner.size(); ++i) {
    symbols.push_back(*axis_symbol(static_cast<int>(i)).as_symbol());
  }
  const std::optional<Linear> linear = linear_in(linear_offset(buffer, b.index), symbols);
  if (!linear || !linear->rest.is(0)) return refuse("the weights' index is not plain");
  size_t used = 0;
  for (const int axis : axes) {
    const Dim stride = axis < 0 ? Dim(0) : linear->of(symbols[static_cast<size_t>(axis)]);
    if (!stride.is_constant()) return refuse("the weights' strides are not known");
    used += !stride.is(0);
    out.weight_strides.push_back(stride);
  }
  if (used != linear->coefficients.size()) return refuse("the weights' index has other axes");
  const ConvolutionCall& c = out.call;
  const int64_t sizes[] = {c.groups, c.k, c.r, c.s, c.c};
  int64_t expected = 1;
  bool in_order = true;
  for (size_t i = std::size(sizes); i-- > 0;) {
    in_order = in_order && (sizes[i] == 1 || out.weight_strides[i].is(expected));
    expected *= sizes[i];
  }
  out.packed = !in_order;
  if (out.packed && !constant_in(p, b.buffer)) {
    return refuse("its weights are in another order and not known");
  }
  return {};
}

Status read_forms(const Problem& p, const ContractionView& view, Found& out) {
  const Kernel& kernel = p.kernel;
  const Load& a = kernel.stages[0].loads[static_cast<size_t>(view.a)];
  const Store& store = kernel.stages[1].stores[0];
  const Buffer& x = kernel.buffers[static_cast<size_t>(a.buffer)];
  const Buffer& y = kernel.buffers[static_cast<size_t>(store.buffer)];
  if (a.index.size() != 4 || store.index.size() != 4) return refuse("it is not of images");
  if (!x.strides.empty() || !y.strides.empty()) return refuse("an image is part of a larger one");
  if (view.batch.size() > 1) return refuse("it has ", view.batch.size(), " axes of groups");
  const Reader reader(kernel);
  ConvolutionCall& c = out.call;
  const int group = view.batch.empty() ? -1 : view.batch[0];
  if (group >= 0) c.groups = reader.size(group);
  int n_axis = -1, c_axis = -1, k_axis = -1;
  if (!x.type.dims[0].is_constant()) {
    return refuse("its sizes are not known: cuDNN's engines are for one size");
  }
  c.n = x.type.dims[0].value();
  if (const auto symbol = a.index[0].as_symbol(); symbol || !a.index[0].is(0)) {
    if (!symbol || a.index[0] != store.index[0]) return refuse("images are not taken in order");
    CARNOT_ASSIGN(const Index read, reader.read(a.index[0]));
    n_axis = read.terms[0].first;
    if (reader.is_inner(n_axis)) return refuse("images are not taken in order");
  }
  CARNOT_ASSIGN(const Direction h, direction(reader, x.type.dims[1], a.index[1]));
  CARNOT_ASSIGN(const Direction w, direction(reader, x.type.dims[2], a.index[2]));
  CARNOT_ASSIGN(c.c, channels(reader, a.index[3], true, group, &c_axis));
  CARNOT_ASSIGN(c.k, channels(reader, store.index[3], false, group, &k_axis));
  const auto is_axis = [&](const Dim& index, int axis) {
    return axis < 0 ? index.is(0) : index == axis_symbol(axis);
  };
  if (!is_axis(store.index[1], h.out_axis) || !is_axis(store.index[2], w.out_axis)) {
    return refuse("the result is not an image in the same order");
  }
  const Dim sizes[] = {c.n, h.out, w.out, c.groups * c.k};
  if (!std::equal(y.type.dims.begin(), y.type.dims.end(), sizes)) {
    return refuse("the result is part of a larger one");
  }
  if (!x.type.dims[3].is(c.groups * c.c)) return refuse("it takes some of the channels");
  c.h = h.in, c.w = w.in, c.p = h.out, c.q = w.out, c.r = h.taps, c.s = w.taps;
  c.stride_h = h.stride, c.stride_w = w.stride;
  c.dilation_h = h.dilation, c.dilation_w = w.dilation;
  c.pad_top = h.before, c.pad_left = w.before, c.pad_bottom = h.after, c.pad_right = w.after;
  const Load& b = kernel.stages[0].loads[static_cast<size_t>(view.b)];
  return read_weights(p, b, {group, k_axis, h.tap_axis, w.tap_axis, c_axis}, out);
}

Result<Found> convolution_of(const Problem& p) {
  CARNOT_ASSIGN(const ContractionView view, as_contraction(p.kernel));
  Found out;
  CARNOT_ASSIGN(out.problem, contraction_problem(p.kernel, view));
  const ContractionProblem& problem = out.problem;
  out.call.element = element_code(problem.a.dtype);
  if (out.call.element < 0 || problem.b.dtype != problem.a.dtype) {
    return refuse("products of ", to_string(problem.a.dtype), " and ", to_string(problem.b.dtype));
  }
  if (problem.otherwise != 0) return refuse("its border is not of zeros");
  CARNOT_ASSIGN(out.epilogue, library_epilogue(problem));
  out.call.result = element_code(problem.stores[0].dtype);
  if (out.call.result < 0) return refuse("a result of ", to_string(problem.stores[0].dtype));
  CARNOT_RETURN_IF_ERROR(read_forms(p, view, out));
  const auto load = [&](int i) { return problem.loads[static_cast<size_t>(i)]; };
  if (out.epilogue.bias >= 0) {
    out.call.bias_element = element_code(load(out.epilogue.bias).dtype);
    if (out.call.bias_element < 0 || !load(out.epilogue.bias).map.base.is(0) ||
        out.call.groups > 1) {
      return refuse("its bias is not a vector of the channels");
    }
  }
  if (out.epilogue.residual >= 0 && load(out.epilogue.residual).dtype != problem.stores[0].dtype) {
    return refuse("the residual has another type than the result");
  }
  out.call.bias = out.epilogue.bias >= 0;
  out.call.residual = out.epilogue.residual >= 0;
  out.call.activation = static_cast<int64_t>(out.epilogue.activation);
  out.call.tf32 = p.tf32 && problem.a.dtype == DType::kF32;
  return out;
}

WhyNot why(const Problem& p) {
  const auto version = library_version(p.device, Library::kCudnn);
  if (!version.ok()) return version.status().message();
  return convolution_of(p).status().message();
}

std::vector<Candidate> list(const Problem& p, int effort) {
  const auto version = library_version(p.device, Library::kCudnn);
  const auto found = convolution_of(p);
  if (!version.ok() || !found.ok()) return {};
  const ConvolutionCall& c = found->call;
  const auto count = [](std::initializer_list<int64_t> sizes) {
    double product = 1;
    for (const int64_t s : sizes) product *= static_cast<double>(s);
    return product;
  };
  const double result = count({c.n, c.p, c.q, c.groups, c.k});
  const double bytes =
      (count({c.n, c.h, c.w, c.groups, c.c}) + result) * bits_of(found->problem.a.dtype) / 8;
  const double us =
      predict_library_us(p.device, found->problem.a.dtype, result * count({c.r, c.s, c.c}), bytes);
  auto out = library_candidates(kProposals[std::clamp(effort, 0, 5)], *version, us);
  for (Candidate& candidate : out) {
    if (!c.tf32) continue;
    candidate.variant += " tf32";
    candidate.tf32 = true;
  }
  return out;
}

/// The weights as the library wants them: for each output channel its taps, each with the input
/// channels.
Result<carnot::Tensor> pack(const Found& found, const carnot::Tensor& weights) {
  const ConvolutionCall& c = found.call;
  CARNOT_ASSIGN(carnot::Tensor from, weights.dense());
  CARNOT_ASSIGN(carnot::Tensor out,
                carnot::Tensor::allocate(weights.dtype(), {c.groups * c.k, c.r, c.s, c.c}));
  const size_t bytes = static_cast<size_t>(bits_of(weights.dtype())) / 8;
  std::byte* to = out.mutable_data();
  const auto stride = [&](size_t i) { return found.weight_strides[i].value(); };
  for (int64_t g = 0; g < c.groups; ++g) {
    for (int64_t k = 0; k < c.k; ++k) {
      for (int64_t r = 0; r < c.r; ++r) {
        for (int64_t s = 0; s < c.s; ++s) {
          const int64_t line = g * stride(0) + k * stride(1) + r * stride(2) + s * stride(3);
          for (int64_t i = 0; i < c.c; ++i, to += bytes) {
            const auto at = static_cast<size_t>(line + i * stride(4));
            std::memcpy(to, from.data() + at * bytes, bytes);
          }
        }
      }
    }
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate, const std::string&,
                                 CodeSink& sink) {
  auto& cuda_sink = static_cast<CudaCodeSink&>(sink);
  CARNOT_ASSIGN(Found found, convolution_of(p));
  CARNOT_ASSIGN(found.call.choice, library_choice("cuda.cudnn", candidate));
  const ContractionProblem& c = found.problem;
  const std::string key = share_key(p.kernel, "cuda.cudnn", candidate.variant);
  const KernelSource* source = cuda_sink.find(key);
  if (!source) {
    KernelSource made;
    made.function = function_of(key);
    made.text = to_string(found.call);
    made.pointers = static_cast<int>(found.call.pointers());
    made.scratch_bytes = kLibraryScratchBytes;
    source = &cuda_sink.add(key, std::move(made), Library::kCudnn);
  }
  GeneratedKernel out = generated(*source, 0);
  out.arguments = {c.a.buffer, c.b.buffer};
  if (found.packed) {
    CARNOT_ASSIGN(carnot::Tensor packed, pack(found, *constant_in(p, c.b.buffer)));
    out.packed.push_back(std::move(packed));
    out.arguments[1] = -1;
  }
  for (const int load : {found.epilogue.bias, found.epilogue.residual}) {
    if (load >= 0) out.arguments.push_back(c.loads[static_cast<size_t>(load)].buffer);
  }
  out.arguments.push_back(c.stores[0].buffer);
  return out;
}

}  // namespace

const Tactic kCudnn = {"cuda.cudnn", 3, why, list, generate, "cudnn"};

}  // namespace carnot::cuda
