#include "tune/trial.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "tensor/fill.h"

namespace carnot {

namespace {

constexpr double kSampleWork = 3e6;        ///< products that one check may cost
constexpr int64_t kElementsMax = 1 << 28;  ///< of one operand: more is a guess gone wrong
constexpr double kAttentionWork = 3e8;     ///< beyond it only a part is worth the time
/// Below this part of the largest value a result may be what cancellation left of larger ones.
constexpr double kSmall = 0.25;

Result<Shape> evaluate_all(const Dims& dims, const Symbols& symbols) {
  Shape out;
  for (const Dim& d : dims) {
    CARNOT_ASSIGN(int64_t v, evaluate(d, symbols));
    out.push_back(v);
  }
  return out;
}

// Calls visit(dense index, storage index) for every run of `length` elements, which is a divisor of
// the last size or 1.
template <class Visit>
void for_each_run(const Shape& shape, const Shape& strides, int64_t length, Visit visit) {
  const int64_t count = volume(shape);
  std::vector<int64_t> at(shape.size(), 0);
  const size_t axes = length > 1 ? shape.size() - 1 : shape.size();
  int64_t place = 0;
  for (int64_t i = 0; i < count; i += length) {
    visit(i, place);
    for (size_t a = axes; a-- > 0;) {
      place += strides[a];
      if (++at[a] < shape[a]) break;
      place -= at[a] * strides[a];
      at[a] = 0;
    }
  }
}

// Many values repeat those of a prime number of elements: what is read from a wrong place differs
// all the same, and they are made in no time.
constexpr int64_t kDistinct = 1048573;

Result<Tensor> many_values(DType dtype, const Shape& shape, uint64_t seed) {
  CARNOT_ASSIGN(const int64_t count, element_count(shape));
  if (count <= kDistinct || bits_of(dtype) < 8) return fill(dtype, shape, seed);
  CARNOT_ASSIGN(const Tensor some, fill(dtype, {kDistinct}, seed));
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, shape));
  for (size_t at = 0; at < out.bytes(); at += some.bytes()) {
    std::memcpy(out.mutable_data() + at, some.data(), std::min(some.bytes(), out.bytes() - at));
  }
  return out;
}

// Allowed error relative to the sum of |terms|: rounding of products and sums, and of the fast
// transforms (Winograd) that trade some of it for speed.
double relative_error(DType type) {
  switch (type) {
    case DType::kF64:
      return 1e-12;
    case DType::kF32:
      return 2e-5;
    case DType::kF16:
      return 4e-3;
    case DType::kBF16:
      return 2e-2;
    case DType::kF8E8M0:
      return 0.5;  // powers of two
    default:
      return is_float(type) ? 0.2 : 0;
  }
}

double largest_finite(DType type) {
  if (type == DType::kF64) return std::numeric_limits<double>::max();
  return type == DType::kF16 ? 65504 : static_cast<double>(std::numeric_limits<float>::max());
}

}  // namespace

Result<DeviceCopy> DeviceCopy::room(Device& device, size_t bytes) {
  DeviceCopy out;
  if (device.shares_host_memory()) return out;
  out.device_ = &device;
  CARNOT_ASSIGN(out.memory_, device.allocate(bytes));
  return out;
}

Result<DeviceCopy> DeviceCopy::of(Device& device, const Tensor& tensor) {
  CARNOT_ASSIGN(DeviceCopy out, room(device, tensor.bytes()));
  if (!out.memory_) return out;
  CARNOT_RETURN_IF_ERROR(device.copy(out.memory_, tensor.data(), tensor.bytes(), nullptr));
  return out;
}

Result<Trial> Trial::create(Device& device, const Kernel& kernel,
                            std::span<const Tensor* const> constants, const Symbols& symbols) {
  Symbols sizes = symbols;
  for (;;) {
    auto trial = create_with(device, kernel, constants, sizes);
    if (trial.ok() || trial.status().code() != Code::kResourceLimit) return trial;
    // Guessed sizes can multiply to more than any memory; smaller ones show as much.
    bool smaller = false;
    for (auto& [name, size] : sizes) {
      smaller = smaller || size > 1;
      size = (size + 1) / 2;
    }
    if (!smaller) return trial;
  }
}

