// Signal processing: windows, Fourier transforms, blocks of images.
#include <cmath>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

// Tables made at import: transforms of more points belong into their own kernel.
constexpr int64_t kTableMax = int64_t{1} << 22;
constexpr double kPi = 3.14159265358979323846;

int64_t known_integer(NodeImport& n, size_t index, const char* what) {
  const std::vector<int64_t> out = n.known_integers(index, what);
  if (out.size() != 1) n.invalid(what, " must be one number");
  return out[0];
}

void window(NodeImport& n) {
  const int64_t size = known_integer(n, 0, "the size");
  if (size < 0 || size > kTableMax) n.invalid("the size is ", size);
  const bool periodic = n.flag("periodic", true);
  const double span = static_cast<double>(periodic ? size : size - 1);
  Tensor out = Tensor::zeros(n.dtype("output_datatype", DType::kF32), {size});
  for (int64_t i = 0; i < size; ++i) {
    const double turn = 2 * kPi * static_cast<double>(i) / span;
    double value = 0;
    if (n.type() == "HannWindow") {
      value = 0.5 - 0.5 * std::cos(turn);
    } else if (n.type() == "HammingWindow") {
      value = 25.0 / 46 - 21.0 / 46 * std::cos(turn);
    } else {
      value = 0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn);
    }
    out.set(i, value);
  }
  n.out(n.constant(std::move(out)));
}

/// cos and -sin of 2 pi i k / points, [rows, columns]; for an inverse transform cos and sin, over
/// the number of points.
struct Table {
  Value *cos, *sin;
};
Table fourier_table(NodeImport& n, int64_t rows, int64_t columns, int64_t points, DType dtype,
                    bool inverse = false) {
  if (rows > kTableMax / std::max<int64_t>(columns, 1)) {
    n.unsupported("a transform of ", points, " points is too long");
  }
  Tensor cos = Tensor::zeros(dtype, {rows, columns}), sin = Tensor::zeros(dtype, {rows, columns});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) {
      const double turn =
          2 * kPi * static_cast<double>(i * k % points) / static_cast<double>(points);
      const double scale = inverse ? 1 / static_cast<double>(points) : 1;
      cos.set(i * columns + k, std::cos(turn) * scale);
      sin.set(i * columns + k, (inverse ? std::sin(turn) : -std::sin(turn)) * scale);
    }
  }
  return {n.constant(std::move(cos)), n.constant(std::move(sin))};
}

/// The transform of [..., points] (imaginary part null for real signals) as two [..., results].
Table transform(NodeImport& n, Value* real, Value* imaginary, const Table& table) {
  Value* a = n.matmul(real, table.cos);
  Value* b = n.matmul(real, table.sin);
  if (imaginary) {
    a = n.sub(a, n.matmul(imaginary, table.sin));
    b = n.add2(b, n.matmul(imaginary, table.cos));
  }
  return {a, b};
}

/// One of the two numbers on the last axis.
Value* part(NodeImport& n, Value* x, int64_t index) {
  const int64_t last = x->type().rank() - 1;
  return n.squeeze(n.slice(x, last, index, 1), last);
}

Value* complex(NodeImport& n, const Table& parts) {
  const int64_t last = parts.cos->type().rank();
  return n.concat({n.unsqueeze(parts.cos, last), n.unsqueeze(parts.sin, last)}, last);
}

/// x [..., real or complex]; axis `axis` cut or filled with zeros to `points`.
Value* fit_length(NodeImport& n, Value* x, int64_t axis, int64_t points) {
  const Dim size = x->type().dims[static_cast<size_t>(axis)];
  if (!size.is_constant()) n.unsupported("the length of the signal is not known: pin its shape");
  if (points <= size.value()) return n.slice(x, axis, 0, points);
  Dims lo(x->type().dims.size(), Dim(0)), hi = lo;
  hi[static_cast<size_t>(axis)] = Dim(points) - size;
  return n.pad(x, lo, hi);
}

