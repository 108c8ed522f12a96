#pragma once
// Which kind of layer an operation of a model is to TensorRT's users.
#include "layers_math.h"
#include "layers_shape.h"
#include "layers_window.h"

namespace trt {

/// x * scale + shift with a number for each channel: a batch normalization, as it is imported.
bool is_scale(const carnot::Network::Node& node);
/// A layer has no padding of its result alone.
bool is_deconvolution(const carnot::op::ConvTranspose& o);

/// Keeps a layer that shows the node's parameters as TensorRT's kinds have them; null where no kind
/// describes it. Until the user changes a parameter it emits the very operation of the model.
Layer* keep_as_kind(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                    const std::vector<carnot::Tensor>& own);

/// What ONNX's auto_pad asks for, where it says that a result has the input's size.
std::optional<PaddingMode> same_padding(std::string_view auto_pad);
/// Of a layer whose node has that attribute: its own padding is none.
void show_padding(Layer& layer, PaddingMode mode);

}  // namespace trt
