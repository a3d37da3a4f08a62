#pragma once
// The loop of a block: obey the host, pick an actor that has messages, handle up to eight of them, again. One source
// for the CPU, where a thread runs it, and for CUDA, where the block's first thread schedules and all of them handle.
//
// Everything that must survive lies in device memory and is right at every message boundary, so the loop may leave
// there at any time and another one may go on.

#include <cstdint>

#include "ringray/device/context.hpp"

namespace ringray::device {

RINGRAY_DEVICE inline int lowest_bit(Word word) {
#ifdef __CUDA_ARCH__
  return __ffsll(static_cast<long long>(word)) - 1;
#else
  return __builtin_ctzll(word);
#endif
}
RINGRAY_DEVICE inline int significant_bits(Word word) {
#ifdef __CUDA_ARCH__
  return 64 - __clzll(static_cast<long long>(word));
#else
  return word == 0 ? 0 : 64 - __builtin_clzll(word);
#endif
}

/// The scheduler of one block. Run by one thread: on a GPU that of rank 0. Platform: see cpu_platform.hpp.
template <class Platform>
class Scheduler {
 public:
  using Policy = typename Platform::Policy;
  using HostPolicy = typename Platform::HostPolicy;  ///< for words that the host reads or writes

  RINGRAY_DEVICE Scheduler(const Kernel& kernel, std::uint32_t block, Turn& turn, const Platform& platform)
      : kernel_(kernel), index_(block), words_(kernel.blocks[block]), turn_(turn), platform_(platform) {}

  /// Decides what to do now: turn.kind.
  RINGRAY_CALLED RINGRAY_DEVICE void next() {
    turn_.kind = turn_.saves ? TurnKind::save : TurnKind::nothing;
    if (turn_.saves) {  // before anything else can change it, or the block leaves
      turn_.saves = false;
      return;
    }
    HostPolicy::template store<Order::relaxed>(words_.heartbeat, ++turn_.heartbeat);
    if (const Word request = HostPolicy::template load<Order::acquire>(kernel_.words->request);
        request != turn_.request)
      if (begin_request(request)) return;
    const auto commands = commands_of<HostPolicy>(kernel_, index_);
    if (commands.peek(words_.commands.head, turn_.parcel.words) != 0) {
      end_pick();
      commands.receive(words_.commands, turn_.parcel.words);
      platform_.wake_senders();
      obey();
      return;
    }
    tell_host();
    if (turn_.left == 0 && quantum_is_over()) {
      turn_.kind = TurnKind::leave;
      return;
    }
    if (mode() != Request::run) return platform_.idle(*this);
    if (turn_.left == 0 && !pick()) return;
    fetch();
  }

  /// After the handler.
  RINGRAY_CALLED RINGRAY_DEVICE void finish(bool had_handler) {
    ActorSlot& slot = current();
    HostPolicy::template store<Order::relaxed>(words_.handling, Word{0});
    if (!had_handler) return bury_current(Reason::no_handler);
    const Word ticks = platform_.ticks() - turn_.ticks;
    const int bucket = significant_bits(ticks);
    count<Policy>(slot.counters.handled);
    count<Policy>(slot.counters.busy_ticks, ticks);
    count<Policy>(slot.counters.busy[bucket < histogram_buckets ? bucket : histogram_buckets - 1]);
    if (turn_.error == 0) {
      if (slot.checkpoint_every == 0 || ++slot.unsaved < slot.checkpoint_every) return;
      slot.unsaved = 0;
      turn_.saves = true;
      return count<Policy>(slot.counters.checkpoints);
    }
    const Envelope envelope = turn_.parcel.envelope();
    count<Policy>(slot.counters.failed);
    end_pick();
    slot.error = turn_.error;
    ++slot.failures;
    slot.failed_call = envelope.source.is_host() ? envelope.correlation : 0;
    live(turn_.slot, Life::failed);
  }

  /// A message, a command or a request may be there: who sleeps looks once more.
  RINGRAY_DEVICE bool has_work() const {
    if (HostPolicy::template load<Order::acquire>(kernel_.words->request) != turn_.request) return true;
    Parcel parcel;
    if (commands_of<HostPolicy>(kernel_, index_).peek(words_.commands.head, parcel.words) != 0) return true;
    for (std::uint32_t i = 0; i < mask_words; ++i)
      if (words_.notices[i] != 0) return true;
    return mode() == Request::run && any_ready();
  }

