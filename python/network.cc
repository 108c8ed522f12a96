// Network: from a file, from text, or operation by operation.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <algorithm>

#include "carnot/builder.h"
#include "carnot/network.h"
#include "model.h"

namespace carnot::python {
namespace {

/// A value of a network; it keeps the network.
struct Value {
  Network* network = nullptr;
  Network::Handle handle;
};

std::vector<InputShape> shapes_of(const std::map<std::string, std::vector<int64_t>>& shapes) {
  std::vector<InputShape> out;
  for (const auto& [name, shape] : shapes) out.push_back({name, shape});
  return out;
}

// Attributes of an operation from arguments of Python, by the struct's own list.
void set_attribute(int64_t& to, nb::handle from) {
  to = nb::cast<int64_t>(from);
}
void set_attribute(double& to, nb::handle from) {
  to = nb::cast<double>(from);
}
void set_attribute(bool& to, nb::handle from) {
  to = nb::cast<bool>(from);
}
void set_attribute(std::string& to, nb::handle from) {
  to = nb::cast<std::string>(from);
}
void set_attribute(DType& to, nb::handle from) {
  to = dtype_named(nb::cast<std::string>(nb::str(from)));
}
void set_attribute(std::vector<int64_t>& to, nb::handle from) {
  to = nb::cast<std::vector<int64_t>>(from);
}
void set_attribute(std::vector<double>& to, nb::handle from) {
  to = nb::cast<std::vector<double>>(from);
}
void set_attribute(std::vector<TensorType>& to, nb::handle from) {
  to.clear();  // (dtype, shape) each
  for (nb::handle type : from) {
    const nb::object dtype = type[0], shape = type[1];
    to.push_back({dtype_named(nb::cast<std::string>(dtype)), dims_of(shape)});
  }
}
void set_attribute(Dim& to, nb::handle from) {
  to = dims_of(nb::make_tuple(from)).front();
}
void set_attribute(Dims& to, nb::handle from) {
  to = dims_of(from);
}
void set_attribute(ScalarProgram& to, nb::handle from) {
  to = check(parse_scalar_program(nb::cast<std::string>(from)));
}
void set_attribute(std::vector<ScalarProgram>& to, nb::handle from) {
  to.clear();
  for (nb::handle program : from) set_attribute(to.emplace_back(), program);
}
void set_attribute(Tensor& to, nb::handle from) {
  const Tensor borrowed = tensor_of(nb::cast<Array>(from), "");
  to = check(Tensor::allocate(borrowed.dtype(), borrowed.shape()));
  std::copy_n(borrowed.data(), borrowed.bytes(), to.mutable_data());
}
template <class E>
requires std::is_enum_v<E>
void set_attribute(E& to, nb::handle from) {
  const auto word = nb::cast<std::string>(from);
  const op::Names words = names(E{});
  std::string known;
  for (size_t i = 0; i < words.size(); ++i) {
    if (word == words[i]) {
      to = static_cast<E>(i);
      return;
    }
    known += (i > 0 ? ", " : "") + std::string(words[i]);
  }
  throw Failure(Status(Code::kInvalidArgument, "'" + word + "' is none of " + known));
}

template <class Op>
Operation make(const nb::dict& attributes) {
  Op made;
  size_t used = 0;
  std::string known;
  Op::attrs(made, [&](const char* name, auto& field) {
    known += (known.empty() ? "" : ", ") + std::string(name);
    if (!attributes.contains(name)) return;
    set_attribute(field, nb::object(attributes[name]));
    ++used;
  });
  if (used == attributes.size()) return made;
  std::string given;
  for (const auto& [key, value] : attributes) {
    (void)value;
    given += (given.empty() ? "" : ", ") + nb::cast<std::string>(key);
  }
  throw Failure(Status(Code::kInvalidArgument, std::string(Op::kName) + ": of " + given +
                                                   " it has not all; its attributes are " +
                                                   (known.empty() ? "none" : known)));
}

Operation operation(const std::string& name, const nb::dict& attributes) {
  std::string known;
#define CARNOT_OP(T)                                        \
  if (name == op::T::kName) return make<op::T>(attributes); \
  known += (known.empty() ? "" : ", ") + std::string(op::T::kName);
#include "carnot/ops.def"
  throw Failure(
      Status(Code::kUnsupported, "there is no operation '" + name + "'; there are " + known));
}

std::vector<std::string> operations() {
  return {
#define CARNOT_OP(T) op::T::kName,
#include "carnot/ops.def"
  };
}

std::vector<Value> add(Model& model, const std::string& name, const std::vector<Value*>& inputs,
                       const nb::dict& attributes) {
  std::vector<Network::Handle> handles;
  for (const Value* value : inputs) {
    if (value->network != &model.network) {
      throw Failure(Status(Code::kInvalidArgument, name + ": an operand of another network"));
    }
    handles.push_back(value->handle);
  }
  std::vector<Value> values;
  for (Network::Handle handle : check(model.network.add(operation(name, attributes), handles))) {
    values.push_back({&model.network, handle});
  }
  return values;
}

nb::list specs(const std::vector<TensorSpec>& tensors) {
  nb::list out;
  for (const TensorSpec& t : tensors) {
    out.append(nb::make_tuple(t.name, to_string(t.type.dtype), list_of(t.type.dims)));
  }
  return out;
}

void bind_factories(nb::class_<Model>& model) {
  model.def("__init__", [](Model* self) { new (self) Model(); })
      .def_static(
          "from_file",
          [](const std::string& path, const std::map<std::string, std::vector<int64_t>>& shapes) {
            nb::gil_scoped_release released;
            const auto inputs = shapes_of(shapes);
            return new Model{check(Network::from_onnx(path, inputs)), {}};
          },
          "path"_a, "shapes"_a)
      .def_static(
          "from_bytes",
          [](nb::bytes bytes, const std::map<std::string, std::vector<int64_t>>& shapes) {
            const std::span data(static_cast<const std::byte*>(bytes.data()), bytes.size());
            const auto inputs = shapes_of(shapes);
            return new Model{check(Network::from_onnx(data, inputs)), {bytes}};
          },
          "model"_a, "shapes"_a)
      .def_static(
          "from_text",
          [](const std::string& text) {
            return new Model{check(Network::from_text(text)), {}};
          },
          "text"_a)
      .def("to_text", [](const Model& self) { return self.network.to_text(); })
      .def("clone", [](const Model& self) {
        return new Model{self.network.clone(), self.kept};
      });
}

void bind_values(nb::class_<Model>& model) {
  model
      .def(
          "add_input",
          [](Model& self, const std::string& name, const std::string& dtype, nb::handle shape) {
            TensorType type{dtype_named(dtype), dims_of(shape)};
            return Value{&self.network, self.network.add_input(name, std::move(type))};
          },
          "name"_a, "dtype"_a, "shape"_a, nb::keep_alive<0, 1>())
      .def(
          "add_constant",
          [](Model& self, const Array& array, const std::string& dtype) {
            const Tensor tensor = tensor_of(array, dtype);
            self.kept.push_back(nb::cast(array));
            return Value{&self.network, self.network.add_constant(tensor)};
          },
          "array"_a, "dtype"_a, nb::keep_alive<0, 1>())
      .def(
          "add",
          [](nb::handle_t<Model> self, const std::string& name, const std::vector<Value*>& inputs,
             const nb::dict& attributes) {
            nb::list out;
            for (const Value& v : add(*nb::inst_ptr<Model>(self), name, inputs, attributes)) {
              nb::object value = nb::cast(v);
              nb::keep_alive_obj(value, self);
              out.append(value);
            }
            return out;
          },
          "operation"_a, "inputs"_a, "attributes"_a)
      .def(
          "mark_output",
          [](Model& self, const Value& value, const std::string& name) {
            self.network.mark_output(value.handle, name);
          },
          "value"_a, "name"_a)
      .def("inputs", [](const Model& self) { return specs(self.network.inputs()); })
      .def("outputs", [](const Model& self) { return specs(self.network.outputs()); })
      .def(
          "reference",
          [](const Model& self, const std::vector<std::pair<Array, std::string>>& inputs) {
            std::vector<Tensor> tensors;
            for (const auto& [array, dtype] : inputs) tensors.push_back(tensor_of(array, dtype));
            std::vector<Tensor> results;
            {
              nb::gil_scoped_release released;
              results = check(reference(self.network, tensors));
            }
            nb::list out;
            for (const Tensor& t : results) {
              out.append(nb::make_tuple(numpy_of(t), to_string(t.dtype()), nb::cast(t.shape())));
            }
            return out;
          },
          "inputs"_a);
}

}  // namespace

void bind_network(nb::module_& m) {
  nb::class_<Value>(m, "Value", "A value of a Network.")
      .def_prop_ro("name", [](const Value& self) { return self.network->name(self.handle); })
      .def_prop_ro(
          "dtype",
          [](const Value& self) { return to_string(self.network->type(self.handle).dtype); })
      .def_prop_ro("shape",
                   [](const Value& self) { return list_of(self.network->type(self.handle).dims); })
      .def("__repr__",
           [](const Value& self) { return to_string(self.network->type(self.handle)); });
  nb::class_<Model> model(m, "Model", "A network with what it refers to.");
  bind_factories(model);
  bind_values(model);
  m.def("operations", &operations, "The names of all operations.");
}

}  // namespace carnot::python
