// Arguments of functions: bytes, sequences of integers, arrays; enumerations beyond enum.Enum.
#include "bind.h"

#include <nanobind/operators.h>

namespace trt_python {

void require(bool succeeded, const char* call) {
  if (succeeded) return;
  PyErr_Format(PyExc_RuntimeError, "%s failed; the logger has the reason", call);
  nb::raise_python_error();
}

bool Bytes::acquire(nb::handle object) {
  release();
  held_ = PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) == 0;
  if (!held_) PyErr_Clear();
  return held_;
}

void Bytes::release() {
  if (held_) PyBuffer_Release(&view_);
  held_ = false;
}

Dims dims_of(const Integers& integers) {
  if (integers.values.size() > size_t{Dims::MAX_DIMS}) {
    PyErr_Format(PyExc_ValueError, "a shape has at most %d dimensions, not %zu", Dims::MAX_DIMS,
                 integers.values.size());
    nb::raise_python_error();
  }
  Dims dims{static_cast<int32_t>(integers.values.size()), {}};
  std::copy(integers.values.begin(), integers.values.end(), dims.d);
  return dims;
}

namespace {

/// Fills `values`; false, without an error set, where an item is no integer.
bool read_integers(PyObject* sequence, std::vector<int64_t>& values) {
  const Py_ssize_t size = PySequence_Size(sequence);
  if (size < 0) return false;
  values.clear();
  for (Py_ssize_t i = 0; i < size; ++i) {
    nb::object item = nb::steal(PySequence_GetItem(sequence, i));
    if (!item.is_valid()) return false;
    nb::object integer = nb::steal(PyNumber_Index(item.ptr()));
    if (!integer.is_valid()) return false;
    values.push_back(PyLong_AsLongLong(integer.ptr()));
    if (values.back() == -1 && PyErr_Occurred() != nullptr) return false;
  }
  return true;
}

}  // namespace

void finish_enumeration(nb::handle type, const nb::dict& others) {
  nb::object scope = nb::module_::import_("tensorrt._enumeration");
  scope.attr("finish")(type, others);
}

}  // namespace trt_python

namespace nanobind::detail {

bool type_caster<trt_python::Integers>::from_python(handle source, uint32_t,
                                                    cleanup_list*) noexcept {
  PyObject* object = source.ptr();
  if (!PySequence_Check(object) || PyUnicode_Check(object) || PyBytes_Check(object)) return false;
  if (trt_python::read_integers(object, value.values)) return true;
  PyErr_Clear();
  return false;
}

bool type_caster<trt_python::Truth>::from_python(handle source, uint32_t, cleanup_list*) noexcept {
  PyObject* object = source.ptr();
  const bool number = PyLong_Check(object) || PyObject_HasAttrString(object, "dtype") == 1;
  const int truth = number ? PyObject_IsTrue(object) : -1;
  if (truth < 0) PyErr_Clear();
  value.value = truth == 1;
  return truth >= 0;
}

bool type_caster<trt_python::ArrayLike>::from_python(handle source, uint32_t,
                                                     cleanup_list*) noexcept {
  if (PyObject_HasAttrString(source.ptr(), "__array_interface__") == 0) return false;
  value.array = borrow(source);
  return true;
}

}  // namespace nanobind::detail
