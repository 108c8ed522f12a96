#pragma once
// Sizes: a list of sizes while a model is parsed: numbers where all are known, else a tensor that
// layers compute.
#include "onnx_view.h"

namespace trt {

class Sizes {
 public:
  Sizes() = default;
  /// A list of numbers.
  static Sizes list(Ints values) { return Sizes(1, std::move(values)); }
  static Sizes one(int64_t value) { return list({value}); }
  static Sizes scalar(int64_t value) { return Sizes(0, {value}); }
  static Sizes count_up(int64_t count);
  /// The elements of a tensor, which has at most one axis.
  static Sizes of(OnnxView& v, NetTensor* tensor);
  /// Those of the node's input.
  static Sizes of_input(OnnxView& v, size_t i);
  /// The sizes of a tensor.
  static Sizes shape(OnnxView& v, NetTensor* tensor);

  /// The same for what this computes: how many sizes there are.
  Sizes shape(OnnxView& v) const;
  int rank() const { return rank_; }
  int64_t count() const { return count_; }  ///< -1: not known
  bool known() const { return known_; }
  bool known(int64_t i) const {
    return known_ || (static_cast<int64_t>(values_.size()) == count_ && values_.at(at(i)) >= 0);
  }
  bool all(int64_t value) const;
  bool is_float() const { return float_; }
  const Ints& values() const { return values_; }
  int64_t operator[](int64_t i) const { return values_.at(at(i)); }
  bool same(const Sizes& other) const;
  /// As a tensor: a constant where all are known.
  NetTensor* tensor(OnnxView& v) const;

 private:
  Sizes(int rank, Ints values)
      : rank_(rank),
        count_(static_cast<int64_t>(values.size())),
        known_(true),
        values_(std::move(values)) {}
  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  int rank_ = 1;
  int64_t count_ = 0;
  bool known_ = false, float_ = false;
  Ints values_;  ///< where they are sizes of a tensor, -1 for those that are not known
  // Of what follows the values are the shape, so many times; it is 0 where they are its elements.
  mutable NetTensor* tensor_ = nullptr;
  mutable int depth_ = 0;
};

Sizes add(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes subtract(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes multiply(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes least(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes greatest(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes floor_divide(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes clamp(OnnxView& v, const Sizes& x, const Sizes& low, const Sizes& high);
/// What two shapes become together.
Sizes broadcast(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes concat(OnnxView& v, const Sizes& x, const Sizes& y);
Sizes gather(OnnxView& v, const Sizes& from, const Sizes& index);
/// Elements of both, one after the other, at these places.
Sizes interlace(OnnxView& v, const Sizes& x, const Sizes& y, const Sizes& places);
/// The value as many times as `count` says.
Sizes filled(OnnxView& v, int64_t value, const Sizes& count);
Sizes like(OnnxView& v, const Sizes& x, int64_t value);
/// Of the elements first to last.
Sizes product(OnnxView& v, const Sizes& x, int64_t first, int64_t last, int rank);
Sizes as_list(OnnxView& v, const Sizes& scalar);
/// Places for interlace(): i, but for those of `axes`, which come from the second list.
Sizes places_of(const Ints& axes, int64_t rank);

/// Where a slice's starts and ends are, counted from the front and within these sizes.
void decode(OnnxView& v, const Sizes& dims, const Sizes& steps, Sizes& starts, Sizes& ends);
Sizes sizes_between(OnnxView& v, const Sizes& starts, const Sizes& ends, const Sizes& steps,
                    const Sizes& dims);

// Layers that take sizes.
Shuffle* add_shuffle(OnnxView& v, NetTensor* x, const Sizes& sizes, bool zero_copies = false);
Slice* add_slice(OnnxView& v, NetTensor* x, const Sizes& starts, const Sizes& sizes,
                 const Sizes& steps);
Fill* add_fill(OnnxView& v, const Sizes& sizes, FillOperation operation);
/// A value spread over a shape.
NetTensor* spread(OnnxView& v, NetTensor* value, NetTensor* shape);
/// A tensor of one element without its axes.
NetTensor* without_axes(OnnxView& v, NetTensor* x);
/// One size, as INT32: a list of it, or a scalar.
NetTensor* axis_length(OnnxView& v, NetTensor* x, int32_t axis, bool scalar);
/// Nothing where the shape stays.
NetTensor* reshape(OnnxView& v, NetTensor* x, const Sizes& sizes);
NetTensor* unsqueeze(OnnxView& v, NetTensor* x, const Ints& axes);
NetTensor* squeeze(OnnxView& v, NetTensor* x, const Ints& axes);
/// `named`: the layer has the node's name.
NetTensor* flatten(OnnxView& v, NetTensor* x, int64_t axis, bool named = false);
/// With axes of one element put before the others.
NetTensor* raised(OnnxView& v, NetTensor* x, int32_t rank);
/// Both with as many axes as the one that has more.
void raise(OnnxView& v, NetTensor*& a, NetTensor*& b);

}  // namespace trt
