// Enumerations: names as in the headers, without the k.
#include "bind.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "impl/NvInferPythonPlugin.h"

namespace trt_python {
namespace {

/// enum.Enum with what programs use of TensorRT's enumerations beside: int(), order, __entries.
/// `names` are numbered in order; "NAME=5" sets the number, also to give a second name.
template <class E>
void enumeration(nb::module_& m, const char* name, const char* doc, const char* names) {
  nb::enum_<E> type(m, name, doc);
  nb::dict others;
  std::set<long> used;
  std::string_view rest = names;
  for (long next = 0; !rest.empty(); ++next) {
    std::string word(rest.substr(0, rest.find(' ')));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (const size_t equals = word.find('='); equals != word.npos) {
      next = std::strtol(word.c_str() + equals + 1, nullptr, 10);
      word.resize(equals);
    }
    if (used.insert(next).second) {
      type.value(word.c_str(), static_cast<E>(next));
    } else {
      others[word.c_str()] = next;
    }
  }
  finish_enumeration(type, others);
}

void enumerate_layers(nb::module_& m) {
  enumeration<ActivationType>(
      m, "ActivationType", "Functions of IActivationLayer.",
      "RELU SIGMOID TANH LEAKY_RELU ELU SELU SOFTSIGN SOFTPLUS CLIP HARD_SIGMOID "
      "SCALED_TANH THRESHOLDED_RELU GELU_ERF GELU_TANH");
  enumeration<AttentionIOForm>(m, "AttentionIOForm",
                               "How a batch of sequences lies in memory (version 11).",
                               "PADDED_BHND PACKED_NHD");
  enumeration<AttentionNormalizationOp>(m, "AttentionNormalizationOp",
                                        "What scores of an attention become.", "NONE SOFTMAX");
  enumeration<BoundingBoxFormat>(m, "BoundingBoxFormat",
                                 "How INMSLayer reads four numbers as a box.",
                                 "CORNER_PAIRS CENTER_SIZES");
  enumeration<CausalMaskKind>(m, "CausalMaskKind", "Which keys a query sees (version 11).",
                              "NONE UPPER_LEFT LOWER_RIGHT");
  enumeration<CollectiveOperation>(
      m, "CollectiveOperation", "Operations among devices.",
      "ALL_REDUCE ALL_GATHER BROADCAST REDUCE REDUCE_SCATTER ALL_TO_ALL GATHER SCATTER");
  enumeration<CumulativeOperation>(m, "CumulativeOperation", "Operations of ICumulativeLayer.",
                                   "SUM");
  enumeration<ElementWiseOperation>(
      m, "ElementWiseOperation", "Operations of IElementWiseLayer.",
      "SUM PROD MAX MIN SUB DIV POW FLOOR_DIV AND OR XOR EQUAL GREATER LESS");
  enumeration<FillOperation>(m, "FillOperation", "What IFillLayer fills with.",
                             "LINSPACE RANDOM_UNIFORM RANDOM_NORMAL");
  enumeration<GatherMode>(m, "GatherMode", "How IGatherLayer reads its indices.",
                          "DEFAULT ELEMENT ND");
  enumeration<InterpolationMode>(
      m, "InterpolationMode", "How values between elements are computed.", "NEAREST LINEAR CUBIC");
  enumeration<KVCacheMode>(m, "KVCacheMode", "Where a cache is written.", "LINEAR");
  enumeration<LoopOutput>(m, "LoopOutput", "What a loop hands out.",
                          "LAST_VALUE CONCATENATE REVERSE");
  enumeration<MatrixOperation>(m, "MatrixOperation", "What happens to an operand of a product.",
                               "NONE TRANSPOSE VECTOR");
}

void enumerate_more_layers(nb::module_& m) {
  enumeration<MoEActType>(m, "MoEActType", "The activation of an expert.", "NONE SILU");
  enumeration<PaddingMode>(
      m, "PaddingMode", "How padding and output sizes are chosen.",
      "EXPLICIT_ROUND_DOWN EXPLICIT_ROUND_UP SAME_UPPER SAME_LOWER CAFFE_ROUND_DOWN=0 "
      "CAFFE_ROUND_UP");
  enumeration<PoolingType>(m, "PoolingType", "What IPoolingLayer computes of a window.",
                           "MAX AVERAGE MAX_AVERAGE_BLEND");
  enumeration<ReduceOperation>(m, "ReduceOperation", "Operations of IReduceLayer.",
                               "SUM PROD MAX MIN AVG NONE");
  enumeration<ResizeCoordinateTransformation>(m, "ResizeCoordinateTransformation",
                                              "How coordinates of a result map to the input's.",
                                              "ALIGN_CORNERS ASYMMETRIC HALF_PIXEL");
  enumeration<ResizeRoundMode>(m, "ResizeRoundMode",
                               "How IResizeLayer rounds to the nearest element.",
                               "HALF_UP HALF_DOWN FLOOR CEIL");
  enumeration<ResizeSelector>(m, "ResizeSelector", "Which element a result of size one takes.",
                              "FORMULA UPPER");
  enumeration<RNNOperation>(m, "RNNOperation", "Cells of IRNNv2Layer.", "RELU TANH LSTM GRU");
  enumeration<RNNDirection>(m, "RNNDirection", "Directions of IRNNv2Layer.",
                            "UNIDIRECTION BIDIRECTION");
  enumeration<RNNInputMode>(m, "RNNInputMode", "What the first layer of IRNNv2Layer sees.",
                            "LINEAR SKIP");
  enumeration<RNNGateType>(m, "RNNGateType", "Gates of IRNNv2Layer's cells.",
                           "INPUT OUTPUT FORGET UPDATE RESET CELL HIDDEN");
  enumeration<SampleMode>(m, "SampleMode", "What is read outside of a tensor.",
                          "STRICT_BOUNDS WRAP CLAMP FILL REFLECT DEFAULT=0");
  enumeration<ScaleMode>(m, "ScaleMode", "How many scales IScaleLayer has.",
                         "UNIFORM CHANNEL ELEMENTWISE");
  enumeration<ScatterMode>(m, "ScatterMode", "How IScatterLayer reads its indices.", "ELEMENT ND");
  enumeration<TopKOperation>(m, "TopKOperation", "Which elements ITopKLayer takes.", "MAX MIN");
  enumeration<TripLimit>(m, "TripLimit", "What ends a loop.", "COUNT WHILE");
  enumeration<UnaryOperation>(
      m, "UnaryOperation", "Operations of IUnaryLayer.",
      "EXP LOG SQRT RECIP ABS NEG SIN COS TAN SINH COSH ASIN ACOS ATAN ASINH ACOSH ATANH "
      "CEIL FLOOR ERF NOT SIGN ROUND ISINF ISNAN");
}

void enumerate_builder(nb::module_& m) {
  enumeration<LayerType>(
      m, "LayerType", "Kinds of layers.",
      "CONVOLUTION CAST ACTIVATION POOLING LRN SCALE SOFTMAX DECONVOLUTION CONCATENATION "
      "ELEMENTWISE PLUGIN UNARY PADDING SHUFFLE REDUCE TOPK GATHER MATRIX_MULTIPLY "
      "RAGGED_SOFTMAX CONSTANT IDENTITY PLUGIN_V2 SLICE SHAPE PARAMETRIC_RELU RESIZE "
      "TRIP_LIMIT RECURRENCE ITERATOR LOOP_OUTPUT SELECT FILL QUANTIZE DEQUANTIZE CONDITION "
      "CONDITIONAL_INPUT CONDITIONAL_OUTPUT SCATTER EINSUM ASSERTION ONE_HOT NON_ZERO "
      "GRID_SAMPLE NMS REVERSE_SEQUENCE NORMALIZATION PLUGIN_V3 SQUEEZE UNSQUEEZE "
      "CUMULATIVE DYNAMIC_QUANTIZE ATTENTION_INPUT ATTENTION_OUTPUT ROTARY_EMBEDDING "
      "KV_CACHE_UPDATE MOE DIST_COLLECTIVE FULLY_CONNECTED=1000 RNN RNN_V2");
  enumeration<BuilderFlag>(
      m, "BuilderFlag", "Options of IBuilderConfig.",
      "FP16 INT8 DEBUG GPU_FALLBACK REFIT DISABLE_TIMING_CACHE TF32 SPARSE_WEIGHTS "
      "SAFETY_SCOPE OBEY_PRECISION_CONSTRAINTS PREFER_PRECISION_CONSTRAINTS DIRECT_IO "
      "REJECT_EMPTY_ALGORITHMS VERSION_COMPATIBLE EXCLUDE_LEAN_RUNTIME FP8 "
      "ERROR_ON_TIMING_CACHE_MISS BF16 DISABLE_COMPILATION_CACHE STRIP_PLAN WEIGHTLESS=19 "
      "REFIT_IDENTICAL WEIGHT_STREAMING INT4 REFIT_INDIVIDUAL STRICT_NANS MONITOR_MEMORY "
      "FP4 EDITABLE_TIMING_CACHE DISTRIBUTIVE_INDEPENDENCE STRICT_TYPES=10 "
      "ENABLE_TACTIC_HEURISTIC=29");
  enumeration<CalibrationAlgoType>(
      m, "CalibrationAlgoType", "How a calibrator's samples become ranges.",
      "LEGACY_CALIBRATION ENTROPY_CALIBRATION ENTROPY_CALIBRATION_2 MINMAX_CALIBRATION");
  enumeration<EngineCapability>(m, "EngineCapability", "What an engine is restricted to.",
                                "STANDARD SAFETY DLA_STANDALONE DEFAULT=0 SAFE_GPU SAFE_DLA");
  enumeration<HardwareCompatibilityLevel>(m, "HardwareCompatibilityLevel",
                                          "On which other GPUs an engine shall run.",
                                          "NONE AMPERE_PLUS SAME_COMPUTE_CAPABILITY");
  enumeration<MemoryPoolType>(
      m, "MemoryPoolType", "Pools of memory that a build may use.",
      "WORKSPACE DLA_MANAGED_SRAM DLA_LOCAL_DRAM DLA_GLOBAL_DRAM TACTIC_DRAM "
      "TACTIC_SHARED_MEMORY");
  enumeration<NetworkDefinitionCreationFlag>(
      m, "NetworkDefinitionCreationFlag", "Options of Builder.create_network(), as bits.",
      "EXPLICIT_BATCH STRONGLY_TYPED PREFER_JIT_PYTHON_PLUGINS PREFER_AOT_PYTHON_PLUGINS "
      "EXPLICIT_PRECISION=8");
  enumeration<nvonnxparser::OnnxParserFlag>(
      m, "OnnxParserFlag", "Options of OnnxParser.",
      "NATIVE_INSTANCENORM ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA "
      "REPORT_CAPABILITY_DLA ENABLE_PLUGIN_OVERRIDE ADJUST_FOR_DLA");
  enumeration<PreviewFeature>(
      m, "PreviewFeature", "Features that are asked for one by one.",
      "PROFILE_SHARING_0806 ALIASED_PLUGIN_IO_10_03 RUNTIME_ACTIVATION_RESIZE_10_10 "
      "MULTIDEVICE_RUNTIME_10_16 FASTER_DYNAMIC_SHAPES_0805 "
      "DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805");
  enumeration<QuantizationFlag>(m, "QuantizationFlag", "Options of quantization by ranges.",
                                "CALIBRATE_BEFORE_FUSION");
  enumeration<RuntimePlatform>(m, "RuntimePlatform",
                               "The operating system that an engine is built for.",
                               "SAME_AS_BUILD WINDOWS_AMD64");
  enumeration<TacticSource>(m, "TacticSource", "Libraries that kernels may come from.",
                            "CUBLAS CUBLAS_LT CUDNN EDGE_MASK_CONVOLUTIONS JIT_CONVOLUTIONS");
  enumeration<TilingOptimizationLevel>(m, "TilingOptimizationLevel",
                                       "How long a build searches for tilings.",
                                       "NONE FAST MODERATE FULL");
  enumeration<WeightsRole>(m, "WeightsRole", "Which of the weights of a layer.",
                           "KERNEL BIAS SHIFT SCALE CONSTANT ANY");
}

void enumerate_runtime(nb::module_& m) {
  enumeration<DataType>(m, "DataType", "Types of elements.",
                        "FLOAT HALF INT8 INT32 BOOL UINT8 FP8 BF16 INT64 INT4 FP4 E8M0");
  enumeration<DeviceType>(m, "DeviceType", "Where a layer runs.", "GPU DLA");
  enumeration<EngineStat>(m, "EngineStat", "What ICudaEngine.get_engine_stat() tells.",
                          "TOTAL_WEIGHTS_SIZE STRIPPED_WEIGHTS_SIZE");
  enumeration<nvonnxparser::ErrorCode>(
      m, "ErrorCode", "Kinds of errors of the ONNX parser.",
      "SUCCESS INTERNAL_ERROR MEM_ALLOC_FAILED MODEL_DESERIALIZE_FAILED INVALID_VALUE "
      "INVALID_GRAPH INVALID_NODE UNSUPPORTED_GRAPH UNSUPPORTED_NODE UNSUPPORTED_NODE_ATTR "
      "UNSUPPORTED_NODE_INPUT UNSUPPORTED_NODE_DATATYPE UNSUPPORTED_NODE_DYNAMIC "
      "UNSUPPORTED_NODE_SHAPE REFIT_FAILED");
  enumeration<nvinfer1::ErrorCode>(
      m, "ErrorCodeTRT", "Kinds of errors that an IErrorRecorder is told.",
      "SUCCESS UNSPECIFIED_ERROR INTERNAL_ERROR INVALID_ARGUMENT INVALID_CONFIG "
      "FAILED_ALLOCATION FAILED_INITIALIZATION FAILED_EXECUTION FAILED_COMPUTATION "
      "INVALID_STATE UNSUPPORTED_STATE");
  enumeration<ExecutionContextAllocationStrategy>(m, "ExecutionContextAllocationStrategy",
                                                  "When a context allocates its scratch memory.",
                                                  "STATIC ON_PROFILE_CHANGE USER_MANAGED");
  enumeration<LayerInformationFormat>(m, "LayerInformationFormat", "How EngineInspector writes.",
                                      "ONELINE JSON");
  enumeration<OptProfileSelector>(m, "OptProfileSelector", "Which of the shapes of a profile.",
                                  "MIN OPT MAX");
  enumeration<ProfilingVerbosity>(m, "ProfilingVerbosity",
                                  "How much an engine tells of its layers.",
                                  "LAYER_NAMES_ONLY NONE DETAILED DEFAULT=0 VERBOSE=2");
  enumeration<SeekPosition>(m, "SeekPosition",
                            "What an offset of IStreamReaderV2.seek() counts from.", "SET CUR END");
  enumeration<SerializationFlag>(m, "SerializationFlag", "What an engine file holds.",
                                 "EXCLUDE_WEIGHTS EXCLUDE_LEAN_RUNTIME INCLUDE_REFIT");
  enumeration<ILogger::Severity>(m, "_Severity", "How grave a message is.",
                                 "INTERNAL_ERROR ERROR WARNING INFO VERBOSE");
  enumeration<TempfileControlFlag>(m, "TempfileControlFlag",
                                   "Which temporary files a runtime may make.",
                                   "ALLOW_IN_MEMORY_FILES ALLOW_TEMPORARY_FILES");
  enumeration<TensorFormat>(
      m, "TensorFormat", "How elements lie in memory.",
      "LINEAR CHW2 HWC8 CHW4 CHW16 CHW32 DHWC8 CDHW32 HWC DLA_LINEAR DLA_HWC4 HWC16 DHWC "
      "NCHW=0 NC2HW2 NHWC8");
  enumeration<TensorIOMode>(m, "TensorIOMode", "What a tensor is to an engine.",
                            "NONE INPUT OUTPUT");
  enumeration<TensorLocation>(m, "TensorLocation", "On which side the memory of a tensor lies.",
                              "DEVICE HOST");
}

void enumerate_plugins(nb::module_& m) {
  enumeration<APILanguage>(m, "APILanguage", "In which language an interface is implemented.",
                           "CPP PYTHON");
  enumeration<AllocatorFlag>(m, "AllocatorFlag", "What IGpuAllocator.allocate() is asked for.",
                             "RESIZABLE");
  enumeration<DimensionOperation>(m, "DimensionOperation", "Arithmetic of shape expressions.",
                                  "SUM PROD MAX MIN SUB EQUAL LESS FLOOR_DIV CEIL_DIV");
  enumeration<PluginCapabilityType>(m, "PluginCapabilityType",
                                    "Which part of a plugin is asked for.", "CORE BUILD RUNTIME");
  enumeration<PluginCreatorVersion>(m, "PluginCreatorVersion", "Kinds of creators of plugins.",
                                    "V1 V1_PYTHON=64");
  enumeration<PluginFieldType>(
      m, "PluginFieldType", "Types of the fields of a plugin.",
      "FLOAT16 FLOAT32 FLOAT64 INT8 INT16 INT32 CHAR DIMS UNKNOWN BF16 INT64 FP8 INT4 FP4");
  enumeration<TensorRTPhase>(m, "TensorRTPhase", "What a plugin is made for.", "BUILD RUNTIME");
}

void enumerate_decorated(nb::module_& m) {
  enumeration<PluginArgType>(m, "PluginArgType", "Kinds of arguments of a kernel.", "INT");
  enumeration<PluginArgDataType>(m, "PluginArgDataType", "Types of arguments of a kernel.",
                                 "INT8 INT16 INT32");
  enumeration<QuickPluginCreationRequest>(m, "QuickPluginCreationRequest",
                                          "Which kind of plugin is asked for.",
                                          "UNKNOWN PREFER_JIT PREFER_AOT STRICT_JIT STRICT_AOT");
}

}  // namespace

void bind_enumerations(nb::module_& m) {
  enumerate_layers(m);
  enumerate_more_layers(m);
  enumerate_builder(m);
  enumerate_runtime(m);
  enumerate_plugins(m);
  enumerate_decorated(m);
}

}  // namespace trt_python
