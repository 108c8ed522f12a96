// Dimensions with a fixed rank.

#pragma once

#include "NvInferRuntimeBase.h"

namespace nvinfer1 {

/// Two sizes.
class Dims2 : public Dims {
 public:
  Dims2() : Dims2(0, 0) {}
  Dims2(impl::Size d0, impl::Size d1) {
    nbDims = 2;
    d[0] = d0;
    d[1] = d1;
    for (int32_t i{nbDims}; i < Dims::MAX_DIMS; ++i) {
      d[i] = 0;
    }
  }
};

/// Height and width.
class DimsHW : public Dims2 {
 public:
  DimsHW() : Dims2() {}
  DimsHW(impl::Size height, impl::Size width) : Dims2(height, width) {}
  impl::Size& h() { return d[0]; }
  impl::Size h() const { return d[0]; }
  impl::Size& w() { return d[1]; }
  impl::Size w() const { return d[1]; }
};

/// Three sizes.
class Dims3 : public Dims2 {
 public:
  Dims3() : Dims3(0, 0, 0) {}
  Dims3(impl::Size d0, impl::Size d1, impl::Size d2) : Dims2(d0, d1) {
    nbDims = 3;
    d[2] = d2;
  }
};

/// Four sizes.
class Dims4 : public Dims3 {
 public:
  Dims4() : Dims4(0, 0, 0, 0) {}
  Dims4(impl::Size d0, impl::Size d1, impl::Size d2, impl::Size d3) : Dims3(d0, d1, d2) {
    nbDims = 4;
    d[3] = d3;
  }
};

}  // namespace nvinfer1

namespace nvinfer1 {

/// [C, H, W] (versions 5 to 7).
class DimsCHW : public Dims3 {
 public:
  DimsCHW() = default;
  DimsCHW(impl::Size channels, impl::Size height, impl::Size width)
      : Dims3(channels, height, width) {}

  impl::Size& c() { return d[0]; }
  impl::Size c() const { return d[0]; }
  impl::Size& h() { return d[1]; }
  impl::Size h() const { return d[1]; }
  impl::Size& w() { return d[2]; }
  impl::Size w() const { return d[2]; }
};

/// [N, C, H, W] (versions 5 to 7).
class DimsNCHW : public Dims4 {
 public:
  DimsNCHW() = default;
  DimsNCHW(impl::Size batch, impl::Size channels, impl::Size height, impl::Size width)
      : Dims4(batch, channels, height, width) {}

  impl::Size& n() { return d[0]; }
  impl::Size n() const { return d[0]; }
  impl::Size& c() { return d[1]; }
  impl::Size c() const { return d[1]; }
  impl::Size& h() { return d[2]; }
  impl::Size h() const { return d[2]; }
  impl::Size& w() { return d[3]; }
  impl::Size w() const { return d[3]; }
};

}  // namespace nvinfer1
