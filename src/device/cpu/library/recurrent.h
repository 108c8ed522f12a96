#pragma once
// The recurrent library kernel: LSTM, GRU and RNN in f32, given the gates' parts from x. Whoever
// makes a step of it packs its weights in this layout and passes these parameters.
#include <cstdint>

namespace carnot::cpu {

/// A plan's entry for it; `Device::run` calls it like generated code.
inline constexpr const char* kRecurrentEntry = "library.recurrent";

/// Arguments: gates [t, n, dirs * gates * hidden], packed weights, initial h and c [dirs, n,
/// hidden] (any buffer where absent), y, y_h, y_c (any buffer where the kind has none).
enum RecurrentArgument { kGates, kPacked, kInitialH, kInitialC, kY, kFinalH, kFinalC, kArguments };

/// Integer parameters.
enum RecurrentParam {
  kKind,     ///< RecurrentKind
  kReverse,  ///< the first direction runs backwards
  kDirections,
  kHidden,
  kHasH,
  kHasC,
  kSteps,
  kBatch,
  kParams
};
enum RecurrentKind : int64_t { kLstm, kRnn, kGruLinearFirst, kGruResetFirst };

/// Rows of the batch that one task takes: each weight that is loaded serves all of them.
inline constexpr int64_t kTaskRows = 4;
/// Columns of a block of packed weights: [block][hidden][kBlock], zeros behind the last column.
inline constexpr int64_t kBlock = 64;

/// Columns of the product of state and weights, rounded up to whole blocks: `early` all that needs
/// the state alone, then `late` what a GRU scales (or multiplies) by its reset gate.
struct RecurrentLayout {
  int64_t hidden, early_columns, late_columns;
  RecurrentLayout(int64_t kind, int64_t hidden_in)
      : hidden(hidden_in),
        early_columns(kind == kLstm  ? 4 * hidden
                      : kind == kRnn ? hidden
                                     : 2 * hidden),
        late_columns(kind == kLstm || kind == kRnn ? 0 : hidden) {}

  int64_t early() const { return rounded(early_columns); }
  int64_t late() const { return rounded(late_columns); }
  /// Floats of one direction: weights of early and late blocks, their biases, and the bias that is
  /// added to a GRU's third gate outside of what the reset gate scales.
  int64_t weights() const { return (early() + late()) * hidden; }
  int64_t packed() const { return weights() + early() + 2 * late(); }
  /// Floats of a task's scratch: the products, h, c or the scaled h, each of kTaskRows rows.
  int64_t scratch() const { return kTaskRows * (early() + late() + 2 * rounded(hidden)); }
  static int64_t rounded(int64_t columns) { return (columns + kBlock - 1) / kBlock * kBlock; }
};

/// The kernel for each vector width; a processor has those of its architecture.
void recurrent_base(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                    void* scratch);
void recurrent_avx2(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                    void* scratch);
void recurrent_avx512(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                      void* scratch);

}  // namespace carnot::cpu
