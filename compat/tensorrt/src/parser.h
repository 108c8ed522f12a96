#pragma once
// Parser: IParser over a Network of ours. It lives in libnvinfer, whose classes it knows;
// libnvonnxparser asks for it through carnotTrtCreateParser.

namespace trt {

/// An nvonnxparser::IParser, or null.
void* make_parser(void* network, void* logger) noexcept;

}  // namespace trt
