#pragma once
// OnnxView: the layers that NVIDIA's parser makes of a model, ONNX node after ONNX node. Rows
// (onnx_rows.h) say which layers an operator is; the last of them stands for the operation that
// Carnot's own import made of the node. Where no row takes a node, its operations are the layers.
#include <deque>

#include "carnot/import.h"
#include "imported_as.h"
#include "imported_names.h"

namespace trt {

class OwnWeights;

/// A row does not take its node after all.
struct NotShown {};

class OnnxView {
 public:
  using Step = carnot::OnnxTrace::Node;

  OnnxView(Network& into, const carnot::Network& model, const carnot::OnnxTrace& trace,
           ParsedPlugins& plugins, const std::vector<std::string>& unnamed);
  ~OnnxView();
  /// Adds all layers; the tensors of the model's outputs.
  std::vector<NetTensor*> show();

  // The node that is being shown.
  int64_t opset() const { return step_->opset; }
  size_t inputs() const { return step_->inputs.size(); }
  size_t outputs() const { return step_->outputs.size(); }
  bool has(size_t i) const { return i < inputs() && !step_->inputs[i].empty(); }
  /// The input's elements where it is an initializer or a constant; else null.
  const carnot::Tensor* weights(size_t i) const;
  /// Gives a layer's weights the name that the model has for this input.
  void name_weights(const Weights& weights, size_t i) {
    net_.setWeightsName(weights, step_->inputs.at(i).c_str());
  }
  /// Its integers, which a row needs to know.
  Ints known_ints(size_t i) const;
  /// The input as a tensor; weights become a constant's layer, one for each name.
  NetTensor* in(size_t i);
  Dims dims(size_t i);
  int32_t rank(size_t i) { return dims(i).nbDims; }
  DataType type(size_t i);
  const carnot::OnnxAttribute* attribute(std::string_view name) const;
  int64_t integer(std::string_view name, int64_t otherwise) const;
  float real(std::string_view name, float otherwise) const;
  std::string text(std::string_view name, const char* otherwise) const;
  std::optional<Ints> ints(std::string_view name) const;
  std::vector<double> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  const carnot::OnnxTrace::Graph& graph(std::string_view name) const;
  const Step& step() const { return *step_; }
  /// Its name, or one made of its first output.
  std::string shown_name() const;
  /// Counted from the front.
  int32_t axis(int64_t value, int32_t rank) const;

  // Results, in order.
  void out(NetTensor* tensor) { results_.push_back({tensor, nullptr, {}}); }
  void out(const carnot::Tensor* weights) { results_.push_back({nullptr, weights, {}}); }

  // Bodies of nodes: what is defined in a scope hides what was, until it is closed.
  void open_scope() { scopes_.emplace_back(); }
  void close_scope();
  void show_graph(const carnot::OnnxTrace::Graph& body);
  /// An input of a body; the tensor has its name from now on.
  void define_input(const std::string& name, NetTensor* tensor) {
    define(name, {tensor, nullptr, {}}, true);
  }
  struct Slot {
    NetTensor* tensor = nullptr;
    const carnot::Tensor* weights = nullptr;
    std::string called;  ///< of weights in a body, whose names are made unique
  };
  Slot slot_of(const std::string& name) const;
  NetTensor* tensor_of(const std::string& name, const Slot& slot);
  NetTensor* value_of(const std::string& name) { return tensor_of(name, slot_of(name)); }
  /// The next result is the value of this name.
  void out_of(const std::string& name) { results_.push_back(slot_of(name)); }
  /// Counts a tensor's name, and gives the one that it gets.
  std::string count_tensor(const std::string& name) { return names_.unique_tensor(name); }
  /// What layers tell beside the node's name: the nodes and bodies that it is in.
  std::vector<std::string>& stack() { return stack_; }
  Network& network() { return net_; }

