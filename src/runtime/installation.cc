#include "runtime/installation.h"

#include "base/checked.h"

namespace carnot {
namespace {

void mark_needed(const Plan& plan, std::vector<bool>& needed) {
  for (const PlanBuffer& b : plan.buffers) {
    const bool read = b.view_of < 0 && b.place == Place::kConstant && !b.host;
    if (read) needed[static_cast<size_t>(b.index)] = true;
  }
  for (const Step& step : plan.steps) {
    for (const auto& region : step.regions) mark_needed(*region, needed);
  }
}

}  // namespace

Result<DeviceWeights> DeviceWeights::upload(Device& device, const EngineFile& file,
                                            MemorySource* source) {
  DeviceWeights out;
  if (device.shares_host_memory()) return out;
  std::vector<bool> needed(file.weights.size(), false);
  mark_needed(file.plan, needed);
  std::vector<int64_t> offsets;
  int64_t total = 0;
  for (size_t i = 0; i < needed.size(); ++i) {
    offsets.push_back(total);
    if (!needed[i]) continue;
    const auto end = checked_add(total, static_cast<int64_t>(file.weights[i].bytes()));
    if (!end) return error(Code::kResourceLimit, "the weights are too large");
    CARNOT_ASSIGN(total, align_up(*end, device.alignment()));
  }
  out.device_ = &device;
  const auto bytes = static_cast<size_t>(std::max<int64_t>(total, 1));
  if (source) {
    CARNOT_ASSIGN(out.block_, source->allocate(bytes, static_cast<size_t>(device.alignment())));
    if (out.block_) out.source_ = source;
  }
  if (!out.block_) {
    CARNOT_ASSIGN(out.block_, device.allocate(bytes));
  }
  for (size_t i = 0; i < needed.size(); ++i) {
    void* const address = static_cast<std::byte*>(out.block_) + offsets[i];
    out.addresses_.push_back(needed[i] ? address : nullptr);
    if (!needed[i]) continue;
    CARNOT_RETURN_IF_ERROR(
        device.copy(address, file.weights[i].data(), file.weights[i].bytes(), nullptr));
  }
  return out;
}

Result<Entries> find_entries(const EngineFile& file, const LoadedCode& code) {
  Entries entries;
  for (const auto& [name, offset] : file.code.entries) {
    if (offset >= file.code.bytes.size()) {
      return error(Code::kCorruptEngine, "the entry \"", name, "\" lies outside the machine code");
    }
    entries.emplace(name, Entry{code.entry(offset), offset, &code});
  }
  return entries;
}

Result<std::unique_ptr<Installation>> install(const EngineFile& file, DeviceShare share,
                                              MemorySource* memory) {
  auto out = std::make_unique<Installation>();
  Device& device = share.device();
  out->share = std::move(share);
  CARNOT_ASSIGN(out->code, device.load(file.code.bytes));
  CARNOT_ASSIGN(const Entries entries, find_entries(file, *out->code));
  auto program = compile(file.plan, file.weights, entries);
  if (!program.ok()) return std::move(program).status().with("the engine's plan");
  out->program = std::move(*program);
  CARNOT_ASSIGN(
      out->weights,
      DeviceWeights::upload(device, file, memory).with("bringing the weights to the device"));
  return out;
}

}  // namespace carnot
