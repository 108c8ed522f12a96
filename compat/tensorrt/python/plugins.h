#pragma once
// Plugins between Python and the library: fields, and the native objects of plugins in Python.
#include <deque>
#include <memory>

#include "adapter.h"
#include "bind.h"

namespace trt_python {

/// The fields of a plugin, read off a sequence of PluginField, in memory of its own.
class Fields {
 public:
  void assign(nb::handle sequence);
  const PluginFieldCollection* collection() const { return &collection_; }
  /// Those that a creator tells as an attribute; as they were where it has none.
  const PluginFieldCollection* names_of(nb::handle creator);
  /// Those that a plugin wants to be stored.
  const PluginFieldCollection* serialized_of(nb::handle plugin);

 private:
  std::deque<std::string> kept_;
  std::vector<PluginField> fields_;
  PluginFieldCollection collection_;
};

/// Text of Python that the library keeps pointers to.
class KeptText {
 public:
  const char* of(nb::handle self, const char* attribute, const char* otherwise) const {
    return guarded(attribute, otherwise, [&]() -> const char* {
      nb::object value = nb::getattr(self, attribute, nb::none());
      if (value.is_none()) return otherwise;
      std::string text = nb::cast<std::string>(value);
      for (const std::string& kept : texts_) {
        if (kept == text) return kept.c_str();
      }
      texts_.push_back(std::move(text));
      return texts_.back().c_str();
    });
  }

 private:
  mutable std::deque<std::string> texts_;
};

/// What makes plugins of version 3, in Python.
template <class Interface>
class CreatorOfPython : public Interface, public OfPython {
 public:
  using OfPython::OfPython;
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }
  AsciiChar const* getPluginName() const noexcept override { return text_.of(self_, "name", ""); }
  AsciiChar const* getPluginVersion() const noexcept override {
    return text_.of(self_, "plugin_version", "");
  }
  AsciiChar const* getPluginNamespace() const noexcept override {
    return text_.of(self_, "plugin_namespace", "");
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return fields_.names_of(self_); }

 private:
  KeptText text_;
  Fields fields_;
};

/// The part of a plugin of version 3 that tells its names, in Python.
template <class Interface>
class CoreOfPython : public Interface {
 public:
  explicit CoreOfPython(nb::handle self) : self_(self) {}
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }
  AsciiChar const* getPluginName() const noexcept override {
    return text_.of(self_, "plugin_name", "");
  }
  AsciiChar const* getPluginVersion() const noexcept override {
    return text_.of(self_, "plugin_version", "");
  }
  AsciiChar const* getPluginNamespace() const noexcept override {
    return text_.of(self_, "plugin_namespace", "");
  }

 private:
  nb::handle self_;
  KeptText text_;
};

/// A PluginFieldCollection of Python with copies of the fields.
nb::object fields_of(const PluginFieldCollection* collection);

/// A class or function of _plugins.py.
nb::object plugin_part(const char* name);

/// The native object of a part of a quick plugin.
class QuickPart {
 public:
  virtual ~QuickPart() = default;
  virtual IPluginCapability* capability() = 0;
};
/// Null where `part` is none of a quick plugin.
std::unique_ptr<QuickPart> quick_part(nb::handle part, PluginCapabilityType type);

/// Copies of the descriptions of tensors.
template <class Desc>
nb::list list_of(const Desc* items, int32_t count) {
  nb::list list;
  for (int32_t i = 0; i < count; ++i) list.append(nb::cast(items[i]));
  return list;
}

inline nb::list addresses_of(const void* const* items, int32_t count) {
  nb::list list;
  for (int32_t i = 0; i < count; ++i) list.append(address(items[i]));
  return list;
}

/// The native plugin of one in Python, which owns it, or of the library's that Python holds.
/// Null where `plugin` is neither.
IPluginV3* native_plugin_v3(nb::handle plugin);
IPluginV2* native_plugin_v2(nb::handle plugin);
/// The same as an object that the library deletes, for plugins that Python made for it.
IPluginV3* released_plugin_v3(nb::object plugin);
IPluginV2* released_plugin_v2(nb::object plugin);
/// The Python object of a plugin.
nb::object python_plugin_v3(IPluginV3* plugin, bool owned);
nb::object python_plugin_v2(IPluginV2* plugin, bool owned);

/// The native creator of one in Python, which owns it, or of the library's that Python holds.
IPluginCreatorInterface* native_creator(nb::handle creator);
nb::object python_creator(IPluginCreatorInterface* creator);

void bind_native_plugins(nb::module_& m);

}  // namespace trt_python
