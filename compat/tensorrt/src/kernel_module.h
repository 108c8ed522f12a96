#pragma once
// A compiled kernel of the user's, through CUDA's driver.
#include <span>
#include <string>
#include <vector>

namespace trt {

class KernelModule {
 public:
  KernelModule() = default;
  KernelModule(const KernelModule&) = delete;
  KernelModule& operator=(const KernelModule&) = delete;
  ~KernelModule();

  /// PTX or a cubin, in the CUDA context of the calling thread. What went wrong, or nothing.
  std::string load(const std::string& name, const std::string& image);
  /// `sizes` are grid x, y, z, block x, y, z and bytes of shared memory. The driver's status.
  int launch(std::span<const unsigned> sizes, std::vector<const void*> arguments, void* stream);

 private:
  struct Driver;
  static const Driver* driver();

  void* module_ = nullptr;
  void* function_ = nullptr;
  size_t parameters_ = 0;  ///< of the kernel, where the driver can tell
  unsigned shared_ = 0;    ///< bytes that the kernel is allowed
};

}  // namespace trt
