#pragma once
// Interfaces that programs implement. In Python they are ordinary classes (callbacks.py), so that
// they mix with others; the library is given an object that calls the one of Python.
//
// That object belongs to the Python object, in an attribute of it. A call takes the GIL; an
// exception of Python ends there: it goes to sys.unraisablehook, and the call fails.
#include <nanobind/nanobind.h>

#include "NvInfer.h"

namespace trt_python {

namespace nb = nanobind;
using namespace nvinfer1;

/// What a function takes or gives where TensorRT has a pointer to an interface. Null is None.
template <class Interface>
struct Callback {
  Interface* native = nullptr;
};

/// The classes of callbacks.py, once it is there.
void set_callback_classes(nb::object module);
/// The class of that name.
nb::object callback_class(const char* name);

// For each interface: the native object of one in Python (null where it is none of the class), the
// Python object of a native one (None where that is not of Python), and its name.
#define CALLBACK(Interface)                                \
  Interface* native_of(nb::handle object, Interface*);     \
  nb::object python_of(Interface* native);                 \
  constexpr auto name_of(Interface*) {                     \
    return nb::detail::const_name("tensorrt." #Interface); \
  }
CALLBACK(ILogger)
CALLBACK(IProfiler)
CALLBACK(IErrorRecorder)
CALLBACK(IProgressMonitor)
CALLBACK(IGpuAllocator)
CALLBACK(IOutputAllocator)
CALLBACK(IDebugListener)
CALLBACK(IStreamReader)
CALLBACK(IStreamReaderV2)
CALLBACK(IStreamWriter)
CALLBACK(IInt8Calibrator)
CALLBACK(IAlgorithmSelector)
#undef CALLBACK

}  // namespace trt_python
