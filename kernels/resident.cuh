#pragma once
// The resident kernel on a GPU: one block routes between host and actors (ringray/device/router.hpp), the others
// schedule actors (ringray/device/resident.hpp). A program of one's own is compiled by one line in a .cu file:
//
//   RINGRAY_RESIDENT_KERNEL(my_kernel, ringray::device::Program<Wave, Echo>)
//
// Compiled for sm_80 and sm_90 in every test run; not yet run on a GPU.

#include <cstdint>
#include <new>

#include "ringray/device/layout.hpp"
#include "ringray/device/router.hpp"

namespace ringray::kernels {

using device::Near;
using device::Order;
using device::ResidentKernel;
using device::Word;

/// The platform of a block of threads. See device::Scheduler. The router stands between it and the host, so that what
/// the host reads and writes is near, too.
struct CudaPlatform {
  using Policy = Near;
  using HostPolicy = Near;
  std::int64_t clock_offset_ns;  ///< the host's wall clock minus the device's, measured at each launch

  __device__ int rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { __syncthreads(); }
  __device__ Word wall_ns() const {
    Word now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now + static_cast<Word>(clock_offset_ns);
  }
  __device__ Word ticks() const { return static_cast<Word>(clock64()); }
  __device__ void wake(std::uint32_t) const {}  // blocks poll
  __device__ void wake_host() const {}          // the router does
  __device__ void wake_senders() const {}
  template <class Scheduler>
  __device__ void idle(const Scheduler&) const {
    __nanosleep(100);
  }
};

/// Block 0 routes, block b + 1 is block b of the kernel.
template <class Program>
__device__ void run_resident(const ResidentKernel& resident) {
  alignas(16) __shared__ unsigned char memory[sizeof(device::Turn)];
  auto& turn = *reinterpret_cast<device::Turn*>(memory);
  if (threadIdx.x == 0) new (memory) device::Turn;
  __syncthreads();
  const CudaPlatform platform{resident.clock_offset_ns};
  if (blockIdx.x == 0) {
    if (threadIdx.x == 0) device::Router<CudaPlatform>(resident, turn.parcel, platform).run();
    return;
  }
  device::run_block<Program>(resident.kernel, blockIdx.x - 1, turn, platform);
  if (threadIdx.x == 0) Near::add<Order::release>(resident.router->left, Word{1});
}

/// The handshake: what this compiler makes of the shared structs, to be compared by device::layout_difference.
template <class Program>
__device__ void report_layout(device::LayoutReport* report) {
  *report = device::layout_report();
}

}  // namespace ringray::kernels

#define RINGRAY_RESIDENT_THREADS 256
/// Defines the kernels `name` and `name`_layout.
#define RINGRAY_RESIDENT_KERNEL(name, ...)                                     \
  __global__ void __launch_bounds__(RINGRAY_RESIDENT_THREADS, 1)               \
      name(const __grid_constant__ ringray::device::ResidentKernel resident) { \
    ringray::kernels::run_resident<__VA_ARGS__>(resident);                     \
  }                                                                            \
  __global__ void name##_layout(ringray::device::LayoutReport* report) {       \
    ringray::kernels::report_layout<__VA_ARGS__>(report);                      \
  }
