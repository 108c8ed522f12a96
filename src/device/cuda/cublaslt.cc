// Matrix products by cuBLASLt. It thinks in columns: our rows of the result are its columns, so its
// first operand is our second, and a bias along our columns is one along its rows.
#include <algorithm>
#include <array>

#include "device/cuda/find_library.h"
#include "device/cuda/libraries.h"

namespace carnot::cuda {
namespace {

constexpr int kNotSupported = 15;
constexpr int kComputeF32 = 68, kScaleF32 = 0;
// Attributes of a product, a matrix, and of what is asked for.
constexpr int kTransposeA = 3, kTransposeB = 4, kEpilogue = 7, kBiasPointer = 8, kBiasType = 26;
constexpr int kBatchCount = 5, kBatchStride = 6;
constexpr int kWorkspaceBytes = 1, kAlignmentA = 5;
// Bits of an epilogue.
constexpr uint32_t kEpilogueRelu = 2, kEpilogueBias = 4, kEpilogueGelu = 32;
constexpr uint32_t kPointerAlignment = 16;  ///< of whatever memory kernels are given

struct Proposal {
  std::array<uint64_t, 8> algorithm;
  size_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
};
constexpr int kProposals = 16;  ///< asked for, always: ranks hold for equal questions

constexpr OptionalLibrary kLibrary = {
    {"libcublasLt.so.13", "libcublasLt.so.12"},
    120000,
    "cuBLASLt (libcublasLt.so.13 or .12) was not found; install CUDA 12 or newer or "
    "`pip install nvidia-cublas`, or build the engine with --tactics -cublaslt",
    "cuBLASLt 12 or later is needed, or an engine without it (--tactics -cublaslt)"};

void find_all(CublasLt& out, FunctionFinder& finder) {
#define CARNOT_LIBRARY(result, name, symbol, arguments) finder.find(out.name, symbol);
#include "device/cuda/cublaslt.def"
#undef CARNOT_LIBRARY
}

struct Opened {
  CublasLt library;
  Status status = open_functions(kLibrary, library, find_all);
};

/// One of the library's objects, destroyed by its function.
class Object {
 public:
  explicit Object(int (*destroy)(void*)) : destroy_(destroy) {}
  Object(Object&& other) noexcept
      : destroy_(other.destroy_), object_(std::exchange(other.object_, nullptr)) {}
  Object& operator=(Object&&) = delete;
  ~Object() {
    if (object_) destroy_(object_);
  }
  void** place() { return &object_; }
  void* get() const { return object_; }

 private:
  int (*destroy_)(void*);
  void* object_ = nullptr;
};

class Matmul : public LibraryCall {
 public:
  Matmul(CublasLtHandle& handle, const MatmulCall& call)
      : library_(handle.library), handle_(handle.object), call_(call) {}
  Status queue(const Launch& launch, void* scratch, StreamObject* stream) override;

 private:
  using Sizes = std::array<int64_t, MatmulCall::kIntegers>;
  struct Ready {
    explicit Ready(const CublasLt& l)
        : desc(l.desc_destroy),
          a(l.layout_destroy),
          b(l.layout_destroy),
          c(l.layout_destroy),
          d(l.layout_destroy) {}
    Sizes sizes;
    Object desc, a, b, c, d;
    Proposal proposal;
  };
  Status status(int code, const char* what) const {
    if (code == 0) return {};
    return error(code == kNotSupported ? Code::kUnsupported : Code::kDevice, "cuBLASLt, ", what,
                 ": ", library_.words(code));
  }
  Result<Ready*> ready_for(const int64_t* sizes);
  Status make(Ready& out) const;
  Status describe(void* desc) const;
  Status lay_out(void** layout, int64_t type, int64_t rows, int64_t columns, int64_t stride,
                 int64_t batch, int64_t batch_stride) const;
  Status propose(Ready& out) const;

