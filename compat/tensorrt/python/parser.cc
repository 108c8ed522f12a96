// OnnxParser, its errors, and OnnxParserRefitter.
#include "bind.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

namespace trt_python {
namespace {

using Parser = nvonnxparser::IParser;
using Error = nvonnxparser::IParserError;
using Refit = nvonnxparser::IParserRefitter;
using Path = std::optional<std::string>;
constexpr auto kOwn = nb::rv_policy::reference_internal;

Parser* make_parser(INetworkDefinition& network, Callback<ILogger> logger) {
  if (logger.native == nullptr) throw nb::next_overload();
  return made(nvonnxparser::createParser(network, *logger.native), "the parser could not be made");
}

Refit* make_refit(IRefitter& refitter, Callback<ILogger> logger) {
  if (logger.native == nullptr) throw nb::next_overload();
  return made(nvonnxparser::createParserRefitter(refitter, *logger.native),
              "the parser could not be made; the logger has the reason");
}

/// A parser's call that takes a model and the path that external data lie beside.
template <class Owner, auto Call>
bool with_model(Owner& self, const Bytes& model, const Path& path) {
  nb::gil_scoped_release released;
  return (self.*Call)(model.data(), model.size(), path ? path->c_str() : nullptr);
}

using Subgraphs = std::vector<std::pair<std::vector<int64_t>, bool>>;

std::pair<bool, Subgraphs> supports_model(Parser& parser, const Bytes& model, const Path& path) {
  bool supported;
  Subgraphs parts;
  nb::gil_scoped_release released;
  supported = parser.supportsModelV2(model.data(), model.size(), path ? path->c_str() : nullptr);
  for (int64_t i = 0; i < parser.getNbSubgraphs(); ++i) {
    int64_t count = 0;
    const int64_t* nodes = parser.getSubgraphNodes(i, count);
    parts.emplace_back(std::vector<int64_t>(nodes, nodes + count), parser.isSubgraphSupported(i));
  }
  return {supported, parts};
}

void bind_models(nb::class_<Parser>& parser) {
  const auto path = nb::arg("path") = nb::none();
  parser
      .def("parse", &with_model<Parser, &Parser::parse>, "model"_a, path,
           "Adds a model to the network; False on failure.")
      .def(
          "parse_with_weight_descriptors",
          [](Parser& self, const Bytes& model) {
            nb::gil_scoped_release released;
            return self.parseWithWeightDescriptors(model.data(), model.size());
          },
          "model"_a, "As parse(), for models that name where their weights are.")
      .def(
          "parse_from_file",
          [](Parser& self, const char* file) {
            nb::gil_scoped_release released;
            return self.parseFromFile(file, static_cast<int>(ILogger::Severity::kWARNING));
          },
          "model"_a, "Adds the model of a file to the network; False on failure.")
      .def("supports_operator", &Parser::supportsOperator, "op_name"_a,
           "Whether an operator is known.")
      .def("supports_model", &supports_model, "model"_a, path,
           "Whether all is supported, and the parts that are or are not.")
      .def("supports_model_v2", &with_model<Parser, &Parser::supportsModelV2>, "model"_a, path,
           "Whether all is supported; num_subgraphs and the rest tell of the parts.")
      .def_prop_ro("num_subgraphs", &Parser::getNbSubgraphs, "How many parts there are.")
      .def("is_subgraph_supported", &Parser::isSubgraphSupported, "index"_a,
           "Whether a part is supported.")
      .def(
          "get_subgraph_nodes",
          [](Parser& self, int64_t index) {
            int64_t count = 0;
            const int64_t* nodes = self.getSubgraphNodes(index, count);
            return std::vector<int64_t>(nodes, nodes + count);
          },
          "index"_a, "The indices of a part's nodes.")
      .def("load_model_proto", &with_model<Parser, &Parser::loadModelProto>, "model"_a, path,
           "Keeps a model for parse_model_proto().")
      .def(
          "load_initializer",
          [](Parser& self, const char* name, size_t data, size_t size) {
            return self.loadInitializer(name, pointer<const void*>(data), size);
          },
          "name"_a, "data"_a, "size"_a, "Numbers of that model that it has not itself.")
      .def(
          "parse_model_proto",
          [](Parser& self) {
            nb::gil_scoped_release released;
            return self.parseModelProto();
          },
          "Adds that model to the network; False on failure.");
}

void bind_parser_options(nb::class_<Parser>& parser) {
  parser.def_prop_ro("num_errors", &Parser::getNbErrors, "How many errors there are.")
      .def("get_error", &Parser::getError, "index"_a, kOwn, "An error.")
      .def("clear_errors", &Parser::clearErrors, "Forgets them.")
      .def_prop_rw("flags", &Parser::getFlags, &Parser::setFlags, "A bit for each OnnxParserFlag.")
      .def("clear_flag", &Parser::clearFlag, "flag"_a, "Switches a flag off.")
      .def("set_flag", &Parser::setFlag, "flag"_a, "Switches a flag on.")
      .def("get_flag", &Parser::getFlag, "flag"_a, "Whether a flag is on.")
      .def("get_layer_output_tensor", &Parser::getLayerOutputTensor, "name"_a, "i"_a, kOwn,
           "A result of the node of that name; None where there is none.")
      .def(
          "get_used_vc_plugin_libraries",
          [](const Parser& self) {
            int64_t count = 0;
            const char* const* names = self.getUsedVCPluginLibraries(count);
            return std::vector<std::string>(names, names + (names == nullptr ? 0 : count));
          },
          "The libraries of plugins that the model needs.")
      .def("set_builder_config", &Parser::setBuilderConfig, "builder_config"_a,
           nb::keep_alive<1, 2>(), "The configuration that the network will be built with.");
}

std::string text_of(const Error& error) {
  std::string out;
  if (error.node() >= 0) {
    out = "In node " + std::to_string(error.node()) + " with name: " + error.nodeName() +
          " and operator: " + error.nodeOperator() + " ";
  }
  const auto code = nb::cast<std::string>(nb::cast(error.code()).attr("name"));
  return out + "(" + error.func() + "): " + code + ": " + error.desc();
}

void bind_errors(nb::module_& m) {
  nb::class_<Error>(m, "ParserError", "Why a model was refused.")
      .def("code", &Error::code, "The kind of error.")
      .def("desc", &Error::desc, "What is wrong.")
      .def("file", &Error::file, "The part of the library that says so.")
      .def("line", &Error::line, "0: there is no line.")
      .def("func", &Error::func, "What was being done.")
      .def("node", &Error::node, "The node's index in the model; -1 for none.")
      .def("node_name", &Error::nodeName, "The node's name.")
      .def("node_operator", &Error::nodeOperator, "The node's operator.")
      .def(
          "local_function_stack",
          [](const Error& self) {
            const char* const* names = self.localFunctionStack();
            return std::vector<std::string>(
                names, names + (names == nullptr ? 0 : self.localFunctionStackSize()));
          },
          "The functions of the model that the node lies in.")
      .def("local_function_stack_size", &Error::localFunctionStackSize, "How many those are.")
      .def("__str__", &text_of)
      .def("__repr__", &text_of);
}

void bind_refit(nb::module_& m) {
  const auto path = nb::arg("path") = nb::none();
  nb::class_<Refit>(m, "OnnxParserRefitter", "Gives a Refitter the weights of a model.")
      .def(nb::new_(&make_refit), "refitter"_a, "logger"_a, nb::keep_alive<0, 2>(),
           nb::keep_alive<0, 3>())
      .def("refit_from_bytes", &with_model<Refit, &Refit::refitFromBytes>, "model"_a, path,
           "Hands over the weights of a model; False on failure.")
      .def(
          "refit_from_file",
          [](Refit& self, const char* file) {
            nb::gil_scoped_release released;
            return self.refitFromFile(file);
          },
          "model"_a, "Hands over the weights of a file; False on failure.")
      .def_prop_ro("num_errors", &Refit::getNbErrors, "How many errors there are.")
      .def("get_error", &Refit::getError, "index"_a, kOwn, "An error.")
      .def("clear_errors", &Refit::clearErrors, "Forgets them.")
      .def("load_model_proto", &with_model<Refit, &Refit::loadModelProto>, "model"_a, path,
           "Keeps a model for refit_model_proto().")
      .def(
          "load_initializer",
          [](Refit& self, const char* name, size_t data, size_t size) {
            return self.loadInitializer(name, pointer<const void*>(data), size);
          },
          "name"_a, "data"_a, "size"_a, "Numbers of that model that it has not itself.")
      .def("refit_model_proto", &Refit::refitModelProto,
           "Hands over the weights of that model; False on failure.");
}

}  // namespace

void bind_parser(nb::module_& m) {
  bind_errors(m);
  nb::class_<Parser> parser(m, "OnnxParser", "Adds ONNX models to a network.");
  parser.def(nb::new_(&make_parser), "network"_a, "logger"_a, nb::keep_alive<0, 2>(),
             nb::keep_alive<0, 3>());
  bind_models(parser);
  bind_parser_options(parser);
  bind_refit(m);
  m.def("get_nv_onnx_parser_version", &getNvOnnxParserVersion, "The version of the parser.");
}

}  // namespace trt_python
