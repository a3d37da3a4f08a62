#pragma once
// Who runs in a kernel of device actors, and since when: for reports of crashes and of hangs, and for the watchdog.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringray/device/hosted_kernel.hpp"

namespace ringray::device {

/// What reports call the actors of a program, by their type, and the messages that these handle.
struct ProgramNames {
  struct Actor {
    std::string name;
    std::vector<std::pair<std::uint16_t, std::string>> messages;
  };
  std::vector<Actor> actors;
};

}  // namespace ringray::device

namespace ringray::runtime {

/// "a handler of device actor 'Echo' (slot 3, message 'Ping') of kernel 'sim'". Neither allocates nor locks.
class HandlerName {
 public:
  HandlerName() = default;
  HandlerName(const std::string& kernel, const device::ProgramNames& program,
              const device::Handling& handling) noexcept;
  std::string_view view() const noexcept { return {text_, size_}; }

 protected:
  static constexpr std::size_t room = 480;
  char text_[room];
  std::size_t size_ = 0;
};

/// What the calling thread runs of a kernel; empty when it is no kernel's. Signal handlers, too.
class KernelThreadName : public HandlerName {
 public:
  KernelThreadName() noexcept;
  bool of_handler() const noexcept { return of_handler_; }

 private:
  bool of_handler_ = false;
};

/// For KernelOptions: the threads have names, and are not bound to the core of a pinned worker. `program` outlives
/// them.
device::AroundThread kernel_threads(std::shared_ptr<const std::string> kernel, const device::ProgramNames& program,
                                    bool workers_are_pinned);

/// The handlers of one kernel. Any thread.
class KernelWatch {
 public:
  /// `watchdog`: 0: none.
  KernelWatch(std::shared_ptr<const device::HostedKernel> hosted, std::shared_ptr<const std::string> kernel,
              const device::ProgramNames& program, base::Nanoseconds watchdog);
  const device::HostedKernel& hosted() const noexcept { return *hosted_; }
  const std::string& kernel() const noexcept { return *kernel_; }
  /// Often: logs a handler that has run for longer than the watchdog, and again when it has for twice that time.
  void look(base::Nanoseconds now);
  /// A line for each handler that was seen more than a second ago and still runs.
  std::string report(base::Nanoseconds now);
  /// One handler that runs, or the kernel.
  std::string what_runs() const;

 private:
  struct Seen {
    device::Heartbeat beat;
    base::Nanoseconds since{};
    base::Nanoseconds warn_after{};  ///< of running
  };
  /// Brings `seen` up to date: how long its handler has run at least; 0: there is none.
  base::Nanoseconds running(std::uint32_t block, base::Nanoseconds now);
  HandlerName name_of(const Seen& seen) const;

  const std::shared_ptr<const device::HostedKernel> hosted_;
  const std::shared_ptr<const std::string> kernel_;
  const device::ProgramNames& program_;
  const base::Nanoseconds watchdog_;
  std::mutex mutex_;        // guards what follows
  std::vector<Seen> seen_;  // by block
};

}  // namespace ringray::runtime
