#include "layers_quant.h"

#include "network_add.h"

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
namespace op = carnot::op;

namespace {

/// The scale with x's shape, so far as broadcasting needs it: one number, one for each place along
/// `axis`, or one for each block.
Handle spread(Emit& e, Handle x, Handle scale, int32_t axis) {
  const int64_t rank = e.rank(x);
  if (e.rank(scale) == 0 || carnot::product(e.dims(scale)).is(1)) return e.reshape(scale, {});
  if (e.rank(scale) == 1 && rank != 1) {
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) refuse("axis ", axis, " of a tensor of rank ", rank);
    carnot::Dims sizes(static_cast<size_t>(rank), Dim(1));
    sizes[static_cast<size_t>(at)] = e.dims(scale)[0];
    return e.reshape(scale, sizes);
  }
  if (e.rank(scale) != rank) {
    refuse("the scale is ", carnot::to_string(e.net.type(scale)), " for ",
           carnot::to_string(e.net.type(x)));
  }
  for (size_t i = 0; i < e.dims(x).size(); ++i) {
    const Dim from = e.dims(scale)[i], to = e.dims(x)[i];
    if (from == to || from.is(1)) continue;
    if (!from.is_constant() || !to.is_constant() || from.value() < 1 || to.value() % from.value()) {
      refuse("axis ", i, ": ", carnot::to_string(to), " elements in ", carnot::to_string(from),
             " blocks");
    }
    carnot::Dims split = e.dims(scale), repeated, merged = e.dims(scale);
    split.insert(split.begin() + static_cast<ptrdiff_t>(i) + 1, Dim(1));
    repeated = split;
    repeated[i + 1] = Dim(to.value() / from.value());
    merged[i] = to;
    scale = e.reshape(e.expand(e.reshape(scale, split), repeated), merged);
  }
  return scale;
}

void need_zero(const Emit& e, const Values& in) {
  if (in.size() < 3 || !in[2].valid()) return;
  const auto zeros = e.known_ints(in[2]);
  if (zeros && std::any_of(zeros->begin(), zeros->end(), [](int64_t z) { return z != 0; })) {
    refuse("the zero point is not zero: quantization is symmetric");
  }
}

/// x / scale as an element of the quantized type; integers round half to even.
Handle quantized(Emit& e, Handle x, Handle scale, DType to) {
  const Handle y = e.binary(ScalarOp::kDiv, e.cast(x, DType::kF32), e.cast(scale, DType::kF32));
  return e.cast(carnot::is_float(to) ? y : e.unary(ScalarOp::kRound, y), to);
}

DType quantized_type(DataType type) {
  const bool known = type == DataType::kINT8 || type == DataType::kFP8 || type == DataType::kINT4 ||
                     type == DataType::kFP4;
  if (!known) refuse("does not quantize to ", name_of(type));
  return *dtype_of(type);
}

double largest(DType type) {
  switch (type) {
    case DType::kI8:
      return 127;
    case DType::kI4:
      return 7;
    case DType::kF8E4M3:
      return 448;
    default:
      return 6;  // f4e2m1
  }
}

}  // namespace

Values Quantize::emit(Emit& e, const Values& in) {
  need_zero(e, in);
  return {quantized(e, in[0], spread(e, in[0], in[1], axis), quantized_type(to))};
}

Values Dequantize::emit(Emit& e, const Values& in) {
  need_zero(e, in);
  const auto type = dtype_of(to);
  if (!type || !carnot::is_float(*type)) refuse("dequantizes to a float type");
  const Handle x = e.cast(in[0], DType::kF32);
  const Handle scale = e.cast(spread(e, in[0], in[1], axis), DType::kF32);
  return {e.cast(e.binary(ScalarOp::kMul, x, scale), *type)};
}

