#include "tactics/cuda/sink.h"

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "codegen/cuda/contraction.h"
#include "codegen/cuda/embedded.h"
#include "codegen/cuda/nvrtc.h"
#include "device/cuda/code_file.h"

namespace carnot::cuda {

const KernelSource* CudaCodeSink::find(const std::string& key) const {
  const auto it = made_.find(key);
  return it == made_.end() ? nullptr : &it->second.source;
}

const KernelSource& CudaCodeSink::add(const std::string& key, KernelSource source,
                                      Library library) {
  order_.push_back(key);
  return made_.insert_or_assign(key, Made{std::move(source), library}).first->second.source;
}

std::vector<KernelSource> CudaCodeSink::sources() const {
  std::vector<KernelSource> out;
  for (const std::string& key : order_) out.push_back(made_.at(key).source);
  return out;
}

const KernelSource* CudaCodeSink::of_function(const std::string& function) const {
  for (const auto& [key, made] : made_) {
    if (made.source.function == function) return &made.source;
  }
  return nullptr;
}

// The cubin of each kernel that is not a library's, from the cache or compiled now.
Status CudaCodeSink::compile(std::vector<std::span<const std::byte>>& cubins) {
  if (std::all_of(order_.begin(), order_.end(), [&](const std::string& key) {
        return made_.at(key).library != Library::kNone;
      })) {
    return {};
  }
  CARNOT_ASSIGN(const Nvrtc* nvrtc, Nvrtc::open());
  Hasher common;
  common.add(device_.isa).add(nvrtc->version());
  for (const EmbeddedFile& file : embedded_files()) common.add(file.text);
  std::vector<uint64_t> keys;
  std::vector<uint64_t> missing;
  std::vector<Source> sources;
  for (const std::string& name : order_) {
    const Made& made = made_.at(name);
    if (made.library != Library::kNone) continue;
    keys.push_back(Hasher(common).add(made.source.text).digest());
    if (cache_.find(keys.back())) continue;
    missing.push_back(keys.back());
    sources.push_back({made.source.function, made.source.text});
  }
  CARNOT_ASSIGN(std::vector<Cubin> compiled, nvrtc->compile(sources, device_.isa, threads_));
  for (size_t i = 0; i < missing.size(); ++i) cache_.add(missing[i], std::move(compiled[i]));
  for (const uint64_t key : keys) {
    cubins.emplace_back(*cache_.find(key));
    if (keep_) cache_.keep(key);
  }
  return {};
}

Result<CodeBlob> CudaCodeSink::finish() {
  std::vector<std::span<const std::byte>> cubins;
  CARNOT_RETURN_IF_ERROR(compile(cubins));
  constexpr int kEarlyStarts = 90;  // the first architecture whose kernels wait for others
  CARNOT_ASSIGN(const Gpu gpu, gpu_of(device_));
  const bool early_starts = gpu.architecture >= kEarlyStarts;
  CodeFile file;
  CodeBlob blob;
  size_t compiled = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    const auto& [made, library] = made_.at(order_[i]);
    CodeEntry entry;
    entry.name = entry.function = made.function;
    entry.module = static_cast<uint32_t>(i);
    entry.threads = static_cast<uint32_t>(made.threads);
    entry.shared_bytes = static_cast<uint32_t>(made.shared_bytes);
    entry.pointers = static_cast<uint32_t>(made.pointers);
    entry.integers = static_cast<uint32_t>(made.params.size());
    entry.scratch = !made.scratch_bytes.is(0);
    entry.dependent_launch = made.dependent_launch && early_starts;
    entry.cluster = static_cast<uint32_t>(made.cluster);
    entry.boxes = made.boxes;
    entry.library = library;
    file.modules.push_back(library == Library::kNone ? cubins[compiled++]
                                                     : std::as_bytes(std::span(made.text)));
    blob.entries.emplace_back(entry.name, file.entries.size());
    file.entries.push_back(std::move(entry));
  }
  blob.bytes = write_code_file(file);
  order_.clear();
  made_.clear();
  return blob;
}

std::string CudaCodeSink::text() const {
  std::string out;
  for (const std::string& key : order_) {
    const auto& [made, library] = made_.at(key);
    if (library == Library::kNone) {
      out += cat("// ", made.function, ": blocks of ", made.threads, " threads, ",
                 made.shared_bytes, " bytes of dynamic shared memory\n");
    }
    out += made.text + "\n";
  }
  return out;
}

std::string function_of(const std::string& key) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash64(key)));
  return cat("carnot_", digits);
}

GeneratedKernel generated(const KernelSource& source, size_t buffers) {
  GeneratedKernel out;
  out.entry = source.function;
  out.params = source.params;
  out.tasks = source.tasks;
  out.scratch_bytes = source.scratch_bytes;
  for (size_t i = 0; i < buffers; ++i) out.arguments.push_back(static_cast<int>(i));
  if (source.has_faults) out.arguments.push_back(GeneratedKernel::kFault);
  return out;
}

}  // namespace carnot::cuda
