// Operators that quantize, and those that make numbers: random ones, windows, identities.
#include <cmath>

#include "layers_quant.h"
#include "onnx_rows.h"

namespace trt {

namespace {

using Binary = ElementWiseOperation;

bool is_real(DataType type) {
  return type == DataType::kFLOAT || type == DataType::kHALF || type == DataType::kBF16;
}

/// The zero point as numbers of FP32, which are 0; null where there is none.
NetTensor* zero_point(OnnxView& v, DataType& type) {
  if (!v.has(2)) return nullptr;
  const DataType given = v.type(size_t{2});
  type = given == DataType::kFP8 || given == DataType::kINT4 ? given : DataType::kINT8;
  if (type == DataType::kFP8) return nullptr;
  const carnot::Tensor* const zeros = v.weights(2);
  if (!zeros) throw NotShown();
  for (int64_t i = 0; i < zeros->elements(); ++i) {
    if (zeros->get_int(i) != 0) throw NotShown();
  }
  return v.named_weights(carnot::Tensor::zeros(DType::kF32, zeros->shape()));
}

/// A scale for all has an axis only because a layer has one.
int32_t scale_axis(OnnxView& v, const Dims& dims, const Dims& scales) {
  const bool old = v.opset() < 13 && !v.attribute("axis");
  const int32_t axis = v.axis(v.integer("axis", old ? 0 : 1), std::max(dims.nbDims, 1));
  int64_t count = 1;
  for (int32_t i = 0; i < scales.nbDims; ++i) count *= scales.d[i];
  return count != 1 ? axis : dims.nbDims <= 1 ? 0 : 1;
}

struct Quantized {
  NetTensor *data = nullptr, *scale = nullptr, *zero = nullptr;
  DataType type = DataType::kINT8;
  int32_t axis = 0;
};

Quantized quantized(OnnxView& v) {
  if (v.type(size_t{0}) == DataType::kUINT8) throw NotShown();
  Quantized q;
  q.data = v.in(0);
  q.scale = v.in(1);
  q.zero = zero_point(v, q.type);
  const Dims dims = v.dims(q.data);
  q.axis = scale_axis(v, dims, v.dims(q.scale));
  if (dims.nbDims > 0) return q;
  Layer* const layer = v.add<Shuffle>({q.data}, [](Shuffle& l) {
    l.reshape = dims_of({1});
    l.zero_copies = false;
  });
  v.call(layer, "ONNXTRT_reshapeTensor");
  q.data = OnnxView::result(layer);
  return q;
}

void dequantize(OnnxView& v) {
  const Quantized q = quantized(v);
  const DataType type = v.type(q.scale);
  if (!is_real(type)) throw NotShown();
  std::vector<NetTensor*> inputs = {q.data, q.scale};
  if (q.zero) inputs.push_back(q.zero);
  v.out(
      v.named<Dequantize>(std::move(inputs), [&](Dequantize& l) { l.axis = q.axis, l.to = type; }));
}

void quantize(OnnxView& v) {
  Quantized q = quantized(v);
  const DataType type = v.type(q.scale);
  if (!is_real(type)) throw NotShown();
  if (v.strongly_typed() && v.opset() < 19 && type != v.type(q.data)) {
    const DataType wanted = v.type(q.data);
    q.scale = OnnxView::result(v.add<Cast>({q.scale}, [&](Cast& l) { l.to = wanted; }));
  }
  std::vector<NetTensor*> inputs = {q.data, q.scale};
  if (q.zero) inputs.push_back(q.zero);
  v.out(v.named<Quantize>(std::move(inputs), [&](Quantize& l) {
    l.axis = q.axis, l.to = q.type;
    if (!v.strongly_typed()) l.precision = type;
  }));
}

template <FillOperation kOperation, bool kLike>
void random(OnnxView& v) {
  const bool uniform = kOperation == FillOperation::kRANDOM_UNIFORM;
  Sizes sizes;
  if (kLike) {
    const carnot::Tensor* const weights = v.weights(0);
    sizes = weights ? Sizes::list(weights->shape()) : Sizes::shape(v, v.in(0));
  } else {
    const auto shape = v.ints("shape");
    if (!shape) throw NotShown();
    sizes = Sizes::list(*shape);
  }
  Fill* const layer = add_fill(v, sizes, kOperation);
  v.call(layer);
  layer->to = kLike ? v.type(size_t{0}) : DataType::kFLOAT;
  if (v.attribute("dtype")) {
    const int64_t dtype = v.integer("dtype", 1);
    if (dtype != 1 && dtype != 10) throw NotShown();
    layer->to = dtype == 1 ? DataType::kFLOAT : DataType::kHALF;
  }
  layer->alpha = static_cast<double>(v.real(uniform ? "low" : "mean", 0));
  layer->beta = static_cast<double>(v.real(uniform ? "high" : "scale", 1));
  v.out(OnnxView::result(layer));
}

void eye_like(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const Dims dims = v.dims(x);
  if (dims.nbDims != 2 || dims.d[0] < 0 || dims.d[1] < 0) throw NotShown();
  DataType type = v.type(x);
  if (v.attribute("dtype")) {
    const int64_t wanted = v.integer("dtype", 1);
    type = wanted == 1    ? DataType::kFLOAT
           : wanted == 6  ? DataType::kINT32
           : wanted == 7  ? DataType::kINT64
           : wanted == 10 ? DataType::kHALF
                          : throw NotShown();
  }
  const int64_t shift = v.integer("k", 0);
  carnot::Tensor ones = carnot::Tensor::zeros(DType::kI32, {dims.d[0], dims.d[1]});
  for (int64_t row = 0; row < dims.d[0]; ++row) {
    const int64_t column = row + shift;
    if (column >= 0 && column < dims.d[1]) ones.set_int(row * dims.d[1] + column, 1);
  }
  NetTensor* const out = v.constant(std::move(ones));
  v.call(out->producer);
  v.out(type == DataType::kINT32 ? out : v.cast(out, type));
}

NetTensor* named_binary(OnnxView& v, NetTensor* a, NetTensor* b, Binary operation) {
  return v.named<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; });
}

