// Resize and Upsample.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

template <class T, size_t N>
T pick(NodeImport& n, const char* attribute, const char* otherwise, const Named<T> (&rows)[N]) {
  const std::string text = n.text(attribute, otherwise);
  for (const Named<T>& row : rows) {
    if (row.name == text) return row.value;
  }
  n.invalid("the attribute ", quote(attribute), " is ", quote(text), ", which is unknown");
}

using R = op::Resize;
constexpr Named<R::Mode> kModes[] = {{"nearest", R::kNearest},
                                     {"linear", R::kLinear},
                                     {"bilinear", R::kLinear},
                                     {"cubic", R::kCubic}};
constexpr Named<R::Coordinates> kCoordinates[] = {{"half_pixel", R::kHalfPixel},
                                                  {"half_pixel_symmetric", R::kHalfPixelSymmetric},
                                                  {"pytorch_half_pixel", R::kPytorchHalfPixel},
                                                  {"align_corners", R::kAlignCorners},
                                                  {"asymmetric", R::kAsymmetric},
                                                  {"tf_crop_and_resize", R::kCropAndResize},
                                                  {"tf_half_pixel_for_nn", R::kHalfPixel}};
constexpr Named<R::Nearest> kNearest[] = {{"round_prefer_floor", R::kRoundPreferFloor},
                                          {"round_prefer_ceil", R::kRoundPreferCeil},
                                          {"floor", R::kFloor},
                                          {"ceil", R::kCeil}};

/// floor(size * scale) as an expression, or nothing where the scale is no plain fraction.
std::optional<Dim> scaled_size(const Dim& size, double scale) {
  if (size.is_constant()) {
    const double out = std::floor(static_cast<double>(size.value()) * scale);
    if (!(out < 0x1p62)) return std::nullopt;
    return Dim(static_cast<int64_t>(out));
  }
  for (int64_t divisor = 1; divisor <= 64; divisor *= 2) {
    const double factor = scale * static_cast<double>(divisor);
    if (factor == std::floor(factor) && factor < 0x1p31) {
      return floor_div(size * Dim(static_cast<int64_t>(factor)), divisor);
    }
  }
  return std::nullopt;
}

/// The operand at `index`, unless it is absent or empty (which means the same).
Value* present(NodeImport& n, size_t index) {
  Value* const value = n.opt(index);
  return value && !(value->type().rank() == 1 && value->type().dims[0].is(0)) ? value : nullptr;
}

/// False where a size is no expression of the input's.
bool apply_scales(NodeImport& n, op::Resize& op, const std::vector<double>& scales,
                  const std::vector<int64_t>& axes) {
  bool closed = true;
  if (scales.size() != axes.size()) {
    n.invalid("has ", scales.size(), " scales for ", axes.size(), " axes");
  }
  op.scales.assign(op.sizes.size(), 1);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (!(scales[i] > 0) || !std::isfinite(scales[i])) n.invalid("a scale is ", scales[i]);
    op.scales[axis] = scales[i];
    if (scales[i] == 1) continue;
    const std::optional<Dim> size = scaled_size(op.sizes[axis], scales[i]);
    if (!size && op.sizes[axis].is_constant()) n.invalid("the scale ", scales[i], " is too large");
    op.sizes[axis] = size ? *size : n.fresh_symbol(n.hint());
    closed = closed && size;
  }
  return closed;
}

