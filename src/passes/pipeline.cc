// What runs when, and why. Reading order: a model goes through canonicalize, fuse, lower.
#include "passes/passes.h"

namespace carnot {
namespace {

// Each round gives the next one work only along chains of patterns; real models settle in three.
constexpr int kRounds = 8;

}  // namespace

/// Device-blind and always right: fewer, more regular nodes. Repeated until nothing changes.
Pipeline canonicalize_pipeline() {
  return {
      {"canonicalize",
       {
           // Shape arithmetic first: what it settles (reshape targets, if conditions) is what the
           // others match on.
           "fold_constants",
           "resolve_targets",
           "fold_control_flow",
           "uncarry_invariants",
           // Before recognition: a pattern is written in simplified form only.
           "simplify_algebra",
           "reorder_views",
           "simplify_views",
           "unflatten_rows",
           // Exporters repeat shape and mask computations in every layer.
           "merge_common_subexpressions",
           "recognize_norm",
           "recognize_softmax",
           "recognize_one_hot",
           "fold_tables",
           "recognize_attention",
           // After attention, whose scale it would move into the weights of q.
           "fold_affine",
           "eliminate_dead_nodes",
       },
       kRounds},
  };
}

/// Device-blind: fewer trips to memory.
Pipeline fuse_pipeline() {
  return {{"fuse", {"merge_pointwise", "eliminate_dead_nodes"}, 1}};
}

/// Before lowering, where the user allows it and the device gains by it.
Pipeline precision_pipeline(DType storage) {
  if (storage == DType::kF16) return {{"precision", {"store_as_f16"}, 1}};
  if (storage == DType::kBF16) return {{"precision", {"store_as_bf16"}, 1}};
  return {};
}

/// Before lowering, for a device whose attention is f32's alone.
Pipeline attention_pipeline() {
  return {{"attention", {"widen_attention"}, 1}};
}

/// To what a device runs: layouts, then groups that are kernels.
Pipeline lower_pipeline(bool pairs_pixels) {
  Pipeline out = {
      {"layout",
       {
           // Storage of half size gave every user of a value a cast of its own.
           "merge_common_subexpressions",
           "assign_layouts",
           // It asks for channels-last, and leaves reshapes and a transpose behind.
           "decompose_conv_transpose",
           "project_recurrent",
           // Which axes are outer is settled now.
           "split_reductions",
           // Sinking leaves reshapes of reshapes and brings pointwise nodes together.
           "simplify_algebra",
           // So that what follows a concat or a squeeze can merge with what precedes it.
           "sink_concats",
           "sink_reshapes",
           "merge_pointwise",
           // Its pieces are equal once their biases have the form that they keep.
           "join_products",
           "eliminate_dead_nodes",
       },
       1},
      // Last: afterwards every node is a kernel, a view, a weight or a step of the host.
      {"group", {"group_kernels", "eliminate_dead_nodes"}, 1},
  };
  // Of convolutions that are channels-last.
  if (pairs_pixels) out[0].passes.push_back("pair_pixels");
  return out;
}

}  // namespace carnot
