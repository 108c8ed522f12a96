// Convolutions.
#include <algorithm>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

/// A list attribute with one entry a spatial axis, each at least 1.
std::vector<int64_t> per_axis(NodeImport& n, const char* name, size_t axes) {
  std::vector<int64_t> out = n.integers(name);
  if (out.empty()) out.assign(axes, 1);
  if (out.size() != axes) {
    n.invalid("the attribute ", quote(name), " has ", out.size(), " entries for ", axes,
              " spatial axes");
  }
  for (const int64_t value : out) {
    if (value < 1 || value > int64_t{1} << 31) {
      n.invalid("the attribute ", quote(name), " has the entry ", value);
    }
  }
  return out;
}

/// lo and hi of auto_pad SAME_*: the result has ceil(size / stride) elements.
void same_pads(Window& window, const Dims& x, bool upper) {
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const Dim size = x[i + 2], stride = window.strides[i];
    const Dim reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    const Dim total = stride.is(1)
                          ? reach - Dim(1)
                          : larger((ceil_div(size, stride) - Dim(1)) * stride + reach - size, 0);
    const Dim half = floor_div(total, 2);
    window.pads_lo[i] = upper ? half : total - half;
    window.pads_hi[i] = upper ? total - half : half;
  }
}

std::vector<int64_t> numbers(const Dims& dims) {
  std::vector<int64_t> out;
  for (const Dim& dim : dims) out.push_back(dim.value());
  return out;
}

/// A weight's spatial sizes.
std::vector<int64_t> kernel_of(NodeImport& n, const TensorType& x, const TensorType& w) {
  if (x.rank() < 3) n.invalid("needs a tensor of rank 3 or more, got ", to_string(x));
  if (w.rank() != x.rank()) {
    n.invalid("the weights are ", to_string(w), ", the data ", to_string(x));
  }
  std::vector<int64_t> out;
  for (size_t i = 2; i < w.dims.size(); ++i) {
    if (!w.dims[i].is_constant()) n.unsupported("the size of the window is not known");
    out.push_back(w.dims[i].value());
  }
  return out;
}

}  // namespace

Window read_window(NodeImport& n, const Dims& x, std::vector<int64_t> kernel) {
  if (x.size() < 3) n.invalid("needs a tensor of rank 3 or more, got ", to_string(x));
  const size_t axes = x.size() - 2;
  Window out;
  if (kernel.empty() && !n.has("kernel_shape")) n.invalid("needs the attribute \"kernel_shape\"");
  if (n.has("kernel_shape")) {
    const std::vector<int64_t> given = per_axis(n, "kernel_shape", axes);
    if (!kernel.empty() && given != kernel) {
      n.invalid("kernel_shape is ", to_string(Shape(given)), ", the weights have ",
                to_string(Shape(kernel)));
    }
    kernel = given;
  }
  out.kernel = std::move(kernel);
  out.strides = per_axis(n, "strides", axes);
  out.dilations = per_axis(n, "dilations", axes);
  out.pads_lo.assign(axes, Dim(0));
  out.pads_hi.assign(axes, Dim(0));
  const std::string how = n.text("auto_pad", "NOTSET");
  if (how == "SAME_UPPER" || how == "SAME_LOWER") {
    same_pads(out, x, how == "SAME_UPPER");
  } else if (how == "NOTSET" || how.empty()) {
    const std::vector<int64_t> pads = n.integers("pads", std::vector<int64_t>(2 * axes, 0));
    if (pads.size() != 2 * axes) {
      n.invalid("has ", pads.size(), " pads for ", axes, " spatial axes");
    }
    for (size_t i = 0; i < 2 * axes; ++i) {
      if (pads[i] < 0 || pads[i] > int64_t{1} << 31) n.invalid("a pad is ", pads[i]);
      (i < axes ? out.pads_lo[i] : out.pads_hi[i - axes]) = pads[i];
    }
  } else if (how != "VALID") {
    n.invalid("auto_pad ", quote(how), " is unknown");
  }
  return out;
}

