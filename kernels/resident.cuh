#pragma once
// The resident kernel: one block routes between host and actors, the others schedule actors
// (ringray/device/resident.hpp). A program of one's own is compiled for GPUs by one line in a .cu file:
//
//   RINGRAY_RESIDENT_KERNEL(my_kernel, ringray::device::Program<Wave, Echo>)
//
// Only the router touches host memory. All state lies in device memory, so the kernel may leave at any message boundary
// and be launched again. Compiled for sm_80 and sm_90 in every test run; not yet run on a GPU.

#include <cstdint>
#include <new>

#include "ringray/device/layout.hpp"
#include "ringray/device/resident.hpp"

namespace ringray::kernels {

using device::Far;
using device::Near;
using device::Order;
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

/// What the router tells the host of a block, in pinned host memory.
struct alignas(128) BlockBoard {
  Word heartbeat = 0, handling = 0, acknowledged = 0, lost_letters = 0;
};
/// What the host tells the router, in pinned host memory; the host writes it alone.
struct alignas(128) HostBoard {
  Word request = 0;
};
/// The router's own, in device memory.
struct RouterWords {
  device::LinkReceiver ingress, commands;
  device::LinkSender egress;
  alignas(128) Word left =
      0;  ///< blocks that have left since the launch; the host sets this and the quantum's end to 0 before it
};

/// Parameter of the kernel. Cells and credits of the three links lie in pinned host memory.
struct ResidentKernel {
  device::Kernel kernel;
  device::KernelWords* words;           ///< kernel.words, written by the router
  device::LinkSender* command_senders;  ///< for each block, to its command link
  RouterWords* router;
  const HostBoard* host_board;
  BlockBoard* block_boards;
  device::Link<Far> ingress;   ///< host to actors
  device::Link<Far> commands;  ///< host to blocks
  device::Link<Far> egress;    ///< actors to host
  std::int64_t clock_offset_ns;
  Word quantum_ns;  ///< 0: until asked to leave
};

/// Moves messages between the rings of the host and those of the device. One thread.
class Router {
 public:
  __device__ Router(const ResidentKernel& resident, device::Parcel& parcel) : resident_(resident), parcel_(parcel) {}

  __noinline__ __device__ void run(const CudaPlatform& platform) {
    auto& router = *resident_.router;
    Near::store<Order::relaxed>(resident_.words->quantum_ends_ns,
                                resident_.quantum_ns == 0 ? 0 : platform.wall_ns() + resident_.quantum_ns);
    for (Word turn = 0;; ++turn) {
      // Blocks obey the request that was there when they were launched as well as later ones.
      Near::store<Order::release>(resident_.words->request, Far::load<Order::acquire>(resident_.host_board->request));
      const bool moved = take_command() | take_message() | give_message();
      const bool all_left = Near::load<Order::acquire>(router.left) == resident_.kernel.blocks_count;
      if (all_left || turn % 256 == 0) show_boards();
      if (all_left && !give_message()) return;  // nothing more comes; what has no room waits for the next launch
      if (!moved) platform.idle(*this);
    }
  }

 private:
  __noinline__ __device__ bool take_command() {
    auto& own = resident_.router->commands;
    if (resident_.commands.peek(own.head, parcel_.words) == 0)
      return resident_.commands.receive(own, parcel_.words) != 0;
    const std::uint32_t block = device::block_of(parcel_.envelope().target.slot());
    const auto link = device::commands_of<Near>(resident_.kernel, block);
    if (!link.send(resident_.command_senders[block], parcel_.words)) return false;  // stays until there is room
    resident_.commands.receive(own, parcel_.words);
    return true;
  }
  /// What finds no room goes back as a dead letter: it must not hold up messages to others.
  __noinline__ __device__ bool take_message() {
    // Room for the dead letter first.
    const auto letters = device::egress_of<Near>(resident_.kernel);
    if (letters.capacity() - letters.depth() < device::parcel_cells_max) return false;
    if (resident_.ingress.receive(resident_.router->ingress, parcel_.words) == 0) return false;
    const auto buried = [&](bool kept) {
      if (!kept) device::count<Near>(resident_.kernel.blocks[0].lost_letters);
    };
    const auto delivery = device::deliver<Near>(
        resident_.kernel, parcel_.words, [](std::uint32_t) {}, buried);
    if (delivery == device::Delivery::full || delivery == device::Delivery::no_such_actor) {
      const auto reason = delivery == device::Delivery::full ? device::Reason::rejected : device::Reason::no_such_actor;
      buried(device::bury<Near>(resident_.kernel, parcel_.words, reason));
    }
    return true;
  }
  __noinline__ __device__ bool give_message() {
    const auto lane = device::egress_of<Near>(resident_.kernel);
    const Word position = lane.position();
    const std::uint32_t count = lane.peek(position, parcel_.words);
    if (count == 0 || !resident_.egress.send(resident_.router->egress, parcel_.words)) return false;
    lane.release((position + count) & ~(Word{1} << 63));
    return true;
  }
  __noinline__ __device__ void show_boards() {
    for (std::uint32_t block = 0; block < resident_.kernel.blocks_count; ++block) {
      const auto& from = resident_.kernel.blocks[block];
      auto& to = resident_.block_boards[block];
      Far::store<Order::relaxed>(to.heartbeat, Near::load<Order::relaxed>(from.heartbeat));
      Far::store<Order::relaxed>(to.handling, Near::load<Order::relaxed>(from.handling));
      Far::store<Order::relaxed>(to.lost_letters, Near::load<Order::relaxed>(from.lost_letters));
      Far::store<Order::release>(to.acknowledged, Near::load<Order::acquire>(from.acknowledged));
    }
  }

  const ResidentKernel& resident_;
  device::Parcel& parcel_;
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
    if (threadIdx.x == 0) Router(resident, turn.parcel).run(platform);
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
#define RINGRAY_RESIDENT_KERNEL(name, ...)                                      \
  __global__ void __launch_bounds__(RINGRAY_RESIDENT_THREADS, 1)                \
      name(const __grid_constant__ ringray::kernels::ResidentKernel resident) { \
    ringray::kernels::run_resident<__VA_ARGS__>(resident);                      \
  }                                                                             \
  __global__ void name##_layout(ringray::device::LayoutReport* report) {        \
    ringray::kernels::report_layout<__VA_ARGS__>(report);                       \
  }
