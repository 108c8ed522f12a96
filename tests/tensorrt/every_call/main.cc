// Calls every public method of every object of TensorRT's interface, in random order, with sane and
// hostile arguments. The methods come from the tables that the binary contract is tested with.
//
//   tensorrt_every_call --model FILE [--seed N] [--sequences N] [--seconds S] [--calls N]
//       [--threads N] [--messages FILE] [--verbose] [--no-null] [--skip CLASS::METHOD]...
//
// A sequence fails where the library crashes (the seed is printed), speaks of an error of its own,
// or gives back what a program cannot use.
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

#include "NvOnnxConfig.h"
#include "impl/NvInferPythonPlugin.h"
#include "world.h"

namespace every_call {
namespace {

bool verbose = false;
thread_local uint64_t current_seed = 0;
thread_local const char* current_call = "";

void say(const char* what) {
  char text[300];
  const int n = std::snprintf(text, sizeof(text), "%s: seed %llu, in %s\n", what,
                              static_cast<unsigned long long>(current_seed), current_call);
  if (write(2, text, static_cast<size_t>(n)) < 0) return;
}

void crashed(int signal) {
  say(signal == SIGALRM ? "HANG" : "CRASH");
  std::signal(signal, SIG_DFL);
  std::raise(signal == SIGALRM ? SIGABRT : signal);
}

/// A value of a by-value or pointer type.
template <class T>
struct Draw;

template <class T>
T draw_number(World& w) {
  if constexpr (std::is_same_v<T, bool>) {
    return w.random.once_in(2);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(w.number());
  } else if constexpr (std::is_enum_v<T>) {
    const int64_t value =
        w.random.once_in(12) ? w.integer() : static_cast<int64_t>(w.random.below(13));
    return static_cast<T>(static_cast<int32_t>(value));
  } else {
    if (std::is_same_v<T, uint32_t> && !w.random.once_in(4))
      return static_cast<T>(1u << w.random.below(4));
    return static_cast<T>(w.integer());
  }
}

template <class I>
I* draw_object(World& w) {
  auto& list = w.pool<I>();
  return list.empty() ? nullptr : static_cast<I*>(list[w.random.below(list.size())]);
}

/// What an argument of the type T is made of; `bad` is set where there is nothing to hand over.
template <class T>
struct Draw {
  static T make(World& w, bool& bad) {
    using P = std::remove_cv_t<std::remove_pointer_t<T>>;
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      return draw_number<T>(w);
    } else if constexpr (std::is_same_v<T, cudaStream_t> || std::is_same_v<T, cudaEvent_t>) {
      return nullptr;
    } else if constexpr (std::is_same_v<T, const char*>) {
      return w.text();
    } else if constexpr (std::is_same_v<T, Weights>) {
      return w.weights();
    } else if constexpr (std::is_same_v<T, IErrorRecorder*>) {
      return w.callback_or_null(&w.recorder);
    } else if constexpr (std::is_same_v<T, IGpuAllocator*>) {
      auto* const made = w.callback<Allocator>(static_cast<int>(w.random.below(12)));
      if (w.random.once_in(3)) made->reenter = w.poke();
      return w.callback_or_null(made);
    } else if constexpr (std::is_same_v<T, IOutputAllocator*>) {
      return w.callback_or_null(w.callback<OutputAllocator>(static_cast<int>(w.random.below(4))));
    } else if constexpr (std::is_same_v<T, IProfiler*>) {
      return w.callback_or_null(w.callback<Profiler>());
    } else if constexpr (std::is_same_v<T, IDebugListener*>) {
      return w.callback_or_null(w.callback<Listener>(w.random.once_in(2)));
    } else if constexpr (std::is_same_v<T, IProgressMonitor*>) {
      auto* const made = w.callback<Monitor>(static_cast<int>(w.random.below(200)));
      if (w.random.once_in(3)) made->reenter = w.poke();
      return w.callback_or_null(made);
    } else if constexpr (std::is_same_v<T, IAlgorithmSelector*>) {
      return w.callback_or_null(w.callback<Selector>(static_cast<int>(w.random.below(6))));
    } else if constexpr (std::is_same_v<T, IInt8Calibrator*>) {
      return w.callback_or_null(
          w.callback<Calibrator>(static_cast<int>(w.random.below(6)), w.memory()));
    } else if constexpr (std::is_same_v<T, IPluginRegistry*>) {
      return w.random.once_in(2) ? nullptr : getPluginRegistry();
    } else if constexpr (std::is_same_v<T, void*> || std::is_same_v<T, const void*>) {
      return w.random.once_in(6) ? nullptr : w.memory();
    } else if constexpr (std::is_same_v<T, ITensor* const*>) {
      auto* const list = w.callback<std::vector<ITensor*>>(kArray);
      for (ITensor*& t : *list) t = w.tensor();
      return w.random.once_in(20) ? nullptr : list->data();
    } else if constexpr (std::is_pointer_v<P> || std::is_arithmetic_v<P> ||
                         std::is_same_v<P, WeightsRole> || std::is_same_v<P, TimingCacheKey>) {
      // An array, of pointers that are null or to memory that may be written.
      auto* const list = w.callback<std::vector<P>>(kArray);
      if constexpr (std::is_same_v<P, void*>) list->assign(kArray, w.memory());
      if constexpr (std::is_same_v<P, const char*>) list->assign(kArray, "x");
      if constexpr (std::is_arithmetic_v<P>) {
        for (P& v : *list) v = draw_number<P>(w);
      }
      return w.random.once_in(12) ? nullptr : list->data();
    } else {
      if (w.random.once_in(20)) return nullptr;
      I_know<P>();
      return draw_object<P>(w);
    }
    bad = true;
  }
  template <class P>
  static void I_know() {
    static_assert(std::is_class_v<P>);
  }
};

/// References: to an object of the sequence. Never null but for tensors: programs write
/// *layer->getOutput(0) of a layer without one.
template <class T>
struct DrawReference {
  using C = std::remove_const_t<T>;
  static T* make(World& w, bool& bad) {
    if constexpr (std::is_same_v<C, Dims>) {
      return w.callback<Dims>(w.dims());
    } else if constexpr (std::is_same_v<C, ITensor>) {
      ITensor* const tensor = w.tensor();
      bad = bad || (!tensor && !null_references);
      return tensor;
    } else if constexpr (std::is_same_v<C, Permutation>) {
      auto* const p = w.callback<Permutation>();
      for (int32_t i = 0; i < 8; ++i) p->order[i] = i;
      std::swap(p->order[w.random.below(4)], p->order[w.random.below(4)]);
      if (w.random.once_in(8)) p->order[w.random.below(4)] = static_cast<int32_t>(w.integer());
      return p;
    } else if constexpr (std::is_same_v<C, TimingCacheKey>) {
      return w.callback<TimingCacheKey>();
    } else if constexpr (std::is_same_v<C, TimingCacheValue>) {
      return w.callback<TimingCacheValue>();
    } else if constexpr (std::is_same_v<C, IStreamWriter>) {
      return w.callback<Writer>(w.integer() * 1000);
    } else if constexpr (std::is_same_v<C, IStreamReader>) {
      return w.callback<Reader>(w.plan, static_cast<int>(w.random.below(7)));
    } else if constexpr (std::is_same_v<C, IStreamReaderV2>) {
      return w.callback<ReaderV2>(w.plan, static_cast<int>(w.random.below(7)));
    } else if constexpr (std::is_same_v<C, ILogger>) {
      return &w.log;
    } else if constexpr (std::is_same_v<C, int64_t> || std::is_same_v<C, std::size_t>) {
      return w.callback<C>();
    } else if constexpr (std::is_same_v<C, IHostMemory*>) {
      return w.callback<C>();
    } else if constexpr (std::is_same_v<C, IPluginV2> || std::is_same_v<C, IPluginV3> ||
                         std::is_abstract_v<C> == false) {
      bad = true;
      return nullptr;
    } else {
      T* const object = draw_object<C>(w);
      bad = bad || !object;
      return object;
    }
  }
};

template <class A>
auto draw(World& w, bool& bad) {
  if constexpr (std::is_reference_v<A>) {
    return DrawReference<std::remove_reference_t<A>>::make(w, bad);
  } else {
    return Draw<std::remove_cv_t<A>>::make(w, bad);
  }
}

/// Whether the call is told of an array, whose entries another argument counts.
template <class A>
constexpr bool kIsArray =
    std::is_pointer_v<A> && !std::is_same_v<A, const char*> && !std::is_same_v<A, cudaStream_t> &&
    !std::is_same_v<A, cudaEvent_t> && !std::is_abstract_v<std::remove_pointer_t<A>>;

template <class A, class T>
A pass(T& value, bool arrays) {
  if constexpr (std::is_reference_v<A>) {
    auto* pointer = value;
    asm("" : "+r"(pointer));  // what a program's null reference is: the compiler must not know
    return *pointer;
  } else if constexpr (std::is_integral_v<A> && !std::is_same_v<A, bool>) {
    // More than there are would be the program's lie.
    const bool many = arrays && value > static_cast<A>(kArray);
    return many ? static_cast<A>(kArray) : value;
  } else {
    return value;
  }
}

void look_at(World& w, const char* call, const Dims& d) {
  if (d.nbDims < -1 || d.nbDims > Dims::MAX_DIMS) {
    std::cerr << call << " gives " << d.nbDims << " dimensions; seed " << current_seed << "\n";
    std::abort();
  }
  (void)w;
}

bool begins(const char* text, const char* with) {
  return std::strncmp(text, with, std::strlen(with)) == 0;
}

/// 0: nobody holds on to such objects; then in the order in which they may go.
template <class I>
int rank_of() {
  if constexpr (std::is_same_v<I, IExecutionContext> || std::is_same_v<I, IRefitter> ||
                std::is_same_v<I, IHostMemory> || std::is_same_v<I, ISerializationConfig> ||
                std::is_same_v<I, IEngineInspector>) {
    return 0;
  } else if constexpr (std::is_same_v<I, ICudaEngine> || std::is_same_v<I, nvonnxparser::IParser> ||
                       std::is_same_v<I, nvonnxparser::IParserRefitter>) {
    return 1;
  } else if constexpr (std::is_same_v<I, INetworkDefinition> || std::is_same_v<I, IBuilderConfig>) {
    return 2;
  } else if constexpr (std::is_same_v<I, ITimingCache> || std::is_same_v<I, IRuntimeConfig>) {
    return 3;
  } else {
    return 4;
  }
}

template <class R>
void take(World& w, const char* method, R result) {
  using P = std::remove_const_t<std::remove_pointer_t<R>>;
  if constexpr (std::is_same_v<R, Dims>) {
    look_at(w, method, result);
  } else if constexpr (std::is_same_v<R, const char*>) {
    if (result && std::strlen(result) > (size_t{1} << 30)) std::abort();
  } else if constexpr (std::is_same_v<R, Weights>) {
    // Its values are the program's own.
  } else if constexpr (std::is_pointer_v<R> && std::is_class_v<P>) {
    if (!result) return;
    auto* const object = const_cast<P*>(result);
    const bool made = (begins(method, "create") || begins(method, "deserialize") ||
                       begins(method, "build") || begins(method, "serialize") ||
                       begins(method, "loadRuntime") || begins(method, "getRuntimeConfig")) &&
                      std::strcmp(method, "createOptimizationProfile") != 0;
    if constexpr (std::is_same_v<P, IHostMemory>) {
      if (object->size() > 0 && begins(method, "build")) {
        w.plan.assign(static_cast<const char*>(object->data()), object->size());
      }
      w.own(object, 0);
    } else if constexpr (std::is_base_of_v<INoCopy, P> || std::is_same_v<P, ILayer>) {
      if constexpr (std::is_destructible_v<P>) {
        if (made) {
          w.own(object, rank_of<P>());
          return;
        }
      }
      w.adopt(object);
    }
  }
}

struct Call {
  const char* name;
  std::function<bool(World&)> run;  ///< false where there was nothing to call it with
};

/// Whether a run would stay within the memory that is handed over.
bool fits(IExecutionContext& context) {
  const ICudaEngine& engine = context.getEngine();
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* const name = engine.getIOTensorName(i);
    Dims shape = context.getTensorShape(name);
    double bytes = 8;
    for (int32_t k = 0; k < shape.nbDims; ++k) {
      if (shape.d[k] > 0) bytes *= static_cast<double>((shape.d[k] + 31) / 32 * 32);
    }
    const bool out = engine.getTensorIOMode(name) == TensorIOMode::kOUTPUT;
    if (out) bytes = std::max(bytes, static_cast<double>(context.getMaxOutputSize(name)));
    if (bytes > static_cast<double>(kMemoryBytes)) return false;
  }
  return engine.getDeviceMemorySizeV2() < static_cast<int64_t>(kMemoryBytes);
}

