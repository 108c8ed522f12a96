// Bindings by number, as versions 5 to 9 have them: of engines and of contexts.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/variant.h>

#include <algorithm>
#include <cmath>

#include "bind.h"

namespace trt_python {
namespace {

using Engine = ICudaEngine;
using Context = IExecutionContext;

/// A binding by its number or its name.
using Which = std::variant<int32_t, std::string>;

int32_t index_of(const Engine& engine, const Which& which) {
  if (const auto* index = std::get_if<int32_t>(&which)) return *index;
  return engine.getBindingIndex(std::get<std::string>(which).c_str());
}

/// The bytes of a binding, for each profile's shapes and the greatest batch.
int64_t size_of(const Engine& engine, const Which& which) {
  const int32_t index = index_of(engine, which);
  const Dims shape = engine.getBindingDimensions(index);
  if (shape.nbDims < 0) return -1;
  int64_t count = engine.hasImplicitBatchDimension() ? engine.getMaxBatchSize() : 1;
  for (int32_t i = 0; i < shape.nbDims; ++i) {
    if (shape.d[i] < 0) {
      PyErr_Format(PyExc_ValueError,
                   "binding %d has a dynamic shape: its size follows from "
                   "context.get_binding_shape() once the inputs' shapes are set",
                   index);
      nb::raise_python_error();
    }
    count *= shape.d[i];
  }
  const nb::object type = nb::cast(engine.getBindingDataType(index));
  return static_cast<int64_t>(
      std::ceil(static_cast<double>(count) * nb::cast<double>(type.attr("itemsize"))));
}

std::vector<void*> pointers(const std::vector<size_t>& bindings) {
  std::vector<void*> result;
  for (size_t binding : bindings) result.push_back(pointer<void*>(binding));
  return result;
}

/// As many addresses as the engine has bindings; those of profiles that are not used may be absent.
std::vector<void*> checked_pointers(const Context& context, const std::vector<size_t>& bindings) {
  std::vector<void*> result = pointers(bindings);
  result.resize(std::max(result.size(), static_cast<size_t>(context.getEngine().getNbBindings())),
                nullptr);
  return result;
}

const char* shape_input_name(const Engine& engine, int32_t index) {
  return carnotTrtGetBindingTensor(&engine, index);
}

void bind_binding_shapes(nb::class_<Context>& context) {
  context
      .def("set_binding_shape", &Context::setBindingDimensions, "binding"_a, "shape"_a,
           "The shape of an input, by number.")
      .def(
          "get_binding_shape",
          [](const Context& self, const Which& which) {
            return self.getBindingDimensions(index_of(self.getEngine(), which));
          },
          "binding"_a, "The shape of a binding for the shapes that are set.")
      .def("get_strides", &Context::getStrides, "binding"_a, "The distances of its elements.")
      .def(
          "set_shape_input",
          [](Context& self, int32_t binding, const std::vector<int32_t>& values) {
            return self.setInputShapeBinding(binding, values.data());
          },
          "binding"_a, "shape"_a, "The values of an input that shapes depend on.")
      .def(
          "get_shape",
          [](const Context& self, int32_t binding) {
            const Dims shape = self.getTensorShape(shape_input_name(self.getEngine(), binding));
            int64_t count = 1;
            for (int32_t i = 0; i < shape.nbDims; ++i) count *= std::max<int64_t>(shape.d[i], 0);
            std::vector<int32_t> values(static_cast<size_t>(count));
            require(self.getShapeBinding(binding, values.data()), "IExecutionContext.get_shape()");
            return values;
          },
          "binding"_a, "The values of an input or output that shapes depend on.");
}

}  // namespace

void bind_engine_bindings(nb::class_<Engine>& engine) {
  engine
      .def_prop_ro("num_bindings", &Engine::getNbBindings,
                   "Inputs and outputs, once for each profile (versions 5 to 9).")
      .def_prop_ro("max_batch_size", &Engine::getMaxBatchSize, "The greatest implicit batch; or 1.")
      .def_prop_ro("max_workspace_size", &Engine::getWorkspaceSize, "Scratch bytes of a context.")
      .def("__len__", &Engine::getNbBindings)
      .def("__getitem__",
           [](const Engine& self, const std::string& name) {
             const int32_t index = self.getBindingIndex(name.c_str());
             if (index < 0) throw nb::key_error(name.c_str());
             return index;
           })
      .def(
          "get_binding_index",
          [](const Engine& self, const char* name) { return self.getBindingIndex(name); }, "name"_a,
          "The number of a binding; -1 where there is none.")
      .def("get_binding_name", &Engine::getBindingName, "index"_a, "The name of a binding.")
      .def(
          "binding_is_input",
          [](const Engine& self, const Which& which) {
            return self.bindingIsInput(index_of(self, which));
          },
          "index"_a, "Whether a binding, by number or name, is an input.")
      .def(
          "get_binding_shape",
          [](const Engine& self, const Which& which) {
            return self.getBindingDimensions(index_of(self, which));
          },
          "index"_a, "The shape of a binding, by number or name.")
      .def(
          "get_binding_dtype",
          [](const Engine& self, const Which& which) {
            return self.getBindingDataType(index_of(self, which));
          },
          "index"_a, "The type of a binding, by number or name.")
      .def("get_binding_size", &size_of, "index"_a, "The bytes of a binding, by number or name.")
      .def(
          "get_location",
          [](const Engine& self, const Which& which) {
            return self.getLocation(index_of(self, which));
          },
          "index"_a, "On which side the memory of a binding lies.")
      .def("get_binding_bytes_per_component", &Engine::getBindingBytesPerComponent, "index"_a,
           "Bytes of an element.")
      .def("get_binding_components_per_element", &Engine::getBindingComponentsPerElement, "index"_a,
           "How many elements are packed.")
      .def("get_binding_format", &Engine::getBindingFormat, "index"_a,
           "How elements lie in memory.")
      .def("get_binding_format_desc", &Engine::getBindingFormatDesc, "index"_a,
           "The format in words.")
      .def("get_binding_vectorized_dim", &Engine::getBindingVectorizedDim, "index"_a,
           "The axis that is packed.")
      .def("is_shape_binding", &Engine::isShapeBinding, "binding"_a,
           "Whether shapes depend on its values.")
      .def("is_execution_binding", &Engine::isExecutionBinding, "binding"_a,
           "Whether its values are on the device.")
      .def(
          "get_profile_shape",
          [](const Engine& self, int32_t profile, const Which& which) {
            const int32_t index = index_of(self, which);
            std::vector<Dims> shapes;
            for (auto select :
                 {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
              shapes.push_back(self.getProfileDimensions(index, profile, select));
            }
            return shapes;
          },
          "profile_index"_a, "binding"_a, "[min, opt, max] of an input.");
}

void bind_context_bindings(nb::class_<Context>& context) {
  const auto execute = [](Context& self, int32_t batch, const std::vector<size_t>& bindings) {
    std::vector<void*> memory = checked_pointers(self, bindings);
    nb::gil_scoped_release released;
    return self.execute(batch, memory.data());
  };
  const auto execute_async = [](Context& self, int32_t batch, const std::vector<size_t>& bindings,
                                size_t stream, std::optional<size_t> consumed) {
    std::vector<void*> memory = checked_pointers(self, bindings);
    auto event = pointer<cudaEvent_t>(consumed.value_or(0));
    nb::gil_scoped_release released;
    return self.enqueue(batch, memory.data(), pointer<cudaStream_t>(stream),
                        consumed ? &event : nullptr);
  };
  // A batch of one may be left out.
  context
      .def("execute", execute, "batch_size"_a, "bindings"_a, "Runs a batch; addresses by number.")
      .def(
          "execute",
          [execute](Context& self, const std::vector<size_t>& bindings) {
            return execute(self, 1, bindings);
          },
          nb::kw_only(), "bindings"_a, "Runs one sample.")
      .def("execute_async", execute_async, "batch_size"_a, "bindings"_a, "stream_handle"_a,
           "input_consumed"_a = nb::none(), "Queues a batch; addresses by number.")
      .def(
          "execute_async",
          [execute_async](Context& self, const std::vector<size_t>& bindings, size_t stream,
                          std::optional<size_t> consumed) {
            return execute_async(self, 1, bindings, stream, consumed);
          },
          nb::kw_only(), "bindings"_a, "stream_handle"_a, "input_consumed"_a = nb::none(),
          "Queues one sample.")
      .def(
          "execute_async_v2",
          [](Context& self, const std::vector<size_t>& bindings, size_t stream,
             std::optional<size_t> consumed) {
            std::vector<void*> memory = checked_pointers(self, bindings);
            auto event = pointer<cudaEvent_t>(consumed.value_or(0));
            nb::gil_scoped_release released;
            return self.enqueueV2(memory.data(), pointer<cudaStream_t>(stream),
                                  consumed ? &event : nullptr);
          },
          "bindings"_a, "stream_handle"_a, "input_consumed"_a = nb::none(),
          "Queues a run; addresses by number.");
  bind_binding_shapes(context);
}

}  // namespace trt_python
