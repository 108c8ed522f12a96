#include "tactics/cpu/sink.h"

#include <algorithm>
#include <thread>

#include "base/hash.h"
#include "tactics/cpu/tables.h"

namespace carnot::cpu {

Result<Target> target_of(const DeviceDescription& device) {
  const bool here = device.kind == "cpu" && device.isa == describe_cpu().isa;
  if (here) {
    // The host knows more of itself than a description holds (its scheduling model).
    CARNOT_ASSIGN(Target target, host_target());
    target.threads = device.threads;
    return target;
  }
  std::string text = device.isa == "neon" ? "aarch64 neon" : "x86-64";
  if (device.isa == "avx512") text += " avx512";
  if (device.isa == "avx2") text += " avx2 fma";
  for (const std::string& f : device.features) text += " " + f;
  text += cat(" l1=", device.l1_bytes, " l2=", device.l2_bytes, " l3=", device.l3_bytes,
              " threads=", device.threads);
  return parse_target(text);
}

const GeneratedFunction* CpuCodeSink::find(const std::string& key) const {
  const auto it = made_.find(key);
  return it == made_.end() ? nullptr : &it->second;
}

void CpuCodeSink::remember(const std::string& key, const GeneratedFunction& function) {
  made_.emplace(key, function);
}

Result<Module*> CpuCodeSink::module(double weight) {
  if (modules_.empty()) {
    CARNOT_ASSIGN(Target target, target_of(device_));
    for (int i = 0; i < threads_; ++i) {
      CARNOT_ASSIGN(Module m, Module::create(target));
      modules_.push_back(std::move(m));
      weights_.push_back(0);
    }
  }
  const size_t least =
      static_cast<size_t>(std::min_element(weights_.begin(), weights_.end()) - weights_.begin());
  weights_[least] += weight;
  return &modules_[least];
}

Result<carnot::CodeBlob> CpuCodeSink::finish() {
  std::vector<Result<ObjectBytes>> objects;
  std::vector<size_t> used;
  for (size_t i = 0; i < modules_.size(); ++i) {
    if (weights_[i] > 0) used.push_back(i);
  }
  for (size_t i = 0; i < used.size(); ++i) objects.emplace_back(ObjectBytes{});
  std::vector<std::thread> threads;
  for (size_t i = 1; i < used.size(); ++i) {
    threads.emplace_back([&, i] { objects[i] = modules_[used[i]].compile(); });
  }
  if (!used.empty()) objects[0] = modules_[used[0]].compile();
  for (std::thread& t : threads) t.join();
  std::vector<ObjectBytes> all;
  for (auto& object : objects) {
    CARNOT_ASSIGN(ObjectBytes bytes, std::move(object));
    all.push_back(std::move(bytes));
  }
  modules_.clear();
  CARNOT_ASSIGN(cpu::CodeBlob linked, link(all));
  carnot::CodeBlob blob;
  blob.bytes = std::move(linked.bytes);
  for (const auto& [name, offset] : linked.entries) {
    blob.entries.push_back({name, static_cast<size_t>(offset)});
  }
  return blob;
}

std::string CpuCodeSink::text() const {
  std::string out;
  for (size_t i = 0; i < modules_.size(); ++i) {
    if (weights_[i] > 0) out += modules_[i].ir_text();
  }
  return out;
}

Turned turn_constants(const Problem& problem) {
  Turned turned{problem.kernel, {}};
  std::vector<bool> constant;
  for (const Tensor* c : problem.constants) constant.push_back(c != nullptr);
  turned.layouts = relayout(turned.kernel, constant);
  return turned;
}

Status pack_turned(const Problem& problem, const Turned& turned, GeneratedKernel& call) {
  for (const Relayout& r : turned.layouts) {
    const Tensor* c = problem.constants[static_cast<size_t>(r.buffer)];
    CARNOT_ASSIGN(std::vector<Tensor> t, reference(Op(op::Transpose{.perm = r.perm}), {c, 1}));
    call.arguments[static_cast<size_t>(r.buffer)] = -1 - static_cast<int>(call.packed.size());
    call.packed.push_back(std::move(t[0]));
  }
  return {};
}

GeneratedKernel generated(const GeneratedFunction& function, size_t buffers) {
  GeneratedKernel out;
  out.entry = function.symbol;
  out.params = function.params;
  out.tasks = function.tasks;
  out.scratch_bytes = function.scratch_bytes;
  for (size_t i = 0; i < buffers; ++i) out.arguments.push_back(static_cast<int>(i));
  return out;
}

}  // namespace carnot::cpu
