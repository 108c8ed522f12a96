#pragma once
// Random: arguments for calls, mostly sensible, at times impossible; one seed gives one sequence.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "NvInfer.h"

namespace calls {

using namespace nvinfer1;

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed), floats_(1 << 16, 0.5F) {
    for (size_t i = 0; i < floats_.size(); ++i)
      floats_[i] = static_cast<float>(i % 7) * 0.25F - 0.5F;
  }

  /// A number of [0, count).
  int64_t below(int64_t count) {
    return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count));
  }
  /// True once in `count` times.
  bool once_in(int64_t count) { return below(count) == 0; }
  /// Sizes, axes, counts; at times what none can be.
  int64_t integer() {
    static constexpr int64_t kOdd[] = {-1,        -2,        1 << 20,          INT32_MAX, INT32_MIN,
                                       INT64_MAX, INT64_MIN, int64_t{1} << 40, 0,         -7};
    return once_in(12) ? kOdd[below(10)] : below(5);
  }
  int32_t int32() { return static_cast<int32_t>(integer()); }
  float real() {
    static constexpr float kOdd[] = {0, -1, 1e30F, -1e30F, 1e-30F};
    const float odd[] = {NAN, INFINITY, -INFINITY};
    if (once_in(20)) return odd[below(3)];
    return once_in(5) ? kOdd[below(5)] : static_cast<float>(below(17)) * 0.25F - 2.0F;
  }
  bool flag() { return once_in(2); }
  const char* text() {
    static const std::string& kLong = *new std::string(3000, 'a');
    static const char* const kTexts[] = {
        "x", "y", "out", "ij,jk->ik", "abcd->ab", "ij->ji", "a b", "\xff\xfe", "", "->", "..."};
    if (once_in(30)) return nullptr;
    return once_in(40) ? kLong.c_str() : kTexts[below(11)];
  }
  template <class E>
  E value() {
    if (once_in(25)) return static_cast<E>(once_in(2) ? -1 : 77);
    return static_cast<E>(below(EnumMax<E>()));
  }
  /// The types that most layers take come most often.
  DataType type() {
    if (once_in(6)) return value<DataType>();
    static constexpr DataType kUsual[] = {DataType::kFLOAT, DataType::kFLOAT, DataType::kFLOAT,
                                          DataType::kINT32, DataType::kBOOL,  DataType::kINT64};
    return kUsual[below(6)];
  }
  Dims dims(int32_t rank = -1) {
    Dims d{};
    d.nbDims = rank >= 0 && !once_in(20) ? rank : static_cast<int32_t>(below(5));
    for (int32_t i = 0; i < d.nbDims; ++i) d.d[i] = once_in(25) ? integer() : 1 + below(4);
    if (once_in(60)) d.nbDims = once_in(2) ? -1 : 9 + int32() % 100;
    return d;
  }
  Permutation order() {
    Permutation p{};
    for (int32_t i = 0; i < 8; ++i) p.order[i] = once_in(40) ? int32() : i;
    if (flag()) std::swap(p.order[0], p.order[1]);
    return p;
  }
  /// Of `count` elements that are there, or of another number of them.
  Weights weights(int64_t count) {
    if (once_in(12)) count = below(3000);
    if (once_in(25)) return {type(), nullptr, integer()};
    if (once_in(40)) return {DataType::kFLOAT, floats_.data(), once_in(2) ? -1 : INT64_MAX};
    const DataType type = once_in(12) ? value<DataType>() : DataType::kFLOAT;
    const auto most = static_cast<int64_t>(floats_.size() / 2);  // of eight bytes each
    return {type, floats_.data(), std::min(count, most)};
  }
  template <class T>
  T* pick(const std::vector<T*>& from) {
    return from.empty() ? nullptr
                        : from[static_cast<size_t>(below(static_cast<int64_t>(from.size())))];
  }

 private:
  std::mt19937_64 engine_;
  std::vector<float> floats_;
};

/// Calls a setter of a layer, or none, with random arguments.
void set_something(Random& r, ILayer& layer, const std::vector<ITensor*>& tensors);
/// Adds a layer to the network, or tries to.
void add_something(Random& r, INetworkDefinition& network, const std::vector<ITensor*>& tensors,
                   std::vector<ILoop*>& loops, std::vector<IIfConditional*>& conditionals);

}  // namespace calls
