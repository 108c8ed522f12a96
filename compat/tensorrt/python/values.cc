// Values: shapes, permutations, weights, memory of the library.
#include "bind.h"

#include <algorithm>
#include <cstring>

namespace trt_python {
namespace {

std::string text_of(const Dims& dims) {
  if (dims.nbDims < 0) return "(invalid)";
  std::string text = "(";
  for (int32_t i = 0; i < dims.nbDims; ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(dims.d[i]);
  }
  return text + (dims.nbDims == 1 ? ",)" : ")");
}

/// The index of an element, which may count from the end; IndexError where there is none.
size_t checked_index(int64_t index, int64_t size) {
  const int64_t at = index < 0 ? index + size : index;
  if (at < 0 || at >= size) throw nb::index_error("Out of bounds");
  return static_cast<size_t>(at);
}

size_t size_of(const Dims& dims) {
  if (dims.nbDims < 0) throw nb::value_error("this shape is not valid: nothing has it");
  return static_cast<size_t>(dims.nbDims);
}

nb::list list_of(const Dims& dims) {
  nb::list list;
  for (int64_t d : std::vector<int64_t>(dims.d, dims.d + size_of(dims))) list.append(d);
  return list;
}

bool same(const Dims& a, const std::vector<int64_t>& b) {
  return a.nbDims >= 0 && std::equal(a.d, a.d + a.nbDims, b.begin(), b.end());
}

/// A shape of exactly `rank` sizes.
template <class Shape>
void of_rank(Shape* self, const Integers& shape, size_t rank, const char* name) {
  if (shape.values.size() != rank) {
    PyErr_Format(PyExc_ValueError, "%s has %zu sizes, not %zu", name, rank, shape.values.size());
    nb::raise_python_error();
  }
  new (self) Shape();
  std::copy(shape.values.begin(), shape.values.end(), self->d);
}

void bind_dims(nb::module_& m) {
  nb::class_<Dims> dims(m, "Dims", "A shape, usable as a sequence of sizes; -1 is a dynamic one.");
  dims.def(
          "__init__",
          [](Dims* self) {
            new (self) Dims{0, {}};
          },
          "Of no dimension.")
      .def(
          "__init__", [](Dims* self, const Integers& shape) { new (self) Dims(dims_of(shape)); },
          "shape"_a)
      .def_prop_ro_static(
          "MAX_DIMS", [](nb::handle) { return Dims::MAX_DIMS; },
          "Dimensions that a shape can have.")
      .def("__len__", &size_of)
      .def("__getitem__",
           [](const Dims& self, int64_t i) {
             return self.d[checked_index(i, static_cast<int64_t>(size_of(self)))];
           })
      .def("__getitem__",
           [](const Dims& self, nb::slice slice) {
             nb::object part = nb::object(list_of(self))[slice];
             return nb::steal<nb::tuple>(PySequence_Tuple(part.ptr()));
           })
      .def("__setitem__",
           [](Dims& self, int64_t i, int64_t size) {
             self.d[checked_index(i, static_cast<int64_t>(size_of(self)))] = size;
           })
      .def("__setitem__",
           [](Dims& self, nb::slice slice, const Integers& sizes) {
             auto [start, stop, step, count] = slice.compute(size_of(self));
             (void)stop;
             if (sizes.values.size() != count) {
               throw nb::value_error("as many sizes are needed as the slice has");
             }
             for (size_t i = 0; i < count; ++i, start += step) self.d[start] = sizes.values[i];
           })
      .def("__iter__", [](const Dims& self) { return nb::iter(list_of(self)); })
      .def("__eq__",
           [](const Dims& self, const Integers& other) { return same(self, other.values); })
      .def("__eq__", [](const Dims&, nb::handle) { return false; })
      .def("__str__", &text_of)
      .def("__repr__", &text_of);
  dims.attr("__hash__") = nb::none();
  nb::implicitly_convertible<Integers, Dims>();
}

void bind_small_dims(nb::module_& m) {
  nb::class_<Dims2, Dims>(m, "Dims2", "A shape of two dimensions.")
      .def(nb::init<>())
      .def(nb::init<int64_t, int64_t>(), "dim0"_a, "dim1"_a)
      .def(
          "__init__", [](Dims2* self, const Integers& shape) { of_rank(self, shape, 2, "Dims2"); },
          "shape"_a);
  nb::class_<DimsHW, Dims2>(m, "DimsHW", "Height and width.")
      .def(nb::init<>())
      .def(nb::init<int64_t, int64_t>(), "h"_a, "w"_a)
      .def(
          "__init__",
          [](DimsHW* self, const Integers& shape) { of_rank(self, shape, 2, "DimsHW"); }, "shape"_a)
      .def_prop_rw(
          "h", [](const DimsHW& self) { return self.d[0]; },
          [](DimsHW& self, int64_t h) { self.d[0] = h; }, "The height.")
      .def_prop_rw(
          "w", [](const DimsHW& self) { return self.d[1]; },
          [](DimsHW& self, int64_t w) { self.d[1] = w; }, "The width.");
  nb::class_<Dims3, Dims>(m, "Dims3", "A shape of three dimensions.")
      .def(nb::init<>())
      .def(nb::init<int64_t, int64_t, int64_t>(), "dim0"_a, "dim1"_a, "dim2"_a)
      .def(
          "__init__", [](Dims3* self, const Integers& shape) { of_rank(self, shape, 3, "Dims3"); },
          "shape"_a);
  nb::class_<Dims4, Dims>(m, "Dims4", "A shape of four dimensions.")
      .def(nb::init<>())
      .def(nb::init<int64_t, int64_t, int64_t, int64_t>(), "dim0"_a, "dim1"_a, "dim2"_a, "dim3"_a)
      .def(
          "__init__", [](Dims4* self, const Integers& shape) { of_rank(self, shape, 4, "Dims4"); },
          "shape"_a);
  nb::implicitly_convertible<Integers, DimsHW>();
}

constexpr int64_t kPermuted = Dims::MAX_DIMS;

void bind_permutation(nb::module_& m) {
  const auto text = [](const Permutation& self) {
    return text_of([&] {
      Dims dims{kPermuted, {}};
      std::copy_n(self.order, kPermuted, dims.d);
      return dims;
    }());
  };
  nb::class_<Permutation>(m, "Permutation",
                          "Where each dimension of a result comes from, for eight dimensions.")
      .def("__init__", [](Permutation* self) { new (self) Permutation{}; })
      .def("__init__",
           [](Permutation* self, const Integers& order) {
             const Dims dims = dims_of(order);
             new (self) Permutation{};
             std::copy_n(dims.d, dims.nbDims, self->order);
           })
      .def("__len__", [](const Permutation&) { return kPermuted; })
      .def("__getitem__", [](const Permutation& self,
                             int64_t i) { return self.order[checked_index(i, kPermuted)]; })
      .def("__setitem__", [](Permutation& self, int64_t i,
                             int32_t from) { self.order[checked_index(i, kPermuted)] = from; })
      .def("__str__", text)
      .def("__repr__", text);
  nb::implicitly_convertible<Integers, Permutation>();
}

// NumPy's name of each type, in the order of DataType; null: NumPy has none.
constexpr const char* kArrayTypes[] = {"float32", "float16", "int8",  "int32", "bool",  "uint8",
                                       nullptr,   nullptr,   "int64", nullptr, nullptr, nullptr};
// Types of other packages that are stored as TensorRT stores them.
constexpr std::pair<const char*, DataType> kForeignTypes[] = {{"bfloat16", DataType::kBF16},
                                                              {"float8_e4m3fn", DataType::kFP8}};

int64_t bytes_of(const Weights& weights) {
  switch (weights.type) {
    case DataType::kFLOAT:
    case DataType::kINT32:
      return weights.count * 4;
    case DataType::kHALF:
    case DataType::kBF16:
      return weights.count * 2;
    case DataType::kINT64:
      return weights.count * 8;
    case DataType::kINT4:
    case DataType::kFP4:
      return (weights.count + 1) / 2;
    default:
      return weights.count;
  }
}

DataType type_of(nb::handle array) {
  const nb::object dtype = array.attr("dtype");
  const auto name = nb::cast<std::string>(nb::object(dtype.attr("name")));
  for (int32_t i = 0; i < EnumMax<DataType>(); ++i) {
    if (kArrayTypes[i] != nullptr && name == kArrayTypes[i]) return static_cast<DataType>(i);
  }
  for (const auto& [foreign, type] : kForeignTypes) {
    if (name == foreign) return type;
  }
  PyErr_Format(PyExc_ValueError, "TensorRT has no type for arrays of %s; astype() converts",
               name.c_str());
  nb::raise_python_error();
}

Weights weights_of(const ArrayLike& from) {
  const nb::object view = from.array.attr("__array_interface__");
  const DataType type = type_of(from.array);
  if (!nb::object(view.attr("get")("strides")).is_none()) {
    throw nb::value_error("weights are contiguous; numpy.ascontiguousarray() makes an array so");
  }
  int64_t count = 1;
  for (nb::handle size : nb::object(view["shape"])) count *= nb::cast<int64_t>(size);
  const nb::object data = view["data"];  // (address, whether it is read only)
  return Weights{type, pointer<const void*>(nb::cast<size_t>(nb::object(data[0]))), count};
}

int weights_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto& weights = *nb::inst_ptr<Weights>(self);
  // Nothing of an empty one is read; the protocol wants an address.
  static char none = 0;
  void* data = weights.values == nullptr ? &none : const_cast<void*>(weights.values);
  return PyBuffer_FillInfo(view, self, data, bytes_of(weights), 0, flags);
}

PyType_Slot weights_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(static_cast<getbufferproc>(weights_buffer))},
    {0, nullptr}};

