#include "callbacks.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "adapter.h"

namespace trt_python {
namespace {

nb::object& classes() {
  static auto* module = new nb::object;  // lives as long as the process: Python may be gone before
  return *module;
}

size_t number(const void* pointer) {
  return reinterpret_cast<size_t>(pointer);
}

bool truth(nb::handle value) {
  const int is = PyObject_IsTrue(value.ptr());
  if (is < 0) nb::raise_python_error();
  return is != 0;
}

class PythonLogger final : public ILogger, public OfPython {
 public:
  using OfPython::OfPython;
  void log(Severity severity, AsciiChar const* message) noexcept override {
    guarded("log", false, [&] {
      if (self_.is_valid()) self_.attr("log")(severity, message);
      return true;
    });
  }
  /// The library keeps the first logger for good, so what is left of one stays, and is silent.
  void release() { forget(); }
};

class PythonProfiler final : public IProfiler, public OfPython {
 public:
  using OfPython::OfPython;
  void reportLayerTime(char const* layer, float ms) noexcept override {
    guarded("report_layer_time", false, [&] {
      self_.attr("report_layer_time")(layer, ms);
      return true;
    });
  }
  void release() { delete this; }
};

class PythonErrorRecorder final : public IErrorRecorder, public OfPython {
 public:
  using OfPython::OfPython;
  int32_t getNbErrors() const noexcept override {
    return guarded("num_errors", 0, [&] { return nb::cast<int32_t>(self_.attr("num_errors")()); });
  }
  ErrorCode getErrorCode(int32_t index) const noexcept override {
    return guarded("get_error_code", ErrorCode::kUNSPECIFIED_ERROR,
                   [&] { return nb::cast<ErrorCode>(self_.attr("get_error_code")(index)); });
  }
  ErrorDesc getErrorDesc(int32_t index) const noexcept override {
    return guarded("get_error_desc", "", [&]() -> ErrorDesc {
      kept_.push_back(nb::cast<std::string>(self_.attr("get_error_desc")(index)));
      return kept_.back().c_str();
    });
  }
  bool hasOverflowed() const noexcept override {
    return guarded("has_overflowed", false, [&] { return truth(self_.attr("has_overflowed")()); });
  }
  void clear() noexcept override {
    guarded("clear", false, [&] {
      self_.attr("clear")();
      kept_.clear();
      return true;
    });
  }
  bool reportError(ErrorCode code, ErrorDesc text) noexcept override {
    return guarded("report_error", false,
                   [&] { return truth(self_.attr("report_error")(code, text)); });
  }
  // Lifetimes are Python's.
  RefCount incRefCount() noexcept override { return 0; }
  RefCount decRefCount() noexcept override { return 0; }
  void release() { delete this; }

 private:
  mutable std::deque<std::string> kept_;  ///< texts handed out, until clear()
};

class PythonProgressMonitor final : public IProgressMonitor, public OfPython {
 public:
  using OfPython::OfPython;
  void phaseStart(char const* phase, char const* parent, int32_t steps) noexcept override {
    guarded("phase_start", false, [&] {
      self_.attr("phase_start")(phase, parent, steps);
      return true;
    });
  }
  bool stepComplete(char const* phase, int32_t step) noexcept override {
    return guarded("step_complete", false,
                   [&] { return truth(self_.attr("step_complete")(phase, step)); });
  }
  void phaseFinish(char const* phase) noexcept override {
    guarded("phase_finish", false, [&] {
      self_.attr("phase_finish")(phase);
      return true;
    });
  }
  void release() { delete this; }
};

class PythonGpuAllocator final : public IGpuAllocator, public OfPython {
 public:
  using OfPython::OfPython;
  void* allocate(uint64_t size, uint64_t alignment, AllocatorFlags flags) noexcept override {
    return memory("allocate", [&] { return self_.attr("allocate")(size, alignment, flags); });
  }
  void* reallocate(void* address, uint64_t alignment, uint64_t size) noexcept override {
    return memory("reallocate",
                  [&] { return self_.attr("reallocate")(number(address), alignment, size); });
  }
  bool deallocate(void* address) noexcept override {
    return guarded("deallocate", false,
                   [&] { return truth(self_.attr("deallocate")(number(address))); });
  }
  void* allocateAsync(uint64_t size, uint64_t alignment, AllocatorFlags flags,
                      cudaStream_t stream) noexcept override {
    return memory("allocate_async", [&] {
      return self_.attr("allocate_async")(size, alignment, flags, number(stream));
    });
  }
  bool deallocateAsync(void* address, cudaStream_t stream) noexcept override {
    return guarded("deallocate_async", false, [&] {
      return truth(self_.attr("deallocate_async")(number(address), number(stream)));
    });
  }
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }
  void release() { delete this; }

