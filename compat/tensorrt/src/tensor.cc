// NetTensor: names, types and shapes of what layers exchange.
#include "network.h"

namespace trt {

NetTensor::NetTensor(Network& net, Layer* layer, int32_t i)
    : network(net), producer(layer), index(i) {
  mImpl = this;
}
NetTensor::~NetTensor() noexcept = default;

void NetTensor::setName(char const* text) noexcept {
  const char* const call = "ITensor::setName";
  network.reporter().guard(call, [&] {
    const std::string problem = name_problem(text);
    if (!problem.empty()) {
      return network.reporter().misuse(call, cat("tensor '", name, "': ", problem));
    }
    name = text;
    network.changed();
  });
}

void NetTensor::setDimensions(Dims const& dimensions) noexcept {
  const char* const call = "ITensor::setDimensions";
  if (!isNetworkInput()) {
    return network.reporter().misuse(call,
                                     cat("tensor '", name, "' is what layer '", producer->name,
                                         "' gives: only inputs take dimensions"));
  }
  if (!is_valid(dimensions)) {
    return network.reporter().misuse(call, cat("input '", name, "': ", text_of(dimensions)));
  }
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
    return network.reporter().misuse(
        call, cat("tensor '", name, "': there is no DataType ", static_cast<int>(wanted)));
  }
  if (producer && network.is_strongly_typed()) {
    const DataType inferred = getType();
    if (inferred == wanted) return;
    return network.reporter().misuse(
        call, cat("tensor '", name, "' is ", name_of(inferred), " and cannot be set to ",
                  name_of(wanted), ": the network is strongly typed; convert it with addCast()"));
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
  if (!(min <= max) || !std::isfinite(min) || !std::isfinite(max)) {
    network.reporter().misuse("ITensor::setDynamicRange",
                              cat("tensor '", name, "': [", min, ", ", max,
                                  "] is no range of finite numbers, the smaller first"));
    return false;
  }
  range_min_ = min, range_max_ = max, range_set_ = true;
  return true;
}

void NetTensor::setBroadcastAcrossBatch(bool) noexcept {
  network.reporter().warning(cat("ITensor::setBroadcastAcrossBatch: tensor '", name,
                                 "': there is no implicit batch; this has no effect"));
}

void NetTensor::setLocation(TensorLocation location) noexcept {
  const int given = static_cast<int>(location);
  if (given < 0 || given >= EnumMax<TensorLocation>()) {
    return network.reporter().misuse(
        "ITensor::setLocation", cat("tensor '", name, "': there is no TensorLocation ", given));
  }
  location_ = location;
}

void NetTensor::setAllowedFormats(TensorFormats formats) noexcept {
  if (formats == 0 || (formats & ~kAllFormats) != 0) {
    return network.reporter().misuse(
        "ITensor::setAllowedFormats",
        cat("tensor '", name, "': the mask ", formats,
            formats == 0 ? " allows no TensorFormat at all" : " has bits of no TensorFormat",
            ": bit i is that of value i"));
  }
  formats_ = formats;
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
  const std::string problem = name_problem(text);
  if (!isNetworkInput() || i < 0 || i >= Dims::MAX_DIMS || !problem.empty()) {
    return network.reporter().misuse(
        "ITensor::setDimensionName",
        cat("axis ", i, " of tensor '", name, "' takes no name: ",
            isNetworkInput() ? problem.empty() ? "it has no such axis" : problem
                             : "it is no input"));
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