void dft(NodeImport& n) {
  Value* x = n.in(0);
  const int64_t rank = x->type().rank();
  int64_t axis = n.opset() < 20 ? n.integer("axis", 1) : -2;
  if (n.opset() >= 20 && n.has_input(2)) axis = known_integer(n, 2, "the axis");
  axis = n.axis(axis, rank);
  if (axis == rank - 1) n.invalid("the axis is that of the real and imaginary parts");
  const bool inverse = n.flag("inverse", false), one_sided = n.flag("onesided", false);
  if (inverse && one_sided) {
    n.unsupported("one-sided inverse transforms are not supported: give the whole spectrum");
  }
  const Dim size = x->type().dims[static_cast<size_t>(axis)];
  if (!n.has_input(1) && !size.is_constant()) {
    n.unsupported("the length of the signal is not known: pin its shape");
  }
  const int64_t points = n.has_input(1) ? known_integer(n, 1, "the length") : size.value();
  if (points < 1) n.invalid("the length is ", points);
  x = fit_length(n, x, axis, points);
  const Dim& parts = x->type().dims.back();
  if (!parts.is(1) && !parts.is(2)) n.invalid("the last axis must have one or two elements");
  // The transformed axis goes last.
  std::vector<int64_t> perm;
  for (int64_t i = 0; i + 1 < rank; ++i) {
    if (i != axis) perm.push_back(i);
  }
  perm.push_back(axis);
  std::vector<int64_t> back(static_cast<size_t>(rank), rank - 1);
  for (size_t i = 0; i < perm.size(); ++i) {
    back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  const auto place = [&](int64_t index) { return n.transpose(part(n, x, index), perm); };
  const int64_t results = one_sided ? points / 2 + 1 : points;
  const Table table = fourier_table(n, points, results, points, x->type().dtype, inverse);
  Value* const imaginary = parts.is(2) ? place(1) : nullptr;
  n.out(n.transpose(complex(n, transform(n, place(0), imaginary, table)), back));
}

/// Frames of the signal, times the window, transformed.
void stft(NodeImport& n) {
  Value* x = n.in(0);
  if (x->type().rank() == 2) x = n.unsqueeze(x, 2);
  if (x->type().rank() != 3) n.invalid("needs a signal of rank 2 or 3");
  const int64_t step = known_integer(n, 1, "the step");
  Value* const weights = n.opt(2);
  if (!weights && !n.has_input(3)) n.invalid("needs a window or a frame length");
  int64_t length = 0;
  if (n.has_input(3)) {
    length = known_integer(n, 3, "the frame length");
  } else if (weights->type().dims.size() == 1 && weights->type().dims[0].is_constant()) {
    length = weights->type().dims[0].value();
  }
  if (step < 1 || length < 1) n.invalid("the step is ", step, ", the frame length ", length);
  const bool one_sided = n.flag("onesided", true);
  const Dim frames = floor_div(x->type().dims[1] - Dim(length), step) + Dim(1);
  // index[frame, i] = frame * step + i
  Value* const index =
      n.map(cat("add(mul($0, #", step, "), $1)"), {n.iota({frames, 1}, 0), n.iota({1, length}, 1)});
  const auto framed = [&](int64_t which) {
    Value* const signal = n.gather(part(n, x, which), index, 1);
    return weights ? n.mul(signal, weights) : signal;
  };
  const int64_t results = one_sided ? length / 2 + 1 : length;
  const Table table = fourier_table(n, length, results, length, x->type().dtype);
  Value* const imaginary = x->type().dims[2].is(2) ? framed(1) : nullptr;
  n.out(complex(n, transform(n, framed(0), imaginary, table)));
}

/// Adds the blocks' elements where they came from.
void col2im(NodeImport& n) {
  Value* const x = n.in(0);
  const std::vector<int64_t> image = n.known_integers(1, "the image shape");
  const std::vector<int64_t> block = n.known_integers(2, "the block shape");
  const size_t rank = image.size();
  const auto list = [&](const char* name, size_t count, int64_t otherwise) {
    std::vector<int64_t> out = n.integers(name, std::vector<int64_t>(count, otherwise));
    if (out.size() != count) n.invalid("the attribute ", quote(name), " has the wrong length");
    for (const int64_t value : out) {
      if (value < otherwise || value > kTableMax) n.invalid(name, " has the entry ", value);
    }
    return out;
  };
  const std::vector<int64_t> strides = list("strides", rank, 1), pads = list("pads", 2 * rank, 0),
                             dilations = list("dilations", rank, 1);
  if (x->type().rank() != 3 || block.size() != rank || rank < 1) n.invalid("ranks do not fit");
  // Flat positions in the padded image, [block..., steps...].
  Dims padded, steps, blocks;
  for (size_t i = 0; i < rank; ++i) {
    if (image[i] < 0 || image[i] > kTableMax || block[i] < 1 || block[i] > kTableMax) {
      n.invalid("an image or block size is out of range");
    }
    const int64_t size = image[i] + pads[i] + pads[i + rank];
    const int64_t reach = dilations[i] * (block[i] - 1) + 1;
    if (reach > size) n.invalid("a block is larger than the image");
    padded.emplace_back(size);
    blocks.emplace_back(block[i]);
    steps.emplace_back((size - reach) / strides[i] + 1);
  }
  Dims all = blocks;
  all.insert(all.end(), steps.begin(), steps.end());
  Value* flat = n.scalar_i64(0);
  for (size_t i = 0; i < rank; ++i) {
    Dims own_block(2 * rank, Dim(1)), own_step(2 * rank, Dim(1));
    own_block[i] = blocks[i];
    own_step[rank + i] = steps[i];
    const std::string body = cat("add(mul($0, #", padded[i].value(), "), add(mul($1, #",
                                 dilations[i], "), mul($2, #", strides[i], ")))");
    flat = n.map(body, {flat, n.iota(own_block, static_cast<int64_t>(i)),
                        n.iota(own_step, static_cast<int64_t>(rank + i))});
  }
  const Dim lanes = product(blocks), count = product(steps);
  const Dim channels = floor_div(x->type().dims[1], lanes), batch = x->type().dims[0];
  Value* const updates = n.reshape(x, {batch, channels, lanes * count});
  Value* const index =
      n.expand(n.reshape(flat, {1, 1, lanes * count}), {batch, channels, lanes * count});
  Value* const empty =
      n.filled(Tensor::zeros(x->type().dtype, {}), {batch, channels, product(padded)});
  Dims whole = {batch, channels};
  whole.insert(whole.end(), padded.begin(), padded.end());
  Value* out = n.reshape(
      n.make(op::ScatterElements{2, op::ScatterKind::kAdd}, {empty, index, updates}), whole);
  for (size_t i = 0; i < rank; ++i)
    out = n.slice(out, static_cast<int64_t>(i + 2), pads[i], image[i]);
  n.out(out);
}

constexpr ImportRow kRows[] = {
    {"BlackmanWindow", 17, kNewest, 1, 1, 1, window},
    {"Col2Im", 18, kNewest, 3, 3, 1, col2im},
    {"DFT", 17, kNewest, 1, 3, 1, dft},
    {"HammingWindow", 17, kNewest, 1, 1, 1, window},
    {"HannWindow", 17, kNewest, 1, 1, 1, window},
    {"STFT", 17, kNewest, 2, 4, 1, stft},
};

}  // namespace

std::span<const ImportRow> signal_rows() {
  return kRows;
}

}  // namespace carnot::onnx
