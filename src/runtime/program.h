#pragma once
// Program: a verified Plan made ready to run: sizes compiled, life times of memory known, code
// entries found. Immutable; shared by all Contexts of an Engine.
//
// A run goes through *phases*. All sizes of the first follow from the inputs' shapes; a step that
// defines symbols ends a phase, and the sizes that need them belong to the next. Within a phase the
// steps form *pieces*: launches that the device runs in one go, or one step that the frame runs:
// with regions, or of the user's code.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "plan/plan.h"
#include "plan/shape_program.h"

namespace carnot {

/// Where the machine code of each entry is; `address` is null on a device that runs none.
struct Entry {
  const void* address = nullptr;
  size_t offset = 0;
  const LoadedCode* code = nullptr;
};
using Entries = std::map<std::string, Entry, std::less<>>;

/// Buffers lie in the device's memory or in the host's; where the device shares the host's, all are
/// called the device's.
inline constexpr size_t kSides = 2;
inline size_t side_of(const PlanBuffer& root) {
  return root.host ? 1 : 0;
}

struct BufferLayout {
  int root = 0;
  std::vector<int> dims;  ///< values of the shape program; empty and phase -1 where nothing uses it
  int offset = -1;        ///< elements from the root's beginning; -1: none
  int phase = -1;         ///< when shape and offset are known
  // Of a root:
  int memory_phase = -1;      ///< when its memory is laid out
  int first = -1, last = -1;  ///< steps that touch it or a view of it
};

struct StepLayout {
  const void* entry = nullptr;
  std::vector<int> params;
  int tasks = -1, scratch_bytes = -1;
  double cost_us = 0;
  int phase = 0;
  bool symbolic_op = false;
};

struct Piece {
  int first = 0, end = 0;  ///< steps
  bool alone = false;      ///< one step with regions, or of the user's code
};

struct Phase {
  int first = 0, end = 0;  ///< steps
  std::vector<Piece> pieces;
  std::array<std::vector<int>, kSides> arena;  ///< roots whose memory this phase lays out
  std::vector<int> outputs;                    ///< the same for those that are outputs
  std::vector<int> buffers;                    ///< whose shape is first known here
  std::vector<int> checks;                     ///< of the plan
  std::vector<int> symbols;  ///< known here or before: what this phase's sizes depend on
  std::vector<int> values;   ///< of the shape program
};

struct Program {
  const Plan* plan = nullptr;
  const std::vector<Tensor>* weights = nullptr;
  ShapeProgram shapes;
  std::vector<BufferLayout> buffers;
  std::vector<StepLayout> steps;
  std::vector<Phase> phases;
  std::vector<std::pair<int, int>> checks;     ///< values that must be equal
  std::vector<std::pair<int, int>> inherited;  ///< symbols: the outer program's, this one's
  std::vector<std::vector<std::unique_ptr<Program>>> regions;  ///< of each step
};

/// `plan` is verified and, like `weights`, outlives the program. Errors: an entry that the code
/// lacks, a weight that is not what the plan says.
Result<std::unique_ptr<Program>> compile(const Plan& plan, const std::vector<Tensor>& weights,
                                         const Entries& entries);

}  // namespace carnot