/// What a call gave through a reference.
template <class T>
void keep_given(World& w, T& value) {
  if constexpr (std::is_same_v<T, IHostMemory**>) {
    if (value) w.own(*value, 0);
  }
}

template <class V, class R, class... A, class M>
void add_call(std::vector<Call>& calls, const char* name, const char* text, M method) {
  constexpr bool kArrays = (kIsArray<A> || ...);
  const auto run = [=](World& w) {
    auto& list = w.pool<V>();
    if (list.empty()) return false;
    V* const object = static_cast<V*>(list[w.random.below(list.size())]);
    if constexpr (std::is_same_v<V, apiv::VExecutionContext>) {
      const bool runs = std::strcmp(name, "enqueueV3") == 0 || std::strcmp(name, "executeV2") == 0;
      if (runs && !fits(*object->getPImpl())) return false;
    }
    w.turn_to(object);
    bool bad = false;
    std::tuple<decltype(draw<A>(w, bad))...> arguments{draw<A>(w, bad)...};
    if (bad) return false;
    current_call = text;
    if (verbose) std::cerr << text << "\n";
    const int errors = w.log.errors;
    const auto call = [&](auto&... value) {
      if constexpr (std::is_void_v<R>) {
        (object->*method)(pass<A>(value, kArrays)...);
      } else if constexpr (std::is_reference_v<R>) {
        const auto* address = &(object->*method)(pass<A>(value, kArrays)...);
        asm("" : "+r"(address));
        if (!address) std::abort();
      } else {
        auto result = (object->*method)(pass<A>(value, kArrays)...);
        if constexpr (std::is_pointer_v<R> || std::is_same_v<R, bool>) {
          if (!result && w.log.errors == errors) w.silent.insert(text);
        }
        take(w, name, result);
      }
      (keep_given(w, value), ...);
    };
    std::apply(call, arguments);
    return true;
  };
  calls.push_back({text, run});
}
template <class V, class R, class... A>
void add(std::vector<Call>& calls, const char* name, const char* text, R (V::*method)(A...)) {
  add_call<V, R, A...>(calls, name, text, method);
}
template <class V, class R, class... A>
void add(std::vector<Call>& calls, const char* name, const char* text, R (V::*method)(A...) const) {
  add_call<V, R, A...>(calls, name, text, method);
}