nb::object numpy_of(nb::handle_t<Weights> self) {
  const auto& weights = *nb::inst_ptr<Weights>(self);
  const char* type = kArrayTypes[static_cast<size_t>(weights.type)];
  if (type == nullptr) return nb::borrow(self);
  nb::module_ numpy = nb::module_::import_("numpy");
  if (weights.count == 0 || weights.values == nullptr) return numpy.attr("empty")(0, type);
  return numpy.attr("frombuffer")(self, type);
}

void bind_weights(nb::module_& m) {
  nb::class_<Weights>(m, "Weights", nb::type_slots(weights_slots),
                      "Numbers of a layer. The memory belongs to the array that they were made of.")
      .def(
          "__init__",
          [](Weights* self, DataType type) {
            new (self) Weights{type, nullptr, 0};
          },
          "type"_a = DataType::kFLOAT, "Of no element.")
      .def(
          "__init__",
          [](Weights* self, DataType type, size_t ptr, int64_t count) {
            new (self) Weights{type, pointer<const void*>(ptr), count};
          },
          "type"_a, "ptr"_a, "count"_a, "Memory that the caller keeps.")
      .def(
          "__init__", [](Weights* self, const ArrayLike& a) { new (self) Weights(weights_of(a)); },
          "a"_a, nb::keep_alive<1, 2>(), "The memory of an array, which must be contiguous.")
      .def_prop_ro(
          "dtype", [](const Weights& self) { return self.type; }, "The type of the elements.")
      .def_prop_ro(
          "size", [](const Weights& self) { return self.count; }, "The number of elements.")
      .def_prop_ro("nbytes", &bytes_of, "Their bytes.")
      .def("numpy", &numpy_of,
           "An array on the same memory; the Weights themselves where NumPy has no such type.")
      .def("__len__", [](const Weights& self) { return self.count; });
  nb::implicitly_convertible<ArrayLike, Weights>();
}

