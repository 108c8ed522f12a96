#include "tools/carnot/session.h"

#include <chrono>
#include <cstdio>

#include "base/file.h"
#include "tensor/fill.h"
#include "tensor/npy.h"

namespace carnot::cli {

namespace {

// Sizes of symbolic axes that nobody named: a batch of one, anything else small.
constexpr int64_t kBatch = 1, kSize = 64;

double ms_since(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - t).count();
}

std::string names_of(const std::vector<TensorInfo>& infos) {
  std::string out;
  for (const TensorInfo& i : infos) out += cat(out.empty() ? "" : ", ", i.name);
  return out;
}

Result<Tensor> read_npy_file(const std::string& path) {
  CARNOT_ASSIGN(MappedFile mapped, MappedFile::open(path));
  const auto file = std::make_shared<const MappedFile>(std::move(mapped));
  return read_npy(file->bytes(), file);
}

Result<std::map<std::string, Tensor>> read_inputs(const std::vector<std::string>& flags) {
  std::map<std::string, Tensor> out;
  for (const std::string& f : flags) {
    const size_t at = f.rfind('=');
    if (at == std::string::npos || at == 0) {
      return error(Code::kInvalidArgument, "--input: '", f, "' is not NAME=FILE.npy");
    }
    auto tensor = read_npy_file(f.substr(at + 1));
    if (!tensor.ok()) return std::move(tensor).status().with(cat("--input ", f.substr(0, at)));
    out[f.substr(0, at)] = std::move(*tensor);
  }
  return out;
}

// A symbol keeps one size in all inputs.
Result<Shape> make_shape(const TensorInfo& info, const std::map<std::string, Shape>& shapes,
                         Symbols& symbols) {
  if (const auto it = shapes.find(info.name); it != shapes.end()) {
    for (size_t i = 0; i < info.type.dims.size() && i < it->second.size(); ++i) {
      if (const auto s = info.type.dims[i].as_symbol()) symbols[*s] = it->second[i];
    }
    return it->second;
  }
  Shape shape;
  for (size_t i = 0; i < info.type.dims.size(); ++i) {
    const Dim& d = info.type.dims[i];
    if (const auto s = d.as_symbol()) symbols.emplace(*s, i == 0 ? kBatch : kSize);
    CARNOT_ASSIGN(int64_t size, evaluate(d, symbols));
    shape.push_back(size);
  }
  return shape;
}

Status set_inputs(const RunFlags& flags, Session& s) {
  CARNOT_ASSIGN(auto given, read_inputs(flags.inputs));
  CARNOT_ASSIGN(auto shapes, parse_run_shapes(flags.shapes));
  for (const auto& [name, unused] : shapes) {
    bool known = false;
    for (const TensorInfo& info : s.engine->inputs()) known = known || info.name == name;
    if (!known) {
      return error(Code::kInvalidArgument, "--shapes: no input is named '", name,
                   "'; there are: ", names_of(s.engine->inputs()));
    }
  }
  Symbols symbols;
  for (const auto& [name, tensor] : given) {
    for (const TensorInfo& info : s.engine->inputs()) {
      if (info.name != name) continue;
      for (size_t i = 0; i < info.type.dims.size() && i < tensor.shape().size(); ++i) {
        if (const auto sym = info.type.dims[i].as_symbol()) symbols[*sym] = tensor.shape()[i];
      }
    }
  }
  uint64_t seed = flags.seed;
  for (const TensorInfo& info : s.engine->inputs()) {
    Tensor value;
    if (const auto it = given.find(info.name); it != given.end()) {
      value = it->second;
      given.erase(it);
    } else {
      CARNOT_ASSIGN(Shape shape, make_shape(info, shapes, symbols));
      CARNOT_ASSIGN(value, fill(info.type.dtype, shape, seed++));
      // Integers are mostly indices into tables of unknown length: 0 and 1 fit all but the empty.
      for (int64_t i = 0; is_integer(value.dtype()) && i < value.elements(); ++i) {
        value.set_int(i, value.get_int(i) & 1);
      }
    }
    CARNOT_RETURN_IF_ERROR(s.context->set_input(info.name, value));
    s.inputs.push_back(std::move(value));
  }
  if (!given.empty()) {
    return error(Code::kInvalidArgument, "--input: no input is named '", given.begin()->first,
                 "'; there are: ", names_of(s.engine->inputs()));
  }
  return {};
}

}  // namespace

void RunFlags::add_to(CLI::App& app) {
  app.add_option("model", model, "ONNX model or engine file")->required()->type_name("MODEL");
  app.add_option("--input", inputs, "An input's values: NAME=FILE.npy; others are random")
      ->type_name("NAME=FILE");
  app.add_option("--seed", seed, "Seed of random inputs")->capture_default_str();
  BuildFlags::add_to(app);
}

Result<Session> open_session(const RunFlags& flags) {
  Session s;
  if (is_model(flags.model)) {
    CARNOT_ASSIGN(Built built, build_model(flags.model, flags));
    s.build_s = built.summary.total_s;
    const auto start = std::chrono::steady_clock::now();
    CARNOT_ASSIGN(s.engine, Engine::load(built.bytes));
    s.load_ms = ms_since(start);
  } else {
    const auto start = std::chrono::steady_clock::now();
    CARNOT_ASSIGN(s.engine, Engine::load(flags.model));
    s.load_ms = ms_since(start);
  }
  // What an engine was built for it says itself; of several GPUs the flag picks one.
  ContextOptions options;
  options.threads = flags.threads;
  if (flags.device.find("cuda:") == 0 && flags.device.find("sm_") == std::string::npos) {
    options.device = flags.device;
  }
  CARNOT_ASSIGN(Context context, s.engine->make_context(options));
  s.context.emplace(std::move(context));
  CARNOT_RETURN_IF_ERROR(set_inputs(flags, s));
  return s;
}

}  // namespace carnot::cli
