#include "calibration.h"

#include <algorithm>
#include <random>

#include "build.h"

namespace trtexec {

using namespace nvinfer1;

Calibrator::Calibrator(const Options& options, const INetworkDefinition& network,
                       const IOptimizationProfile* profile)
    : options_(options), network_(network), profile_(profile) {
  if (read_file(options.calibration, cache_)) return;
  say('W', "--calib: there is no file '" + options.calibration +
               "': ranges come from one batch of random numbers, and no cache is written");
}

Calibrator::~Calibrator() {
  for (void* const memory : memory_) device_->release(memory);
}

void const* Calibrator::readCalibrationCache(std::size_t& length) noexcept {
  length = cache_.size();
  return cache_.empty() ? nullptr : cache_.data();
}

bool Calibrator::getBatch(void* bindings[], char const* names[], int32_t count) noexcept {
  if (given_) return false;
  given_ = true;
  std::string why;
  device_ = Device::open(options_.device, options_.spin, why);
  if (!device_) return say('E', why), false;
  for (int32_t i = 0; i < count; ++i) {
    bindings[i] = random_input(names[i]);
    if (!bindings[i]) return false;
  }
  return true;
}

/// FP32 between -1 and 1; zeros for whole numbers, which may be indices.
void* Calibrator::random_input(const char* name) {
  for (int32_t i = 0; i < network_.getNbInputs(); ++i) {
    const ITensor& input = *network_.getInput(i);
    if (std::string(input.getName()) != name) continue;
    Dims dims = input.getDimensions();
    const bool dynamic = std::any_of(dims.d, dims.d + dims.nbDims, [](auto d) { return d < 0; });
    if (dynamic && profile_) dims = profile_->getDimensions(name, OptProfileSelector::kOPT);
    size_t count = 1;
    for (int32_t k = 0; k < dims.nbDims; ++k) {
      count *= static_cast<size_t>(std::max<int64_t>(dims.d[k], 0));
    }
    const DataType type = input.getType();
    const bool whole = type == DataType::kINT32 || type == DataType::kINT64 ||
                       type == DataType::kBOOL || type == DataType::kUINT8;
    // Two floats have the bytes of the widest element.
    std::vector<float> values(2 * std::max<size_t>(count, 1), 0.0F);
    std::mt19937 random(1);
    std::uniform_real_distribution<float> numbers(-1, 1);
    if (!whole) std::generate(values.begin(), values.end(), [&] { return numbers(random); });
    const size_t bytes = values.size() * sizeof(float);
    void* const memory = device_->allocate(bytes, false);
    if (!memory) return nullptr;
    memory_.push_back(memory);
    void* const stream = device_->make_stream();
    const bool copied =
        device_->copy_in(memory, values.data(), bytes, stream) && device_->wait(stream);
    return copied ? memory : nullptr;
  }
  return nullptr;
}

}  // namespace trtexec
