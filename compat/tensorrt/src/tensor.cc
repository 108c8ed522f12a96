// NetTensor: names, types and shapes of what layers exchange.
#include "network.h"

namespace trt {

NetTensor::NetTensor(Network& net, Layer* layer, int32_t i)
    : network(net), producer(layer), index(i) {
  mImpl = this;
}
NetTensor::~NetTensor() noexcept = default;

void NetTensor::setName(char const* text) noexcept {
  if (!text) return;
  network.reporter().guard("ITensor::setName", [&] {
    name = text;
    network.changed();
  });
}

void NetTensor::setDimensions(Dims const& dimensions) noexcept {
  const char* const call = "ITensor::setDimensions";
  if (!isNetworkInput()) {
    return network.reporter().misuse(call, cat("tensor '", name, "' is not a network input"));
  }
  if (!is_valid(dimensions)) return network.reporter().misuse(call, text_of(dimensions));
  network.reporter().guard(call, [&] { network.resize_input(*this, dimensions); });
}

Dims NetTensor::getDimensions() const noexcept {
  const char* const call = "ITensor::getDimensions";
  return network.reporter().guard(call, invalid_dims(), [&] {
    if (isNetworkInput()) return dims_of(type.dims);
    const carnot::Result<Handle> value = network.probe(*this);
    if (value.ok()) return dims_of(network.probed().dims(*value));
    network.reporter().error(call, value.status());
    return invalid_dims();
  });
}

void NetTensor::setType(DataType wanted) noexcept {
  const char* const call = "ITensor::setType";
  if (!is_known(wanted)) {
    return network.reporter().misuse(call, cat("data type ", static_cast<int>(wanted)));
  }
  if (isNetworkInput()) {
    wanted_type = wanted;
  } else {
    producer->output_types[index] = wanted;
    type_set = true;
    ++producer->revision;
  }
  network.changed();
}

DataType NetTensor::getType() const noexcept {
  return network.reporter().guard("ITensor::getType", DataType::kFLOAT, [&] {
    if (wanted_type) return *wanted_type;
    if (isNetworkInput()) return data_type_of(type.dtype).value_or(DataType::kFLOAT);
    const carnot::Result<Handle> value = network.probe(*this);
    if (!value.ok()) return DataType::kFLOAT;
    return data_type_of(network.probed().dtype(*value)).value_or(DataType::kFLOAT);
  });
}

bool NetTensor::setDynamicRange(float min, float max) noexcept {
  if (!(min <= max)) {
    network.reporter().misuse("ITensor::setDynamicRange", cat("[", min, ", ", max, "] is empty"));
    return false;
  }
  range_min_ = min, range_max_ = max, range_set_ = true;
  return true;
}

bool NetTensor::isNetworkOutput() const noexcept {
  const auto& outputs = network.outputs();
  return std::find(outputs.begin(), outputs.end(), this) != outputs.end();
}

bool NetTensor::isShapeTensor() const noexcept {
  return network.reporter().guard("ITensor::isShapeTensor", false, [&] {
    if (isNetworkInput()) return network.feeds_a_shape(*this);
    const carnot::Result<Handle> value = network.probe(*this);
    return value.ok() && network.probed().rank(*value) <= 1 &&
           network.probed().elements(*value).has_value();
  });
}

bool NetTensor::isExecutionTensor() const noexcept {
  return !isShapeTensor();
}

void NetTensor::setDimensionName(int32_t i, char const* text) noexcept {
  if (!isNetworkInput() || i < 0 || i >= Dims::MAX_DIMS || !text) {
    return network.reporter().misuse("ITensor::setDimensionName",
                                     cat("axis ", i, " of tensor '", name, "' takes no name"));
  }
  network.reporter().guard("ITensor::setDimensionName", [&] {
    dimension_names_[i] = text;
    network.name_size(*this, i, text);
  });
}

char const* NetTensor::getDimensionName(int32_t i) const noexcept {
  const auto found = dimension_names_.find(i);
  return found == dimension_names_.end() ? nullptr : found->second.c_str();
}

}  // namespace trt
