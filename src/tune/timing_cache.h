#pragma once
// Timing cache: measured times as text, a line each, mergeable and shareable between machines of a
// kind: `KERNEL_HASH DEVICE_HASH tactic[variant] revision microseconds`. A line that cannot be
// read, or a time that is not a positive finite number, is ignored with a warning: a cache can cost
// time, never a wrong result.
#include <map>
#include <string>

#include "base/status.h"
#include "device/device.h"

namespace carnot {

/// The hash of a device in a cache's lines. The libraries that a machine has change nothing for our
/// own code, and what is measured of theirs has their version in its name: they are left out.
uint64_t timing_key(const DeviceDescription& device);

/// "KERNEL_HASH DEVICE_HASH": how the lines of a kernel begin.
std::string timing_line(uint64_t kernel, uint64_t device);

class TimingCache {
 public:
  static constexpr size_t kBytesMax = 64 << 20;

  /// Adds the lines of a text. Says how many were unreadable.
  int parse(std::string_view text);
  std::string print() const;
  /// A file that does not exist is an empty cache.
  Status load(const std::string& path);
  /// Merges with what the file holds now, and replaces it atomically.
  Status save(const std::string& path) const;

  /// Microseconds, or 0 where unknown.
  double find(uint64_t kernel, uint64_t device, const std::string& tactic, int revision) const;
  void add(uint64_t kernel, uint64_t device, const std::string& tactic, int revision,
           double microseconds);
  size_t size() const { return times_.size(); }

 private:
  std::map<std::string, double> times_;
};

}  // namespace carnot