/// Of the classes that programs implement, none is called.
template <class V, class M>
void add_if(std::vector<Call>& calls, const char* name, const char* text, M method) {
  constexpr bool kParser =
      std::is_same_v<V, nvonnxparser::IParser> || std::is_same_v<V, nvonnxparser::IParserRefitter>;
  if constexpr (kParser || std::is_base_of_v<apiv::VRoot, V>) add(calls, name, text, method);
}

std::vector<Call> every_call() {
  std::vector<Call> calls;
#define SLOT(cls, index, method, ...)                       \
  {                                                         \
    using Function = __VA_ARGS__;                           \
    Function cls::*const member = &cls::method;             \
    add_if<cls>(calls, #method, #cls "::" #method, member); \
  }
#define COUNT(cls, entries)
#include "tests/tensorrt/tables_builder.def"
#include "tests/tensorrt/tables_interfaces.def"
#include "tests/tensorrt/tables_layers.def"
#include "tests/tensorrt/tables_runtime.def"
#undef SLOT
#undef COUNT
  return calls;
}

/// A network that can be built, in most cases.
INetworkDefinition* sane_network(World& w, IBuilder& builder, bool typed) {
  INetworkDefinition* const net =
      w.own(builder.createNetworkV2(typed ? 2 : 0), rank_of<INetworkDefinition>());
  const bool dynamic = w.random.once_in(2);
  w.turn_to(Peek<INetworkDefinition>::table(net));
  ITensor* x = net->addInput("x", DataType::kFLOAT, Dims4{dynamic ? -1 : 2, 4, 4, 4});
  w.adopt(x);
  for (size_t i = 0, n = 1 + w.random.below(4); i < n && x; ++i) {
    ILayer* layer = nullptr;
    switch (w.random.below(8)) {
      case 0:
        layer = net->addConvolutionNd(*x, 4, Dims2{1, 1}, {DataType::kFLOAT, w.memory(), 16}, {});
        break;
      case 1:
        layer = net->addActivation(*x, ActivationType::kRELU);
        break;
      case 2:
        layer = net->addElementWise(*x, *x, ElementWiseOperation::kSUM);
        break;
      case 3:
        layer = net->addPoolingNd(*x, PoolingType::kMAX, Dims2{1, 1});
        break;
      case 4:
        layer = net->addSoftMax(*x);
        break;
      case 5:
        layer = net->addUnary(*x, UnaryOperation::kABS);
        break;
      case 6:
        layer = net->addReduce(*x, ReduceOperation::kSUM, 4, true);
        break;
      default:
        layer = net->addScale(*x, ScaleMode::kUNIFORM, {}, {DataType::kFLOAT, w.memory(), 1}, {});
        break;
    }
    if (!layer) break;
    w.adopt(layer);
    x = layer->getOutput(0);
  }
  x->setName("y");
  net->markOutput(*x);
  if (w.random.once_in(4)) {
    ITensor* const places = net->addNonZero(*x)->getOutput(0);
    net->markOutput(*places);
    w.adopt(places);
  }
  return net;
}

IBuilderConfig* sane_config(World& w, IBuilder& builder) {
  IBuilderConfig* const config = w.own(builder.createBuilderConfig(), rank_of<IBuilderConfig>());
  config->setBuilderOptimizationLevel(0);
  config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, 64U << 20);
  IOptimizationProfile* const profile = builder.createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims4{1, 4, 4, 4});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims4{2, 4, 4, 4});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims4{4, 4, 4, 4});
  config->addOptimizationProfile(profile);
  w.adopt(profile);
  return config;
}