Result<Trial> Trial::create_with(Device& device, const Kernel& kernel,
                                 std::span<const Tensor* const> constants, const Symbols& symbols) {
  Trial t(device, kernel);
  t.symbols_ = symbols;
  for (const Buffer& b : kernel.buffers) {
    CARNOT_ASSIGN(Shape shape, evaluate_all(b.type.dims, symbols));
    CARNOT_ASSIGN(const int64_t elements, element_count(shape));
    if (elements > kElementsMax) {
      return error(Code::kResourceLimit, "a trial with ", to_string(shape), " is too large");
    }
    Shape strides(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
    if (!b.strides.empty()) {
      CARNOT_ASSIGN(strides, evaluate_all(b.strides, symbols));
    }
    int64_t extent = 1;
    for (size_t i = 0; i < shape.size(); ++i) {
      extent = shape[i] > 0 && extent > 0 ? extent + (shape[i] - 1) * strides[i] : 0;
    }
    t.shapes_.push_back(shape);
    t.strides_.push_back(strides);
    // What is only on the device needs no memory of the host's.
    const bool dense = b.strides.empty() && !kernel.attention && bits_of(b.type.dtype) >= 8;
    const bool constant = t.shapes_.size() <= constants.size() && constants[t.shapes_.size() - 1];
    t.repeats_.push_back(!device.shares_host_memory() && !b.output && dense && !constant &&
                         extent > kDistinct);
    CARNOT_ASSIGN(Tensor storage,
                  Tensor::allocate(b.type.dtype, {t.repeats_.back() ? kDistinct : extent}));
    if (storage.bytes() && !b.strides.empty() && !b.output) {
      std::memset(storage.mutable_data(), 0, storage.bytes());
    }
    t.storage_.push_back(std::move(storage));
  }
  CARNOT_RETURN_IF_ERROR(t.fill_inputs(constants));
  CARNOT_RETURN_IF_ERROR(t.make_fault());
  for (size_t i = 0; i < t.storage_.size(); ++i) {
    const Tensor& storage = t.storage_[i];
    CARNOT_ASSIGN(DeviceCopy there,
                  kernel.buffers[i].output ? DeviceCopy::room(device, storage.bytes())
                  : t.repeats_[i] ? DeviceCopy::repeating(device, storage, volume(t.shapes_[i]))
                                  : DeviceCopy::of(device, storage));
    t.there_.push_back(std::move(there));
  }
  return t;
}

Status Trial::make_fault() {
  if (!has_faults(*kernel_)) return {};
  CARNOT_ASSIGN(fault_, Tensor::allocate(DType::kI64, {2}));
  std::memset(fault_.mutable_data(), 0, fault_.bytes());
  CARNOT_ASSIGN(fault_there_, DeviceCopy::of(*device_, fault_));
  return {};
}

// What the kernel reads as indices lies within all axes that they are of, spread over them.
Status Trial::settle_indices(size_t buffer, Tensor& values) const {
  int64_t size = std::numeric_limits<int64_t>::max();
  for (const Stage& stage : kernel_->stages) {
    for (const Load& load : stage.loads) {
      if (!load.within || load.buffer != static_cast<int>(buffer)) continue;
      CARNOT_ASSIGN(const int64_t axis, evaluate(*load.within, symbols_));
      size = std::min(size, std::max<int64_t>(axis, 1));
    }
  }
  if (size == std::numeric_limits<int64_t>::max()) return {};
  for (int64_t i = 0; i < values.elements(); ++i) {
    const uint64_t mixed = (static_cast<uint64_t>(i) + 1) * 0x9e3779b97f4a7c15ull;
    values.set_int(i, static_cast<int64_t>((mixed >> 20) % static_cast<uint64_t>(size)));
  }
  return {};
}

Status Trial::fill_inputs(std::span<const Tensor* const> constants) {
  for (size_t i = 0; i < kernel_->buffers.size(); ++i) {
    if (kernel_->buffers[i].output) continue;
    const DType dtype = kernel_->buffers[i].type.dtype;
    Tensor dense;
    if (i < constants.size() && constants[i] && constants[i]->shape() == shapes_[i]) {
      CARNOT_ASSIGN(dense, constants[i]->dense());
    } else {
      const Shape shape = repeats_[i] ? Shape{kDistinct} : shapes_[i];
      CARNOT_ASSIGN(dense, many_values(dtype, shape, 17 + i));
      CARNOT_RETURN_IF_ERROR(settle_indices(i, dense));
    }
    const size_t size = static_cast<size_t>(bits_of(dtype)) / 8;
    if (kernel_->buffers[i].strides.empty()) {
      storage_[i] = dense.reshaped({dense.elements()});
    } else {
      const bool lines = !shapes_[i].empty() && strides_[i].back() == 1 && shapes_[i].back() > 0;
      const int64_t length = lines ? shapes_[i].back() : 1;
      for_each_run(shapes_[i], strides_[i], length, [&](int64_t from, int64_t to) {
        std::memcpy(storage_[i].mutable_data() + static_cast<size_t>(to) * size,
                    dense.data() + static_cast<size_t>(from) * size,
                    static_cast<size_t>(length) * size);
      });
    }
    dense_.push_back(std::move(dense));
  }
  return {};
}

Result<DeviceCopy> DeviceCopy::repeating(Device& device, const Tensor& tensor, int64_t elements) {
  const size_t bytes =
      static_cast<size_t>(elements) * static_cast<size_t>(bits_of(tensor.dtype())) / 8;
  CARNOT_ASSIGN(DeviceCopy out, room(device, bytes));
  auto* const begin = static_cast<std::byte*>(out.memory_);
  size_t done = std::min(bytes, tensor.bytes());
  CARNOT_RETURN_IF_ERROR(device.copy(begin, tensor.data(), done, nullptr));
  for (; done < bytes; done *= 2) {
    CARNOT_RETURN_IF_ERROR(device.copy(begin + done, begin, std::min(done, bytes - done), nullptr));
  }
  return out;
}

void* Trial::memory(size_t buffer) const {
  if (void* const there = there_[buffer].memory()) return there;
  return const_cast<std::byte*>(storage_[buffer].data());
}

Result<std::unique_ptr<Trial::Call>> Trial::bind(const GeneratedKernel& made,
                                                 const void* entry) const {
  auto call = std::make_unique<Call>();
  call->packed = made.packed;
  for (const Tensor& packed : call->packed) {
    CARNOT_ASSIGN(DeviceCopy there, DeviceCopy::of(*device_, packed));
    call->packed_there.push_back(std::move(there));
  }
  for (int a : made.arguments) {
    if (a == GeneratedKernel::kFault) {
      call->buffers.push_back(fault_there_.memory() ? fault_there_.memory()
                                                    : const_cast<std::byte*>(fault_.data()));
      continue;
    }
    const auto packed = static_cast<size_t>(-1 - a);
    void* const own = a >= 0 ? memory(static_cast<size_t>(a)) : call->packed_there[packed].memory();
    call->buffers.push_back(own ? own : const_cast<std::byte*>(call->packed[packed].data()));
  }
  CARNOT_ASSIGN(call->params, evaluate_all(made.params, symbols_));
  CARNOT_ASSIGN(call->launch.tasks, evaluate(made.tasks, symbols_));
  CARNOT_ASSIGN(call->scratch_bytes, evaluate(made.scratch_bytes, symbols_));
  call->launch.entry = entry;
  call->launch.buffers = call->buffers.data();
  call->launch.params = call->params.data();
  return call;
}

Status Trial::poison() {
  for (size_t i = 0; i < storage_.size(); ++i) {
    if (!kernel_->buffers[i].output || storage_[i].bytes() == 0) continue;
    CARNOT_RETURN_IF_ERROR(device_->set(memory(i), std::byte{0xff}, storage_[i].bytes()));
  }
  return {};
}

int64_t Trial::place_of(const Sample& sample) const {
  const auto b = static_cast<size_t>(sample.buffer);
  int64_t rest = sample.offset, place = 0;
  for (size_t a = shapes_[b].size(); a-- > 0;) {
    place += rest % shapes_[b][a] * strides_[b][a];
    rest /= shapes_[b][a];
  }
  return place;
}

// What samples need of the outputs: all of a small one, of a large one their elements.
Status Trial::fetch_outputs() {
  constexpr size_t kSmallBytes = 4 << 20;
  const auto by_element = [&](size_t i) {
    return storage_[i].bytes() > kSmallBytes && expected_.size() <= 1000 &&
           bits_of(storage_[i].dtype()) >= 8;
  };
  for (size_t i = 0; i < storage_.size(); ++i) {
    if (!kernel_->buffers[i].output || !there_[i].memory() || by_element(i)) continue;
    CARNOT_RETURN_IF_ERROR(device_->copy(storage_[i].mutable_data(), there_[i].memory(),
                                         storage_[i].bytes(), nullptr));
  }
  for (const Sample& s : expected_) {
    const auto i = static_cast<size_t>(s.buffer);
    if (!there_[i].memory() || !by_element(i)) continue;
    const size_t size = static_cast<size_t>(bits_of(storage_[i].dtype())) / 8;
    const size_t at = static_cast<size_t>(place_of(s)) * size;
    CARNOT_RETURN_IF_ERROR(device_->copy(storage_[i].mutable_data() + at,
                                         static_cast<std::byte*>(there_[i].memory()) + at, size,
                                         nullptr));
  }
  return {};
}

// The last `count` along an axis.
Result<Tensor> last_along(const Tensor& t, size_t axis, int64_t count) {
  Shape shape = t.shape();
  const int64_t all = shape[axis];
  shape[axis] = count;
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(t.dtype(), shape));
  const int64_t blocks = volume(Shape(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(axis)));
  if (out.elements() == 0) return out;
  const size_t to_bytes = out.bytes() / static_cast<size_t>(blocks);
  const size_t from_bytes = to_bytes / static_cast<size_t>(count) * static_cast<size_t>(all);
  for (int64_t i = 0; i < blocks; ++i) {
    const size_t block = static_cast<size_t>(i);
    std::memcpy(out.mutable_data() + block * to_bytes,
                t.data() + (block + 1) * from_bytes - to_bytes, to_bytes);
  }
  return out;
}

