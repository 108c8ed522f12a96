#pragma once
// What the files of the Python module share: the functions that add a family of classes, and how
// arguments of TensorRT's types come from Python.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "callbacks.h"

namespace trt_python {

namespace nb = nanobind;
using namespace nb::literals;
using namespace nvinfer1;

void bind_enumerations(nb::module_& m);
void bind_values(nb::module_& m);
void bind_tensors(nb::module_& m);
void bind_filter_layers(nb::module_& m);
void bind_math_layers(nb::module_& m);
void bind_shape_layers(nb::module_& m);
void bind_flow_layers(nb::module_& m);
void bind_attention_layers(nb::module_& m);
void bind_recurrent_layers(nb::module_& m);
void bind_network(nb::module_& m);
/// A class that bind_network() began; its add_...() calls.
void bind_network_layers(nb::class_<INetworkDefinition>& network);
void bind_network_shapes(nb::class_<INetworkDefinition>& network);
void bind_network_language(nb::class_<INetworkDefinition>& network);
void bind_network_plugins(nb::class_<INetworkDefinition>& network);
void bind_builder(nb::module_& m);
void bind_config(nb::module_& m);
void bind_runtime(nb::module_& m);
void bind_engine(nb::module_& m);
void bind_engine_bindings(nb::class_<ICudaEngine>& engine);
void bind_context(nb::module_& m);
void bind_context_bindings(nb::class_<IExecutionContext>& context);
void bind_refitter(nb::module_& m);
void bind_parser(nb::module_& m);
void bind_plugins(nb::module_& m);

/// int(), order and the rest that enum.Enum lacks; `others` are second names of values.
void finish_enumeration(nb::handle type, const nb::dict& others);

/// A stream, event or address, which Python has as an integer.
template <class Pointer>
Pointer pointer(size_t address) {
  return reinterpret_cast<Pointer>(address);
}
inline size_t address(const void* memory) {
  return reinterpret_cast<size_t>(memory);
}

/// RuntimeError where a call that has no other way to say so has failed; the logger has the reason.
void require(bool succeeded, const char* call);

/// The object, or TypeError with `what` where the factory gave none.
template <class T>
T* made(T* object, const char* what) {
  if (object == nullptr) throw nb::type_error(what);
  return object;
}

/// Weights as programs see those of a layer: an array on the same memory, or Weights where NumPy
/// has no such type. `owner` stays as long as the result.
nb::object array_of(const Weights& weights, nb::handle owner);

/// A truth value as programs give one: True, 1, or NumPy's.
struct Truth {
  bool value = false;
  explicit operator bool() const { return value; }
};
template <class T>
using Given = std::conditional_t<std::is_same_v<T, bool>, Truth, T>;

template <class>
struct Lenient;
template <class R, class Owner, class... Args>
struct Lenient<R (Owner::*)(Args...) noexcept> {
  template <auto Call>
  static R call(Owner& self, Given<Args>... given) {
    return (self.*Call)(static_cast<Args>(given)...);
  }
};

/// A member function that takes truth values of all those kinds.
template <auto Call>
constexpr auto lenient = &Lenient<decltype(Call)>::template call<Call>;

/// Bytes of anything with the buffer protocol, while this lives.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { release(); }
  bool acquire(nb::handle object);
  const void* data() const { return view_.buf; }
  size_t size() const { return static_cast<size_t>(view_.len); }

 private:
  void release();

  Py_buffer view_{};
  bool held_ = false;
};

/// A sequence of integers that is neither text nor bytes: tuple, list, array, torch.Size, Dims.
struct Integers {
  std::vector<int64_t> values;
};
Dims dims_of(const Integers& integers);

/// An object with __array_interface__.
struct ArrayLike {
  nb::object array;
};

}  // namespace trt_python

namespace nanobind::detail {

/// None is no callback.
template <class Interface>
struct has_arg_defaults<trt_python::Callback<Interface>> : std::true_type {};

template <>
struct type_caster<trt_python::Bytes> {
  static constexpr auto Name = const_name("collections.abc.Buffer");
  template <class>
  using Cast = const trt_python::Bytes&;
  template <class>
  static constexpr bool can_cast() {
    return true;
  }
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    return bytes.acquire(source);
  }
  explicit operator const trt_python::Bytes&() { return bytes; }

  trt_python::Bytes bytes;
};

template <>
struct type_caster<trt_python::Truth> {
  NB_TYPE_CASTER(trt_python::Truth, const_name("bool"))
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept;
};

template <>
struct type_caster<trt_python::Integers> {
  NB_TYPE_CASTER(trt_python::Integers, const_name("collections.abc.Sequence[int]"))
  bool from_python(handle source, uint32_t flags, cleanup_list*) noexcept;
};

template <>
struct type_caster<trt_python::ArrayLike> {
  NB_TYPE_CASTER(trt_python::ArrayLike, const_name("numpy.ndarray"))
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept;
};

/// A callback: an instance of the interface's class in Python, or None.
template <class Interface>
struct type_caster<trt_python::Callback<Interface>> {
  NB_TYPE_CASTER(trt_python::Callback<Interface>,
                 trt_python::name_of(static_cast<Interface*>(nullptr)))
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    if (source.is_none()) {
      value.native = nullptr;
      return true;
    }
    value.native = trt_python::native_of(source, static_cast<Interface*>(nullptr));
    return value.native != nullptr;
  }
  static handle from_cpp(trt_python::Callback<Interface> callback, rv_policy,
                         cleanup_list*) noexcept {
    return trt_python::python_of(callback.native).release();
  }
};

}  // namespace nanobind::detail