Padded apply_pads(NodeImport& n, Value* x, const Window& window, Value* fill) {
  const auto is_number = [](const Dim& dim) { return dim.is_constant(); };
  if (std::all_of(window.pads_lo.begin(), window.pads_lo.end(), is_number) &&
      std::all_of(window.pads_hi.begin(), window.pads_hi.end(), is_number)) {
    return {x, numbers(window.pads_lo), numbers(window.pads_hi)};
  }
  Dims lo = {0, 0}, hi = {0, 0};
  lo.insert(lo.end(), window.pads_lo.begin(), window.pads_lo.end());
  hi.insert(hi.end(), window.pads_hi.begin(), window.pads_hi.end());
  const std::vector<int64_t> none(window.kernel.size(), 0);
  return {n.pad(x, lo, hi, fill), none, none};
}

Value* convolve(NodeImport& n, Value* x, Value* w, Value* bias) {
  const Window window = read_window(n, x->type().dims, kernel_of(n, x->type(), w->type()));
  const Padded padded = apply_pads(n, x, window, nullptr);
  op::Conv op;
  op.strides = window.strides;
  op.dilations = window.dilations;
  op.pads_lo = padded.lo;
  op.pads_hi = padded.hi;
  op.groups = n.integer("group", 1);
  if (op.groups < 1) n.invalid("the group count is ", op.groups);
  return n.make(std::move(op), bias ? Values{padded.x, w, bias} : Values{padded.x, w});
}

namespace {

void conv(NodeImport& n) {
  n.out(convolve(n, n.in(0), n.in(1), n.opt(2)));
}

/// The pads that give `output_shape`, or that auto_pad SAME asks for.
void transposed_pads(NodeImport& n, const Window& window, const Dims& x, op::ConvTranspose& op) {
  const std::string how = n.text("auto_pad", "NOTSET");
  const bool same = how == "SAME_UPPER" || how == "SAME_LOWER";
  std::vector<int64_t> wanted = n.integers("output_shape");
  const size_t axes = window.kernel.size();
  if (wanted.size() == axes + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != axes) {
    n.invalid("output_shape has ", wanted.size(), " entries for ", axes, " spatial axes");
  }
  op.pads_lo.assign(axes, 0);
  op.pads_hi.assign(axes, 0);
  for (size_t i = 0; i < axes; ++i) {
    if (wanted.empty() && !same) {
      op.pads_lo[i] = window.pads_lo[i].value();
      op.pads_hi[i] = window.pads_hi[i].value();
      continue;
    }
    const Dim stride = window.strides[i];
    const Dim full = stride * (x[i + 2] - Dim(1)) + op.output_pads[i] +
                     Dim((window.kernel[i] - 1) * window.dilations[i] + 1);
    const Dim total = full - (wanted.empty() ? x[i + 2] * stride : Dim(wanted[i]));
    if (!total.is_constant()) {
      n.unsupported("output_shape needs a known size of axis ", i + 2, ", which is ",
                    to_string(x[i + 2]), ": pin the input's shape");
    }
    const int64_t sum = total.value();
    // A result that is larger than the data reaches grows at its end.
    if (sum < 0) {
      op.output_pads[i] -= sum;
      continue;
    }
    const int64_t half = sum / 2;
    op.pads_lo[i] = how == "SAME_UPPER" ? half : sum - half;
    op.pads_hi[i] = sum - op.pads_lo[i];
  }
}

void conv_transpose(NodeImport& n) {
  Value *const x = n.in(0), *const w = n.in(1), *const bias = n.opt(2);
  const Dims& dims = x->type().dims;
  const Window window = read_window(n, dims, kernel_of(n, x->type(), w->type()));
  op::ConvTranspose op;
  op.strides = window.strides;
  op.dilations = window.dilations;
  op.groups = n.integer("group", 1);
  if (op.groups < 1) n.invalid("the group count is ", op.groups);
  op.output_pads = n.integers("output_padding", op::Ints(window.kernel.size(), 0));
  if (op.output_pads.size() != window.kernel.size()) {
    n.invalid("output_padding has ", op.output_pads.size(), " entries");
  }
  for (const int64_t pad : op.output_pads) {
    if (pad < 0 || pad > int64_t{1} << 31) n.invalid("an output padding is ", pad);
  }
  transposed_pads(n, window, dims, op);
  n.out(n.make(std::move(op), bias ? Values{x, w, bias} : Values{x, w}));
}

constexpr ImportRow kRows[] = {
    {"Conv", 1, kNewest, 2, 3, 1, conv},
    {"ConvTranspose", 1, kNewest, 2, 3, 1, conv_transpose},
};

}  // namespace

std::span<const ImportRow> conv_rows() {
  return kRows;
}

}  // namespace carnot::onnx