/// The window's length, and 0, 1, 2 ... up to it.
struct Window {
  NetTensor *length = nullptr, *steps = nullptr;
};

Window window(OnnxView& v) {
  if (v.integer("output_datatype", 1) != 1) throw NotShown();
  Window w;
  w.length = v.in(0);
  if (v.rank(w.length) != 0) throw NotShown();
  Fill* const layer = add_fill(v, as_list(v, Sizes::of(v, w.length)), FillOperation::kLINSPACE);
  layer->alpha = 0, layer->beta = 1;
  w.steps = OnnxView::result(layer);
  return w;
}

/// A wave of `factor * n / length`.
NetTensor* wave(OnnxView& v, const Window& w, double factor, UnaryOperation operation) {
  NetTensor* const number = v.scalar(DataType::kFLOAT, factor, 1);
  NetTensor* const above = v.binary(number, w.steps, Binary::kPROD);
  NetTensor* length = w.length;
  if (v.integer("periodic", 1) == 0) {
    NetTensor* const one = v.cast(v.scalar(DataType::kINT32, 1), v.type(length));
    length = v.binary(length, one, Binary::kSUB);
  }
  NetTensor* below = v.cast(length, DataType::kFLOAT);
  NetTensor* steps = w.steps;
  raise(v, steps, below);
  return v.unary(v.binary(above, below, Binary::kDIV), operation);
}

constexpr double kPi = 3.14159265358979323846;

void hann(OnnxView& v) {
  const Window w = window(v);
  NetTensor* const sine =
      wave(v, w, static_cast<double>(static_cast<float>(kPi)), UnaryOperation::kSIN);
  v.out(named_binary(v, sine, sine, Binary::kPROD));
}

NetTensor* scaled(OnnxView& v, float factor, NetTensor* x) {
  NetTensor* const number = v.scalar(DataType::kFLOAT, static_cast<double>(factor), 1);
  return named_binary(v, number, x, Binary::kPROD);
}

void hamming(OnnxView& v) {
  const Window w = window(v);
  NetTensor* const cosine = wave(v, w, 2 * kPi, UnaryOperation::kCOS);
  const float alpha = 25.F / 46.F;
  NetTensor* const part = scaled(v, 1.F - alpha, cosine);
  NetTensor* const number = v.scalar(DataType::kFLOAT, static_cast<double>(alpha), 1);
  v.out(named_binary(v, number, part, Binary::kSUB));
}

void blackman(OnnxView& v) {
  const Window w = window(v);
  NetTensor* const first = scaled(v, 0.5F, wave(v, w, 2 * kPi, UnaryOperation::kCOS));
  NetTensor* const second = scaled(v, 0.08F, wave(v, w, 4 * kPi, UnaryOperation::kCOS));
  NetTensor* const number = v.scalar(DataType::kFLOAT, static_cast<double>(0.42F), 1);
  v.out(named_binary(v, named_binary(v, number, first, Binary::kSUB), second, Binary::kSUM));
}

constexpr OnnxRow kRows[] = {
    {"BlackmanWindow", blackman},
    {"DequantizeLinear", dequantize},
    {"EyeLike", eye_like},
    {"HammingWindow", hamming},
    {"HannWindow", hann},
    {"QuantizeLinear", quantize},
    {"RandomNormal", random<FillOperation::kRANDOM_NORMAL, false>},
    {"RandomNormalLike", random<FillOperation::kRANDOM_NORMAL, true>},
    {"RandomUniform", random<FillOperation::kRANDOM_UNIFORM, false>},
    {"RandomUniformLike", random<FillOperation::kRANDOM_UNIFORM, true>},
};

}  // namespace

std::span<const OnnxRow> rows_of_quantization() {
  return kRows;
}

}  // namespace trt
