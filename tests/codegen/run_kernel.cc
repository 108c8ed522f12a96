#include "tests/codegen/run_kernel.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/status.h"
#include "codegen/access.h"
#include "tensor/fill.h"

namespace carnot::cpu {

namespace {

constexpr size_t kPage = 4096;

/// Memory whose last byte is followed by a page that nobody may touch.
class Fenced {
 public:
  explicit Fenced(size_t bytes) {
    const size_t pages = (bytes + kPage - 1) / kPage + 1;
    bytes_ = pages * kPage;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CARNOT_CHECK(base_ != MAP_FAILED);
    CARNOT_CHECK(mprotect(base_ + bytes_ - kPage, kPage, PROT_NONE) == 0);
    std::memset(base_, 0x7f, bytes_ - kPage);
    data_ = base_ + bytes_ - kPage - bytes;
  }
  Fenced(Fenced&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), data_(other.data_), bytes_(other.bytes_) {}
  ~Fenced() {
    if (base_ != nullptr) munmap(base_, bytes_);
  }
  std::byte* data() const { return data_; }
  bool untouched_before() const {
    return std::all_of(base_, data_, [](std::byte b) { return b == std::byte{0x7f}; });
  }

 private:
  std::byte* base_;
  std::byte* data_;
  size_t bytes_;
};

Result<Shape> shape_of(const Dims& dims, const Symbols& symbols) {
  Shape shape;
  for (const Dim& dim : dims) {
    CARNOT_ASSIGN(const int64_t size, evaluate(dim, symbols));
    shape.push_back(size);
  }
  return shape;
}

/// One buffer of the call: its elements in memory and how they lie.
struct Operand {
  Shape shape, strides;
  size_t element_bytes = 0;
  std::unique_ptr<Fenced> memory;

  template <class Visit>
  void each(const Visit& visit) const {
    Shape at(shape.size(), 0);
    for (int64_t i = 0; i < volume(shape); ++i) {
      int64_t offset = 0;
      for (size_t d = 0; d < shape.size(); ++d) offset += at[d] * strides[d];
      visit(static_cast<size_t>(i) * element_bytes, static_cast<size_t>(offset) * element_bytes);
      for (size_t d = shape.size(); d-- > 0;) {
        if (++at[d] < shape[d]) break;
        at[d] = 0;
      }
    }
  }
};

Result<Operand> make_operand(const Buffer& buffer, const Symbols& symbols) {
  Operand out;
  CARNOT_ASSIGN(out.shape, shape_of(buffer.type.dims, symbols));
  CARNOT_ASSIGN(out.strides, shape_of(strides_of(buffer), symbols));
  out.element_bytes = static_cast<size_t>(std::max(8, bits_of(buffer.type.dtype)) / 8);
  int64_t last = volume(out.shape) > 0 ? 1 : 0;
  for (size_t d = 0; d < out.shape.size(); ++d) {
    last += std::max<int64_t>(0, out.shape[d] - 1) * out.strides[d];
  }
  out.memory = std::make_unique<Fenced>(static_cast<size_t>(last) * out.element_bytes);
  return out;
}

}  // namespace

std::vector<Target> runnable_targets() {
  const Result<Target> host = host_target();
  CARNOT_CHECK(host.ok());
  std::vector<Target> targets = {*host};
  for (const char* text : {"x86-64", "x86-64 avx2 fma f16c", "x86-64 avx512"}) {
    const Result<Target> target = parse_target(text);
    CARNOT_CHECK(target.ok());
    const bool runs = host->arch == Arch::kX86 && (target->isas & ~host->isas) == 0;
    if (runs) targets.push_back(*target);
  }
  return targets;
}

Result<std::vector<Tensor>> run_generated(const Kernel& kernel, const Generate& generate,
                                          const Target& target, const std::vector<Tensor>& inputs,
                                          const Symbols& symbols, const std::vector<int>& arguments,
                                          const std::vector<Tensor>& extra) {
  CARNOT_ASSIGN(Module module, Module::create(target));
  CARNOT_ASSIGN(const GeneratedFunction made, generate(module, "kernel"));
  CARNOT_ASSIGN(const ObjectBytes object, module.compile());
  const ObjectBytes objects[] = {object};
  CARNOT_ASSIGN(const CodeBlob blob, link(objects));
  CARNOT_ASSIGN(const LoadedCode code, LoadedCode::load(blob));
  const KernelEntry entry = code.entry("kernel");
  CARNOT_CHECK(entry != nullptr);

  std::vector<Operand> operands;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    CARNOT_ASSIGN(Operand operand, make_operand(kernel.buffers[i], symbols));
    if (!kernel.buffers[i].output) {
      operand.each([&](size_t dense, size_t there) {
        std::memcpy(operand.memory->data() + there, inputs[i].data() + dense,
                    operand.element_bytes);
      });
    }
    operands.push_back(std::move(operand));
  }
  std::vector<void*> buffers;
  std::vector<Fenced> packed;
  for (const Tensor& tensor : extra) {
    packed.emplace_back(tensor.bytes());
    std::memcpy(packed.back().data(), tensor.data(), tensor.bytes());
  }
  for (size_t i = 0; i < operands.size() || i < arguments.size(); ++i) {
    const int which = arguments.empty() ? static_cast<int>(i) : arguments[i];
    buffers.push_back(which >= 0 ? operands[static_cast<size_t>(which)].memory->data()
                                 : packed[static_cast<size_t>(-1 - which)].data());
  }
  CARNOT_ASSIGN(const Shape params, shape_of(made.params, symbols));
  CARNOT_ASSIGN(const int64_t tasks, evaluate(made.tasks, symbols));
  CARNOT_ASSIGN(const int64_t scratch_bytes, evaluate(made.scratch_bytes, symbols));
  const int64_t a = tasks / 3, b = tasks * 5 / 7;
  const int64_t cuts[][2] = {{b, tasks}, {0, a}, {a, b}};
  for (const auto& cut : cuts) {
    const Fenced scratch((static_cast<size_t>(scratch_bytes) + 63) / 64 * 64);
    entry(buffers.data(), params.data(), cut[0], cut[1], scratch.data());
    if (!scratch.untouched_before()) return error(Code::kWrongResult, "wrote before its scratch");
  }
  std::vector<Tensor> results;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    if (!operands[i].memory->untouched_before()) {
      return error(Code::kWrongResult, "wrote before buffer ", i);
    }
    if (!kernel.buffers[i].output) continue;
    CARNOT_ASSIGN(Tensor dense, Tensor::allocate(kernel.buffers[i].type.dtype, operands[i].shape));
    operands[i].each([&](size_t to, size_t from) {
      std::memcpy(dense.mutable_data() + to, operands[i].memory->data() + from,
                  operands[i].element_bytes);
    });
    results.push_back(std::move(dense));
  }
  return results;
}