Values DynamicQuantize::emit(Emit& e, const Values& in) {
  const Handle x = e.cast(in[0], DType::kF32);
  const auto rank = static_cast<size_t>(e.rank(x));
  Ints blocks(rank, 1);
  if (block.nbDims > 0) {
    if (block.nbDims != static_cast<int32_t>(rank)) refuse("the block's rank is ", block.nbDims);
    blocks = ints_of(block);
  } else {
    const int64_t at = axis < 0 ? axis + e.rank(x) : axis;
    if (at < 0 || at >= e.rank(x)) refuse("axis ", axis, " of a tensor of rank ", rank);
    blocks[static_cast<size_t>(at)] = block_size;
  }
  for (const int64_t length : blocks) {
    if (length < 1 && length != -1) refuse("a block of ", length, " elements");
  }
  // Each axis is split in two: which block, and where in it.
  carnot::Dims split, counts;
  Ints within;
  for (size_t i = 0; i < rank; ++i) {
    const Dim& size = e.dims(x)[i];
    const Dim length = blocks[i] < 0 ? size : Dim(blocks[i]);
    if (!length.is(1) && length != size &&
        !(size.is_constant() && size.value() % length.value() == 0)) {
      refuse("axis ", i, ": ", carnot::to_string(size), " elements in blocks of ", blocks[i]);
    }
    counts.push_back(length == size ? Dim(1) : floor_div(size, length));
    split.push_back(counts.back());
    within.push_back(static_cast<int64_t>(split.size()));
    split.push_back(length);
  }
  const DType type = quantized_type(to);
  const auto scale_dtype = dtype_of(scale_type);
  if (!scale_dtype || !carnot::is_float(*scale_dtype)) refuse("scales are of a float type");
  const Handle amax =
      e.reduce(op::Reduce::kMaximum, e.unary(ScalarOp::kAbs, e.reshape(x, split)), within, false);
  const bool doubled = in.size() > 1 && in[1].valid();
  Handle wanted = e.binary(ScalarOp::kDiv, amax, e.scalar(DType::kF32, largest(type)));
  const Handle global = doubled ? e.cast(e.reshape(in[1], {}), DType::kF32) : Handle{};
  if (doubled) wanted = e.binary(ScalarOp::kDiv, wanted, global);
  const Handle scale = e.cast(wanted, *scale_dtype);
  Handle used = e.cast(scale, DType::kF32);
  if (doubled) used = e.binary(ScalarOp::kMul, used, global);
  used = e.map("select(gt($0, 0.0:f32), $0, 1.0:f32)", {used});
  return {quantized(e, x, spread(e, x, e.reshape(used, counts), -1), type),
          e.reshape(scale, counts)};
}

IDequantizeLayer* Network::addDequantize(ITensor& input, ITensor& scale) noexcept {
  return addDequantizeV2(input, scale, DataType::kFLOAT);
}

IDequantizeLayer* Network::addDequantizeV2(ITensor& input, ITensor& scale, DataType to) noexcept {
  return add<Dequantize>("INetworkDefinition::addDequantize", {&input, &scale}, 1,
                         [&](Dequantize& l) {
                           l.to = to;
                           return std::string(is_known(to) ? kFine : "unknown data type");
                         });
}

IQuantizeLayer* Network::addQuantize(ITensor& input, ITensor& scale) noexcept {
  return addQuantizeV2(input, scale, DataType::kINT8);
}

IQuantizeLayer* Network::addQuantizeV2(ITensor& input, ITensor& scale, DataType to) noexcept {
  return add<Quantize>("INetworkDefinition::addQuantize", {&input, &scale}, 1, [&](Quantize& l) {
    l.to = to;
    return std::string(is_known(to) ? kFine : "unknown data type");
  });
}

IDynamicQuantizeLayer* Network::addDynamicQuantize(ITensor& input, int32_t axis, int32_t block,
                                                   DataType to, DataType scale) noexcept {
  return add<DynamicQuantize>("INetworkDefinition::addDynamicQuantize", {&input}, 2,
                              [&](DynamicQuantize& l) {
                                l.axis = axis, l.block_size = block;
                                l.to = to, l.scale_type = scale;
                                return std::string(block > 0 ? kFine : "the block's size");
                              });
}

IDynamicQuantizeLayer* Network::addDynamicQuantizeV2(ITensor& input, Dims const& block, DataType to,
                                                     DataType scale) noexcept {
  return add<DynamicQuantize>("INetworkDefinition::addDynamicQuantizeV2", {&input}, 2,
                              [&](DynamicQuantize& l) {
                                l.block = block;
                                l.to = to, l.scale_type = scale;
                                return std::string(is_valid(block) ? kFine : "the block's shape");
                              });
}

}  // namespace trt
