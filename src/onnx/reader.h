#pragma once
// Reads ONNX files: bounded in depth, objects and time; weights stay in the mapped file.
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/budget.h"
#include "carnot/tensor.h"
#include "onnx/proto.h"

namespace carnot::onnx {

/// Owns the bytes of a file for as long as any tensor points into them.
using KeepAlive = std::shared_ptr<const void>;

/// The messages of a model. They point into `bytes`, which `keep_alive` owns.
struct ModelFile {
  ModelProto model;
  std::span<const std::byte> bytes;
  KeepAlive keep_alive;
  std::string folder;  ///< where external data may lie; empty for a model in memory
  std::string name;    ///< for messages
  /// Elements of tensors by name, in place of where the model says that they are.
  std::map<std::string, std::span<const std::byte>, std::less<>> initializers = {};
};

/// kIo where the file cannot be read, kInvalidModel where it is no ONNX model, kResourceLimit
/// where it holds too many objects.
Result<ModelFile> read_model(const std::filesystem::path& path, const Budget* budget = nullptr);
/// A model in memory; `keep_alive` may be null when the bytes outlive every tensor made from them.
/// External data is refused, for there is no folder to look in.
Result<ModelFile> read_model(std::span<const std::byte> bytes, KeepAlive keep_alive,
                             const Budget* budget = nullptr);

/// A serialized TensorProto (test data: input_0.pb), copied.
Result<Tensor> read_tensor(std::span<const std::byte> bytes);

/// Makes tensors from messages of one model. Maps each external file once.
class TensorReader {
 public:
  /// `budget` (may be null) pays for what is copied or converted.
  TensorReader(const ModelFile& file, Budget* budget) : file_(file), budget_(budget) {}
  /// Checks that the data has exactly the elements of the shape. Raw data stays in the model's
  /// bytes where its alignment allows.
  Result<Tensor> read(const TensorProto& proto);
  Result<Tensor> read(const SparseTensorProto& proto);

 private:
  Result<Tensor> read_external(const TensorProto& proto, DType dtype, const Shape& shape);

  const ModelFile& file_;
  Budget* budget_;
  std::map<std::string, std::pair<std::span<const std::byte>, KeepAlive>, std::less<>> external_;
};

/// The element type of an ONNX data_type, or why there is none.
Result<DType> dtype_of(int64_t data_type);
/// "FLOAT16"; the number where it is not an ONNX type.
std::string data_type_name(int64_t data_type);

}  // namespace carnot::onnx