void run_sane(World& w, ICudaEngine* engine) {
  if (!engine) return;
  IExecutionContext* const context = w.own(engine->createExecutionContext(), 0);
  if (!context) return;
  context->setInputShape("x", Dims4{2, 4, 4, 4});
  for (int32_t i = 0; i < engine->getNbIOTensors(); ++i) {
    context->setTensorAddress(engine->getIOTensorName(i), w.memory());
  }
  current_call = "a sane run";
  if (fits(*context)) context->enqueueV3(nullptr);
}

void build_and_run(World& w) {
  IBuilder* const builder = draw_object<IBuilder>(w);
  INetworkDefinition* const net = w.random.once_in(2)
                                      ? draw_object<INetworkDefinition>(w)
                                      : sane_network(w, *builder, w.random.once_in(2));
  IBuilderConfig* const config =
      w.random.once_in(3) ? draw_object<IBuilderConfig>(w) : sane_config(w, *builder);
  current_call = "a build";
  std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*net, *config));
  if (!plan) return;
  ++w.builds;
  w.plan.assign(static_cast<const char*>(plan->data()), plan->size());
  IRuntime* const runtime = draw_object<IRuntime>(w);
  current_call = "loading a plan of our own";
  run_sane(w, w.own(runtime->deserializeCudaEngine(w.plan.data(), w.plan.size()),
                    rank_of<ICudaEngine>()));
}