 private:
  template <class Body>
  void* memory(const char* call, Body&& body) noexcept {
    return guarded(call, static_cast<void*>(nullptr), [&] { return memory_of(body()); });
  }
};

class PythonOutputAllocator final : public IOutputAllocator, public OfPython {
 public:
  using OfPython::OfPython;
  void* reallocateOutput(char const* name, void* memory, uint64_t size,
                         uint64_t alignment) noexcept override {
    return guarded("reallocate_output", static_cast<void*>(nullptr), [&] {
      return memory_of(self_.attr("reallocate_output")(name, number(memory), size, alignment));
    });
  }
  void* reallocateOutputAsync(char const* name, void* memory, uint64_t size, uint64_t alignment,
                              cudaStream_t stream) noexcept override {
    return guarded("reallocate_output_async", static_cast<void*>(nullptr), [&] {
      return memory_of(self_.attr("reallocate_output_async")(name, number(memory), size, alignment,
                                                             number(stream)));
    });
  }
  void notifyShape(char const* name, Dims const& shape) noexcept override {
    guarded("notify_shape", false, [&] {
      self_.attr("notify_shape")(name, shape);
      return true;
    });
  }
  void release() { delete this; }
};

class PythonDebugListener final : public IDebugListener, public OfPython {
 public:
  using OfPython::OfPython;
  bool processDebugTensor(void const* data, TensorLocation location, DataType type,
                          Dims const& shape, char const* name,
                          cudaStream_t stream) noexcept override {
    return guarded("process_debug_tensor", false, [&] {
      nb::object result = self_.attr("process_debug_tensor")(number(data), location, type, shape,
                                                             name, number(stream));
      return result.is_none() || truth(result);
    });
  }
  void release() { delete this; }
};

/// Copies the bytes that a reader returned to where the library wants them; how many, or -1.
int64_t deliver(nb::handle bytes, void* destination, int64_t wanted) {
  Py_buffer view;
  if (PyObject_GetBuffer(bytes.ptr(), &view, PyBUF_SIMPLE) != 0) nb::raise_python_error();
  const int64_t count = std::min<int64_t>(view.len, wanted);
  std::memcpy(destination, view.buf, static_cast<size_t>(count));
  PyBuffer_Release(&view);
  return count;
}

class PythonStreamReader final : public IStreamReader, public OfPython {
 public:
  using OfPython::OfPython;
  int64_t read(void* destination, int64_t size) noexcept override {
    return guarded("read", int64_t{-1},
                   [&] { return deliver(self_.attr("read")(size), destination, size); });
  }
  void release() { delete this; }
};

class PythonStreamReaderV2 final : public IStreamReaderV2, public OfPython {
 public:
  using OfPython::OfPython;
  int64_t read(void* destination, int64_t size, cudaStream_t stream) noexcept override {
    return guarded("read", int64_t{-1}, [&] {
      return deliver(self_.attr("read")(size, number(stream)), destination, size);
    });
  }
  bool seek(int64_t offset, SeekPosition where) noexcept override {
    return guarded("seek", false, [&] { return truth(self_.attr("seek")(offset, where)); });
  }
  void release() { delete this; }
};

class PythonStreamWriter final : public IStreamWriter, public OfPython {
 public:
  using OfPython::OfPython;
  int64_t write(void const* data, int64_t size) noexcept override {
    return guarded("write", int64_t{-1}, [&] {
      nb::bytes bytes(data, static_cast<size_t>(size));
      return nb::cast<int64_t>(self_.attr("write")(bytes));
    });
  }
  void release() { delete this; }
};

/// A legacy calibrator to the library, so that it may ask for what those have beside the others.
class PythonCalibrator final : public IInt8LegacyCalibrator, public OfPython {
 public:
  using OfPython::OfPython;
  InterfaceInfo getInterfaceInfo() const noexcept override { return {"IInt8Calibrator", 1, 0}; }
  int32_t getBatchSize() const noexcept override {
    return guarded("get_batch_size", 1,
                   [&] { return nb::cast<int32_t>(self_.attr("get_batch_size")()); });
  }
  bool getBatch(void* bindings[], char const* names[], int32_t count) noexcept override {
    return guarded("get_batch", false, [&] {
      nb::list wanted;
      for (int32_t i = 0; i < count; ++i) wanted.append(nb::str(names[i]));
      nb::object batch = self_.attr("get_batch")(wanted);
      if (batch.is_none() || nb::len(batch) == 0) return false;
      if (nb::len(batch) != static_cast<size_t>(count)) {
        throw nb::value_error("get_batch() gives one address for each name");
      }
      for (int32_t i = 0; i < count; ++i) bindings[i] = memory_of(batch[i]);
      return true;
    });
  }
  void const* readCalibrationCache(std::size_t& length) noexcept override {
    return read("read_calibration_cache", cache_, length);
  }
  void writeCalibrationCache(void const* data, std::size_t length) noexcept override {
    write("write_calibration_cache", data, length);
  }
  CalibrationAlgoType getAlgorithm() noexcept override {
    return guarded("get_algorithm", CalibrationAlgoType::kENTROPY_CALIBRATION_2,
                   [&] { return nb::cast<CalibrationAlgoType>(self_.attr("get_algorithm")()); });
  }
  double getQuantile() const noexcept override { return number("get_quantile", 1); }
  double getRegressionCutoff() const noexcept override {
    return number("get_regression_cutoff", 1);
  }
  void const* readHistogramCache(std::size_t& length) noexcept override {
    return read("read_histogram_cache", histograms_, length, size_t{0});
  }
  void writeHistogramCache(void const* data, std::size_t length) noexcept override {
    guarded("write_histogram_cache", false, [&] {
      if (!nb::hasattr(self_, "write_histogram_cache")) return false;
      self_.attr("write_histogram_cache")(nb::bytes(data, length), length);
      return true;
    });
  }
  void release() { delete this; }

