#pragma once
// Plugins at run time: made again by their creators when a plan is loaded, one for the engine, and
// a clone of it for each context, which calls it between kernels.
#include <map>

#include "carnot/custom.h"
#include "plugin_quick.h"
#include "plugin_record.h"

namespace trt {

/// A plugin of either generation, owned.
class Plugin {
 public:
  Plugin() = default;
  explicit Plugin(IPluginV2* plugin) : v2_(plugin) {}
  explicit Plugin(IPluginV3* plugin) : v3_(QuickPlugin::wrap(plugin)) {}
  Plugin(Plugin&& other) noexcept { *this = std::move(other); }
  Plugin& operator=(Plugin&& other) noexcept {
    std::swap(v2_, other.v2_), std::swap(v3_, other.v3_);
    return *this;
  }
  ~Plugin();

  explicit operator bool() const { return v2_ || v3_; }
  Plugin clone() const;
  IPluginV2* v2() const { return v2_; }
  IPluginV3* v3() const { return v3_; }
  /// Not null for quick plugins.
  QuickPlugin* quick() const { return dynamic_cast<QuickPlugin*>(v3_); }
  /// What PluginRecord::generation says; -1 for one that is unknown.
  int generation() const;
  template <class T>
  T* as() const {  // of version 2
    return static_cast<T*>(v2_);
  }
  IPluginV3OneCore* core() const;
  IPluginV3OneBuild* build() const;
  IPluginV3OneRuntime* runtime() const;

 private:
  IPluginV2* v2_ = nullptr;
  IPluginV3* v3_ = nullptr;
};

/// Gives a plugin that is there already, of a network that has just been built; or none.
using PluginSource = std::function<Plugin(const PluginRecord&)>;

/// The plugins of one engine.
class EnginePlugins {
 public:
  EnginePlugins() = default;
  EnginePlugins(const EnginePlugins&) = delete;
  EnginePlugins& operator=(const EnginePlugins&) = delete;
  ~EnginePlugins();

  /// Makes those that the operations name. Errors say which creator is missing.
  carnot::Status load(std::span<const carnot::op::Custom> ops, const PluginSource& source);
  /// A clone of the plugin of a layer, or none.
  Plugin clone_of(const std::string& layer) const {
    for (const auto& row : loaded_) {
      if (row.second.record.layer == layer) return row.second.plugin.clone();
    }
    return {};
  }
  /// What a context calls. The plugins outlive it. `allocator` is the program's, or null.
  carnot::Result<std::unique_ptr<carnot::CustomBody>> body(const carnot::op::Custom& op,
                                                           std::string_view device,
                                                           IGpuAllocator* allocator) const;

 private:
  struct Loaded {
    PluginRecord record;
    Plugin plugin;
    bool initialized = false;
  };
  carnot::Status load(const std::string& state, const PluginSource& source);
  std::map<std::string, Loaded> loaded_;  ///< by op::Custom::state
};

}  // namespace trt
