// The registry of plugins.

#pragma once

#include "NvInferPluginBase.h"
#include "NvInferRuntimePlugin.h"

namespace nvinfer1 {

/// Creators of plugins by name, version and namespace. Any thread may call it.
class IPluginRegistry {
 public:
  using PluginLibraryHandle = void*;

  /// Must live as long as it is registered. False where there is one of that name, version and
  /// namespace.
  virtual bool registerCreator(IPluginCreator& creator,
                               AsciiChar const* const pluginNamespace) noexcept = 0;

  /// Those of version 2.
  virtual IPluginCreator* const* getPluginCreatorList(
      int32_t* const numCreators) const noexcept = 0;

  /// Of version 2; null where there is none.
  virtual IPluginCreator* getPluginCreator(
      AsciiChar const* const pluginName, AsciiChar const* const pluginVersion,
      AsciiChar const* const pluginNamespace = "") noexcept = 0;
  IPluginRegistry() = default;
  IPluginRegistry(IPluginRegistry const&) = delete;
  IPluginRegistry(IPluginRegistry&&) = delete;
  IPluginRegistry& operator=(IPluginRegistry const&) & = delete;
  IPluginRegistry& operator=(IPluginRegistry&&) & = delete;

 protected:
  virtual ~IPluginRegistry() noexcept = default;

 public:
  virtual void setErrorRecorder(IErrorRecorder* const recorder) noexcept = 0;
  virtual IErrorRecorder* getErrorRecorder() const noexcept = 0;

  /// False where it is not registered.
  virtual bool deregisterCreator(IPluginCreator const& creator) noexcept = 0;

  /// Whether getCreator() looks into the parent too.
  virtual bool isParentSearchEnabled() const = 0;
  virtual void setParentSearchEnabled(bool const enabled) = 0;

  /// Registers the creators of a shared library, which exports getCreators() or
  /// getPluginCreators(). Null on failure.
  virtual PluginLibraryHandle loadLibrary(AsciiChar const* pluginPath) noexcept = 0;
  virtual void deregisterLibrary(PluginLibraryHandle handle) noexcept = 0;

  /// As the overload above, of any version.
  virtual bool registerCreator(IPluginCreatorInterface& creator,
                               AsciiChar const* const pluginNamespace) noexcept = 0;

  /// An array of numCreators, valid until the registry changes.
  virtual IPluginCreatorInterface* const* getAllCreators(
      int32_t* const numCreators) const noexcept = 0;

  /// Null where there is none.
  virtual IPluginCreatorInterface* getCreator(
      AsciiChar const* const pluginName, AsciiChar const* const pluginVersion,
      AsciiChar const* const pluginNamespace = "") noexcept = 0;

  /// As the overload above, of any version.
  virtual bool deregisterCreator(IPluginCreatorInterface const& creator) noexcept = 0;

  /// The resource of that key: a clone of `resource` at first. To be released as often.
  virtual IPluginResource* acquirePluginResource(AsciiChar const* key,
                                                 IPluginResource* resource) noexcept = 0;

  /// 0 is success.
  virtual int32_t releasePluginResource(AsciiChar const* key) noexcept = 0;

  /// With those of parents.
  virtual IPluginCreatorInterface* const* getAllCreatorsRecursive(
      int32_t* const numCreators) noexcept = 0;
};

}  // namespace nvinfer1