int memory_buffer(PyObject* self, Py_buffer* view, int flags) {
  auto& memory = *nb::inst_ptr<IHostMemory>(self);
  return PyBuffer_FillInfo(view, self, memory.data(), static_cast<Py_ssize_t>(memory.size()), 0,
                           flags);
}

PyType_Slot memory_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(static_cast<getbufferproc>(memory_buffer))},
    {0, nullptr}};

}  // namespace

nb::object array_of(const Weights& weights, nb::handle owner) {
  nb::object object = nb::cast(weights);
  nb::keep_alive_obj(object, owner);
  return object.attr("numpy")();
}

void bind_values(nb::module_& m) {
  bind_dims(m);
  bind_small_dims(m);
  bind_permutation(m);
  bind_weights(m);
  nb::class_<IHostMemory>(m, "IHostMemory", nb::type_slots(memory_slots),
                          "Bytes of the library, such as an engine file: a buffer.")
      .def_prop_ro("dtype", &IHostMemory::type, "The type of the elements.")
      .def_prop_ro("nbytes", &IHostMemory::size, "How many bytes there are.")
      .def("__len__", &IHostMemory::size);
  nb::class_<InterfaceInfo>(m, "InterfaceInfo", "Which interface an object has, and its version.")
      .def(
          "__init__",
          [](InterfaceInfo* self, const std::string& kind, int32_t major, int32_t minor) {
            // Names are few, and a name is a pointer.
            nb::object interned = nb::steal(PyUnicode_InternFromString(kind.c_str()));
            const char* text = PyUnicode_AsUTF8(interned.ptr());
            new (self) InterfaceInfo{text, major, minor};
            interned.release();
          },
          "kind"_a, "major"_a, "minor"_a)
      .def_prop_rw(
          "kind", [](const InterfaceInfo& self) { return self.kind; },
          [](InterfaceInfo& self, const std::string& kind) {
            nb::object interned = nb::steal(PyUnicode_InternFromString(kind.c_str()));
            self.kind = PyUnicode_AsUTF8(interned.release().ptr());
          },
          "The name of the interface.")
      .def_rw("major", &InterfaceInfo::major, "Changes when calls change.")
      .def_rw("minor", &InterfaceInfo::minor, "Changes when calls are added.");
}

}  // namespace trt_python
