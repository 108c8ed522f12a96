#pragma once
// PluginRecord: what a plan keeps of a plugin: which creator makes it again from what, and how its
// results' sizes follow from its operands'.
#include <functional>

#include "formats.h"

namespace trt {

/// Sizes as a plugin computes them (IExprBuilder), in numbers of its operands' axes. A plan needs
/// them where a run tells sizes: for their bounds.
class SizeTable {
 public:
  enum class Kind : uint8_t { kConstant, kInput, kShapeValue, kSizeTensor, kOperation };
  struct Size {
    Kind kind = Kind::kConstant;
    DimensionOperation operation = DimensionOperation::kSUM;
    int64_t a = 0, b = 0;  ///< the constant; operand and axis; output and bound; two sizes
  };

  size_t add(const Size& size) {
    sizes_.push_back(size);
    return sizes_.size() - 1;
  }
  const Size& operator[](size_t i) const { return sizes_[i]; }
  size_t count() const { return sizes_.size(); }

  /// A size as ours: what its leaves are is the caller's to say.
  using Leaf = std::function<carnot::Dim(const Size&)>;
  carnot::Dim dim(size_t i, const Leaf& leaf) const;
  /// A bound of a size for concrete operands, nothing on overflow: size tensors count with theirs.
  std::optional<int64_t> bound(size_t i, std::span<const carnot::Shape> inputs) const;
  /// Whether some size tensor goes into it; `values` is told for each of them.
  bool is_told(size_t i) const;
  /// The size when the size tensors are known.
  std::optional<int64_t> told(size_t i, std::span<const carnot::Shape> inputs,
                              std::span<const int64_t> told_by_output) const;

 private:
  std::optional<int64_t> number(size_t i, std::span<const carnot::Shape> inputs,
                                std::span<const int64_t> told_by_output) const;
  std::vector<Size> sizes_;
};

/// One field of a plugin of version 3, with its data.
struct KeptField {
  std::string name, data;
  PluginFieldType type = PluginFieldType::kUNKNOWN;
  int32_t length = 0;
};
std::vector<KeptField> keep(const PluginFieldCollection* fields);
/// Points into `kept`.
std::vector<PluginField> fields_of(const std::vector<KeptField>& kept);

/// A quick plugin's kernel: PTX or a cubin, and sizes (of PluginRecord::sizes) that it starts with.
struct CompiledKernel {
  static constexpr int64_t kNone = -1;
  std::string name, image;
  std::vector<int64_t> launch;  ///< grid x, y, z, block x, y, z, shared memory; kNone is the least
  struct Argument {
    int64_t bytes = 4, size = 0;
  };
  std::vector<Argument> arguments;  ///< between those of the operands and the results
};

struct PluginRecord {
  /// kV2 to kV2_DYNAMICEXT, or one of these.
  static constexpr int kV3 = 16, kQuick = 17, kCompiled = 18;
  int generation = kV3;
  std::string layer, name, version, space;
  std::string state;              ///< what serialize() wrote
  std::vector<KeptField> fields;  ///< of version 3
  int32_t tactic = 0;
  int64_t workspace = 0;              ///< of version 3: for any shape
  bool batch_is_an_axis = false;      ///< before version 2's dynamic plugins: axis 0 is the batch
  std::vector<DataType> types;        ///< of operands, then of results
  std::vector<StoredFormat> formats;  ///< of the same
  int32_t inputs = 0;                 ///< how many of them are operands
  SizeTable sizes;
  std::vector<std::vector<int64_t>> results;  ///< each size of each result: index into `sizes`
  CompiledKernel kernel;                      ///< of kCompiled
};

std::string write(const PluginRecord& record);
carnot::Result<PluginRecord> read_plugin(const std::string& text);

/// op::Custom::code of a plugin.
inline constexpr const char* kPluginCode = "tensorrt.plugin";

}  // namespace trt
