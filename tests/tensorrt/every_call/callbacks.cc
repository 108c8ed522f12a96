#include "callbacks.h"

namespace every_call {

void Log::log(Severity severity, AsciiChar const* text) noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (severity > Severity::kWARNING) return;
    if (severity <= Severity::kERROR) ++errors;
    if (severity == Severity::kINTERNAL_ERROR) ++internal, last_internal = text;
    std::string form;
    for (const char* c = text; *c && form.size() < 300; ++c) {
      const bool digit = *c >= '0' && *c <= '9';
      if (!digit || form.empty() || form.back() != '#') form += digit ? '#' : *c;
    }
    messages.emplace(form, text);
    if (inside_ || !reenter) return;
    inside_ = true;
  }
  reenter();
  inside_ = false;
}

void* Allocator::allocate(uint64_t size, uint64_t alignment, AllocatorFlags) noexcept {
  if (reenter) reenter();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (good_-- <= 0 || size > (256U << 20)) return nullptr;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment < 16 ? 16 : alignment, size + 1) != 0) return nullptr;
  given_[memory] = size;
  return memory;
}

bool Allocator::deallocate(void* memory) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!memory) return true;
  if (given_.erase(memory) == 0) return ++unknown, false;
  std::free(memory);
  return false;  // a lie: it did
}

Allocator::~Allocator() {
  for (const auto& [memory, size] : given_) std::free(memory);
}

namespace {

int64_t copy_out(const std::string& bytes, size_t at, void* to, int64_t size, int mode) {
  if (mode == 1) return -1;
  if (mode == 2) return size + 1;
  if (mode == 3) return 0;
  if (size < 0 || at >= bytes.size()) return 0;
  size_t n = std::min<size_t>(static_cast<size_t>(size), bytes.size() - at);
  if (mode == 4 && n > 1) n /= 2;
  std::memcpy(to, bytes.data() + at, n);
  return static_cast<int64_t>(n);
}

}  // namespace

int64_t Reader::read(void* to, int64_t size) noexcept {
  const int64_t n = copy_out(bytes_, at_, to, size, mode_);
  if (n > 0) at_ += static_cast<size_t>(n);
  return n;
}

int64_t ReaderV2::read(void* to, int64_t size, cudaStream_t) noexcept {
  const int64_t n = copy_out(bytes_, static_cast<size_t>(at_), to, size, mode_);
  if (n > 0) at_ += n;
  return n;
}

bool ReaderV2::seek(int64_t offset, SeekPosition where) noexcept {
  if (mode_ == 5) return false;
  const auto size = static_cast<int64_t>(bytes_.size());
  at_ = offset + (where == SeekPosition::kSET ? 0 : where == SeekPosition::kCUR ? at_ : size);
  at_ = at_ < 0 ? 0 : at_;
  return true;
}

int32_t Selector::selectAlgorithms(IAlgorithmContext const& context,
                                   IAlgorithm const* const* choices, int32_t count,
                                   int32_t* selection) noexcept {
  context.getDimensions(-1, OptProfileSelector::kMIN);
  context.getDimensions(99, OptProfileSelector::kMAX);
  for (int32_t i = 0; i < count; ++i) {
    choices[i]->getAlgorithmIOInfoByIndex(-1);
    choices[i]->getAlgorithmIOInfoByIndex(99);
    selection[i] = answer_ == 3 ? 1000000 : answer_ == 4 ? -7 : 0;  // 0 again and again
  }
  return answer_ == 0 ? 0 : answer_ == 1 ? count + 9 : answer_ == 2 ? -5 : count;
}

bool Calibrator::getBatch(void* bindings[], char const* names[], int32_t count) noexcept {
  for (int32_t i = 0; i < count; ++i) {
    bindings[i] = mode_ == 1 || std::strlen(names[i]) > 4000 ? nullptr : memory_;
  }
  return mode_ != 2 && ++batches_ < 3;
}

void const* Calibrator::readCalibrationCache(std::size_t& length) noexcept {
  static constexpr char kCache[] = "TRT-101601-EntropyCalibration2\nx: zzzz\n: 3f800000\nx:\n\xff";
  if (mode_ == 3) return length = 5, nullptr;
  if (mode_ < 4) return length = 0, nullptr;
  length = mode_ == 4 ? sizeof(kCache) - 1 : 11;
  return kCache;
}

}  // namespace every_call
