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
#include "ringray/device/hosted_kernel.hpp"
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

/// Any thread, but not from `mail` and `notices`.
class CpuKernel final : public HostedKernel {
 public:
  using RunBlock = void (*)(const Kernel&, std::uint32_t block, Turn&, const CpuPlatform&);

  /// ConfigError for what cannot be. The kernel is `created`.
  static Result<std::unique_ptr<CpuKernel>> create(KernelOptions options, RunBlock run, Mail mail,
                                                   Notices notices = {});
  template <class Program>
  static Result<std::unique_ptr<CpuKernel>> create(KernelOptions options, Mail mail, Notices notices = {}) {
    return create(std::move(options), &run_block<Program, CpuPlatform>, std::move(mail), std::move(notices));
  }
  /// Terminates.
  ~CpuKernel() override;
  CpuKernel(const CpuKernel&) = delete;
  CpuKernel& operator=(const CpuKernel&) = delete;

  // HostedKernel
  Result<void> launch() override;
  Result<void> activate() override;
  Result<void> suspend() override;
  Result<void> resume() override;
  Result<void> terminate() override;
  Life life() const override;
  void exclusive(const std::function<void()>& work) override;
  Result<Address> spawn(const ActorSetup& setup) override;
  Result<Life> step(Address actor, Step step) override;
  bool recover(Address actor) override;
  std::vector<ActorInfo> actors() const override;
  Result<StateBytes> checkpoint(Address actor) override;
  Result<void> restore(Address actor, const StateBytes& state) override;
  Life life(Address actor) const override;
  Overflow overflow(Address actor) const override;
  std::uint32_t error(Address actor) const override;
  Delivery send(Word* words, base::Nanoseconds deadline = base::Nanoseconds::max()) override;
  Telemetry telemetry() const override;
  std::uint64_t lost_letters() const override;
  std::uint32_t blocks() const override { return options_.blocks; }
  Heartbeat heartbeat(std::uint32_t block) const override;

  struct ActorReport {
    ActorCounters counters;
    MailboxStats mailbox;
  };
  ActorReport report(Address actor) const;
  /// Times that blocks left and came back.
  std::uint64_t relaunches() const { return relaunches_.load(std::memory_order_relaxed); }

 private:
  struct Resident {  // what the host knows of a slot
    Life life = Life::terminated;
    std::uint32_t generation = 0;
    std::uint32_t error = 0;
    std::uint32_t asked = 0, obeyed = 0;  // numbers of StepCommands
    std::uint32_t capacity_log2 = 0;
    Overflow overflow = Overflow::reject;
    bool was_used = false, is_taken = false;
    std::unique_ptr<Cell[]> cells;
    std::uint32_t type = 0;
    std::size_t state_bytes = 0;
    std::vector<std::max_align_t> state, checkpoint;
  };

  CpuKernel(KernelOptions options, std::uint32_t egress_log2, RunBlock run, Mail mail, Notices notices);
  void begin_thread(std::uint32_t block, const std::function<void()>& run);
  void run_block_thread(std::uint32_t block);
  void pump();
  void take_mail();
  void tell_of_lost();
  void note(const LifeNotice& notice);
  void start_threads();
  void join_threads();
  void request(Request request);
  void await_acknowledged();
  void command(std::uint32_t block, Word* words);
  std::uint32_t command(Address actor, Step step);
  bool try_command(std::uint32_t block, Word* words);
  Result<Resident*> living(Address actor);
  Result<Life> advance_to(Step step);
  Result<void> take_step(Step step, Request asked);
  Resident* find(Address actor);
  const Resident* find(Address actor) const { return const_cast<CpuKernel*>(this)->find(actor); }
  std::uint32_t choose_slot(std::uint32_t capacity_log2, Overflow overflow) const;

  static constexpr std::uint32_t command_log2 = 6;

  const KernelOptions options_;
  const RunBlock run_;
  const Mail mail_;
  const Notices notices_;
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
  std::uint64_t lost_seen_ = 0;  // by the pump
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
