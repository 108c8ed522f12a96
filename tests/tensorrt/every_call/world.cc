#include "world.h"

#include <algorithm>

namespace every_call {

bool null_references = true;

World::World(uint64_t seed, const std::string& bytes)
    : random(seed), model(bytes), memory_(kMemoryBytes / sizeof(double)) {
  for (size_t i = 0; i < 4096; ++i) memory_[i] = static_cast<double>(i % 7);
}

World::~World() {
  clear(false);
}

void World::adopt_layer(ILayer* layer) {
  auto& tables = pool<apiv::VLayer>();
  void* const table = Peek<ILayer>::table(layer);
  for (const void* known : tables) {
    if (known == table) return;
  }
  tables.push_back(table);
  networks_.emplace(table, network_);
  pool<ILayer>().push_back(layer);
  for (int32_t i = 0; i < layer->getNbOutputs(); ++i) adopt(layer->getOutput(i));
}

void World::drop_one() {
  // Those that nobody else holds on to.
  std::vector<size_t> leaves;
  for (size_t i = 0; i < owned.size(); ++i) {
    if (owned[i].rank == 0) leaves.push_back(i);
  }
  if (leaves.empty()) return;
  const size_t i = leaves[random.below(leaves.size())];
  const Owned gone = owned[i];
  owned.erase(owned.begin() + static_cast<ptrdiff_t>(i));
  const auto forget = [&](auto* object) {
    using I = std::remove_pointer_t<decltype(object)>;
    if (gone.type != std::type_index(typeid(I))) return;
    const auto remove = [](std::vector<void*>& list, const void* what) {
      for (size_t k = 0; k < list.size(); ++k) {
        if (list[k] == what) list.erase(list.begin() + static_cast<ptrdiff_t>(k--));
      }
    };
    auto* const table = Peek<I>::table(static_cast<I*>(gone.object));
    remove(pool<std::remove_pointer_t<decltype(table)>>(), table);
    remove(pool<I>(), gone.object);
  };
  forget(static_cast<IExecutionContext*>(nullptr));
  forget(static_cast<IRefitter*>(nullptr));
  forget(static_cast<IEngineInspector*>(nullptr));
  forget(static_cast<ISerializationConfig*>(nullptr));
  forget(static_cast<IHostMemory*>(nullptr));
  gone.destroy(gone.object);
}

void World::clear(bool any_order) {
  pools_.clear();
  while (!owned.empty()) {
    size_t at = random.below(owned.size());
    for (size_t i = 0; i < owned.size() && !any_order; ++i) {
      if (owned[i].rank < owned[at].rank) at = i;
    }
    const Owned gone = owned[at];
    owned.erase(owned.begin() + static_cast<ptrdiff_t>(at));
    gone.destroy(gone.object);
  }
  callbacks_.clear();
}

const char* World::text() {
  static const std::array<const char*, 26> kTexts = {
      "",        "x",        "y",      "a",          "ids",
      "input",   "output",   "s",      "ij,jk->ik",  "bij,bjk->bik",
      "i->",     "...i->i",  "ij,jk",  "->",         "i j",
      "%n%s%d",  "\xff\xfe", "a\nb",   "../../x.so", "/nonexistent/file",
      "/",       ",,,,->",   "ii->ii", "x_output",   "(Unnamed Layer* 0) [Activation]_output",
      "\xe2\x82"};
  const size_t kind = random.below(20);
  if (kind == 0) return nullptr;
  if (kind == 1) return texts_.emplace_back(5000, 'n').c_str();
  if (kind == 2) return texts_.emplace_back(4095, 'm').c_str();
  const auto& tensors = pool<ITensor>();
  if (kind < 10 && !tensors.empty()) {
    return texts_
        .emplace_back(static_cast<ITensor*>(tensors[random.below(tensors.size())])->getName())
        .c_str();
  }
  return kTexts[random.below(kTexts.size())];
}

int64_t World::integer() {
  static constexpr std::array<int64_t, 14> kHostile = {
      -1,      -2,      5,       7,         9,         64,        1000,
      1 << 20, INT_MAX, INT_MIN, INT64_MAX, INT64_MIN, 1LL << 32, 0x7fffffff0LL};
  return random.once_in(5) ? random.of(kHostile) : static_cast<int64_t>(random.below(5));
}

double World::number() {
  static constexpr std::array<double, 12> kNumbers = {0,
                                                      1,
                                                      -1,
                                                      0.5,
                                                      2,
                                                      1e-30,
                                                      1e30,
                                                      -0.0,
                                                      3e38,
                                                      std::numeric_limits<double>::infinity(),
                                                      -std::numeric_limits<double>::infinity(),
                                                      std::numeric_limits<double>::quiet_NaN()};
  return random.of(kNumbers);
}

Dims World::dims() {
  Dims d{};
  d.nbDims = static_cast<int32_t>(random.below(5));
  for (int64_t& size : d.d) size = static_cast<int64_t>(1 + random.below(4));
  switch (random.below(12)) {
    case 0:
      d.nbDims = static_cast<int32_t>(integer());
      break;
    case 1:
      d.d[random.below(4)] = integer();
      break;
    case 2:
      d.d[random.below(4)] = -1;
      break;
    case 3:
      d.d[random.below(4)] = 0;
      break;
    case 4:
      d.nbDims = 8;
      break;
    default:
      break;
  }
  return d;
}

Weights World::weights() {
  static constexpr std::array<int64_t, 14> kCounts = {0, 1,  2,  3,  4,  6,  8,
                                                      9, 12, 16, 24, 36, 64, 256};
  Weights w{};
  w.type = random.once_in(3) ? static_cast<DataType>(random.below(12)) : DataType::kFLOAT;
  w.values = memory_.data();
  w.count = random.of(kCounts);
  if (w.count == 0) w.values = nullptr;
  if (random.once_in(12)) w.values = nullptr;
  if (random.once_in(16)) w.count = -static_cast<int64_t>(random.next() >> 1);
  if (random.once_in(24)) w.type = static_cast<DataType>(integer());
  return w;
}

void World::turn_to(void* table) {
  const auto known = networks_.find(table);
  const auto& list = pool<apiv::VNetworkDefinition>();
  const bool is_network = std::find(list.begin(), list.end(), table) != list.end();
  network_ = is_network ? table : known == networks_.end() ? nullptr : known->second;
}

ITensor* World::tensor() {
  const auto& list = pool<ITensor>();
  if (list.empty() || (null_references && random.once_in(60))) return nullptr;
  const size_t recent = list.size() < 24 ? list.size() : 24;
  ITensor* found = nullptr;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const bool any = random.once_in(3);
    const size_t i = any ? random.below(list.size()) : list.size() - 1 - random.below(recent);
    found = static_cast<ITensor*>(list[i]);
    if (!network_ || networks_[found] == network_ || random.once_in(100)) break;
  }
  return found;
}

std::function<void()> World::poke() {
  return [this] {
    for (void* network : pool<INetworkDefinition>()) {
      static_cast<INetworkDefinition*>(network)->getNbLayers();
    }
    const auto& tensors = pool<ITensor>();
    if (!tensors.empty()) static_cast<ITensor*>(tensors.back())->getDimensions();
    if (!tensors.empty()) static_cast<ITensor*>(tensors.front())->isShapeTensor();
    for (void* engine : pool<ICudaEngine>()) static_cast<ICudaEngine*>(engine)->getNbIOTensors();
    getPluginRegistry()->getCreator("x", "1");
  };
}

}  // namespace every_call