// All of it, or where that is too much work the last batch, the last head of that, or only its last
// queries.
Status Trial::expect_attention() {
  const op::Attention& op = kernel_->attention->op;
  const Shape whole = shapes_.back();
  std::vector<Tensor> operands = dense_;
  const auto work = [&] {
    const Shape& k = operands[1].shape();
    return 2.0 * static_cast<double>(volume(operands[0].shape()) * k[op.bsh ? 1 : 2]);
  };
  int64_t first = 0, rest = volume(whole);
  const auto last_of = [&](size_t axis) -> Status {
    if (whole.size() <= axis || whole[axis] <= 1) return {};
    const bool same = std::all_of(operands.begin(), operands.end(), [&](const Tensor& t) {
      return t.shape()[axis] == whole[axis] || t.shape()[axis] == 1;
    });
    if (!same) return {};
    for (Tensor& t : operands) {
      if (t.shape()[axis] == 1) continue;
      Shape shape = t.shape();
      const size_t bytes = t.bytes() / static_cast<size_t>(shape[axis]);
      shape[axis] = 1;
      CARNOT_ASSIGN(Tensor part, Tensor::allocate(t.dtype(), shape));
      std::memcpy(part.mutable_data(), t.data() + t.bytes() - bytes, bytes);
      t = std::move(part);
    }
    rest /= whole[axis];
    first = volume(whole) - rest;
    return {};
  };
  if (work() > kAttentionWork) CARNOT_RETURN_IF_ERROR(last_of(0));
  if (work() > kAttentionWork && !op.bsh && operands[0].shape()[0] == 1) {
    CARNOT_RETURN_IF_ERROR(last_of(1));
  }
  // Their results lie together where nothing but rows of one batch, or of one head, is left.
  const size_t row_axis = op.bsh ? 1 : 2;
  const Shape q = operands[0].shape();
  const double row = q[row_axis] > 0 ? work() / static_cast<double>(q[row_axis]) : 0;
  const int64_t rows =
      row > 0 ? std::max<int64_t>(1, static_cast<int64_t>(kAttentionWork / row)) : 1;
  if (q[row_axis] > rows && q[0] == 1 && (op.bsh || q[1] == 1)) {
    rest = rest / q[row_axis] * rows;
    first = volume(whole) - rest;
    CARNOT_ASSIGN(operands[0], last_along(operands[0], row_axis, rows));
    const size_t rank = operands.size() > 3 ? operands[3].shape().size() : 0;
    if (rank > 1 && operands[3].shape()[rank - 2] > 1) {
      CARNOT_ASSIGN(operands[3], last_along(operands[3], rank - 2, rows));
    }
  }
  CARNOT_ASSIGN(std::vector<Tensor> out, reference(Op(op), operands));
  for (int64_t i = 0; i < out[0].elements(); ++i) {
    expected_.push_back({static_cast<int>(storage_.size()) - 1, first + i, out[0].get(i), 1});
  }
  return {};
}