 private:
  RINGRAY_DEVICE Request mode() const { return static_cast<Request>(turn_.request & 3); }
  RINGRAY_DEVICE ActorSlot& current() const { return kernel_.slots[turn_.slot]; }

  /// True: the block leaves.
  RINGRAY_DEVICE bool begin_request(Word request) {
    end_pick();
    turn_.request = request;
    const bool leaves = mode() == Request::leave;
    if (leaves) turn_.kind = TurnKind::leave;
    // Release: who sees it sees all that was handled before.
    HostPolicy::template store<Order::release>(words_.acknowledged, request);
    platform_.wake_host();
    return leaves;
  }

  RINGRAY_DEVICE bool any_ready() const {
    for (std::uint32_t i = 0; i < mask_words; ++i) {
      Word ready = 0;
      for (int lane = 0; lane < priorities; ++lane)
        ready |= Policy::template load<Order::relaxed>(words_.ready[lane][i]);
      if ((ready & words_.enabled[i]) != 0) return true;
    }
    return false;
  }

  /// Begins with the next lane that may have messages; false when there is none, or not now.
  RINGRAY_CALLED RINGRAY_DEVICE bool pick() {
    // Handlers must be able to answer: not while the host is behind with what it got.
    const auto egress = egress_of<Policy>(kernel_);
    if (egress.depth() > egress.capacity() / 2) {
      platform_.idle(*this);
      return false;
    }
    const std::uint32_t choice = words_.choice++;
    for (int step = 0; step < priorities; ++step) {
      const int lane = lane_in_turn(choice, step);
      // From the rotor on, once around: its word is looked at twice.
      for (std::uint32_t k = 0; k <= mask_words; ++k) {
        const std::uint32_t i = (words_.rotor / 64 + k) % mask_words;
        const Word from_rotor = ~Word{0} << words_.rotor % 64;
        Word candidates = Policy::template load<Order::relaxed>(words_.ready[lane][i]) & words_.enabled[i];
        if (k == 0) candidates &= from_rotor;
        if (k == mask_words) candidates &= ~from_rotor;
        if (candidates == 0) continue;
        const int bit = lowest_bit(candidates);
        // Cleared before looking, so that a later message sets it again. Acquire: what was sent before is seen.
        Policy::template keep_bits<Order::acquire>(words_.ready[lane][i], ~(Word{1} << bit));
        words_.rotor = (i * 64 + static_cast<std::uint32_t>(bit) + 1) % actors_per_block;
        begin_pick(i * 64 + static_cast<std::uint32_t>(bit), lane);
        return true;
      }
    }
    platform_.idle(*this);
    return false;
  }

  RINGRAY_DEVICE void begin_pick(std::uint32_t local, int lane) {
    turn_.slot = index_ * actors_per_block + local;
    turn_.lane = static_cast<std::uint32_t>(lane);
    turn_.left = messages_per_pick;
    turn_.wall_ns = platform_.wall_ns();
    const auto mailbox = mailbox_of<Policy>(current());
    mailbox.note_depth();
    turn_.position = mailbox.lane(lane).position();
  }

  RINGRAY_DEVICE bool quantum_is_over() const {
    const Word ends = HostPolicy::template load<Order::relaxed>(kernel_.words->quantum_ends_ns);
    return ends != 0 && platform_.wall_ns() >= ends;
  }

  /// Gives back the cells that were read; what may be left is ready again.
  RINGRAY_DEVICE void end_pick() {
    if (turn_.left == 0) return;
    turn_.left = 0;
    give_back();
    set_ready<Policy>(kernel_, turn_.slot, static_cast<int>(turn_.lane));
  }
  RINGRAY_DEVICE void give_back() {
    const auto mailbox = mailbox_of<Policy>(current());
    if (mailbox.shared()) return;  // take_shared() did
    const auto lane = mailbox.lane(static_cast<int>(turn_.lane));
    if (lane.position() != turn_.position) {
      lane.release(turn_.position);
      platform_.wake_senders();
    }
  }

