#pragma once
// Adapter: the native object of an interface that is implemented in Python.
#include <string>

#include "callbacks.h"

namespace trt_python {

/// An address that Python gives: an integer, None, or a capsule.
inline void* memory_of(nb::handle value) {
  if (value.is_none()) return nullptr;
  if (PyCapsule_CheckExact(value.ptr())) {
    return PyCapsule_GetPointer(value.ptr(), PyCapsule_GetName(value.ptr()));
  }
  return reinterpret_cast<void*>(nb::cast<size_t>(value));
}

/// True while Python can be called: not before, and not after the interpreter has ended.
bool python_runs();
/// Tells sys.unraisablehook what a callback raised.
void report_exception(nb::python_error& error, const char* call);
void report_failure(const std::exception& error, const char* call);

/// Calls `body` with the GIL; what it throws is reported, and `otherwise` returned.
template <class Result, class Body>
Result guarded(const char* call, Result otherwise, Body&& body) noexcept {
  if (!python_runs()) return otherwise;
  nb::gil_scoped_acquire gil;
  try {
    return body();
  } catch (nb::python_error& error) {
    report_exception(error, call);
  } catch (const std::exception& error) {
    report_failure(error, call);
  }
  return otherwise;
}

/// The Python object, borrowed: it owns its adapters.
class OfPython {
 public:
  explicit OfPython(nb::handle self) : self_(self) {}
  virtual ~OfPython() = default;
  nb::handle self() const { return self_; }
  void forget() { self_ = nb::handle(); }

 protected:
  nb::handle self_;
};

/// The adapter of `object` for the class `name` of callbacks.py; made at the first call. Null where
/// `object` is not an instance of that class.
template <class Adapter>
Adapter* adapter_of(nb::handle object, const char* name) {
  if (!nb::isinstance(object, callback_class(name))) return nullptr;
  const std::string key = std::string("_native_") + name;
  if (nb::object kept = nb::getattr(object, key.c_str(), nb::none()); !kept.is_none()) {
    return static_cast<Adapter*>(PyCapsule_GetPointer(kept.ptr(), nullptr));
  }
  auto* adapter = new Adapter(object);
  nb::setattr(object, key.c_str(),
              nb::capsule(adapter, [](void* p) noexcept { static_cast<Adapter*>(p)->release(); }));
  return adapter;
}

template <class Interface>
nb::object python_object_of(Interface* native) {
  auto* adapter = dynamic_cast<OfPython*>(native);
  if (adapter == nullptr || !adapter->self().is_valid()) return nb::none();
  return nb::borrow(adapter->self());
}

}  // namespace trt_python