Status Trial::expect() {
  if (expected_ready_) return {};
  expected_ready_ = true;
  if (kernel_->attention) {
    return expect_attention();
  }
  double per_point = 1;
  for (const Stage& s : kernel_->stages) {
    double terms = 1;
    for (const Axis& a : s.inner) {
      CARNOT_ASSIGN(int64_t size, evaluate(a.size, symbols_));
      terms *= static_cast<double>(size);
    }
    per_point += terms;
  }
  const int points = static_cast<int>(std::clamp(kSampleWork / per_point, 16.0, 160.0));
  CARNOT_ASSIGN(expected_, sample(*kernel_, dense_, symbols_, points, 1, kDistinct));
  // Samples are computed in f64: what is too large for the result's type is infinite there, and
  // what is too small for a type without a zero is its least number.
  for (Sample& s : expected_) {
    const DType type = storage_[static_cast<size_t>(s.buffer)].dtype();
    if (!is_float(type) || !std::isfinite(s.value)) continue;
    CARNOT_ASSIGN(Tensor stored, Tensor::allocate(type, {1}));
    stored.set(0, 0);
    const double least = stored.get(0);
    stored.set(0, s.value);
    if (std::isinf(stored.get(0)) || std::abs(s.value) < least) s.value = stored.get(0);
  }
  return {};
}

