// What both generations of plugins share: fields, phases, resources, IPluginV3.

#pragma once

#include "NvInferRuntimeBase.h"

namespace nvinfer1 {

/// Types of a plugin's fields.
enum class PluginFieldType : int32_t {
  kFLOAT16 = 0,
  kFLOAT32 = 1,
  kFLOAT64 = 2,
  kINT8 = 3,
  kINT16 = 4,
  kINT32 = 5,
  kCHAR = 6,
  kDIMS = 7,
  kUNKNOWN = 8,
  kBF16 = 9,
  kINT64 = 10,
  kFP8 = 11,
  kINT4 = 12,
  kFP4 = 13,
};

/// An attribute of a plugin. Its data belong to whoever made the field.
class PluginField {
 public:
  AsciiChar const* name;
  void const* data;
  PluginFieldType type;
  /// Elements, not bytes.
  int32_t length;
  PluginField(AsciiChar const* const name_ = nullptr, void const* const data_ = nullptr,
              PluginFieldType const type_ = PluginFieldType::kUNKNOWN,
              int32_t const length_ = 0) noexcept
      : name(name_), data(data_), type(type_), length(length_) {}
};

struct PluginFieldCollection {
  int32_t nbFields{};
  PluginField const* fields{};
};

/// What a plugin is made for.
enum class TensorRTPhase : int32_t {
  kBUILD = 0,
  kRUNTIME = 1,
};

/// Which part of IPluginV3 is asked for.
enum class PluginCapabilityType : int32_t {
  kCORE = 0,
  kBUILD = 1,
  kRUNTIME = 2,
};

namespace v_1_0 {

/// Base of the parts of IPluginV3.
class IPluginCapability : public IVersionedInterface {};
}  // namespace v_1_0

using IPluginCapability = v_1_0::IPluginCapability;

namespace v_1_0 {

/// What plugins share by a key. See IPluginRegistry::acquirePluginResource().
class IPluginResource : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IPluginResource", 1, 0};
  }
  virtual int32_t release() noexcept = 0;
  virtual IPluginResource* clone() noexcept = 0;
  ~IPluginResource() noexcept override = default;
  IPluginResource() = default;
  IPluginResource(IPluginResource const&) = default;
  IPluginResource(IPluginResource&&) = default;
  IPluginResource& operator=(IPluginResource const&) & = default;
  IPluginResource& operator=(IPluginResource&&) & = default;
};
}  // namespace v_1_0

using IPluginResource = v_1_0::IPluginResource;

namespace v_1_0 {

/// Base of all creators.
class IPluginCreatorInterface : public IVersionedInterface {
 public:
  ~IPluginCreatorInterface() noexcept override = default;

 protected:
  IPluginCreatorInterface() = default;
  IPluginCreatorInterface(IPluginCreatorInterface const&) = default;
  IPluginCreatorInterface(IPluginCreatorInterface&&) = default;
  IPluginCreatorInterface& operator=(IPluginCreatorInterface const&) & = default;
  IPluginCreatorInterface& operator=(IPluginCreatorInterface&&) & = default;
};
}  // namespace v_1_0

using IPluginCreatorInterface = v_1_0::IPluginCreatorInterface;

namespace v_1_0 {

/// A plugin of version 3: an object of up to three parts.
class IPluginV3 : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override { return InterfaceInfo{"PLUGIN", 1, 0}; }

  /// The part, which lives as long as the plugin; null where it has none.
  virtual IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept = 0;
  virtual IPluginV3* clone() noexcept = 0;
};
}  // namespace v_1_0

using IPluginV3 = v_1_0::IPluginV3;

}  // namespace nvinfer1
