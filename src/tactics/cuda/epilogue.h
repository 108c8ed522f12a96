#pragma once
// What NVIDIA's libraries can do after a sum of products, recognized in a kernel's epilogue:
// activation(sum + bias + residual). Private to src/tactics/cuda.
#include "codegen/contraction_problem.h"
#include "device/cuda/library_call.h"
#include "device/device.h"
#include "tactics/tactic.h"

namespace carnot::cuda {

struct LibraryEpilogue {
  int bias = -1;      ///< load that depends on the column alone
  int residual = -1;  ///< load of the same elements as the store
  Activation activation = Activation::kNone;
};

/// kUnsupported with the reason where it is anything else.
Result<LibraryEpilogue> library_epilogue(const ContractionProblem& problem);

/// A tactic's library as the device has it: "13.1.0", or why it has none.
Result<std::string> library_version(const DeviceDescription& device, Library library);

/// How long a library may take, to rank it: the bound of the larger of products and bytes.
double predict_library_us(const DeviceDescription& device, DType element, double products,
                          double bytes);
/// One for each of the library's first `count` proposals. Their names have its version, which is
/// part of what was measured.
std::vector<Candidate> library_candidates(int count, const std::string& version, double us);
/// Which proposal such a candidate is; an error where its knobs say nothing of the kind.
Result<int64_t> library_choice(std::string_view tactic, const Candidate& candidate);

/// A product of dims for the likely sizes; 1 where one is not known.
double likely_size(const Dims& dims, const Symbols& likely);

}  // namespace carnot::cuda