/// One scale for all axes, so that the result is inside (or outside) of the sizes given.
void keep_aspect_ratio(NodeImport& n, op::Resize& op, const Dims& sizes,
                       const std::vector<int64_t>& axes, bool not_larger) {
  double scale = not_larger ? INFINITY : 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const Dim& from = op.sizes[static_cast<size_t>(axes[i])];
    if (!from.is_constant() || !sizes[i].is_constant() || from.is(0)) {
      n.unsupported("keep_aspect_ratio_policy needs known sizes: pin the input's shape");
    }
    const double ratio = static_cast<double>(sizes[i].value()) / static_cast<double>(from.value());
    scale = not_larger ? std::min(scale, ratio) : std::max(scale, ratio);
  }
  op.scales.assign(op.sizes.size(), 1);
  if (!(scale < 0x1p31)) n.invalid("the scale ", scale, " is too large");
  for (const int64_t axis : axes) {
    Dim& size = op.sizes[static_cast<size_t>(axis)];
    op.scales[static_cast<size_t>(axis)] = scale;
    size = static_cast<int64_t>(std::floor(static_cast<double>(size.value()) * scale + 0.5));
  }
}

void apply_sizes(NodeImport& n, op::Resize& op, const Dims& sizes,
                 const std::vector<int64_t>& axes) {
  if (sizes.size() != axes.size()) {
    n.invalid("has ", sizes.size(), " sizes for ", axes.size(), " axes");
  }
  for (const Dim& size : sizes) {
    if (size.is_constant() && size.value() < 0) n.invalid("a size is ", size.value());
  }
  const std::string policy = n.text("keep_aspect_ratio_policy", "stretch");
  if (policy == "not_larger" || policy == "not_smaller") {
    return keep_aspect_ratio(n, op, sizes, axes, policy == "not_larger");
  }
  if (policy != "stretch") n.invalid("keep_aspect_ratio_policy ", quote(policy), " is unknown");
  for (size_t i = 0; i < axes.size(); ++i) op.sizes[static_cast<size_t>(axes[i])] = sizes[i];
}

std::optional<std::vector<double>> known_reals(NodeImport& n, Value* value) {
  const Tensor* const tensor = n.known(value);
  constexpr int64_t kAxesMax = 64;
  if (!tensor || tensor->elements() > 2 * kAxesMax) return std::nullopt;
  std::vector<double> out;
  for (int64_t i = 0; i < tensor->elements(); ++i) out.push_back(tensor->get(i));
  return out;
}

/// The whole roi, starts then ends, of all axes.
Value* roi_operand(NodeImport& n, Value* roi, const std::vector<int64_t>& axes, int64_t rank) {
  if (!roi) n.invalid("tf_crop_and_resize needs a roi");
  if (static_cast<int64_t>(axes.size()) == rank) return n.cast(roi, DType::kF32);
  // The other axes are read whole: from 0 to 1.
  roi = n.cast(roi, DType::kF32);
  const auto named = static_cast<int64_t>(axes.size());
  Values whole;
  for (const bool end : {false, true}) {
    for (int64_t axis = 0; axis < rank; ++axis) {
      const auto at = std::find(axes.begin(), axes.end(), axis) - axes.begin();
      whole.push_back(at == named ? n.constant(Tensor::from_f32({1}, {end ? 1.0F : 0.0F}))
                                  : n.slice(roi, 0, at + (end ? named : 0), 1));
    }
  }
  return n.concat(whole, 0);
}

/// Sizes (or scales) that only a run knows, of all axes: those not named keep theirs.
Value* run_time_target(NodeImport& n, op::Resize& op, Value* given,
                       const std::vector<int64_t>& axes) {
  Value* const x = n.in(0);
  const bool scaled = is_float(given->type().dtype);
  given = n.cast(given, scaled ? DType::kF32 : DType::kI64);
  Values whole(op.sizes.size(), nullptr);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    op.sizes[axis] = n.fresh_symbol(n.hint());
    whole[axis] = n.slice(given, 0, static_cast<int64_t>(i), 1);
  }
  for (size_t axis = 0; axis < whole.size(); ++axis) {
    if (whole[axis]) continue;
    whole[axis] =
        scaled ? n.constant(Tensor::from_f32({1}, {1})) : n.size_of(x, static_cast<int64_t>(axis));
  }
  return n.concat(whole, 0);
}

