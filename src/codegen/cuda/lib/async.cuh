// Single instructions of sm_90 and later: barriers in shared memory, the copy engine, products of
// warpgroups.
#pragma once
#include "codegen/cuda/lib/ptx.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::ptx {

/// Barriers in shared memory: a phase ends when `count` have arrived and all announced bytes have.
CARNOT_DEVICE void barrier_init(u32 barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
/// What was initialised is seen by the cluster and by the copy engine after the next barrier.
CARNOT_DEVICE void fence_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
CARNOT_DEVICE void barrier_arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
/// The same for a barrier of another block of the cluster (its address from map_to_rank()).
CARNOT_DEVICE void barrier_arrive_remote(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}
CARNOT_DEVICE void barrier_expect(u32 barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}
/// Arrives once all copies that this thread has started are done.
CARNOT_DEVICE void copies_arrive(u32 barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}
CARNOT_DEVICE void barrier_wait(u32 barrier, int parity) {
  u32 done = 0;
  while (!done) {
    asm volatile(
        "{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; "
        "selp.u32 %0, 1, 0, p; }"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  }
}
/// A contiguous piece (multiples of 16 bytes) by the copy engine; its bytes count for `barrier`.
CARNOT_DEVICE void copy_bulk(u32 to, const void* from, int bytes, u32 barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(to),
      "l"(from), "r"(bytes), "r"(barrier)
      : "memory");
}
/// A tensor map, as a launch hands it over.
struct alignas(64) TensorMap {
  u8 bytes[128];
};
/// Its box from element x of row y of matrix z on; zeros where nothing is.
CARNOT_DEVICE void copy_box(u32 to, const TensorMap* map, int x, int y, int z, u32 barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%2, %3, %4}], [%5];" ::"r"(to),
      "l"(map), "r"(x), "r"(y), "r"(z), "r"(barrier)
      : "memory");
}
CARNOT_DEVICE void prefetch_map(const TensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
/// The same to the same place of every block of the cluster in `mask`.
CARNOT_DEVICE void copy_bulk_to_all(u32 to, const void* from, int bytes, u32 barrier, u16 mask) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
      "[%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(mask)
      : "memory");
}

/// Around warpgroup products: what they accumulate into is theirs from here ...
CARNOT_DEVICE void warpgroup_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
CARNOT_DEVICE void warpgroup_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// ... until at most kPending groups are under way.
template <int kPending>
CARNOT_DEVICE void warpgroup_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
/// Registers move between the roles of a block.
template <int kRegisters>
CARNOT_DEVICE void more_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
CARNOT_DEVICE void fewer_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
/// A matrix descriptor's addresses and distances count sixteens of bytes.
CARNOT_DEVICE constexpr u64 descriptor_bytes(int bytes) {
  return static_cast<u64>(bytes) >> 4;
}
/// Rows of 128 swizzled bytes from a multiple of 1024, eight rows a kilobyte. Of a matrix that is
/// read across its rows, panels of 64 columns lie `panel` bytes apart.
CARNOT_DEVICE u64 matrix_descriptor(u32 address, int panel = 16) {
  constexpr u64 kSwizzle128 = u64{1} << 62, kEightRows = descriptor_bytes(1024) << 32;
  return kSwizzle128 | kEightRows | descriptor_bytes(panel) << 16 | (address & 0x3ffff) >> 4;
}

}  // namespace carnot::ptx
#endif
