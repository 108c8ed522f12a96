// Convolutions by cuDNN's graph interface: a convolution, what is added to it and an activation are
// one graph, for which the library proposes engines. Everything is an object with attributes.
#include <algorithm>
#include <array>

#include "device/cuda/find_library.h"
#include "device/cuda/libraries.h"

namespace carnot::cuda {
namespace {

constexpr int kNotSupported = 3000, kNotSupportedEnd = 4000;

// Kinds of objects.
constexpr int kPointwise = 0, kConvolution = 1, kEngine = 2, kEngineConfig = 3, kHeuristics = 4,
              kPlan = 5, kConvolutionForward = 10, kPointwiseOperation = 13, kGraph = 15,
              kPack = 16, kTensor = 17;
// Types of attributes.
constexpr int kHandleType = 0, kDataType = 1, kBoolean = 2, kInt64 = 3, kFloat = 4, kPointer = 6,
              kModeType = 7, kHeuristicMode = 8, kNoteType = 11, kPointwiseMode = 14, kObject = 15;
// Attributes.
constexpr int kPointwiseKind = 0, kPointwisePrecision = 1, kShapeCompute = 100, kShapeMode = 101,
              kShapeDilations = 102, kShapeStrides = 103, kShapeAfter = 104, kShapeBefore = 105,
              kShapeRank = 106, kHeuristicsMode = 200, kHeuristicsGraph = 201,
              kHeuristicsResults = 202, kConfigEngine = 300, kPlanHandle = 400, kPlanConfig = 401,
              kPlanWorkspace = 402, kForwardAlpha = 700, kForwardBeta = 701, kForwardShape = 702,
              kForwardWeights = 703, kForwardX = 704, kForwardY = 705, kPointwiseWhat = 750,
              kPointwiseX = 751, kPointwiseB = 752, kPointwiseY = 753, kGraphHandle = 800,
              kGraphOperations = 801, kTensorAlignment = 900, kTensorType = 901, kTensorSizes = 902,
              kTensorStrides = 903, kTensorId = 906, kTensorVirtual = 907, kPackIds = 1000,
              kPackPointers = 1001, kPackWorkspace = 1003, kEngineNotes = 1303;
// What an engine says of its numbers.
constexpr int kTensorCores = 0, kNarrowedFactors = 1, kNarrowedSums = 2, kVaries = 4;
constexpr int64_t kNotes = 10;
constexpr int kComputeF32 = 0;
constexpr int kAdd = 0;
constexpr int kPointwiseOf[] = {-1, 100, 107, 104, 106, 102, 101};  ///< of each Activation
static_assert(std::size(kPointwiseOf) == kActivations);
constexpr int kHeuristicsBest = 3, kHeuristicsFallback = 2;
constexpr int64_t kProposals = 8;
constexpr int64_t kAlignment = 16;
// Names of the tensors that are bound.
constexpr int64_t kX = 1, kWeights = 2, kBias = 3, kResidual = 4, kY = 5, kVirtual = 10;

constexpr OptionalLibrary kLibrary = {
    {"libcudnn.so.9"},
    90000,
    "cuDNN 9 (libcudnn.so.9) was not found; install it or `pip install nvidia-cudnn-cu13`, or "
    "build the engine with --tactics -cudnn",
    "cuDNN 9 is needed, or an engine without it (--tactics -cudnn)"};

void find_all(Cudnn& out, FunctionFinder& finder) {
#define CARNOT_LIBRARY(result, name, symbol, arguments) finder.find(out.name, symbol);
#include "device/cuda/cudnn.def"
#undef CARNOT_LIBRARY
}

struct Opened {
  Cudnn library;
  Status status = open_functions(kLibrary, library, find_all);
};

/// Objects that live together; the first error stays and the rest is not done.
class Objects {
 public:
  explicit Objects(const CudnnHandles& handles) : handles_(handles) {}
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  ~Objects() {
    while (!all_.empty()) {
      handles_.library().drop(all_.back());
      all_.pop_back();
    }
  }
  void* make(int kind) {
    void* out = nullptr;
    note(handles_.library().make(kind, &out), "making an object");
    if (out) all_.push_back(out);
    return out;
  }
  void set(void* object, int attribute, int type, int64_t count, const void* values) {
    if (status_.ok())
      note(handles_.library().set(object, attribute, type, count, values), "a part");
  }
  template <class T>
  void set(void* object, int attribute, int type, const T& value) {
    set(object, attribute, type, 1, &value);
  }
  void finalize(void* object, const char* what) {
    if (status_.ok()) note(handles_.library().finalize(object), what);
  }
  void get(void* object, int attribute, int type, int64_t room, int64_t* count, void* values) {
    if (!status_.ok()) return;
    note(handles_.library().get(object, attribute, type, room, count, values), "asking");
  }
  Status take_status() { return std::exchange(status_, Status()); }