  /// The next message of the pick.
  RINGRAY_CALLED RINGRAY_DEVICE void fetch() {
    ActorSlot& slot = current();
    const auto mailbox = mailbox_of<Policy>(slot);
    const auto lane = mailbox.lane(static_cast<int>(turn_.lane));
    const std::uint32_t count =
        mailbox.shared() ? lane.take_shared(turn_.parcel.words) : lane.peek(turn_.position, turn_.parcel.words);
    if (count == 0) {
      turn_.left = 0;  // the ready bit stays clear: who is still writing sets it
      give_back();
      if (slot.life == Life::terminating) try_to_end(turn_.slot);
      return;
    }
    turn_.position = (turn_.position + count) & ~(Word{1} << 63);
    const Envelope envelope = turn_.parcel.envelope();
    const Reason reason = why_not(slot, envelope);
    if (reason == Reason::none) {
      slot.clock = base::hybrid_receive(slot.clock, turn_.wall_ns, envelope.clock);
      HostPolicy::template store<Order::relaxed>(words_.handling,
                                                 Handling{envelope.target, envelope.type, slot.type}.word());
      turn_.error = 0;
      turn_.kind = TurnKind::message;
      turn_.ticks = platform_.ticks();
    } else {
      bury_current(reason);
    }
    if (turn_.left == 1) {
      end_pick();
    } else {
      --turn_.left;
    }
  }

  RINGRAY_DEVICE Reason why_not(const ActorSlot& slot, const Envelope& envelope) const {
    if (envelope.target.generation() != slot.generation) return Reason::no_such_actor;
    if (slot.life == Life::terminating) return slot.error != 0 ? Reason::actor_failed : Reason::actor_terminated;
    if (kernel_.drift_ns_max != 0 && base::is_skewed(envelope.clock, turn_.wall_ns, kernel_.drift_ns_max))
      return Reason::clock_skew;
    if (const Word deadline = turn_.parcel.deadline(); deadline != 0 && base::hybrid_at(turn_.wall_ns) >= deadline)
      return Reason::expired;
    return Reason::none;
  }

  RINGRAY_CALLED RINGRAY_DEVICE void bury_current(Reason reason) {
    count<Policy>(current().counters.buried);
    if (!bury<Policy>(kernel_, turn_.parcel.words, reason)) count<Policy>(words_.lost_letters);
    platform_.wake_host();
  }

  // ---- life

  RINGRAY_DEVICE void enable(std::uint32_t slot, bool on) {
    const std::uint32_t local = slot % actors_per_block;
    const Word bit = Word{1} << local % 64;
    words_.enabled[local / 64] = on ? words_.enabled[local / 64] | bit : words_.enabled[local / 64] & ~bit;
  }
  /// Enters `life`; the host will be told.
  RINGRAY_DEVICE void live(std::uint32_t slot, Life life) {
    kernel_.slots[slot].life = life;
    enable(slot, life == Life::active || life == Life::terminating);
    const std::uint32_t local = slot % actors_per_block;
    words_.notices[local / 64] |= Word{1} << local % 64;
  }
  /// Tells the host of lives that changed, as far as there is room.
  RINGRAY_CALLED RINGRAY_DEVICE void tell_host() {
    for (std::uint32_t i = 0; i < mask_words; ++i)
      while (words_.notices[i] != 0) {
        const int bit = lowest_bit(words_.notices[i]);
        const std::uint32_t index = index_ * actors_per_block + i * 64 + static_cast<std::uint32_t>(bit);
        const ActorSlot& slot = kernel_.slots[index];
        const std::uint32_t generation = slot.life == Life::terminated ? slot.generation - 1 : slot.generation;
        Packed<LifeNotice> packed;
        Envelope envelope{.target = host_address, .source = Address::of(index, generation)};
        envelope.flags |= Envelope::refers_to_memory_flag;  // the address may be used now
        pack(packed.words, envelope,
             LifeNotice{index, generation, slot.life, slot.error, slot.failed_call, slot.failures, slot.obeyed});
        if (egress_of<Policy>(kernel_).send(packed.words) != Sent::accepted) return;
        words_.notices[i] &= ~(Word{1} << bit);
        platform_.wake_host();
      }
  }

