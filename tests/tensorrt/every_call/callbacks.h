#pragma once
// What a program hands to the library, at its worst: callbacks that fail, lie about sizes, or call
// the library again.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "NvInfer.h"

// Nothing is known of CUDA's own here; complete, so that templates may look.
struct alignas(void*) CUstream_st {};
struct alignas(void*) CUevent_st {};

namespace every_call {

using namespace nvinfer1;

/// Counts errors and keeps one message of each form: numbers are left out.
class Log final : public ILogger {
 public:
  void log(Severity severity, AsciiChar const* text) noexcept override;
  /// Called from within log(), once at a time.
  std::function<void()> reenter;
  int errors = 0, internal = 0;
  std::string last_internal;
  std::map<std::string, std::string> messages;  ///< by form: one as it was

 private:
  std::mutex mutex_;
  bool inside_ = false;
};

class Recorder final : public IErrorRecorder {
 public:
  int32_t getNbErrors() const noexcept override { return count_; }
  ErrorCode getErrorCode(int32_t) const noexcept override { return ErrorCode::kINTERNAL_ERROR; }
  ErrorDesc getErrorDesc(int32_t) const noexcept override { return ""; }
  bool hasOverflowed() const noexcept override { return true; }
  void clear() noexcept override { count_ = 0; }
  bool reportError(ErrorCode, ErrorDesc text) noexcept override {
    return ++count_, std::strlen(text) == 0;  // says of every error that it is not fatal
  }
  RefCount incRefCount() noexcept override { return ++references; }
  RefCount decRefCount() noexcept override { return --references; }
  int references = 0;

 private:
  int count_ = 0;
};

/// Gives null at the n-th call; every third block is one that it did not give.
class Allocator final : public IGpuAllocator {
 public:
  explicit Allocator(int good) : good_(good) {}
  ~Allocator() override;
  void* allocate(uint64_t size, uint64_t alignment, AllocatorFlags) noexcept override;
  bool deallocate(void* memory) noexcept override;
  void* allocateAsync(uint64_t size, uint64_t alignment, AllocatorFlags flags,
                      cudaStream_t) noexcept override {
    return allocate(size, alignment, flags);
  }
  bool deallocateAsync(void* memory, cudaStream_t) noexcept override { return deallocate(memory); }
  std::function<void()> reenter;
  int unknown = 0;  ///< blocks that came back and were never given

 private:
  std::mutex mutex_;
  int good_;
  std::map<void*, uint64_t> given_;
};

class OutputAllocator final : public IOutputAllocator {
 public:
  explicit OutputAllocator(int mode) : mode_(mode) {}
  void* reallocateOutput(char const*, void* current, uint64_t size, uint64_t) noexcept override {
    if (mode_ == 0 || size > (64U << 20)) return nullptr;
    if (mode_ == 1) return current;
    memory_.emplace_back(size / 8 + 9);
    return memory_.back().data();
  }
  void notifyShape(char const*, Dims const& dims) noexcept override { last = dims; }
  Dims last{};

 private:
  int mode_;
  std::deque<std::vector<double>> memory_;
};

class Writer final : public IStreamWriter {
 public:
  explicit Writer(int64_t most) : most_(most) {}
  int64_t write(void const*, int64_t size) noexcept override {
    const int64_t taken = most_ < 0 ? most_ : size < most_ ? size : most_;
    most_ -= taken > 0 ? taken : 0;
    return taken;
  }

 private:
  int64_t most_;
};

/// Gives the bytes in pieces; too few or too many by `mode`.
class Reader final : public IStreamReader {
 public:
  Reader(std::string bytes, int mode) : bytes_(std::move(bytes)), mode_(mode) {}
  int64_t read(void* to, int64_t size) noexcept override;

 private:
  std::string bytes_;
  int mode_;
  size_t at_ = 0;
};

class ReaderV2 final : public IStreamReaderV2 {
 public:
  ReaderV2(std::string bytes, int mode) : bytes_(std::move(bytes)), mode_(mode) {}
  int64_t read(void* to, int64_t size, cudaStream_t) noexcept override;
  bool seek(int64_t offset, SeekPosition where) noexcept override;

 private:
  std::string bytes_;
  int mode_;
  int64_t at_ = 0;
};

class Profiler final : public IProfiler {
 public:
  void reportLayerTime(char const* name, float) noexcept override { last_ = name ? name : ""; }

 private:
  std::string last_;
};

class Listener final : public IDebugListener {
 public:
  explicit Listener(bool answer) : answer_(answer) {}
  bool processDebugTensor(void const*, TensorLocation, DataType, Dims const&, char const*,
                          cudaStream_t) noexcept override {
    return answer_;
  }

 private:
  bool answer_;
};

class Monitor final : public IProgressMonitor {
 public:
  explicit Monitor(int steps) : steps_(steps) {}
  void phaseStart(char const*, char const*, int32_t) noexcept override {}
  bool stepComplete(char const*, int32_t) noexcept override {
    if (reenter) reenter();
    return steps_-- > 0;
  }
  void phaseFinish(char const*) noexcept override {}
  std::function<void()> reenter;

 private:
  int steps_;
};

class Selector final : public IAlgorithmSelector {
 public:
  explicit Selector(int answer) : answer_(answer) {}
  int32_t selectAlgorithms(IAlgorithmContext const& context, IAlgorithm const* const* choices,
                           int32_t count, int32_t* selection) noexcept override;
  void reportAlgorithms(IAlgorithmContext const* const*, IAlgorithm const* const*,
                        int32_t) noexcept override {}

 private:
  int answer_;
};

class Calibrator final : public IInt8EntropyCalibrator2 {
 public:
  Calibrator(int mode, void* memory) : mode_(mode), memory_(memory) {}
  int32_t getBatchSize() const noexcept override { return mode_ == 0 ? -1 : 1; }
  bool getBatch(void* bindings[], char const* names[], int32_t count) noexcept override;
  void const* readCalibrationCache(std::size_t& length) noexcept override;
  void writeCalibrationCache(void const*, std::size_t) noexcept override {}

 private:
  int mode_;
  void* memory_;
  int batches_ = 0;
};

}  // namespace every_call
