#pragma once
// CodeFile: machine code for NVIDIA GPUs as an engine stores it: cubins, and for each kernel what a
// launch must know. Little-endian; the layout is in code_file.cc.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "device/cuda/library_call.h"

namespace carnot::cuda {

/// One kernel. Its arguments are 8 bytes each: pointers, then int64 numbers, then the address of
/// scratch memory if it needs some. The grid is (tasks, 1, 1), the block (threads, 1, 1). Of a
/// library the module is the call's text (library_call.h), and grid and block say nothing.
struct CodeEntry {
  std::string name;      ///< as the plan calls it
  std::string function;  ///< as the module calls it
  uint32_t module = 0;
  uint32_t threads = 1;       ///< per block
  uint32_t shared_bytes = 0;  ///< dynamic shared memory per block
  uint32_t pointers = 0, integers = 0;
  bool scratch = false;           ///< one piece, shared by the whole grid
  bool dependent_launch = false;  ///< waits for its predecessor itself (griddepcontrol.wait)
  uint32_t cluster = 1;           ///< blocks per cluster
  Library library = Library::kNone;
  bool operator==(const CodeEntry&) const = default;
};

struct CodeFile {
  std::vector<std::span<const std::byte>> modules;  ///< cubins and calls
  std::vector<CodeEntry> entries;
};

std::vector<std::byte> write_code_file(const CodeFile& file);
/// The modules point into `bytes`. Every number is checked; kCorruptEngine says what is wrong.
Result<CodeFile> parse_code_file(std::span<const std::byte> bytes);

}  // namespace carnot::cuda
