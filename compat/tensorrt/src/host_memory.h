#pragma once
// HostMemory: bytes that the caller owns.
#include <cstddef>
#include <vector>

#include "report.h"

namespace trt {

class HostMemory final : public IHostMemory, public apiv::VHostMemory {
 public:
  explicit HostMemory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) { mImpl = this; }
  void* data() const noexcept override { return const_cast<std::byte*>(bytes_.data()); }
  std::size_t size() const noexcept override { return bytes_.size(); }
  DataType type() const noexcept override { return DataType::kINT8; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace trt
