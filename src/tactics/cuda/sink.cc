#include "tactics/cuda/sink.h"

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

Result<CodeBlob> CudaCodeSink::finish() {
  std::vector<Source> sources;
  for (const std::string& key : order_) {
    const Made& made = made_.at(key);
    if (made.library != Library::kNone) continue;
    sources.push_back({made.source.function, made.source.text});
  }
  std::vector<Cubin> cubins;
  if (!sources.empty()) {
    CARNOT_ASSIGN(const Nvrtc* nvrtc, Nvrtc::open());
    CARNOT_ASSIGN(cubins, nvrtc->compile(sources, device_.isa, threads_));
  }
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
    entry.dependent_launch = made.dependent_launch;
    entry.cluster = static_cast<uint32_t>(made.cluster);
    entry.library = library;
    file.modules.push_back(library == Library::kNone
                               ? std::span<const std::byte>(cubins[compiled++])
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
  for (const std::string& key : order_) out += made_.at(key).source.text + "\n";
  return out;
}

GeneratedKernel generated(const KernelSource& source, size_t buffers) {
  GeneratedKernel out;
  out.entry = source.function;
  out.params = source.params;
  out.tasks = source.tasks;
  out.scratch_bytes = source.scratch_bytes;
  for (size_t i = 0; i < buffers; ++i) out.arguments.push_back(static_cast<int>(i));
  return out;
}

}  // namespace carnot::cuda
