#pragma once
// A kernel on host threads: each block is a thread, "device memory" is host memory. It is what runs where no GPU is,
// and the oracle for those that are.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/base/time.hpp"
#include "ringray/device/bell.hpp"
#include "ringray/device/lifecycle.hpp"
#include "ringray/device/resident.hpp"

namespace ringray::device {

/// What the threads of a kernel wait for.
struct CpuBells {
  std::vector<Bell> blocks;
  Bell host;     ///< there is mail, or a request was acknowledged
  Bell senders;  ///< there is room
};

/// The platform of a block that is a host thread. See Scheduler.
class CpuPlatform {
 public:
  using Policy = Near;
  using HostPolicy = Near;

  CpuPlatform(CpuBells& bells, std::uint32_t block) : bells_(&bells), block_(block) {}

  static constexpr int rank() { return 0; }
  static constexpr int size() { return 1; }
  static constexpr void sync() {}
  static Word wall_ns() {
    return static_cast<Word>(std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
  }
  static Word ticks() { return base::cycles(); }
  void wake(std::uint32_t block) const {
    if (block != block_) bells_->blocks[block].ring();
  }
  void wake_host() const { bells_->host.ring(); }
  void wake_senders() const { bells_->senders.ring(); }
  /// Returns when there may be work.
  template <class Scheduler>
  void idle(const Scheduler& scheduler) const {
    for (int spin = 0; spin < spins; ++spin) {
      base::pause();
      if (scheduler.has_work()) return std::this_thread::yield();  // it may be work that has to wait for the host
    }
    bells_->blocks[block_].wait([&] { return scheduler.has_work(); });
  }

 private:
  static constexpr int spins = 100;
  CpuBells* bells_;
  std::uint32_t block_;
};

struct KernelOptions {
  std::string name = "kernel";
  std::uint32_t blocks = 1;
  std::uint32_t egress_capacity = 1024;  ///< cells; a power of two
  base::Nanoseconds quantum{0};          ///< after which a block leaves and comes back; 0: never
  base::Nanoseconds clock_drift_max{0};  ///< of a message's clock before ours; 0: any
};

struct ActorSetup {
  std::uint32_t type = 0;
  const void* state = nullptr;
  std::size_t state_bytes = 0;
  std::uint32_t queue_capacity = 64;  ///< cells of each priority; a power of two
  Overflow overflow = Overflow::reject;
};

/// Any thread, but not from `mail`.
class CpuKernel {
 public:
  using RunBlock = void (*)(const Kernel&, std::uint32_t block, Turn&, const CpuPlatform&);
  /// Given every message to the host and every dead letter (envelope().reason()), by one thread of the kernel.
  using Mail = std::function<void(const Parcel&)>;

  /// ConfigError for what cannot be. The kernel is `created`.
  static Result<std::unique_ptr<CpuKernel>> create(KernelOptions options, RunBlock run, Mail mail);
  template <class Program>
  static Result<std::unique_ptr<CpuKernel>> create(KernelOptions options, Mail mail) {
    return create(std::move(options), &run_block<Program, CpuPlatform>, std::move(mail));
  }
  /// Terminates.
  ~CpuKernel();
  CpuKernel(const CpuKernel&) = delete;
  CpuKernel& operator=(const CpuKernel&) = delete;

  // Steps of the kernel's life, done when they return. InvalidTransitionError names the states.
  Result<void> launch();
  Result<void> activate();
  Result<void> suspend();
  Result<void> resume();
  /// Actors end; what they have not handled become dead letters. Twice is fine.
  Result<void> terminate();
  Life life() const;

  /// Runs `work` while no block runs: at message boundaries all leave, and come back afterwards.
  void exclusive(const std::function<void()>& work);

  /// A new actor, active; its block has the fewest. InvalidTransitionError unless the kernel is launched, active or
  /// suspended; OutOfMemoryError when all slots are taken.
  Result<Address> spawn(const ActorSetup& setup);
  /// Asks for a step of an actor's life and waits until it has the life that the step leads to, or another one: the
  /// result. ActorDiedError when it is gone; InvalidTransitionError.
  Result<Life> step(Address actor, Step step);
  /// terminated for one that is gone.
  Life life(Address actor) const;
  /// Error code of a handler that failed; 0: none.
  std::uint32_t error(Address actor) const;

  /// A message from the host (Packed<Message>). With Overflow::wait it waits for room until `deadline`.
  Delivery send(Word* words, base::Nanoseconds deadline = base::Nanoseconds::max());

  struct ActorReport {
    ActorCounters counters;
    MailboxStats mailbox;
  };
  ActorReport report(Address actor) const;
  struct Heartbeat {
    Word turns = 0;
    Word handling = 0;  ///< 1 + slot whose handler runs; 0: none
  };
  Heartbeat heartbeat(std::uint32_t block) const;
  std::uint64_t lost_letters() const;
  /// Times that blocks left and came back.
  std::uint64_t relaunches() const { return relaunches_.load(std::memory_order_relaxed); }

 private:
  struct Resident {  // what the host knows of a slot
    Life life = Life::terminated;
    std::uint32_t generation = 0;
    std::uint32_t error = 0;
    std::uint32_t capacity_log2 = 0;
    Overflow overflow = Overflow::reject;
    bool was_used = false, is_taken = false;
    std::unique_ptr<Cell[]> cells;
    std::vector<std::max_align_t> state;
  };

  CpuKernel(KernelOptions options, std::uint32_t egress_log2, RunBlock run, Mail mail);
  void run_thread(std::uint32_t block);
  void pump();
  void take_mail();
  void start_threads();
  void join_threads();
  void request(Request request);
  void await_acknowledged();
  void command(std::uint32_t block, Word* words);
  Result<Life> advance_to(Step step);
  Result<void> take_step(Step step, Request asked);
  Resident* find(Address actor);
  const Resident* find(Address actor) const { return const_cast<CpuKernel*>(this)->find(actor); }
  std::uint32_t choose_slot(std::uint32_t capacity_log2, Overflow overflow) const;

  static constexpr std::uint32_t command_log2 = 6;

  const KernelOptions options_;
  const RunBlock run_;
  const Mail mail_;
  std::unique_ptr<ActorSlot[]> slots_;
  std::unique_ptr<BlockWords[]> blocks_;
  std::unique_ptr<Cell[]> egress_cells_, command_cells_;
  LaneWords egress_;
  KernelWords words_;
  Kernel kernel_;
  CpuBells bells_;
  std::vector<std::thread> threads_;
  std::thread pump_;
  std::atomic<bool> pump_ends_{false};
  std::atomic<std::uint64_t> relaunches_{0};
  std::atomic<std::uint64_t> lost_by_host_{0};
  Bell changed_;  ///< a life changed

  std::mutex steps_;  ///< one step of the kernel's life at a time; guards threads_ and request_number_
  Word request_number_ = 0;
  mutable std::mutex lock_;  ///< guards what follows
  Life life_ = Life::created;
  std::vector<Resident> residents_;
  std::vector<LinkSender> commanders_;
};

}  // namespace ringray::device