  RINGRAY_CALLED RINGRAY_DEVICE void obey() {
    const Envelope envelope = turn_.parcel.envelope();
    const std::uint32_t index = envelope.target.slot();
    ActorSlot& slot = kernel_.slots[index];
    if (envelope.type == SpawnCommand::id) return spawn(index, turn_.parcel.as<SpawnCommand>());
    if (envelope.target.generation() != slot.generation) return;
    if (envelope.type == RecoverCommand::id) return recover(index);
    if (envelope.type != StepCommand::id) return;
    const auto [step, number] = turn_.parcel.as<StepCommand>();
    slot.obeyed = number;
    const Life life = after(slot.life, step);
    if (life == Life::count || slot.life == Life::terminated) return live(index, slot.life);  // tells what it is
    if (step == Step::restart) begin_again(slot);
    if (life == Life::terminating && slot.life != Life::terminating) {
      Policy::template store<Order::relaxed>(slot.occupant, Word{0});
      mailbox_of<Policy>(slot).close();
      live(index, life);
      for (int lane = 0; lane < priorities; ++lane) set_ready<Policy>(kernel_, index, lane);  // to be buried
      return;
    }
    live(index, life);
  }

  RINGRAY_DEVICE void spawn(std::uint32_t index, const SpawnCommand& command) {
    ActorSlot& slot = kernel_.slots[index];
    if (slot.cells == nullptr) {
      slot.cells = command.cells;
      slot.capacity_log2 = command.capacity_log2;
      slot.overflow = command.overflow;
    } else {
      mailbox_of<Policy>(slot).open();
    }
    slot.type = command.type;
    slot.state = command.state;
    slot.checkpoint = command.checkpoint;
    slot.state_bytes = command.state_bytes;
    slot.checkpoint_every = command.checkpoint == nullptr ? 0 : command.checkpoint_every;
    slot.unsaved = 0;
    slot.error = 0;
    slot.failures = 0;
    live(index, Life::active);
    Policy::template store<Order::release>(slot.occupant, Word{slot.generation} + 1);
  }

  RINGRAY_DEVICE void begin_again(ActorSlot& slot) {
    slot.error = 0;
    count<Policy>(slot.counters.restarts);
  }
  RINGRAY_DEVICE void recover(std::uint32_t index) {
    ActorSlot& slot = kernel_.slots[index];
    if (slot.life != Life::failed || slot.checkpoint == nullptr) return;
    begin_again(slot);
    slot.unsaved = 0;
    turn_.slot = index;
    turn_.kind = TurnKind::load;
    live(index, Life::active);
  }

  RINGRAY_DEVICE void try_to_end(std::uint32_t index) {
    ActorSlot& slot = kernel_.slots[index];
    if (!mailbox_of<Policy>(slot).drained()) return;  // who still writes sets a ready bit
    ++slot.generation;
    live(index, Life::terminated);
  }

  const Kernel& kernel_;
  const std::uint32_t index_;
  BlockWords& words_;
  Turn& turn_;
  const Platform& platform_;
};

/// Keeps the state of an actor, or brings it back. All threads of the block.
template <class Platform>
RINGRAY_DEVICE void copy_state(const ActorSlot& slot, TurnKind kind, const Platform& platform) {
  auto* to = static_cast<unsigned char*>(kind == TurnKind::save ? slot.checkpoint : slot.state);
  const auto* from = static_cast<const unsigned char*>(kind == TurnKind::save ? slot.state : slot.checkpoint);
  const auto step = static_cast<std::uint32_t>(platform.size()) * 8;
  for (auto at = static_cast<std::uint32_t>(platform.rank()) * 8; at < slot.state_bytes; at += step)
    std::memcpy(to + at, from + at, 8);
}

/// Runs a block until it leaves: because the host asked, or at the end of the quantum. All threads of the block, with
/// `turn` as new.
template <class Program, class Platform>
RINGRAY_DEVICE void run_block(const Kernel& kernel, std::uint32_t block, Turn& turn, const Platform& platform) {
  Scheduler<Platform> scheduler(kernel, block, turn, platform);
  for (;;) {
    if (platform.rank() == 0) scheduler.next();
    platform.sync();
    const TurnKind kind = turn.kind;
    if (kind == TurnKind::leave) return;
    bool handled = false;
    if (kind == TurnKind::message) {
      const ActorSlot& slot = kernel.slots[turn.slot];
      const Context<Platform> context(kernel, turn, platform);
      handled = Program::dispatch(context, slot.type, slot.state, turn.parcel);
    }
    if (kind == TurnKind::save || kind == TurnKind::load) copy_state(kernel.slots[turn.slot], kind, platform);
    platform.sync();
    if (kind == TurnKind::message && platform.rank() == 0) scheduler.finish(handled);
  }
}

}  // namespace ringray::device