/// A plan that was cut, or has other bits.
void load_broken(World& w) {
  if (w.plan.empty()) return;
  std::string bytes = w.plan;
  const size_t head = std::min<size_t>(bytes.size(), 256);
  const size_t span = w.random.once_in(2) ? head : bytes.size();
  if (w.random.once_in(3)) bytes.resize(w.random.below(span));
  for (size_t i = w.random.below(4); i > 0 && !bytes.empty(); --i) {
    bytes[w.random.below(std::min(span, bytes.size()))] ^=
        static_cast<char>(1u << w.random.below(8));
  }
  IRuntime* const runtime = draw_object<IRuntime>(w);
  current_call = "loading a broken plan";
  std::unique_ptr<ICudaEngine> engine(runtime->deserializeCudaEngine(bytes.data(), bytes.size()));
  if (engine && bytes != w.plan) {
    std::cerr << "a broken plan was taken; seed " << current_seed << "\n";
    std::abort();
  }
}

void parse(World& w) {
  INetworkDefinition* const net = draw_object<INetworkDefinition>(w);
  current_call = "createParser";
  auto* const parser =
      w.own(nvonnxparser::createParser(*net, w.log), rank_of<nvonnxparser::IParser>());
  if (!parser) return;
  std::string bytes = w.model;
  if (w.random.once_in(2)) bytes.resize(w.random.below(bytes.size()));
  for (size_t i = w.random.below(6); i > 0 && !bytes.empty(); --i) {
    bytes[w.random.below(bytes.size())] = static_cast<char>(w.random.next());
  }
  w.turn_to(Peek<INetworkDefinition>::table(net));
  current_call = "parse";
  parser->parse(bytes.data(), bytes.size(), w.random.once_in(2) ? nullptr : w.text());
  for (int32_t i = 0; i < net->getNbOutputs(); ++i) w.adopt(net->getOutput(i));
  for (int32_t i = 0; i < net->getNbLayers(); ++i) w.adopt(net->getLayer(i));
}

