#pragma once
// The resident kernel where the host cannot touch the device's memory: a router stands between them. It moves messages
// between the links that the host shares with the device (pinned memory on a GPU) and the rings of the device, and is
// the only one there that touches what the host reads or writes. All else lies in device memory, so the kernel may
// leave at any message boundary and be launched again.
//
// Between launches the host writes `left` (0) and KernelWords (the request, and no end of the quantum): blocks may
// begin before the router does.

#include <cstdint>

#include "ringray/device/resident.hpp"

namespace ringray::device {

/// What the host tells the router, in shared memory; the host writes it alone.
struct alignas(128) HostBoard {
  Word request = 0;        ///< as KernelWords::request
  Word egress_credit = 0;  ///< of the link to the host
};
/// What the router tells the host of a block, in shared memory.
struct alignas(128) BlockBoard {
  Word heartbeat = 0, handling = 0, acknowledged = 0, lost_letters = 0;
};
/// What the router tells the host of itself, in shared memory.
struct alignas(128) RouterBoard {
  Word ingress_credit = 0, commands_credit = 0;  ///< of the links from the host
  Word lost_letters = 0;                         ///< dead letters for which the egress had no room
};
/// The router's own, in device memory.
struct RouterWords {
  LinkReceiver ingress, commands;
  LinkSender egress;
  Word lost_letters = 0;
  alignas(128) Word left = 0;  ///< blocks that have left since the launch
};
static_assert(sizeof(HostBoard) == 128 && sizeof(BlockBoard) == 128 && sizeof(RouterBoard) == 128);
static_assert(sizeof(RouterWords) == 640);

/// Parameter of the kernel. Cells and credits of the three links lie in shared memory.
struct ResidentKernel {
  Kernel kernel;
  KernelWords* words = nullptr;           ///< kernel.words, written by the router while the kernel is there
  LinkSender* command_senders = nullptr;  ///< for each block, to its command link
  RouterWords* router = nullptr;
  const HostBoard* host_board = nullptr;
  RouterBoard* router_board = nullptr;
  BlockBoard* block_boards = nullptr;
  Link<Far> ingress;                 ///< host to actors
  Link<Far> commands;                ///< host to blocks
  Link<Far> egress;                  ///< actors to host
  std::int64_t clock_offset_ns = 0;  ///< the host's wall clock minus the device's, measured at each launch
  Word quantum_ns = 0;               ///< 0: until asked to leave
};

/// Moves messages between the rings of the host and those of the device. One thread. Platform: as of a Scheduler.
template <class Platform>
class Router {
 public:
  using Policy = typename Platform::Policy;

  RINGRAY_DEVICE Router(const ResidentKernel& resident, Parcel& parcel, const Platform& platform)
      : resident_(resident), router_(*resident.router), parcel_(parcel), platform_(platform) {}

  /// Until all blocks have left.
  RINGRAY_CALLED RINGRAY_DEVICE void run() {
    Policy::template store<Order::relaxed>(resident_.words->quantum_ends_ns,
                                           resident_.quantum_ns == 0 ? 0 : platform_.wall_ns() + resident_.quantum_ns);
    bool is_shown = false;
    for (Word turn = 0;; ++turn) {
      const Word request = Far::load<Order::acquire>(resident_.host_board->request);
      Policy::template store<Order::release>(resident_.words->request, request);
      const bool moved = take_command() | take_message() | give_message();
      const bool all_left = Policy::template load<Order::acquire>(router_.left) == Word{resident_.kernel.blocks_count};
      if (all_left || !is_shown || turn % 256 == 0) is_shown = show_boards() == request;
      if (all_left && !give_message()) return;  // nothing more comes; what has no room waits for the next launch
      if (!moved) platform_.idle(*this);
    }
  }
  /// For Platform::idle(): whoever polls looks anyway.
  RINGRAY_DEVICE bool has_work() const { return false; }

 private:
  RINGRAY_CALLED RINGRAY_DEVICE bool take_command() {
    auto& own = router_.commands;
    if (resident_.commands.peek(own.head, parcel_.words) == 0) {
      if (own.returned != own.head) resident_.commands.give_back(own);  // not by receive(): one may come just now
      return false;
    }
    const std::uint32_t block = block_of(parcel_.envelope().target.slot());
    const auto link = commands_of<Policy>(resident_.kernel, block);
    if (!link.send(resident_.command_senders[block], parcel_.words)) return false;  // stays until there is room
    resident_.commands.receive(own, parcel_.words);
    return true;
  }
  /// What finds no room goes back as a dead letter: it must not hold up messages to others.
  RINGRAY_CALLED RINGRAY_DEVICE bool take_message() {
    // Room for the dead letter first.
    const auto letters = egress_of<Policy>(resident_.kernel);
    if (letters.capacity() - letters.depth() < parcel_cells_max) return false;
    if (resident_.ingress.receive(router_.ingress, parcel_.words) == 0) return false;
    const auto buried = [&](bool kept) {
      if (!kept) ++router_.lost_letters;
    };
    const auto delivery = deliver<Policy>(
        resident_.kernel, parcel_.words, [&](std::uint32_t block) { platform_.wake(block); }, buried);
    if (delivery == Delivery::full || delivery == Delivery::no_such_actor) {
      const auto reason = delivery == Delivery::full ? Reason::rejected : Reason::no_such_actor;
      buried(bury<Policy>(resident_.kernel, parcel_.words, reason));
    }
    return true;
  }
  RINGRAY_CALLED RINGRAY_DEVICE bool give_message() {
    const auto lane = egress_of<Policy>(resident_.kernel);
    const Word position = lane.position();
    const std::uint32_t count = lane.peek(position, parcel_.words);
    if (count == 0 || !resident_.egress.send(router_.egress, parcel_.words)) return false;
    lane.release((position + count) & ~(Word{1} << 63));
    return true;
  }
  /// The request that all blocks act by, or one that is none.
  RINGRAY_CALLED RINGRAY_DEVICE Word show_boards() {
    Word common = 0;
    for (std::uint32_t block = 0; block < resident_.kernel.blocks_count; ++block) {
      const auto& from = resident_.kernel.blocks[block];
      auto& to = resident_.block_boards[block];
      Far::store<Order::relaxed>(to.heartbeat, Policy::template load<Order::relaxed>(from.heartbeat));
      Far::store<Order::relaxed>(to.handling, Policy::template load<Order::relaxed>(from.handling));
      Far::store<Order::relaxed>(to.lost_letters, Policy::template load<Order::relaxed>(from.lost_letters));
      const Word acknowledged = Policy::template load<Order::acquire>(from.acknowledged);
      Far::store<Order::release>(to.acknowledged, acknowledged);
      common = block == 0 || common == acknowledged ? acknowledged : ~Word{0};
    }
    Far::store<Order::relaxed>(resident_.router_board->lost_letters, router_.lost_letters);
    return common;
  }

  const ResidentKernel& resident_;
  RouterWords& router_;
  Parcel& parcel_;
  const Platform& platform_;
};

}  // namespace ringray::device