void emit(NodeImport& n, op::Resize op, Value* roi, Value* scales, Value* sizes,
          const std::vector<int64_t>& axes) {
  Value* const x = n.in(0);
  const int64_t rank = x->type().rank();
  op.sizes = x->type().dims;
  Value* target = nullptr;
  if (!sizes && !scales) n.invalid("has neither scales nor sizes");
  if (sizes) {
    if (const auto known = n.elements(sizes)) {
      apply_sizes(n, op, *known, axes);
    } else if (n.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
      n.unsupported("keep_aspect_ratio_policy needs known sizes: give their input a value");
    } else if (n.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
      n.unsupported("keep_aspect_ratio_policy needs known sizes: give them when building");
    } else {
      target = run_time_target(n, op, sizes, axes);
    }
  } else if (const auto known = known_reals(n, scales)) {
    // Sizes that are no expression of the input's are found in the run.
    if (!apply_scales(n, op, *known, axes)) {
      target = n.constant(Tensor::from_f32({rank}, {op.scales.begin(), op.scales.end()}));
    }
  } else {
    target = run_time_target(n, op, scales, axes);
  }
  Values operands = {x};
  const bool crop = op.coordinates == R::kCropAndResize;
  if (!target && crop) target = n.constant(Tensor::zeros(DType::kF32, {0}));
  if (target) operands.push_back(target);
  if (crop) operands.push_back(roi_operand(n, roi, axes, rank));
  n.out(n.make(std::move(op), operands));
}

std::vector<int64_t> every_axis(int64_t rank) {
  std::vector<int64_t> out(static_cast<size_t>(rank));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

/// Before opset 11 positions were x / scale, cut to whole ones.
void resize_simply(NodeImport& n) {
  op::Resize op;
  op.mode = pick(n, "mode", "nearest", kModes);
  op.coordinates = R::kAsymmetric;
  op.nearest = R::kFloor;
  Value* scales = nullptr;
  if (n.opset() < 9) {
    const std::vector<double> given = n.reals("scales");
    if (given.empty()) n.invalid("needs the attribute \"scales\"");
    scales = n.constant(
        Tensor::from_f32({static_cast<int64_t>(given.size())}, {given.begin(), given.end()}));
  } else {
    scales = n.in(1);
  }
  emit(n, std::move(op), nullptr, scales, nullptr, every_axis(n.rank(0)));
}

void resize(NodeImport& n) {
  const int64_t rank = n.rank(0);
  op::Resize op;
  op.mode = pick(n, "mode", "nearest", kModes);
  op.coordinates = pick(n, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  op.nearest = pick(n, "nearest_mode", "round_prefer_floor", kNearest);
  if (n.text("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn") {
    // floor((x + 0.5) / scale) is half_pixel rounded half up.
    if (op.mode != R::kNearest || op.nearest != R::kFloor) {
      n.unsupported("tf_half_pixel_for_nn is supported for nearest_mode floor: use half_pixel");
    }
    op.nearest = R::kRoundPreferCeil;
  }
  op.cubic_a = n.real("cubic_coeff_a", -0.75);
  op.extrapolation = n.real("extrapolation_value", 0);
  op.exclude_outside = n.flag("exclude_outside", false);
  op.antialias = n.flag("antialias", false);
  const std::vector<int64_t> axes =
      n.has("axes") ? n.axes(n.integers("axes"), rank) : every_axis(rank);
  Value *const scales = present(n, 2), *const sizes = present(n, 3);
  if (scales && sizes) n.invalid("has both scales and sizes");
  emit(n, std::move(op), present(n, 1), scales, sizes, axes);
}

constexpr ImportRow kRows[] = {
    {"Resize", 10, 10, 2, 2, 1, resize_simply},
    {"Resize", 11, kNewest, 1, 4, 1, resize},
    {"Upsample", 7, 9, 1, 2, 1, resize_simply},
};

}  // namespace

std::span<const ImportRow> resize_rows() {
  return kRows;
}

}  // namespace carnot::onnx