Result<std::vector<Tensor>> make_inputs(const Kernel& kernel, const Symbols& symbols, uint64_t seed,
                                        bool provoking) {
  std::vector<Tensor> inputs;
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.output) break;
    CARNOT_ASSIGN(const Shape shape, shape_of(buffer.type.dims, symbols));
    const Fill kind = provoking ? Fill::kProvoking : Fill::kUniform;
    CARNOT_ASSIGN(Tensor tensor, fill(buffer.type.dtype, shape, seed + inputs.size(), kind));
    CARNOT_ASSIGN(Tensor dense, tensor.dense());
    inputs.push_back(std::move(dense));
  }
  return inputs;
}

Result<KernelCase> read_case(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  KernelCase out;
  out.name = std::filesystem::path(path).stem().string();
  bool provoking = false;
  std::string line;
  while (std::getline(text, line) && line.rfind("//", 0) == 0) {
    std::istringstream words(line.substr(2));
    std::string key, word;
    words >> key;
    if (key == "tolerance:") words >> out.tolerance;
    if (key == "fill:") provoking = words >> word && word == "provoking";
    if (key != "symbols:") continue;
    while (words >> word) {
      const size_t equals = word.find('=');
      out.symbols[word.substr(0, equals)] = std::stoll(word.substr(equals + 1));
    }
  }
  const std::string whole = text.str();
  CARNOT_ASSIGN(out.kernel, parse_kernel(whole).with(out.name));
  CARNOT_RETURN_IF_ERROR(verify(out.kernel));
  CARNOT_ASSIGN(out.inputs, make_inputs(out.kernel, out.symbols, 7, provoking));
  return out;
}

std::vector<std::string> kernel_files() {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/kernels")) {
    if (entry.path().extension() == ".kernel") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace carnot::cpu