 private:
  void note(int code, const char* what) {
    if (status_.ok()) status_ = handles_.status(code, what);
  }
  const CudnnHandles& handles_;
  std::vector<void*> all_;
  Status status_;
};

class Convolution : public LibraryCall {
 public:
  Convolution(CudnnHandles& handles, const ConvolutionCall& call)
      : handles_(handles), call_(call), objects_(handles) {}
  Status prepare() override;
  Status queue(const Launch& launch, void* scratch, StreamObject* stream) override;

 private:
  Status make(void* handle);
  void* tensor(int64_t id, int64_t element, const std::array<int64_t, 4>& sizes, bool is_virtual);
  void* output(int64_t id, int64_t element, bool is_virtual) {
    return tensor(id, element, {call_.n, call_.groups * call_.k, call_.p, call_.q}, is_virtual);
  }
  void* convolution(void* y);
  void* pointwise(int mode, void* x, void* b, void* y);
  void* graph(void* handle);
  bool is_exact(void* config);
  Status choose(void* handle, void* graph);

  CudnnHandles& handles_;
  ConvolutionCall call_;
  Objects objects_;
  void* plan_ = nullptr;
  Status made_;
};

void* Convolution::tensor(int64_t id, int64_t element, const std::array<int64_t, 4>& sizes,
                          bool is_virtual) {
  void* const out = objects_.make(kTensor);
  const std::array<int64_t, 4> strides = {sizes[1] * sizes[2] * sizes[3], 1, sizes[1] * sizes[3],
                                          sizes[1]};
  objects_.set(out, kTensorType, kDataType, kElementCodes[element].cudnn);
  objects_.set(out, kTensorSizes, kInt64, 4, sizes.data());
  objects_.set(out, kTensorStrides, kInt64, 4, strides.data());
  objects_.set(out, kTensorId, kInt64, id);
  objects_.set(out, kTensorAlignment, kInt64, kAlignment);
  objects_.set(out, kTensorVirtual, kBoolean, is_virtual);
  objects_.finalize(out, "a tensor");
  return out;
}

void* Convolution::convolution(void* y) {
  const ConvolutionCall& c = call_;
  void* const x = tensor(kX, c.element, {c.n, c.groups * c.c, c.h, c.w}, false);
  void* const weights = tensor(kWeights, c.element, {c.groups * c.k, c.c, c.r, c.s}, false);
  void* const shape = objects_.make(kConvolution);
  const int64_t dilations[] = {c.dilation_h, c.dilation_w}, strides[] = {c.stride_h, c.stride_w};
  const int64_t before[] = {c.pad_top, c.pad_left}, after[] = {c.pad_bottom, c.pad_right};
  constexpr int kCrossCorrelation = 1;
  objects_.set(shape, kShapeRank, kInt64, int64_t{2});
  objects_.set(shape, kShapeCompute, kDataType, kComputeF32);
  objects_.set(shape, kShapeMode, kModeType, kCrossCorrelation);
  objects_.set(shape, kShapeDilations, kInt64, 2, dilations);
  objects_.set(shape, kShapeStrides, kInt64, 2, strides);
  objects_.set(shape, kShapeBefore, kInt64, 2, before);
  objects_.set(shape, kShapeAfter, kInt64, 2, after);
  objects_.finalize(shape, "a convolution");
  void* const out = objects_.make(kConvolutionForward);
  objects_.set(out, kForwardAlpha, kFloat, 1.0F);
  objects_.set(out, kForwardBeta, kFloat, 0.0F);
  objects_.set(out, kForwardShape, kObject, shape);
  objects_.set(out, kForwardWeights, kObject, weights);
  objects_.set(out, kForwardX, kObject, x);
  objects_.set(out, kForwardY, kObject, y);
  objects_.finalize(out, "a convolution");
  return out;
}

void* Convolution::pointwise(int mode, void* x, void* b, void* y) {
  void* const what = objects_.make(kPointwise);
  objects_.set(what, kPointwiseKind, kPointwiseMode, mode);
  objects_.set(what, kPointwisePrecision, kDataType, kComputeF32);
  objects_.finalize(what, "an activation");
  void* const out = objects_.make(kPointwiseOperation);
  objects_.set(out, kPointwiseWhat, kObject, what);
  objects_.set(out, kPointwiseX, kObject, x);
  if (b) objects_.set(out, kPointwiseB, kObject, b);
  objects_.set(out, kPointwiseY, kObject, y);
  objects_.finalize(out, "what follows a convolution");
  return out;
}

// The residual first, as in the forms that the library has ready.
void* Convolution::graph(void* handle) {
  const int last = static_cast<int>(call_.bias + call_.residual + (call_.activation ? 1 : 0));
  std::vector<void*> operations;
  int64_t at = 0;
  const auto next = [&] {
    const bool end = at == last;
    return output(end ? kY : kVirtual + at++, end ? call_.result : 0, !end);
  };
  void* y = next();
  operations.push_back(convolution(y));
  const auto append = [&](int mode, void* b) {
    void* const x = y;
    y = next();
    operations.push_back(pointwise(mode, x, b, y));
  };
  if (call_.residual) append(kAdd, output(kResidual, call_.result, false));
  if (call_.bias) {
    append(kAdd, tensor(kBias, call_.bias_element, {1, call_.groups * call_.k, 1, 1}, false));
  }
  if (call_.activation) append(kPointwiseOf[call_.activation], nullptr);
  void* const out = objects_.make(kGraph);
  objects_.set(out, kGraphHandle, kHandleType, handle);
  objects_.set(out, kGraphOperations, kObject, static_cast<int64_t>(operations.size()),
               operations.data());
  objects_.finalize(out, "a graph");
  return out;
}

// Sums in another order each run are never taken. Products of f32 on tensor cores are of TF32; what
// narrower types make of their sums is for the comparison with the kernel's meaning to judge.
bool Convolution::is_exact(void* config) {
  void* engine = objects_.make(kEngine);
  std::array<int, kNotes> notes{};
  int64_t count = 0;
  objects_.get(config, kConfigEngine, kObject, 1, &count, &engine);
  objects_.get(engine, kEngineNotes, kNoteType, kNotes, &count, notes.data());
  if (!objects_.take_status().ok()) return false;
  const bool rounds = call_.tf32 || kElementCodes[call_.element].type != DType::kF32;
  return std::none_of(notes.begin(), notes.begin() + std::min(count, kNotes), [&](int note) {
    const bool narrows = note == kTensorCores || note == kNarrowedFactors || note == kNarrowedSums;
    return note == kVaries || (!rounds && narrows);
  });
}

Status Convolution::choose(void* handle, void* graph) {
  int64_t left = call_.choice;
  for (const int mode : {kHeuristicsBest, kHeuristicsFallback}) {
    void* const heuristics = objects_.make(kHeuristics);
    objects_.set(heuristics, kHeuristicsGraph, kObject, graph);
    objects_.set(heuristics, kHeuristicsMode, kHeuristicMode, mode);
    objects_.finalize(heuristics, "asking for engines");
    std::array<void*, kProposals> configs{};
    for (void*& config : configs) config = objects_.make(kEngineConfig);
    int64_t count = 0;
    objects_.get(heuristics, kHeuristicsResults, kObject, kProposals, &count, configs.data());
    CARNOT_RETURN_IF_ERROR(objects_.take_status());
    const auto end = configs.begin() + std::min(count, kProposals);
    const auto chosen = std::find_if(configs.begin(), end,
                                     [&](void* config) { return is_exact(config) && left-- == 0; });
    if (chosen == end) continue;
    plan_ = objects_.make(kPlan);
    objects_.set(plan_, kPlanHandle, kHandleType, handle);
    objects_.set(plan_, kPlanConfig, kObject, *chosen);
    objects_.finalize(plan_, "making an engine ready");
    int64_t bytes = 0, one = 0;
    objects_.get(plan_, kPlanWorkspace, kInt64, 1, &one, &bytes);
    CARNOT_RETURN_IF_ERROR(objects_.take_status());
    if (bytes <= kLibraryScratchBytes) return {};
    return error(Code::kUnsupported, "cuDNN's engine needs ", bytes, " bytes of scratch memory");
  }
  return error(Code::kUnsupported, "cuDNN proposes fewer than ", call_.choice + 1,
               " engines for this convolution that round as asked, the same way each time");
}

Status Convolution::make(void* handle) {
  void* const whole = graph(handle);
  CARNOT_RETURN_IF_ERROR(objects_.take_status());
  return choose(handle, whole);
}

Status Convolution::prepare() {
  CudnnHandles::Lease handle(handles_);
  CARNOT_RETURN_IF_ERROR(handle.take());
  made_ = make(handle.get());
  return made_.ok() || made_.code() == Code::kUnsupported ? Status() : made_;
}

Status Convolution::queue(const Launch& launch, void* scratch, StreamObject* stream) {
  CARNOT_RETURN_IF_ERROR(Status(made_));
  std::array<int64_t, 5> ids{};
  size_t count = 0;
  ids[count++] = kX, ids[count++] = kWeights;
  if (call_.bias) ids[count++] = kBias;
  if (call_.residual) ids[count++] = kResidual;
  ids[count++] = kY;
  Objects objects(handles_);
  void* const pack = objects.make(kPack);
  objects.set(pack, kPackIds, kInt64, static_cast<int64_t>(count), ids.data());
  objects.set(pack, kPackPointers, kPointer, static_cast<int64_t>(count), launch.buffers);
  objects.set(pack, kPackWorkspace, kPointer, scratch);
  objects.finalize(pack, "the addresses of a convolution");
  CARNOT_RETURN_IF_ERROR(objects.take_status());
  CudnnHandles::Lease handle(handles_);
  CARNOT_RETURN_IF_ERROR(handle.take());
  const Cudnn& library = handles_.library();
  CARNOT_RETURN_IF_ERROR(handles_.status(library.set_stream(handle.get(), stream), "a stream"));
  return handles_.status(library.execute(handle.get(), plan_, pack), "queueing a convolution");
}

}  // namespace

Result<const Cudnn*> cudnn() {
  // Never closed: it has threads and memory of its own.
  static const Opened* const opened = new Opened;
  if (!opened->status.ok()) return opened->status;
  return &opened->library;
}

Status CudnnHandles::status(int code, const char* what) const {
  if (code == 0) return {};
  const bool unsupported = code >= kNotSupported && code < kNotSupportedEnd;
  return error(unsupported ? Code::kUnsupported : Code::kDevice, "cuDNN, ", what, ": ",
               library_.words(code));
}

CudnnHandles::~CudnnHandles() {
  for (void* handle : free_) library_.destroy(handle);
}

Status CudnnHandles::Lease::take() {
  {
    const std::lock_guard lock(from_.mutex_);
    if (!from_.free_.empty()) {
      object_ = from_.free_.back();
      from_.free_.pop_back();
      return {};
    }
  }
  return from_.status(from_.library_.create(&object_), "starting it");
}

CudnnHandles::Lease::~Lease() {
  if (!object_) return;
  const std::lock_guard lock(from_.mutex_);
  from_.free_.push_back(object_);
}

std::unique_ptr<LibraryCall> make_convolution(CudnnHandles& handles, const ConvolutionCall& call) {
  return std::make_unique<Convolution>(handles, call);
}

}  // namespace carnot::cuda
