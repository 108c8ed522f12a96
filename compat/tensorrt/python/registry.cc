// The registry of plugins, fields, and the plugins and creators of the library.
#include "../src/plugin_fields.h"
#include "plugins.h"

#include <cstring>

extern "C" bool initLibNvInferPlugins(void* logger, char const* libNamespace) noexcept;

namespace trt_python {

IPluginCreatorInterface* native_creator_quick(nb::handle creator);
IPluginCreatorInterface* native_creator_v3(nb::handle creator);
IPluginCreatorInterface* native_creator_v2(nb::handle creator);

namespace {

using Registry = IPluginRegistry;

bool is_v3(const IPluginCreatorInterface& creator) {
  return std::strcmp(creator.getInterfaceInfo().kind, "PLUGIN CREATOR_V3ONE") == 0;
}

nb::list creators_of(IPluginCreatorInterface* const* creators, int32_t count) {
  nb::list list;
  for (int32_t i = 0; i < count; ++i) list.append(python_creator(creators[i]));
  return list;
}

IPluginCreatorInterface& checked_creator(nb::handle creator) {
  IPluginCreatorInterface* native = native_creator(creator);
  if (native == nullptr) throw nb::next_overload();
  return *native;
}

void bind_creators_calls(nb::class_<Registry>& registry) {
  registry
      .def_prop_ro(
          "plugin_creator_list",
          [](const Registry& self) {
            int32_t count = 0;
            IPluginCreator* const* creators = self.getPluginCreatorList(&count);
            nb::list list;
            for (int32_t i = 0; i < count; ++i) list.append(python_creator(creators[i]));
            return list;
          },
          "The creators of plugins of version 2.")
      .def_prop_ro(
          "all_creators",
          [](const Registry& self) {
            int32_t count = 0;
            IPluginCreatorInterface* const* creators = self.getAllCreators(&count);
            return creators_of(creators, count);
          },
          "All creators.")
      .def_prop_ro(
          "all_creators_recursive",
          [](Registry& self) {
            int32_t count = 0;
            IPluginCreatorInterface* const* creators = self.getAllCreatorsRecursive(&count);
            return creators_of(creators, count);
          },
          "All creators, with those of parents.")
      .def(
          "register_creator",
          [](Registry& self, nb::handle creator, const char* name_space) {
            const bool done = self.registerCreator(checked_creator(creator), name_space);
            // The registry lives as long as the process, and so must what it holds.
            if (done) creator.inc_ref();
            return done;
          },
          "creator"_a, "plugin_namespace"_a = "", "Adds a creator; False where there is one.")
      .def(
          "deregister_creator",
          [](Registry& self, nb::handle creator) {
            return self.deregisterCreator(checked_creator(creator));
          },
          "creator"_a, "Removes a creator.")
      .def(
          "get_plugin_creator",
          [](Registry& self, const char* type, const char* version, const char* name_space) {
            return python_creator(self.getPluginCreator(type, version, name_space));
          },
          "type"_a, "version"_a, "plugin_namespace"_a = "",
          "The creator of a plugin of version 2, or None.")
      .def(
          "get_creator",
          [](Registry& self, const char* type, const char* version, const char* name_space) {
            return python_creator(self.getCreator(type, version, name_space));
          },
          "type"_a, "version"_a, "plugin_namespace"_a = "", "A creator, or None.");
}

void bind_registry_class(nb::module_& m) {
  nb::class_<Registry> registry(m, "IPluginRegistry", "The creators of plugins, by name.");
  bind_creators_calls(registry);
  registry
      .def_prop_rw(
          "error_recorder",
          [](const Registry& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](Registry& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_rw("parent_search_enabled", &Registry::isParentSearchEnabled,
                   &Registry::setParentSearchEnabled, "Whether parents are asked too.")
      .def(
          "load_library",
          [](Registry& self, const char* path) -> nb::object {
            void* handle = self.loadLibrary(path);
            if (handle == nullptr) return nb::none();
            return nb::capsule(handle);
          },
          "plugin_path"_a, "Adds the creators of a library; its handle, or None.")
      .def(
          "deregister_library",
          [](Registry& self, nb::capsule handle) { self.deregisterLibrary(handle.data()); },
          "handle"_a, "Removes the creators of a library.")
      .def(
          "acquire_plugin_resource",
          [](Registry& self, const char* key, nb::object resource) {
            return plugin_part("_acquire_resource")(nb::cast(&self, nb::rv_policy::reference), key,
                                                    resource);
          },
          "key"_a, "resource"_a, "What plugins share by a key: a clone of the first.")
      .def(
          "release_plugin_resource",
          [](Registry&, const char* key) {
            return nb::cast<int32_t>(plugin_part("_release_resource")(key));
          },
          "key"_a, "Gives it back; 0 is success.");
}

void bind_module_functions(nb::module_& m) {
  m.def(
      "init_libnvinfer_plugins",
      [](nb::object logger, const char* name_space) {
        ILogger* none = nullptr;
        return initLibNvInferPlugins(logger.is_none() ? none : native_of(logger, none), name_space);
      },
      "logger"_a.none(), "namespace"_a, "Registers the plugins of the library.");
  m.def("get_plugin_registry", &getPluginRegistry, nb::rv_policy::reference,
        "The registry of the process.");
  m.def("get_builder_plugin_registry", &getBuilderPluginRegistry, "capability"_a,
        nb::rv_policy::reference, "The registry that a builder uses.");
}

/// What a plugin of the library says of itself: empty where it is one of Python's decorators.
nb::dict facts_of_plugin(IPluginV3& plugin) {
  nb::dict out;
  const auto part = [&](PluginCapabilityType type, const char* kind) -> IPluginCapability* {
    IPluginCapability* const found = plugin.getCapabilityInterface(type);
    const bool good = found && std::strcmp(found->getInterfaceInfo().kind, kind) == 0;
    return good ? found : nullptr;
  };
  if (auto* const found = part(PluginCapabilityType::kCORE, "PLUGIN_V3ONE_CORE")) {
    auto& core = *static_cast<IPluginV3OneCore*>(found);
    out["plugin_name"] = core.getPluginName();
    out["plugin_version"] = core.getPluginVersion();
    out["plugin_namespace"] = core.getPluginNamespace();
  }
  if (auto* const found = part(PluginCapabilityType::kBUILD, "PLUGIN_V3ONE_BUILD")) {
    auto& build = *static_cast<IPluginV3OneBuild*>(found);
    out["num_outputs"] = build.getNbOutputs();
    out["format_combination_limit"] = build.getFormatCombinationLimit();
    out["timing_cache_id"] = build.getTimingCacheID();
    out["metadata_string"] = build.getMetadataString();
  }
  return out;
}

}  // namespace

void Fields::assign(nb::handle sequence) {
  kept_.clear();
  fields_.clear();
  for (nb::handle field : sequence) {
    kept_.push_back(nb::cast<std::string>(nb::object(field.attr("name"))));
    const char* name = kept_.back().c_str();
    Bytes bytes;
    nb::object data = field.attr("_bytes");
    if (!bytes.acquire(data)) throw nb::type_error("the data of a plugin's field are a buffer");
    kept_.emplace_back(static_cast<const char*>(bytes.data()), bytes.size());
    fields_.emplace_back(name, bytes.size() > 0 ? kept_.back().data() : nullptr,
                         nb::cast<PluginFieldType>(nb::object(field.attr("type"))),
                         nb::cast<int32_t>(nb::object(field.attr("size"))));
  }
  collection_ = {static_cast<int32_t>(fields_.size()), fields_.data()};
}

const PluginFieldCollection* Fields::names_of(nb::handle creator) {
  return guarded("field_names", static_cast<const PluginFieldCollection*>(nullptr), [&] {
    nb::object names = nb::getattr(creator, "field_names", nb::none());
    if (!names.is_none()) assign(names);
    return collection();
  });
}

const PluginFieldCollection* Fields::serialized_of(nb::handle plugin) {
  return guarded("get_fields_to_serialize", static_cast<const PluginFieldCollection*>(nullptr),
                 [&] {
                   assign(plugin.attr("get_fields_to_serialize")());
                   return collection();
                 });
}

nb::object fields_of(const PluginFieldCollection* collection) {
  nb::object list = plugin_part("PluginFieldCollection")();
  for (int32_t i = 0; collection != nullptr && i < collection->nbFields; ++i) {
    const PluginField& field = collection->fields[i];
    const size_t size =
        field.data ? trt::bytes_of(field.type, static_cast<size_t>(field.length)) : 0;
    list.attr("append")(plugin_part("PluginField")(field.name == nullptr ? "" : field.name,
                                                   nb::bytes(field.data, size), field.type,
                                                   field.length));
  }
  return list;
}

nb::object plugin_part(const char* name) {
  static auto* module = new nb::object(nb::module_::import_("tensorrt._plugins"));
  return module->attr(name);
}

IPluginCreatorInterface* native_creator(nb::handle creator) {
  nb::object native = nb::getattr(creator, "_library_creator", nb::none());
  if (!native.is_none()) return nb::cast<IPluginCreatorInterface*>(native);
  if (IPluginCreatorInterface* v3 = native_creator_v3(creator)) return v3;
  if (IPluginCreatorInterface* quick = native_creator_quick(creator)) return quick;
  return native_creator_v2(creator);
}

nb::object python_creator(IPluginCreatorInterface* creator) {
  if (creator == nullptr) return nb::none();
  if (nb::object object = python_object_of(creator); !object.is_none()) return object;
  nb::object native = nb::cast(creator, nb::rv_policy::reference);
  if (is_v3(*creator)) {
    auto* v3 = static_cast<IPluginCreatorV3One*>(creator);
    return plugin_part("_library_creator_v3")(native, v3->getPluginName(), v3->getPluginVersion(),
                                              v3->getPluginNamespace(),
                                              fields_of(v3->getFieldNames()));
  }
  auto* v2 = static_cast<IPluginCreator*>(creator);
  return plugin_part("_library_creator_v2")(native, v2->getPluginName(), v2->getPluginVersion(),
                                            v2->getPluginNamespace(),
                                            fields_of(v2->getFieldNames()));
}

void bind_native_plugins(nb::module_& m) {
  nb::class_<IPluginCreatorInterface>(m, "_Creator")
      .def("create_v2",
           [](IPluginCreatorInterface& self, const char* name, nb::handle given) {
             Fields fields;
             fields.assign(given);
             return python_plugin_v2(
                 static_cast<IPluginCreator&>(self).createPlugin(name, fields.collection()), true);
           })
      .def("deserialize_v2",
           [](IPluginCreatorInterface& self, const char* name, const Bytes& bytes) {
             return python_plugin_v2(static_cast<IPluginCreator&>(self).deserializePlugin(
                                         name, bytes.data(), bytes.size()),
                                     true);
           })
      .def("create_v3", [](IPluginCreatorInterface& self, const char* name, nb::handle given,
                           TensorRTPhase phase) {
        Fields fields;
        fields.assign(given);
        return python_plugin_v3(
            static_cast<IPluginCreatorV3One&>(self).createPlugin(name, fields.collection(), phase),
            true);
      });
  nb::class_<IPluginV3>(m, "_PluginV3")
      .def("clone", [](IPluginV3& self) { return python_plugin_v3(self.clone(), true); })
      .def("facts", &facts_of_plugin);
  bind_registry_class(m);
  bind_module_functions(m);
}

}  // namespace trt_python
