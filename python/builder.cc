// build(): from a network to the bytes of an engine.
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include <atomic>
#include <cstring>

#include "carnot/builder.h"
#include "carnot/device.h"
#include "model.h"

namespace carnot::python {
namespace {

using Ranges = std::map<std::string, std::tuple<Shape, Shape, Shape>>;

/// What build() takes beside the network; Python's side has the defaults.
struct Request {
  std::string device, storage, timing_cache;
  int threads = 0, effort = 3;
  int64_t memory_bytes = 0, shared_bytes_max = 0;
  bool tf32 = false;
  Ranges profiles;
  std::vector<std::string> exclude_tactics;
  std::map<std::string, std::string> metadata;
};

/// Tells Python how far a build is. What it raises, or an interrupt, ends the build.
class Progress {
 public:
  explicit Progress(nb::object call) : call_(std::move(call)) {}
  const std::atomic<bool>* cancelled() const { return &cancelled_; }

  void operator()(const BuildProgress& at) {
    nb::gil_scoped_acquire gil;
    if (raised_) return;
    try {
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      if (!call_.is_none()) call_(at.stage, at.done, at.total, at.elapsed_s, at.eta_s);
    } catch (nb::python_error&) {
      raised_ = std::current_exception();
      cancelled_ = true;
    }
  }
  void rethrow() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  nb::object call_;
  std::atomic<bool> cancelled_{false};
  std::exception_ptr raised_;
};

nb::dict dict_of(const BuildSummary& summary) {
  nb::list kernels;
  for (const BuildSummary::KernelChoice& k : summary.kernels) {
    nb::dict kernel;
    kernel["origin"] = k.origin;
    kernel["tactic"] = k.tactic;
    kernel["note"] = k.note;
    kernel["predicted_us"] = k.predicted_us;
    kernel["measured_us"] = k.measured_us;
    kernel["tried"] = k.tried;
    kernel["refused"] = k.refused;
    kernel["wrong"] = k.wrong;
    kernels.append(kernel);
  }
  nb::dict stages;
  for (const auto& [name, ms] : summary.stages_ms) stages[name.c_str()] = ms;
  nb::dict out;
  out["total_s"] = summary.total_s;
  out["stages_ms"] = stages;
  out["kernels"] = kernels;
  out["notes"] = summary.notes;
  return out;
}

nb::tuple build_model(const Model& model, const Request& request, nb::object progress) {
  BuilderOptions options;
  options.device = request.device;
  options.threads = request.threads;
  options.effort = request.effort;
  options.storage = dtype_named(request.storage);
  options.tf32 = request.tf32;
  options.shared_bytes_max = request.shared_bytes_max;
  options.timing_cache = request.timing_cache;
  options.exclude_tactics = request.exclude_tactics;
  options.metadata = request.metadata;
  options.memory_bytes = request.memory_bytes;
  for (const auto& [name, range] : request.profiles) {
    const auto& [min, opt, max] = range;
    options.profiles[name] = {min, opt, max};
  }
  Progress told(std::move(progress));
  options.progress = [&told](const BuildProgress& at) { told(at); };
  options.cancel = told.cancelled();
  BuildSummary summary;
  Result<std::vector<std::byte>> bytes = [&] {
    nb::gil_scoped_release released;
    return build(model.network.clone(), options, &summary);
  }();
  told.rethrow();
  const std::vector<std::byte> engine = check(std::move(bytes));
  return nb::make_tuple(nb::bytes(engine.data(), engine.size()), dict_of(summary));
}

std::vector<std::tuple<std::string, std::string, std::string>> list_devices() {
  std::vector<DeviceInfo> found = {cpu_device()};
  if (auto gpus = gpu_devices(); gpus.ok()) found.insert(found.end(), gpus->begin(), gpus->end());
  std::vector<std::tuple<std::string, std::string, std::string>> out;
  for (const DeviceInfo& d : found) out.emplace_back(d.name, d.product, d.description);
  return out;
}

}  // namespace

void bind_builder(nb::module_& m) {
  nb::class_<Request>(m, "Request", "What build() takes beside the network.")
      .def(nb::init<>())
      .def_rw("device", &Request::device)
      .def_rw("storage", &Request::storage)
      .def_rw("tf32", &Request::tf32)
      .def_rw("shared_bytes_max", &Request::shared_bytes_max)
      .def_rw("timing_cache", &Request::timing_cache)
      .def_rw("threads", &Request::threads)
      .def_rw("effort", &Request::effort)
      .def_rw("memory_bytes", &Request::memory_bytes)
      .def_rw("profiles", &Request::profiles)
      .def_rw("exclude_tactics", &Request::exclude_tactics)
      .def_rw("metadata", &Request::metadata);
  m.def("build", &build_model, "model"_a, "request"_a, "progress"_a.none(),
        "The bytes of an engine, and how the build went.");
  m.def("devices", &list_devices, "(name, product, description) of each device.");
}

}  // namespace carnot::python
