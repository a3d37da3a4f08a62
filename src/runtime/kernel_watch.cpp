#include "ringray/runtime/kernel_watch.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>

#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/base/thread_local.hpp"
#include "ringray/execution/interrupt.hpp"
#include "ringray/execution/topology.hpp"

namespace ringray::runtime {
namespace {

struct KernelThread {
  const device::HostedKernel& hosted;
  std::uint32_t block;
  const std::string& kernel;
  const device::ProgramNames& program;
};
RINGRAY_NEAR_THREAD constinit thread_local const KernelThread* this_thread = nullptr;

template <class... Values>
std::size_t write(char* text, std::size_t room, fmt::format_string<Values...> format, const Values&... values) {
  return std::min(room, fmt::vformat_to_n(text, room, format, fmt::make_format_args(values...)).size);
}

double in_seconds(base::Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

HandlerName::HandlerName(const std::string& kernel, const device::ProgramNames& program,
                         const device::Handling& handling) noexcept {
  const auto& actor = program.actors[handling.type];
  const auto message = std::find_if(actor.messages.begin(), actor.messages.end(),
                                    [&](const auto& one) { return one.first == handling.message; });
  const std::string_view name = actor.name, of_kernel = kernel;
  const auto slot = handling.actor.slot();
  size_ = message == actor.messages.end()
              ? write(text_, room, "device actor '{}' (slot {}) of kernel '{}'", name, slot, of_kernel)
              : write(text_, room, "a handler of device actor '{}' (slot {}, message '{}') of kernel '{}'", name, slot,
                      std::string_view(message->second), of_kernel);
}

KernelThreadName::KernelThreadName() noexcept {
  if (!this_thread) return;
  const auto& [hosted, block, kernel, program] = *this_thread;
  const std::string_view name = kernel;
  if (block == hosted.blocks()) {
    size_ = write(text_, room, "the thread of kernel '{}' that takes its messages to the host", name);
  } else if (const auto beat = hosted.heartbeat(block); beat.handling) {
    static_cast<HandlerName&>(*this) = HandlerName(kernel, program, *beat.handling);
    of_handler_ = true;
  } else {
    size_ = write(text_, room, "the runtime in block {} of kernel '{}'", block, name);
  }
}

device::AroundThread kernel_threads(std::shared_ptr<const std::string> kernel, const device::ProgramNames& program,
                                    bool workers_are_pinned) {
  return [kernel = std::move(kernel), &program, workers_are_pinned](
             const device::HostedKernel& hosted, std::uint32_t block, const std::function<void()>& run) {
    if (workers_are_pinned) execution::unpin_this_thread();
    const auto name = block == hosted.blocks() ? "ringray-kmail" : "ringray-k" + std::to_string(block);
    pthread_setname_np(pthread_self(), name.c_str());
    const execution::SignalStack stack_for_signals;
    const KernelThread thread{hosted, block, *kernel, program};
    this_thread = &thread;
    run();
    this_thread = nullptr;
  };
}

KernelWatch::KernelWatch(std::shared_ptr<const device::HostedKernel> hosted, std::shared_ptr<const std::string> kernel,
                         const device::ProgramNames& program, base::Nanoseconds watchdog)
    : hosted_(std::move(hosted)),
      kernel_(std::move(kernel)),
      program_(program),
      watchdog_(watchdog),
      seen_(hosted_->blocks()) {}

base::Nanoseconds KernelWatch::running(std::uint32_t block, base::Nanoseconds now) {
  auto& seen = seen_[block];
  const auto beat = hosted_->heartbeat(block);
  if (!beat.handling || !seen.beat.handling || beat.turns != seen.beat.turns || *beat.handling != *seen.beat.handling)
    seen = {beat, now, watchdog_};
  return beat.handling ? now - seen.since : base::Nanoseconds{};
}

HandlerName KernelWatch::name_of(const Seen& seen) const { return {*kernel_, program_, *seen.beat.handling}; }

void KernelWatch::look(base::Nanoseconds now) {
  std::vector<std::pair<HandlerName, base::Nanoseconds>> overdue;
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t block = 0; block < seen_.size(); ++block) {
      const auto time = running(block, now);
      auto& seen = seen_[block];
      if (time == time.zero() || watchdog_ == watchdog_.zero() || time < seen.warn_after) continue;
      if (seen.warn_after == watchdog_) base::count(Metric::handlers_overdue);
      while (seen.warn_after <= time) seen.warn_after *= 2;
      overdue.emplace_back(name_of(seen), time);
    }
  }
  for (const auto& [name, time] : overdue)  // without the lock: whoever reads the log may be slow
    log::warning(
        "{} has run for {:.1f} s; other actors of its block, and whoever terminates the kernel, wait for its end",
        name.view(), in_seconds(time));
}

std::string KernelWatch::report(base::Nanoseconds now) {
  constexpr auto noteworthy = std::chrono::seconds(1);
  std::string text;
  const std::lock_guard lock(mutex_);
  for (std::uint32_t block = 0; block < seen_.size(); ++block)
    if (const auto time = running(block, now); time >= noteworthy)
      text += fmt::format("  {} runs, for {:.3f} s\n", name_of(seen_[block]).view(), in_seconds(time));
  return text;
}

std::string KernelWatch::what_runs() const {
  for (std::uint32_t block = 0; block < seen_.size(); ++block)
    if (const auto beat = hosted_->heartbeat(block); beat.handling)
      return std::string(HandlerName(*kernel_, program_, *beat.handling).view());
  return "kernel '" + *kernel_ + "'";
}

}  // namespace ringray::runtime