  const CublasLt& library_;
  void* handle_;
  MatmulCall call_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Ready>> ready_;
};

Status Matmul::describe(void* desc) const {
  const int32_t a = static_cast<int32_t>(call_.b_transposed);
  const int32_t b = static_cast<int32_t>(call_.a_transposed);
  uint32_t epilogue = call_.bias ? kEpilogueBias : 0;
  if (call_.activation == static_cast<int64_t>(Activation::kRelu)) epilogue |= kEpilogueRelu;
  if (call_.activation == static_cast<int64_t>(Activation::kGeluTanh)) epilogue |= kEpilogueGelu;
  if (epilogue == 0) epilogue = 1;
  CARNOT_RETURN_IF_ERROR(status(library_.desc_set(desc, kTransposeA, &a, sizeof a), "transposing"));
  CARNOT_RETURN_IF_ERROR(status(library_.desc_set(desc, kTransposeB, &b, sizeof b), "transposing"));
  if (call_.bias) {
    const int32_t type = kElementCodes[call_.result].cublas;
    CARNOT_RETURN_IF_ERROR(
        status(library_.desc_set(desc, kBiasType, &type, sizeof type), "the bias's type"));
  }
  return status(library_.desc_set(desc, kEpilogue, &epilogue, sizeof epilogue), "the epilogue");
}

Status Matmul::lay_out(void** layout, int64_t type, int64_t rows, int64_t columns, int64_t stride,
                       int64_t batch, int64_t batch_stride) const {
  CARNOT_RETURN_IF_ERROR(
      status(library_.layout_create(layout, kElementCodes[type].cublas, static_cast<uint64_t>(rows),
                                    static_cast<uint64_t>(columns), stride),
             "describing a matrix"));
  const auto count = static_cast<int32_t>(batch);
  CARNOT_RETURN_IF_ERROR(
      status(library_.layout_set(*layout, kBatchCount, &count, sizeof count), "a batch"));
  return status(library_.layout_set(*layout, kBatchStride, &batch_stride, sizeof batch_stride),
                "a batch's stride");
}

Status Matmul::propose(Ready& r) const {
  Object preference(library_.preference_destroy);
  CARNOT_RETURN_IF_ERROR(status(library_.preference_create(preference.place()), "a preference"));
  const uint64_t bytes = kLibraryScratchBytes;
  CARNOT_RETURN_IF_ERROR(
      status(library_.preference_set(preference.get(), kWorkspaceBytes, &bytes, sizeof bytes),
             "a workspace"));
  for (int matrix = 0; matrix < 4; ++matrix) {
    CARNOT_RETURN_IF_ERROR(
        status(library_.preference_set(preference.get(), kAlignmentA + matrix, &kPointerAlignment,
                                       sizeof kPointerAlignment),
               "an alignment"));
  }
  std::array<Proposal, kProposals> proposals{};
  int count = 0;
  CARNOT_RETURN_IF_ERROR(
      status(library_.propose(handle_, r.desc.get(), r.a.get(), r.b.get(), r.c.get(), r.d.get(),
                              preference.get(), kProposals, proposals.data(), &count),
             "asking for an algorithm"));
  // The choice was made for other sizes, perhaps: any that it proposes is right.
  int64_t left = call_.choice;
  const Proposal* found = nullptr;
  for (int i = 0; i < count; ++i) {
    const Proposal& p = proposals[static_cast<size_t>(i)];
    if (p.state != 0 || p.workspace_bytes > bytes) continue;
    found = &p;
    if (left-- == 0) break;
  }
  if (!found || (left >= 0 && ready_.empty())) {
    return error(Code::kUnsupported, "cuBLASLt proposes fewer than ", call_.choice + 1,
                 " algorithms for this product");
  }
  r.proposal = *found;
  return {};
}

Status Matmul::make(Ready& r) const {
  const auto [m, n, k, batch, a_stride, b_stride, c_stride, d_stride, a_batch, b_batch, c_batch,
              d_batch] = r.sizes;
  constexpr int64_t kSizeMax = int64_t{1} << 31;
  for (const int64_t size : {m, n, k, batch}) {
    if (size < 1 || size >= kSizeMax) {
      return error(Code::kUnsupported, "cuBLASLt: a product has a size of ", size);
    }
  }
  CARNOT_RETURN_IF_ERROR(
      status(library_.desc_create(r.desc.place(), kComputeF32, kScaleF32), "a product"));
  CARNOT_RETURN_IF_ERROR(describe(r.desc.get()));
  const bool ta = call_.a_transposed != 0, tb = call_.b_transposed != 0;
  // As columns: b is [n, k] where it is not transposed, a is [k, m], the result [n, m].
  CARNOT_RETURN_IF_ERROR(
      lay_out(r.a.place(), call_.element, tb ? k : n, tb ? n : k, b_stride, batch, b_batch));
  CARNOT_RETURN_IF_ERROR(
      lay_out(r.b.place(), call_.element, ta ? m : k, ta ? k : m, a_stride, batch, a_batch));
  CARNOT_RETURN_IF_ERROR(lay_out(r.c.place(), call_.result, n, m,
                                 call_.residual ? c_stride : d_stride, batch,
                                 call_.residual ? c_batch : d_batch));
  CARNOT_RETURN_IF_ERROR(lay_out(r.d.place(), call_.result, n, m, d_stride, batch, d_batch));
  return propose(r);
}

Result<Matmul::Ready*> Matmul::ready_for(const int64_t* sizes) {
  for (const auto& r : ready_) {
    if (std::equal(r->sizes.begin(), r->sizes.end(), sizes)) return r.get();
  }
  auto fresh = std::make_unique<Ready>(library_);
  std::copy_n(sizes, fresh->sizes.size(), fresh->sizes.begin());
  CARNOT_RETURN_IF_ERROR(make(*fresh));
  ready_.push_back(std::move(fresh));
  return ready_.back().get();
}

Status Matmul::queue(const Launch& launch, void* scratch, StreamObject* stream) {
  const std::lock_guard lock(mutex_);
  CARNOT_ASSIGN(Ready * ready, ready_for(launch.params));
  void* const* pointers = launch.buffers;
  const void *a = pointers[0], *b = pointers[1];
  void* d = pointers[call_.pointers() - 1];
  const void* bias = call_.bias ? pointers[2] : nullptr;
  const void* c = call_.residual ? pointers[2 + call_.bias] : d;
  if (bias) {
    CARNOT_RETURN_IF_ERROR(
        status(library_.desc_set(ready->desc.get(), kBiasPointer, &bias, sizeof bias), "the bias"));
  }
  const float one = 1, beta = call_.residual ? 1 : 0;
  return status(
      library_.matmul(handle_, ready->desc.get(), &one, b, ready->a.get(), a, ready->b.get(), &beta,
                      c, ready->c.get(), d, ready->d.get(), ready->proposal.algorithm.data(),
                      scratch, ready->proposal.workspace_bytes, stream),
      "queueing a product");
}

}  // namespace

Result<const CublasLt*> cublaslt() {
  // Never closed: it has threads and memory of its own.
  static const Opened* const opened = new Opened;
  if (!opened->status.ok()) return opened->status;
  return &opened->library;
}

Result<std::unique_ptr<CublasLtHandle>> make_cublaslt_handle() {
  CARNOT_ASSIGN(const CublasLt* library, cublaslt());
  void* object = nullptr;
  if (const int code = library->create(&object); code != 0) {
    return error(Code::kDevice, "starting cuBLASLt: ", library->words(code));
  }
  auto out = std::make_unique<CublasLtHandle>(*library);
  out->object = object;
  return out;
}

std::unique_ptr<LibraryCall> make_matmul(CublasLtHandle& handle, const MatmulCall& call) {
  return std::make_unique<Matmul>(handle, call);
}

}  // namespace carnot::cuda
