#pragma once
// World: the objects of one sequence, and arguments for any call: sane ones mostly, so that calls
// get far, and hostile ones.
#include <array>
#include <climits>
#include <limits>
#include <memory>
#include <set>
#include <typeindex>
#include <unordered_map>

#include "NvInferPlugin.h"
#include "NvOnnxParser.h"
#include "callbacks.h"

namespace every_call {

/// Whether references to tensors may be null: sanitizers stop at them in the caller.
extern bool null_references;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return n == 0 ? 0 : next() % n; }
  bool once_in(size_t n) { return below(n) == 0; }
  template <class T, size_t N>
  T of(const std::array<T, N>& list) {
    return list[below(N)];
  }

 private:
  uint64_t state_;
};

/// The table that an object of TensorRT's points to.
template <class I>
struct Peek : I {
  static auto table(I* object) { return object->*(&Peek::mImpl); }
};
template <>
struct Peek<ILayer> : ILayer {
  static apiv::VLayer* table(ILayer* object) { return object->*(&Peek::mLayer); }
};
struct PeekLoop : ILoopBoundaryLayer {
  static auto table(ILoopBoundaryLayer* object) { return object->*(&PeekLoop::mBoundary); }
};
struct PeekConditional : IIfConditionalBoundaryLayer {
  static auto table(IIfConditionalBoundaryLayer* o) { return o->*(&PeekConditional::mBoundary); }
};

struct Owned {
  void* object;
  std::type_index type;
  void (*destroy)(void*);
  int rank;  ///< objects of a lower rank go first, where the order matters
};

constexpr size_t kArray = 64;                      ///< entries of every array that is handed over
constexpr size_t kMemoryBytes = size_t{32} << 20;  ///< where tensors may lie

class World {
 public:
  World(uint64_t seed, const std::string& model);
  ~World();

  Random random;
  Log log;
  std::string model;  ///< an ONNX file's bytes
  std::string plan;   ///< the last plan
  std::vector<Owned> owned;
  uint64_t builds = 0;
  std::set<std::string> silent;  ///< calls that gave null or false without a message

  template <class V>
  std::vector<void*>& pool() {
    return pools_[std::type_index(typeid(V))];
  }
  template <class T>
  T* own(T* object, int rank);
  template <class I>
  void adopt(I* object);
  void adopt_layer(ILayer* layer);
  void drop_one();
  void clear(bool any_order);

  const char* text();
  Dims dims();
  Weights weights();
  int64_t integer();
  double number();
  void* memory() { return memory_.data(); }
  /// Of the network that the call is about, in most cases.
  ITensor* tensor();
  /// From now on calls are about this object's network, and what they give belongs there.
  void turn_to(void* table);
  template <class T>
  T* callback_or_null(T* callback) {
    return random.once_in(5) ? nullptr : callback;
  }
  Recorder recorder;
  template <class T, class... A>
  T* callback(A... arguments) {
    auto made = std::make_shared<T>(arguments...);
    callbacks_.push_back(made);
    return made.get();
  }
  /// What callbacks that call the library do.
  std::function<void()> poke();

 private:
  std::unordered_map<std::type_index, std::vector<void*>> pools_;
  std::unordered_map<const void*, const void*> networks_;  ///< of tables and tensors: the network's
  const void* network_ = nullptr;
  std::vector<std::shared_ptr<void>> callbacks_;
  std::deque<std::string> texts_;
  std::vector<double> memory_;
};

template <class T>
T* World::own(T* object, int rank) {
  if (!object) return nullptr;
  const auto destroy = [](void* o) { delete static_cast<T*>(o); };
  owned.push_back({object, std::type_index(typeid(T)), destroy, rank});
  adopt(object);
  return object;
}

template <class I>
void World::adopt(I* object) {
  if (!object) return;
  const auto keep = [this](auto* table, std::vector<void*>& list) {
    networks_.emplace(table, network_);
    for (const void* known : list) {
      if (known == table) return;
    }
    list.push_back(table);
  };
  if constexpr (std::is_base_of_v<ILayer, I>) adopt_layer(object);
  if constexpr (std::is_base_of_v<ILoopBoundaryLayer, I>) {
    keep(PeekLoop::table(object), pool<apiv::VLoopBoundaryLayer>());
  }
  if constexpr (std::is_base_of_v<IIfConditionalBoundaryLayer, I>) {
    keep(PeekConditional::table(object), pool<apiv::VConditionalBoundaryLayer>());
  }
  if constexpr (std::is_same_v<I, nvonnxparser::IParser> ||
                std::is_same_v<I, nvonnxparser::IParserRefitter>) {
    keep(object, pool<I>());
  } else {
    auto* const table = Peek<I>::table(object);
    keep(table, pool<std::remove_pointer_t<decltype(table)>>());
    keep(object, pool<I>());
  }
}

}  // namespace every_call