Result<std::string> Trial::difference(bool tf32) {
  CARNOT_RETURN_IF_ERROR(expect());
  CARNOT_RETURN_IF_ERROR(fetch_outputs());
  double largest = 0;
  for (const Sample& s : expected_) {
    if (std::isfinite(s.value)) largest = std::max(largest, std::abs(s.value));
  }
  for (const Sample& s : expected_) {
    const size_t b = static_cast<size_t>(s.buffer);
    const DType type = storage_[b].dtype();
    const double got = storage_[b].get(place_of(s));
    if (std::isnan(got) && std::isnan(s.value)) continue;
    if (got == s.value) continue;
    // Where sums may leave the floats on the way, the order of their terms decides what comes of
    // them.
    const double beyond = std::abs(s.value) + s.slack;
    const bool edge = std::isfinite(beyond) && beyond > largest_finite(type) && !std::isfinite(got);
    if (edge || (std::isfinite(s.slack) && s.slack > largest_finite(DType::kF32))) continue;
    // What is small beside everything else may be lost in rounding; an integer result of float
    // inputs may sit on an edge: one step is no error.
    const double scale = std::abs(s.value) + s.slack + kSmall * largest;
    const double error = std::max(relative_error(type), tf32 ? relative_error(DType::kF16) : 0);
    const double limit = is_float(type) ? error * scale : (s.slack > 0 ? 1 : 0);
    if (!(std::abs(got - s.value) <= limit)) {
      return cat("element ", s.offset, " of ", to_string(shapes_[b]), " is ", got, ", should be ",
                 s.value);
    }
  }
  return std::string();
}

}  // namespace carnot
