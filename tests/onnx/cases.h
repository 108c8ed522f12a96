#pragma once
// The cases of the ONNX backend suite, as the onnx package ships them, and the list of those that
// may fail.
#include <string>
#include <vector>

#include "base/status.h"
#include "carnot/tensor.h"

namespace carnot {

struct Case {
  std::string suite, name;
  std::string model;                   ///< path
  std::vector<std::string> data_sets;  ///< folders with input_0.pb ..., output_0.pb ...
  std::string expected;                ///< light models: prefix of the outputs; inputs are made
  double rtol = 1e-3, atol = 1e-7;     ///< the suite's usual ones
  double seconds = 60;                 ///< the most that a run may take
  std::string id() const { return suite + "/" + name; }
};

inline constexpr const char* kSuites[] = {"node", "simple", "pytorch-converted", "pytorch-operator",
                                          "light"};

/// All cases of the given suites beneath backend/test/data, by name.
Result<std::vector<Case>> find_cases(const std::string& root,
                                     const std::vector<std::string>& suites);

struct DataSet {
  std::vector<Tensor> inputs, outputs;
};
/// Reads one folder of test data; kUnsupported where a value is no tensor.
Result<DataSet> read_data_set(const std::string& folder);
/// The names of a model's inputs that are no initializers, in order.
Result<std::vector<std::string>> input_names(const std::string& model);
/// The expected outputs of a light model.
Result<std::vector<Tensor>> read_expected(const std::string& prefix);
/// What the suite feeds to light models: 0, 1/n, 2/n ... in the declared shape.
Result<Tensor> ramp(const TensorType& type);

/// Lines `pattern  # reason`, where `*` in the pattern stands for any text of "suite/name".
class SkipList {
 public:
  static Result<SkipList> read(const std::string& path);
  /// The reason, or null. Remembers that the line was of use.
  const std::string* find(const std::string& id);
  /// Lines that matched no case.
  std::vector<std::string> unused() const;

 private:
  struct Line {
    std::string pattern, reason;
    bool used = false;
  };
  std::vector<Line> lines_;
};

}  // namespace carnot