void begin(World& w) {
  IBuilder* const builder = w.own(createInferBuilder(w.log), 4);
  w.own(createInferRuntime(w.log), 4);
  w.own(builder->createBuilderConfig(), 2);
  w.adopt(builder->createOptimizationProfile());
  for (int typed = 0; typed < 2; ++typed) {
    INetworkDefinition* const net = w.own(builder->createNetworkV2(typed ? 2U : 0U), 2);
    w.turn_to(Peek<INetworkDefinition>::table(net));
    w.adopt(net->addInput("x", DataType::kFLOAT, Dims4{typed ? 2 : -1, 4, 4, 4}));
    w.adopt(net->addInput("a", DataType::kFLOAT, Dims2{3, 4}));
    w.adopt(net->addInput("ids", DataType::kINT32, Dims2{3, -1}));
    w.adopt(net->addInput("flag", DataType::kBOOL, Dims{}));
    w.adopt(net->addInput("bytes", DataType::kUINT8, Dims2{3, 4}));
    w.adopt(net->addInput("s", DataType::kINT64, Dims{1, {2}}));
    w.adopt(net->addInput("half", DataType::kHALF, Dims3{2, 3, 4}));
    w.adopt(net->addInput("none", DataType::kFLOAT, Dims2{0, 4}));
  }
}

struct Total {
  std::mutex mutex;
  std::atomic<uint64_t> sequences{0}, calls{0}, builds{0};
  std::map<std::string, std::string> messages;
  std::map<std::string, uint64_t> counts, silent;
  int failures = 0;
};

