// Engine and Context.
#include <nanobind/stl/pair.h>

#include <algorithm>

#include "carnot/engine.h"
#include "convert.h"

namespace carnot::python {
namespace {

nb::list infos_of(const std::vector<TensorInfo>& tensors) {
  nb::list out;
  for (const TensorInfo& t : tensors) {
    out.append(nb::make_tuple(t.name, to_string(t.type.dtype), list_of(t.type.dims)));
  }
  return out;
}

/// An engine as Python holds it: Contexts share it.
struct Held {
  EnginePtr engine;
};

nb::list steps_of(const Held& self) {
  nb::list out;
  for (const StepInfo& s : self.engine->steps()) {
    out.append(
        nb::make_tuple(s.tactic, s.origin, infos_of(s.inputs), infos_of(s.outputs), s.measured_us));
  }
  return out;
}

/// A Context with what its inputs and outputs refer to until the next run.
struct Session {
  EnginePtr engine;
  Context context;
  std::vector<nb::object> kept;
};

const TensorInfo& info_of(const std::vector<TensorInfo>& tensors, const std::string& name,
                          const char* what) {
  std::string known;
  for (const TensorInfo& t : tensors) {
    if (t.name == name) return t;
    known += (known.empty() ? "" : ", ") + t.name;
  }
  throw Failure(Status(Code::kInvalidArgument,
                       std::string("there is no ") + what + " '" + name + "'; there are " + known));
}

void expect(DType have, DType want, const std::string& name) {
  if (have == want) return;
  throw Failure(Status(Code::kInvalidArgument, "'" + name + "' has elements of " + to_string(want) +
                                                   ", not " + to_string(have) +
                                                   "; astype() converts"));
}

void set_input(Session& self, const std::string& name, const Array& array,
               const std::string& dtype) {
  const TensorInfo& info = info_of(self.engine->inputs(), name, "input");
  expect(dtype_of(array.dtype(), dtype), info.type.dtype, name);
  Shape shape = contiguous_shape(array, name.c_str());
  self.kept.push_back(nb::cast(array));
  check(self.context.set_input(name, array.data(), std::move(shape)));
}

void set_texts(Session& self, const std::string& name, std::vector<std::string> texts,
               Shape shape) {
  check(self.context.set_input(name, Tensor::from_strings(std::move(shape), std::move(texts))));
}

void set_output(Session& self, const std::string& name, const WritableArray& array,
                const std::string& dtype) {
  const TensorInfo& info = info_of(self.engine->outputs(), name, "output");
  expect(dtype_of(array.dtype(), dtype), info.type.dtype, name);
  contiguous_shape(array, name.c_str());
  self.kept.push_back(nb::cast(array));
  check(self.context.set_output(name, array.data(), array.nbytes()));
}

/// Runs; results by name for outputs that were not given memory.
nb::dict run(Session& self, const std::vector<std::string>& given) {
  // Where a shape follows from those of the inputs, results are written where they stay.
  std::vector<std::pair<const TensorInfo*, Tensor>> direct;
  for (const TensorInfo& info : self.engine->outputs()) {
    if (std::find(given.begin(), given.end(), info.name) != given.end()) continue;
    const Result<Shape> shape = info.type.dtype == DType::kString
                                    ? Result<Shape>(Status(Code::kUnsupported, ""))
                                    : self.context.output_shape(info.name);
    Tensor memory;
    if (shape.ok()) {
      memory = check(Tensor::allocate(info.type.dtype, *shape));
      check(self.context.set_output(info.name, memory.mutable_data(), memory.bytes()));
    } else {
      check(self.context.set_output(info.name, nullptr, 0));
    }
    direct.emplace_back(&info, shape.ok() ? memory : Tensor());
  }
  Status status;
  {
    nb::gil_scoped_release released;
    status = self.context.run();
  }
  check(std::move(status));
  nb::dict out;
  for (auto& [info, memory] : direct) {
    const bool in_place = memory.elements() > 0;
    Tensor result = check(self.context.output(info->name));
    if (in_place) {
      result = memory;
    } else if (info->type.dtype != DType::kString) {
      const Tensor dense = check(result.dense());
      result = check(Tensor::allocate(dense.dtype(), dense.shape()));
      std::copy_n(dense.data(), dense.bytes(), result.mutable_data());
    }
    out[info->name.c_str()] = nb::make_tuple(numpy_of(result), nb::cast(result.shape()));
  }
  for (const TensorInfo& info : self.engine->outputs()) {
    check(self.context.set_output(info.name, nullptr, 0));
  }
  self.kept.clear();
  return out;
}

void bind_context(nb::module_& m) {
  nb::class_<Session>(m, "Session", "A Context.")
      .def("set_input", &set_input, "name"_a, "array"_a, "dtype"_a)
      .def("set_texts", &set_texts, "name"_a, "texts"_a, "shape"_a)
      .def("set_output", &set_output, "name"_a, "array"_a, "dtype"_a)
      .def("run", &run, "given"_a)
      .def(
          "output_shape",
          [](Session& self, const std::string& name) {
            return check(self.context.output_shape(name));
          },
          "name"_a)
      .def(
          "profile",
          [](Session& self, int runs) {
            std::vector<StepTime> times;
            {
              nb::gil_scoped_release released;
              times = check(self.context.profile(runs));
            }
            nb::list out;
            for (const StepTime& t : times) {
              out.append(nb::make_tuple(t.tactic, t.origin, t.median_us));
            }
            return out;
          },
          "runs"_a)
      .def("cancel", [](Session& self) { self.context.cancel(); })
      .def("threads", [](const Session& self) { return self.context.threads(); });
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Held>(m, "Held", "An Engine.")
      .def_static(
          "from_file",
          [](const std::string& path) {
            nb::gil_scoped_release released;
            return Held{check(Engine::load(path))};
          },
          "path"_a)
      .def_static(
          "from_bytes",
          [](nb::bytes bytes) {
            const std::span data(static_cast<const std::byte*>(bytes.data()), bytes.size());
            nb::gil_scoped_release released;
            return Held{check(Engine::load(data))};
          },
          "bytes"_a)
      .def(
          "save", [](const Held& self, const std::string& path) { check(self.engine->save(path)); },
          "path"_a)
      .def("inputs", [](const Held& self) { return infos_of(self.engine->inputs()); })
      .def("outputs", [](const Held& self) { return infos_of(self.engine->outputs()); })
      .def("steps", &steps_of)
      .def("plan_text", [](const Held& self) { return self.engine->plan_text(); })
      .def("kernels_text", [](const Held& self) { return self.engine->kernels_text(); })
      .def("timings_text", [](const Held& self) { return self.engine->timings_text(); })
      .def("metadata",
           [](const Held& self) {
             nb::dict out;
             for (const auto& [key, value] : self.engine->metadata()) out[key.c_str()] = value;
             return out;
           })
      .def("weight_bytes", [](const Held& self) { return self.engine->weight_bytes(); })
      .def("code_bytes", [](const Held& self) { return self.engine->code_bytes(); })
      .def(
          "session",
          [](const Held& self, int threads, int64_t memory_bytes, const std::string& device,
             size_t stream) {
            ContextOptions options;
            options.threads = threads;
            if (memory_bytes > 0) options.memory_bytes_max = memory_bytes;
            options.device = device;
            options.stream = reinterpret_cast<void*>(stream);
            nb::gil_scoped_release released;
            return new Session{self.engine, check(self.engine->make_context(options)), {}};
          },
          "threads"_a, "memory_bytes"_a, "device"_a, "stream"_a);
  bind_context(m);
}

}  // namespace carnot::python