  // Layers.
  template <class T, class F>
  T* add(std::vector<NetTensor*> inputs, F&& fill, int outputs = 1) {
    auto layer = std::make_unique<ImportedAs<T>>(net_);
    layer->inputs = std::move(inputs);
    fill(static_cast<T&>(*layer));
    layer->origin = origin_;
    T* const kept = layer.get();
    net_.keep(std::unique_ptr<Layer>(std::move(layer)), outputs);
    return kept;
  }
  template <class T>
  T* add(std::vector<NetTensor*> inputs) {
    return add<T>(std::move(inputs), [](T&) {});
  }
  /// Names it, with a number where the name is taken.
  void call(Layer* layer, const char* name) { layer->name = names_.unique(name); }
  /// Names it after the node.
  void call(Layer* layer);
  /// Tells what node it is of.
  void describe(Layer* layer) const;
  /// A layer of the node's name; gives its first result.
  template <class T, class F>
  NetTensor* named(std::vector<NetTensor*> inputs, F&& fill) {
    T* const layer = add<T>(std::move(inputs), std::forward<F>(fill));
    call(layer);
    return result(layer);
  }
  /// Without a name; its weights have one, which counts.
  NetTensor* constant(carnot::Tensor value);
  /// Numbers that live as long as the network.
  Weights keep_weights(const std::vector<float>& values) {
    const auto* const begin = reinterpret_cast<const std::byte*>(values.data());
    const auto kept = net_.keep_bytes({begin, begin + values.size() * sizeof(float)});
    return {DataType::kFLOAT, kept.data(), static_cast<int64_t>(values.size())};
  }
  NetTensor* plain_constant(carnot::Tensor value);  ///< where they have none
  std::string count_weights() { return names_.unique_tensor("tmp_weight"); }
  /// Of weights that the parser makes and that can be refitted.
  std::string count_refittable() { return names_.refittable(); }
  bool strongly_typed() const { return net_.is_strongly_typed(); }
  NetTensor* scalar(DataType type, double value, int32_t rank = 0);
  /// Whose layer has the name that weights have without one of their own.
  NetTensor* named_weights(carnot::Tensor value);
  NetTensor* cast(NetTensor* x, DataType to);
  NetTensor* identity(NetTensor* x);
  /// Without names.
  NetTensor* binary(NetTensor* a, NetTensor* b, ElementWiseOperation operation);
  NetTensor* unary(NetTensor* x, UnaryOperation operation);
  static NetTensor* result(const Layer* layer, size_t i = 0) { return layer->outputs[i].get(); }

  // What is known of tensors.
  Dims dims(const NetTensor* tensor) { return dims_of(known_type(tensor).dims); }
  int32_t rank(const NetTensor* tensor) { return dims(tensor).nbDims; }
  DataType type(const NetTensor* tensor);

 private:
  using Producer = std::pair<size_t, size_t>;  ///< a node of the model's and which result

  const carnot::TensorType& known_type(const NetTensor* tensor);
  NetTensor* input(const std::string& name, const carnot::TensorType& type);
  void show_node(const Step& step);
  const carnot::Tensor* constant_in_body();
  bool show_by_row();
  void show_as_imported();
  bool is_custom() const;
  bool can_choose(NetTensor* tensor);
  void take_results();
  struct Standing;
  bool take_operand(Handle value, Standing& into,
                    std::vector<std::pair<bool, size_t>>& inputs) const;
  bool take_operations(Handle value, Standing& into) const;
  std::optional<Stand> stand_of(Handle value) const;
  bool stand_for(NetTensor* tensor, Handle value);
  bool stand_in_for_all();
  bool is_fresh(const Layer* layer) const;
  Handle handle_of(const std::string& name) const;
  void define(const std::string& name, Slot slot, bool renames = false);
  NetTensor* constant_of(const std::string& name, const carnot::Tensor& value);
  NetTensor* tensor_of(Handle value);
  void import_node(size_t index);

  Network& net_;
  const carnot::Network& model_;
  const carnot::OnnxTrace& trace_;
  ParsedPlugins& plugins_;
  std::vector<carnot::Network::Node> nodes_;
  std::unique_ptr<OwnWeights> own_;
  LayerNames names_;
  std::unordered_map<std::string, Handle> handles_;      ///< by name
  std::unordered_map<const void*, Producer> producers_;  ///< by what handles stand for
  std::unordered_map<const void*, NetTensor*> imported_;
  std::unordered_map<std::string, Slot> slots_;            ///< by ONNX name
  std::unordered_map<std::string, NetTensor*> constants_;  ///< layers of weights
  std::vector<std::unordered_map<std::string, std::optional<Slot>>> scopes_;
  std::vector<std::string> stack_;
  std::deque<carnot::Tensor> kept_;  ///< numbers of attributes
  const Step* step_ = nullptr;
  std::vector<std::string> origin_;
  std::vector<Slot> results_;
  size_t first_layer_ = 0;  ///< of the node
};

}  // namespace trt
