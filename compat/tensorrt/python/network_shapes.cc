// INetworkDefinition: the calls that add layers which move elements, and loops and conditions.
#include "bind.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Network = INetworkDefinition;

void bind_movers(nb::class_<Network>& network) {
  network
      .def(
          "add_concatenation",
          [](Network& self, const std::vector<ITensor*>& inputs) {
            return self.addConcatenation(inputs.data(), static_cast<int32_t>(inputs.size()));
          },
          "inputs"_a, kOwn, "Tensors one behind another.")
      .def("add_padding_nd", &Network::addPaddingNd, "input"_a, "pre_padding"_a, "post_padding"_a,
           kOwn, "Zeros around the last two axes.")
      .def("add_shuffle", &Network::addShuffle, "input"_a, kOwn,
           "Transposes, reshapes, transposes again.")
      .def("add_slice", &Network::addSlice, "input"_a, "start"_a, "shape"_a, "stride"_a, kOwn,
           "A part of a tensor, with steps.")
      .def("add_shape", &Network::addShape, "input"_a, kOwn, "The sizes of a tensor.")
      .def("add_squeeze", &Network::addSqueeze, "input"_a, "axes"_a, kOwn,
           "Without axes of size one.")
      .def("add_unsqueeze", &Network::addUnsqueeze, "input"_a, "axes"_a, kOwn,
           "With more axes of size one.")
      .def("add_fill", nb::overload_cast<const Dims&, FillOperation, DataType>(&Network::addFill),
           "shape"_a, "op"_a, "output_type"_a, kOwn, "A tensor of a rule.")
      .def("add_fill", nb::overload_cast<const Dims&, FillOperation>(&Network::addFill), "shape"_a,
           "op"_a, kOwn, "A tensor of a rule, in FLOAT.")
      .def("add_assertion", &Network::addAssertion, "condition"_a, "message"_a, kOwn,
           "Fails where its input is false.");
}

void bind_indices(nb::class_<Network>& network) {
  network
      .def("add_topk",
           nb::overload_cast<ITensor&, TopKOperation, int32_t, uint32_t>(&Network::addTopK),
           "input"_a, "op"_a, "k"_a, "axes"_a, kOwn, "The k greatest or least, and their indices.")
      .def("add_topk",
           nb::overload_cast<ITensor&, TopKOperation, int32_t, uint32_t, DataType>(
               &Network::addTopK),
           "input"_a, "op"_a, "k"_a, "axes"_a, "indices_type"_a, kOwn,
           "As above, with indices of a type.")
      .def("add_gather", &Network::addGather, "input"_a, "indices"_a, "axis"_a, kOwn,
           "Elements by indices along an axis.")
      .def("add_gather_v2", &Network::addGatherV2, "input"_a, "indices"_a, "mode"_a, kOwn,
           "Elements by indices of any kind.")
      .def("add_scatter", &Network::addScatter, "data"_a, "indices"_a, "updates"_a, "mode"_a, kOwn,
           "A tensor with some elements replaced.")
      .def("add_one_hot", &Network::addOneHot, "indices"_a, "values"_a, "depth"_a, "axis"_a, kOwn,
           "A row for each index.")
      .def("add_non_zero", nb::overload_cast<ITensor&>(&Network::addNonZero), "input"_a, kOwn,
           "Where elements are not zero.")
      .def("add_non_zero", nb::overload_cast<ITensor&, DataType>(&Network::addNonZero), "input"_a,
           "indices_type"_a, kOwn, "As above, with indices of a type.")
      .def("add_reverse_sequence", &Network::addReverseSequence, "input"_a, "sequence_lens"_a, kOwn,
           "Sequences backwards.");
}

void bind_images(nb::class_<Network>& network) {
  network.def("add_resize", &Network::addResize, "input"_a, kOwn, "A tensor in another size.")
      .def("add_grid_sample", &Network::addGridSample, "input"_a, "grid"_a, kOwn,
           "An image read at given places.")
      .def("add_nms", nb::overload_cast<ITensor&, ITensor&, ITensor&>(&Network::addNMS), "boxes"_a,
           "scores"_a, "max_output_boxes_per_class"_a, kOwn, "Boxes that overlap no better one.")
      .def("add_nms", nb::overload_cast<ITensor&, ITensor&, ITensor&, DataType>(&Network::addNMS),
           "boxes"_a, "scores"_a, "max_output_boxes_per_class"_a, "indices_type"_a, kOwn,
           "As above, with indices of a type.");
}

}  // namespace

void bind_network_shapes(nb::class_<Network>& network) {
  bind_movers(network);
  bind_indices(network);
  bind_images(network);
  network.def("add_loop", &Network::addLoop, kOwn, "A loop.")
      .def("add_if_conditional", &Network::addIfConditional, kOwn, "One of two parts.");
}

}  // namespace trt_python