void run_sequence(uint64_t seed, const std::string& model, const std::vector<Call>& calls,
                  size_t length, Total& total) {
  current_seed = seed;
  auto world = std::make_unique<World>(seed, model);
  World& w = *world;
  if (w.random.once_in(4)) w.log.reenter = w.poke();
  begin(w);
  std::map<std::string, uint64_t> counts;
  for (size_t i = 0; i < length;) {
    const Call& call = calls[w.random.below(calls.size())];
    if (!call.run(w)) continue;
    ++i, ++counts[call.name];
    const size_t kind = w.random.below(100);
    if (verbose && kind < 4) std::cerr << "action " << kind << "\n";
    if (kind == 0) {
      build_and_run(w);
    } else if (kind == 1) {
      load_broken(w);
    } else if (kind == 2 && w.random.once_in(4)) {
      parse(w);
    } else if (kind == 3) {
      current_call = "delete";
      w.drop_one();
    }
  }
  current_call = "the end";
  const bool any_order = w.random.once_in(2);
  w.log.reenter = nullptr;
  w.clear(any_order);
  const std::lock_guard<std::mutex> lock(total.mutex);
  if (w.log.internal > 0 || w.recorder.references != 0) {
    std::cerr << "seed " << seed << ": " << w.log.internal
              << " internal errors, last: " << w.log.last_internal << "; recorder's references "
              << w.recorder.references << "\n";
    ++total.failures;
  }
  total.sequences += 1, total.builds += w.builds;
  for (const auto& [name, n] : counts) total.counts[name] += n, total.calls += n;
  for (const std::string& name : w.silent) ++total.silent[name];
  total.messages.insert(w.log.messages.begin(), w.log.messages.end());
}

struct Options {
  uint64_t seed = 1, sequences = UINT64_MAX;
  double seconds = 1e9;
  size_t calls = 300, threads = 1;
  std::string model, messages;
  std::set<std::string> skipped;
};

void report(const Total& total, const std::vector<Call>& calls, const Options& options) {
  std::cout << total.sequences << " sequences, " << total.calls << " calls of "
            << total.counts.size() << " of " << calls.size() << " methods, " << total.builds
            << " builds, " << total.messages.size() << " forms of messages, " << total.failures
            << " failures\n";
  if (options.messages.empty()) return;
  std::ofstream out(options.messages);
  for (const auto& [form, text] : total.messages) out << text << "\n";
  for (const auto& [name, n] : total.silent) out << "SILENT " << name << " " << n << "\n";
  for (const Call& call : calls) {
    if (total.counts.count(call.name) == 0) out << "UNCALLED " << call.name << "\n";
  }
}

int run(const Options& options) {
  std::ifstream file(options.model, std::ios::binary);
  const std::string model{std::istreambuf_iterator<char>(file), {}};
  std::vector<Call> calls = every_call();
  const auto skip = [&](const Call& call) { return options.skipped.count(call.name) > 0; };
  calls.erase(std::remove_if(calls.begin(), calls.end(), skip), calls.end());
  Total total;
  std::atomic<uint64_t> next{options.seed};
  const auto start = std::chrono::steady_clock::now();
  const auto work = [&] {
    while (true) {
      const uint64_t seed = next++;
      const std::chrono::duration<double> past = std::chrono::steady_clock::now() - start;
      if (seed - options.seed >= options.sequences || past.count() > options.seconds) return;
      if (options.threads == 1) alarm(120);
      run_sequence(seed, model, calls, options.calls, total);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();
  report(total, calls, options);
  return total.failures > 0;
}

}  // namespace
}  // namespace every_call

int main(int argc, char** argv) {
  using namespace every_call;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--verbose") {
      verbose = true;
      continue;
    }
    if (flag == "--no-null") {
      null_references = false;
      continue;
    }
    const char* const value = i + 1 < argc ? argv[++i] : "";
    if (flag == "--seed") options.seed = std::strtoull(value, nullptr, 10);
    if (flag == "--sequences") options.sequences = std::strtoull(value, nullptr, 10);
    if (flag == "--seconds") options.seconds = std::strtod(value, nullptr);
    if (flag == "--calls") options.calls = std::strtoull(value, nullptr, 10);
    if (flag == "--threads") options.threads = std::strtoull(value, nullptr, 10);
    if (flag == "--skip") options.skipped.insert(value);
    if (flag == "--model") options.model = value;
    if (flag == "--messages") options.messages = value;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM}) {
    std::signal(signal, crashed);
  }
  return run(options);
}
