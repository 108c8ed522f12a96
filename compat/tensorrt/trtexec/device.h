#pragma once
// Device: memory, streams, events and graphs of what engines run on: a GPU through its driver's
// library, opened at run time, or the host, where all work is done when a call returns.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace trtexec {

class Device {
 public:
  /// What the libraries run engines on: GPU `index`, or the host where CARNOT_DEVICE says so or
  /// there is no GPU. Null, and `why`, where the GPU cannot be had.
  static std::unique_ptr<Device> open(int index, bool spin, std::string& why);
  virtual ~Device() = default;

  virtual bool is_host() const = 0;
  /// "Selected Device: ..." and so on.
  virtual std::vector<std::string> description() const = 0;
  /// Null where there is not so much. `managed`: the host reads and writes it as well.
  virtual void* allocate(size_t bytes, bool managed) = 0;
  virtual void release(void* memory) = 0;
  /// Lets copies from and to memory of the host run beside other work.
  virtual void pin(void* memory, size_t bytes) = 0;
  virtual bool copy_in(void* to, const void* from, size_t bytes, void* stream) = 0;
  virtual bool copy_out(void* to, const void* from, size_t bytes, void* stream) = 0;

  virtual void* make_stream() = 0;
  virtual bool wait(void* stream) = 0;
  /// Events of a lane: `count` places, each recorded again and again.
  virtual void* make_event() = 0;
  virtual void record(void* event, void* stream) = 0;
  /// What is queued later in the stream starts when the event has come.
  virtual bool wait_in(void* stream, void* event) = 0;
  virtual bool wait_event(void* event) = 0;
  virtual double milliseconds(void* from, void* to) = 0;

  virtual bool begin_capture(void* stream) = 0;
  /// A graph to launch; null where the capture failed.
  virtual void* end_capture(void* stream) = 0;
  virtual bool launch(void* graph, void* stream) = 0;
  /// Makes the device the calling thread's.
  virtual void enter() = 0;
};

}  // namespace trtexec
