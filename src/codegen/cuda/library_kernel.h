#pragma once
// LibraryKernel: a kernel that calls a function of codegen/cuda/lib on the arguments of an
// operation. What a call needs is asked for while its text is written.
#include <string>
#include <string_view>
#include <vector>

#include "codegen/cuda/code_text.h"
#include "codegen/cuda/kernel_source.h"

namespace carnot::cuda {

/// The class of codegen/cuda/lib/element.cuh; null for a type that has none.
const char* element_name(DType dtype);

class LibraryKernel {
 public:
  /// `header`: the file's name in codegen/cuda/lib, without its ending.
  LibraryKernel(std::string_view header, int threads);

  /// A pointer to argument `index` of the call, as a C++ name; asked for once.
  std::string input(int index, std::string_view type);
  std::string output(int index, std::string_view type);
  /// Where a bad index is told.
  std::string fault();
  /// A size: a literal, or a parameter.
  std::string number(const Dim& size);
  /// "{3, p0}": to initialize an array with.
  std::string list(const Dims& sizes);
  void line(std::string_view text) { body_.line(text); }
  /// Dynamic shared memory of a block; blocks that work together.
  void set_shared_bytes(int bytes) { shared_bytes_ = bytes; }
  void set_cluster(int blocks) { cluster_ = blocks; }

  /// Its function's name follows from its text.
  KernelSource finish(const Dim& blocks);
  KernelSource finish_for(const Dim& threads);
  /// What finish()'s pointers are: indices of arguments, kFault.
  static constexpr int kFault = -1;
  const std::vector<int>& arguments() const { return arguments_; }

 private:
  std::string pointer(int index, std::string_view type);

  std::string header_;
  int threads_, shared_bytes_ = 0, cluster_ = 1;
  std::vector<std::string> pointers_;  ///< declarations
  std::vector<int> arguments_;
  Dims params_;
  CodeText body_{1};
};

}  // namespace carnot::cuda
