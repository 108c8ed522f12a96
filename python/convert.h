#pragma once
// Values between Python and Carnot: errors, arrays, shapes.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <exception>

#include "carnot/engine.h"

namespace carnot::python {

namespace nb = nanobind;
using namespace nb::literals;

void bind_network(nb::module_& m);
void bind_builder(nb::module_& m);
void bind_engine(nb::module_& m);

/// A Status on its way to Python, where it is a carnot.Error.
class Failure : public std::exception {
 public:
  explicit Failure(Status status) : status_(std::move(status)) {}
  const Status& status() const { return status_; }
  const char* what() const noexcept override { return status_.message().c_str(); }

 private:
  Status status_;
};

inline void check(Status status) {
  if (!status.ok()) throw Failure(std::move(status));
}
template <class T>
T check(Result<T> result) {
  if (!result.ok()) throw Failure(std::move(result).status());
  return std::move(result).value();
}

/// Anything with DLPack or the buffer protocol, on a CPU or a GPU.
using Array = nb::ndarray<nb::ro>;
using WritableArray = nb::ndarray<>;

/// The type of the elements. `name`: of arrays whose types NumPy has not, which come as integers.
DType dtype_of(const nb::dlpack::dtype& type, const std::string& name);
DType dtype_named(const std::string& name);
/// The sizes; refused where elements do not follow one another.
template <class A>
Shape contiguous_shape(const A& array, const char* what);
/// The same numbers, where they are; `array` must stay.
Tensor tensor_of(const Array& array, const std::string& dtype_name);
/// An array of NumPy on the tensor's memory. Types that NumPy has not become unsigned integers of
/// their width.
nb::object numpy_of(const Tensor& tensor);
/// Sizes, numbers or texts ("?n", "n"), from an iterable.
Dims dims_of(nb::handle shape);
/// Sizes as numbers and texts.
nb::list list_of(const Dims& dims);

}  // namespace carnot::python
