#pragma once
// cuBLASLt and cuDNN as far as they are used: their functions, declared here so that nothing of
// them is needed to build, and opened when first wanted.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/cuda/library_call.h"
#include "device/cuda/objects.h"

namespace carnot::cuda {

/// What the functions return that say how it went: 0 is success.
struct CublasLt {
#define CARNOT_LIBRARY(result, name, symbol, arguments) result(*name) arguments = nullptr;
#include "device/cuda/cublaslt.def"
#undef CARNOT_LIBRARY
  std::string path;
};
struct Cudnn {
#define CARNOT_LIBRARY(result, name, symbol, arguments) result(*name) arguments = nullptr;
#include "device/cuda/cudnn.def"
#undef CARNOT_LIBRARY
  std::string path;
};

/// The library, the same answer for the whole process; an error says what to install.
Result<const CublasLt*> cublaslt();
Result<const Cudnn*> cudnn();

/// A call as an engine has it. Thread-safe. The GPU's context is current wherever it is used.
class LibraryCall {
 public:
  LibraryCall() = default;
  LibraryCall(const LibraryCall&) = delete;
  LibraryCall& operator=(const LibraryCall&) = delete;
  virtual ~LibraryCall() = default;
  /// Makes ready what is known before the first run. What the library does not take shows when it
  /// is queued.
  virtual Status prepare() { return {}; }
  /// Sizes that it meets for the first time are made ready, which takes memory and time.
  /// kUnsupported where the library does not take them.
  virtual Status queue(const Launch& launch, void* scratch, StreamObject* stream) = 0;
};

/// cuBLASLt's handle, which many threads may use at once.
struct CublasLtHandle {
  explicit CublasLtHandle(const CublasLt& opened) : library(opened) {}
  CublasLtHandle(const CublasLtHandle&) = delete;
  CublasLtHandle& operator=(const CublasLtHandle&) = delete;
  ~CublasLtHandle() { library.destroy(object); }
  const CublasLt& library;
  void* object = nullptr;
};
/// cuDNN's handles, each of which one thread may use at a time.
class CudnnHandles {
 public:
  explicit CudnnHandles(const Cudnn& library) : library_(library) {}
  CudnnHandles(const CudnnHandles&) = delete;
  CudnnHandles& operator=(const CudnnHandles&) = delete;
  ~CudnnHandles();
  const Cudnn& library() const { return library_; }
  Status status(int code, const char* what) const;

  /// One of them for as long as this lives.
  class Lease {
   public:
    explicit Lease(CudnnHandles& from) : from_(from) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    Status take();
    void* get() const { return object_; }

   private:
    CudnnHandles& from_;
    void* object_ = nullptr;
  };

 private:
  const Cudnn& library_;
  std::mutex mutex_;
  std::vector<void*> free_;
};
Result<std::unique_ptr<CublasLtHandle>> make_cublaslt_handle();
std::unique_ptr<LibraryCall> make_matmul(CublasLtHandle& handle, const MatmulCall& call);
std::unique_ptr<LibraryCall> make_convolution(CudnnHandles& handles, const ConvolutionCall& call);

/// The calls of one code file.
class LibraryCalls {
 public:
  /// `pointers` and `integers` are what the code file promises.
  Result<LibraryCall*> add(Library library, std::string_view text, uint32_t pointers,
                           uint32_t integers);
  /// Side by side. `context` is made current for each thread.
  Status prepare(const Context& context);
  /// Ends them all, with the GPU's context current.
  void clear() {
    calls_.clear();
    cudnn_.reset();
    cublaslt_.reset();
  }

 private:
  std::unique_ptr<CublasLtHandle> cublaslt_;  // before the calls that use them
  std::unique_ptr<CudnnHandles> cudnn_;
  std::vector<std::unique_ptr<LibraryCall>> calls_;
};

}  // namespace carnot::cuda
