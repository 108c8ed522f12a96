// The recurrent kernel for any CPU.
#include "device/cpu/library/recurrent_body.h"

namespace carnot::cpu {

void recurrent_base(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                    void* scratch) {
  run_recurrent(buffers, params, begin, end, scratch);
}

}  // namespace carnot::cpu
