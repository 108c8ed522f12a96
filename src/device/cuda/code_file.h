#pragma once
// CodeFile: machine code for NVIDIA GPUs as an engine stores it: cubins, and for each kernel what a
// launch must know. Little-endian; the layout is in code_file.cc.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "device/cuda/library_call.h"

namespace carnot::cuda {

/// Matrices in global memory of which the copy engine brings boxes: `rows` rows of 128 bytes, as
/// shared memory has them (swizzled). A launch makes a tensor map of it.
struct BoxMap {
  uint32_t pointer = 0;        ///< the argument that holds them
  uint32_t element_bytes = 0;  ///< 2 or 4; 0: there are none
  uint32_t rows = 0;           ///< of a box
  /// Of six numbers among the arguments: elements before the first, columns, rows, elements from
  /// row to row, matrices, elements from one to the next.
  uint32_t numbers = 0;
  bool operator==(const BoxMap&) const = default;
};
using BoxMaps = std::array<BoxMap, 2>;  ///< of a kernel; those that it has come first

/// One kernel. Its arguments are 8 bytes each: pointers, then int64 numbers, then the address of
/// scratch memory if it needs some; then its tensor maps. The grid is (tasks, 1, 1),
/// the block (threads, 1, 1). Of a library the module is the call's text (library_call.h), and grid
/// and block say nothing.
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
  BoxMaps boxes;
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
