#include "registry.h"

#include <dlfcn.h>

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "impl/NvInferPythonPlugin.h"

namespace trt {

namespace {

using Key = std::tuple<std::string, std::string, std::string>;  // name, version, namespace

/// What libraries of plugins are given for a logger: errors go to the registry's recorder, as no
/// logger belongs to the registry.
class LibraryLogger final : public ILogger, public ILoggerFinder {
 public:
  explicit LibraryLogger(const Reporter& reporter) : reporter_(reporter) {}
  void log(Severity severity, AsciiChar const* text) noexcept override {
    if (severity > Severity::kERROR || !text) return;
    reporter_.error(ErrorCode::kFAILED_EXECUTION, "plugin library", text);
  }
  ILogger* findLogger() override { return this; }

 private:
  const Reporter& reporter_;
};

class Registry final : public IPluginRegistry {
 public:
  bool registerCreator(IPluginCreator& creator, AsciiChar const* const space) noexcept override {
    return reporter_.guard("IPluginRegistry::registerCreator", false, [&] {
      const std::lock_guard lock(mutex_);
      const Key key{text(creator.getPluginName()), text(creator.getPluginVersion()), text(space)};
      if (!creators_.emplace(key, &creator).second) return false;
      creator.setPluginNamespace(text(space).c_str());
      old_.emplace(key, &creator);
      refresh();
      return true;
    });
  }
  IPluginCreator* const* getPluginCreatorList(int32_t* const count) const noexcept override {
    if (count) *count = static_cast<int32_t>(old_list_.size());
    return old_list_.data();
  }
  IPluginCreator* getPluginCreator(AsciiChar const* const name, AsciiChar const* const version,
                                   AsciiChar const* const space) noexcept override {
    return reporter_.guard("IPluginRegistry::getPluginCreator",
                           static_cast<IPluginCreator*>(nullptr),
                           [&] { return lookup(old_, name, version, space); });
  }
  void setErrorRecorder(IErrorRecorder* const recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  bool deregisterCreator(IPluginCreator const& creator) noexcept override {
    return deregister(&creator);
  }
  bool isParentSearchEnabled() const override { return parent_search_; }
  void setParentSearchEnabled(bool const enabled) override { parent_search_ = enabled; }
  PluginLibraryHandle loadLibrary(AsciiChar const* path) noexcept override;
  void deregisterLibrary(PluginLibraryHandle handle) noexcept override;
  bool registerCreator(IPluginCreatorInterface& creator,
                       AsciiChar const* const space) noexcept override;
  IPluginCreatorInterface* const* getAllCreators(int32_t* const count) const noexcept override {
    if (count) *count = static_cast<int32_t>(list_.size());
    return list_.data();
  }
  IPluginCreatorInterface* getCreator(AsciiChar const* const name, AsciiChar const* const version,
                                      AsciiChar const* const space) noexcept override {
    return reporter_.guard("IPluginRegistry::getCreator",
                           static_cast<IPluginCreatorInterface*>(nullptr),
                           [&] { return lookup(creators_, name, version, space); });
  }
  bool deregisterCreator(IPluginCreatorInterface const& creator) noexcept override {
    return deregister(&creator);
  }
  IPluginResource* acquirePluginResource(AsciiChar const* key,
                                         IPluginResource* resource) noexcept override;
  int32_t releasePluginResource(AsciiChar const* key) noexcept override;
  IPluginCreatorInterface* const* getAllCreatorsRecursive(int32_t* const count) noexcept override {
    return getAllCreators(count);
  }

 private:
  static std::string text(AsciiChar const* t) { return t ? t : ""; }
  template <class Map>
  typename Map::mapped_type lookup(const Map& map, AsciiChar const* name, AsciiChar const* version,
                                   AsciiChar const* space) {
    const std::lock_guard lock(mutex_);
    const auto found = map.find(Key{text(name), text(version), text(space)});
    return found == map.end() ? nullptr : found->second;
  }
  bool deregister(const IPluginCreatorInterface* creator) noexcept;
  void refresh() {
    list_.clear(), old_list_.clear();
    for (const auto& row : creators_) list_.push_back(row.second);
    for (const auto& row : old_) old_list_.push_back(row.second);
  }
  struct Resource {
    IPluginResource* resource = nullptr;
    int32_t uses = 0;
  };

  mutable std::recursive_mutex mutex_;  ///< names, clones and releases are the program's code
  Reporter reporter_;
  LibraryLogger library_logger_{reporter_};
  bool parent_search_ = true;
  std::map<Key, IPluginCreatorInterface*> creators_;
  std::map<Key, IPluginCreator*> old_;  ///< those of them of the old kind
  std::vector<IPluginCreatorInterface*> list_;
  std::vector<IPluginCreator*> old_list_;
  std::map<std::string, Resource> resources_;
  std::map<void*, std::vector<IPluginCreatorInterface*>> libraries_;
};

bool Registry::registerCreator(IPluginCreatorInterface& creator,
                               AsciiChar const* const space) noexcept {
  const char* const call = "IPluginRegistry::registerCreator";
  return reporter_.guard(call, false, [&] {
    const std::string kind = creator.getInterfaceInfo().kind;
    if (kind == "PLUGIN CREATOR_V1") {
      return registerCreator(static_cast<IPluginCreator&>(creator), space);
    }
    const auto add = [&](const auto& v3) {
      const std::lock_guard lock(mutex_);
      const Key key{text(v3.getPluginName()), text(v3.getPluginVersion()), text(space)};
      if (!creators_.emplace(key, &creator).second) return false;
      refresh();
      return true;
    };
    if (kind == "PLUGIN CREATOR_V3ONE") return add(static_cast<IPluginCreatorV3One&>(creator));
    if (kind == "PLUGIN CREATOR_V3QUICK") return add(static_cast<IPluginCreatorV3Quick&>(creator));
    reporter_.misuse(call, cat("a creator of the unknown kind '", kind, "'"));
    return false;
  });
}

bool Registry::deregister(const IPluginCreatorInterface* creator) noexcept {
  return reporter_.guard("IPluginRegistry::deregisterCreator", false, [&] {
    const std::lock_guard lock(mutex_);
    for (auto at = creators_.begin(); at != creators_.end(); ++at) {
      if (at->second != creator) continue;
      old_.erase(at->first);
      creators_.erase(at);
      refresh();
      return true;
    }
    return false;
  });
}

IPluginRegistry::PluginLibraryHandle Registry::loadLibrary(AsciiChar const* path) noexcept {
  const char* const call = "IPluginRegistry::loadLibrary";
  return reporter_.guard(call, static_cast<void*>(nullptr), [&]() -> void* {
    void* const handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!handle) {
      reporter_.misuse(call, path ? dlerror() : "the path is null");
      return nullptr;
    }
    using GetCreators = IPluginCreatorInterface* const* (*)(int32_t&);
    using GetOldCreators = IPluginCreator* const* (*)(int32_t&);
    using SetLoggerFinder = void (*)(ILoggerFinder*);
    if (auto* const set = reinterpret_cast<SetLoggerFinder>(dlsym(handle, "setLoggerFinder"))) {
      set(&library_logger_);
    }
    int32_t count = 0;
    std::vector<IPluginCreatorInterface*> added;
    if (auto* const get = reinterpret_cast<GetCreators>(dlsym(handle, "getCreators"))) {
      IPluginCreatorInterface* const* const list = get(count);
      for (int32_t i = 0; i < count; ++i) {
        if (list[i] && registerCreator(*list[i], "")) added.push_back(list[i]);
      }
    } else if (auto* const old =
                   reinterpret_cast<GetOldCreators>(dlsym(handle, "getPluginCreators"))) {
      IPluginCreator* const* const list = old(count);
      for (int32_t i = 0; i < count; ++i) {
        if (list[i] && registerCreator(*list[i], "")) added.push_back(list[i]);
      }
    } else {
      reporter_.misuse(call, cat("'", path, "' exports neither getCreators nor getPluginCreators"));
      dlclose(handle);
      return nullptr;
    }
    const std::lock_guard lock(mutex_);
    if (!libraries_.emplace(handle, std::move(added)).second) dlclose(handle);  // as it was
    return handle;
  });
}

void Registry::deregisterLibrary(PluginLibraryHandle handle) noexcept {
  const char* const call = "IPluginRegistry::deregisterLibrary";
  reporter_.guard(call, [&] {
    std::vector<IPluginCreatorInterface*> creators;
    {
      const std::lock_guard lock(mutex_);
      const auto found = libraries_.find(handle);
      if (found == libraries_.end()) return reporter_.misuse(call, "no library has this handle");
      creators = std::move(found->second);
      libraries_.erase(found);
    }
    for (const IPluginCreatorInterface* creator : creators) deregister(creator);
    dlclose(handle);
  });
}

IPluginResource* Registry::acquirePluginResource(AsciiChar const* key,
                                                 IPluginResource* resource) noexcept {
  const char* const call = "IPluginRegistry::acquirePluginResource";
  return reporter_.guard(call, static_cast<IPluginResource*>(nullptr), [&]() -> IPluginResource* {
    if (!key || !resource) {
      reporter_.misuse(call, "the key or the resource is null");
      return nullptr;
    }
    const std::lock_guard lock(mutex_);
    Resource& held = resources_[key];
    if (!held.resource) held.resource = resource->clone();
    if (!held.resource) {
      resources_.erase(key);
      return nullptr;
    }
    ++held.uses;
    return held.resource;
  });
}

int32_t Registry::releasePluginResource(AsciiChar const* key) noexcept {
  const char* const call = "IPluginRegistry::releasePluginResource";
  return reporter_.guard(call, -1, [&] {
    const std::lock_guard lock(mutex_);
    const auto found = resources_.find(text(key));
    if (found == resources_.end()) {
      reporter_.misuse(call, cat("no resource has the key '", text(key), "'"));
      return -1;
    }
    if (--found->second.uses > 0) return 0;
    const int32_t status = found->second.resource->release();
    resources_.erase(found);
    return status == 0 ? 0 : -1;
  });
}

}  // namespace

IPluginRegistry& plugin_registry() {
  static Registry* const registry = new Registry;  // outlives plugins in other libraries
  return *registry;
}

}  // namespace trt
