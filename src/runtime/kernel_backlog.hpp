#pragma once
// Messages of other ranks that wait for room in the mailbox of a device actor.

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "ringray/device/hosted_kernel.hpp"
#include "ringray/runtime/kernel_calls.hpp"

namespace ringray::runtime {

/// Of one kernel; in the order in which they came to each actor, whatever their priority. Nobody waits in it. Any
/// thread.
class KernelBacklog : public std::enable_shared_from_this<KernelBacklog> {
 public:
  struct Letter {
    device::Words words;
    device::Overflow overflow;
    base::Nanoseconds deadline;
  };
  static constexpr std::size_t letters_max = 4096;  ///< for each actor; more are refused

  KernelBacklog(std::shared_ptr<device::HostedKernel> kernel, std::shared_ptr<KernelCalls> calls,
                std::shared_ptr<const std::string> name)
      : kernel_(std::move(kernel)), calls_(std::move(calls)), name_(std::move(name)) {}
  void push(Letter letter);
  /// The kernel has ended.
  void clear();
  /// Messages that it did not take, or gave up.
  std::uint64_t refused() const noexcept { return refusals_.load(std::memory_order_relaxed); }

 private:
  struct Refused {
    Letter letter;
    device::Reason reason;
  };
  struct Queue {
    std::deque<Letter> letters;  // not empty
    base::Nanoseconds pause, due;
    void wait(base::Nanoseconds longer, base::Nanoseconds now) { pause = longer, due = now + longer; }
  };

  bool settle(Letter& letter);
  void retry(base::Nanoseconds armed_for);
  void retry_at(base::Nanoseconds due);
  void bury_refused(std::unique_lock<std::mutex>& lock);

  const std::shared_ptr<device::HostedKernel> kernel_;
  const std::shared_ptr<KernelCalls> calls_;
  const std::shared_ptr<const std::string> name_;
  std::atomic<std::uint64_t> refusals_{0};
  std::mutex mutex_;                                 // guards what follows
  std::unordered_map<std::uint32_t, Queue> queues_;  // by address
  std::vector<Refused> refused_;
  bool told_ = false;                                        // that messages are lost
  base::Nanoseconds next_retry_ = base::Nanoseconds::max();  // for which a timer is armed
};

}  // namespace ringray::runtime
