// The recurrent kernel for AVX-512.
#include "device/cpu/library/recurrent_body.h"

namespace carnot::cpu {

void recurrent_avx512(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                      void* scratch) {
  run_recurrent(buffers, params, begin, end, scratch);
}

}  // namespace carnot::cpu