 private:
  template <class... Args>
  void const* read(const char* call, nb::bytes& keep, std::size_t& length, Args... args) {
    length = 0;
    return guarded(call, static_cast<void const*>(nullptr), [&]() -> void const* {
      if (!nb::hasattr(self_, call)) return nullptr;
      nb::object cache = self_.attr(call)(args...);
      if (cache.is_none()) return nullptr;
      keep = nb::steal<nb::bytes>(PyBytes_FromObject(cache.ptr()));
      if (!keep.is_valid()) nb::raise_python_error();
      length = keep.size();
      return keep.data();
    });
  }
  /// What is written is a memoryview: programs call its tobytes().
  void write(const char* call, void const* data, std::size_t length) {
    guarded(call, false, [&] {
      nb::bytes copy(data, length);
      nb::object view = nb::steal(PyMemoryView_FromObject(copy.ptr()));
      if (!view.is_valid()) nb::raise_python_error();
      self_.attr(call)(view);
      return true;
    });
  }
  double number(const char* call, double otherwise) const {
    return guarded(call, otherwise, [&] {
      return nb::hasattr(self_, call) ? nb::cast<double>(self_.attr(call)()) : otherwise;
    });
  }

  // What the library reads.
  nb::bytes cache_ = nb::steal<nb::bytes>(nb::handle());
  nb::bytes histograms_ = nb::steal<nb::bytes>(nb::handle());
};

class PythonAlgorithmSelector final : public IAlgorithmSelector, public OfPython {
 public:
  using OfPython::OfPython;
  int32_t selectAlgorithms(IAlgorithmContext const& context, IAlgorithm const* const* choices,
                           int32_t count, int32_t* selection) noexcept override {
    return guarded("select_algorithms", int32_t{-1}, [&] {
      nb::object chosen = self_.attr("select_algorithms")(
          nb::cast(&context, nb::rv_policy::reference), list_of(choices, count));
      const auto indices = nb::cast<std::vector<int32_t>>(chosen);
      const auto given = std::min<size_t>(indices.size(), static_cast<size_t>(count));
      std::copy_n(indices.begin(), given, selection);
      return static_cast<int32_t>(given);
    });
  }
  void reportAlgorithms(IAlgorithmContext const* const* contexts, IAlgorithm const* const* choices,
                        int32_t count) noexcept override {
    guarded("report_algorithms", false, [&] {
      self_.attr("report_algorithms")(list_of(contexts, count), list_of(choices, count));
      return true;
    });
  }
  void release() { delete this; }

 private:
  template <class T>
  static nb::list list_of(T const* const* items, int32_t count) {
    nb::list list;
    for (int32_t i = 0; i < count; ++i) {
      list.append(nb::cast(items[i], nb::rv_policy::reference));
    }
    return list;
  }
};

}  // namespace

bool python_runs() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsInitialized() && !Py_IsFinalizing();
#else
  return Py_IsInitialized() && !_Py_IsFinalizing();
#endif
}

void report_exception(nb::python_error& error, const char* call) {
  error.restore();
  nb::str where(call);
  PyErr_WriteUnraisable(where.ptr());
}

void report_failure(const std::exception& error, const char* call) {
  PyErr_SetString(PyExc_RuntimeError, error.what());
  nb::str where(call);
  PyErr_WriteUnraisable(where.ptr());
}

void set_callback_classes(nb::object module) {
  classes() = std::move(module);
}

nb::object callback_class(const char* name) {
  return classes().attr(name);
}

#define CALLBACK(Interface, Adapter)                    \
  Interface* native_of(nb::handle object, Interface*) { \
    return adapter_of<Adapter>(object, #Interface);     \
  }                                                     \
  nb::object python_of(Interface* native) {             \
    return python_object_of(native);                    \
  }
CALLBACK(ILogger, PythonLogger)
CALLBACK(IProfiler, PythonProfiler)
CALLBACK(IErrorRecorder, PythonErrorRecorder)
CALLBACK(IProgressMonitor, PythonProgressMonitor)
CALLBACK(IGpuAllocator, PythonGpuAllocator)
CALLBACK(IOutputAllocator, PythonOutputAllocator)
CALLBACK(IDebugListener, PythonDebugListener)
CALLBACK(IStreamReader, PythonStreamReader)
CALLBACK(IStreamReaderV2, PythonStreamReaderV2)
CALLBACK(IStreamWriter, PythonStreamWriter)
CALLBACK(IInt8Calibrator, PythonCalibrator)
CALLBACK(IAlgorithmSelector, PythonAlgorithmSelector)
#undef CALLBACK

}  // namespace trt_python
