#include "ringray/execution/interrupt.hpp"

#include <pthread.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <utility>

#include "ringray/base/check.hpp"
#include "ringray/execution/crew.hpp"

namespace ringray::execution {
namespace {

// --- the end of a stack

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool watches = false;
#else
constexpr bool watches = true;
#endif
constexpr std::size_t signal_stack_bytes = 64 * 1024;  // the report takes a name from the compiler's demangler
constexpr std::array faults{SIGSEGV, SIGBUS};

std::atomic<Overflowed> report_overflow{nullptr};
std::array<struct sigaction, faults.size()> before;

void on_fault(int signal, siginfo_t* info, void* machine) {
  auto* worker = Worker::here();
  auto* fiber = worker ? worker->fiber : nullptr;
  const auto& previous = before[signal == SIGSEGV ? 0 : 1];
  if (const auto report = report_overflow.load(); report && fiber && fiber->overflows_at(info->si_addr)) {
    report({fiber->contexts.current, fiber->stack_bytes(), fiber->home == nullptr});
    ::signal(signal, SIG_DFL);  // the instruction faults again
  } else if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, machine);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);
    if (info->si_code <= 0) ::raise(signal);  // somebody sent it
  }
}

// --- questions

constexpr int question = SIGURG;  // ignored by default, so that one that comes late does no harm
std::atomic<Keep> asked{nullptr};

void on_question(int) {
  const int saved = errno;
  const auto keep = asked.load();
  if (auto* worker = Worker::here(); worker && keep) worker->answer(keep);
  errno = saved;
}

}  // namespace

OverflowWatch::OverflowWatch(Overflowed report) {
  if (!watches || !report) return;
  RINGRAY_ASSERT(report_overflow.exchange(report) == nullptr, "two pools watch for stack overflows");
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < faults.size(); ++i)
    RINGRAY_ASSERT(::sigaction(faults[i], &action, &before[i]) == 0, "sigaction");
}

OverflowWatch::~OverflowWatch() {
  if (!report_overflow.exchange(nullptr)) return;
  for (std::size_t i = 0; i < faults.size(); ++i)
    RINGRAY_ASSERT(::sigaction(faults[i], &before[i], nullptr) == 0, "sigaction");
}

SignalStack::SignalStack() {
  if (!watches) return;
  memory_ = std::make_unique_for_overwrite<char[]>(signal_stack_bytes);
  stack_t stack{};
  stack.ss_sp = memory_.get();
  stack.ss_size = signal_stack_bytes;
  RINGRAY_ASSERT(::sigaltstack(&stack, &before_) == 0, "a stack for signals");
}

SignalStack::~SignalStack() {
  if (memory_) RINGRAY_ASSERT(::sigaltstack(&before_, nullptr) == 0, "a stack for signals");
}

void Worker::answer(Keep keep) noexcept {
  kept_ = fiber ? keep(fiber->contexts.current) : nullptr;
  answers_.fetch_add(1, std::memory_order_release);
}

std::vector<Look> Pool::look(Keep keep, base::Nanoseconds patience) {
  auto& workers = crew_->workers;
  std::vector<Look> looks(workers.size());
  static std::mutex one_at_a_time;
  const std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock) return looks;
  struct sigaction action = {}, previous;
  action.sa_handler = on_question;
  action.sa_flags = SA_RESTART | SA_ONSTACK;  // a fiber may have little left of its own
  sigemptyset(&action.sa_mask);
  RINGRAY_ASSERT(::sigaction(question, &action, &previous) == 0, "sigaction");
  asked.store(keep);
  std::vector<std::uint32_t> before(workers.size());
  std::vector<bool> runs(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    before[i] = workers[i]->answers();
    runs[i] = workers[i]->interrupt(question);
  }
  const auto end = base::now() + patience;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    while (runs[i] && workers[i]->answers() == before[i] && base::now() < end) sched_yield();
    if (workers[i]->answers() == before[i]) continue;
    looks[i] = {true, workers[i]->kept()};
  }
  asked.store(nullptr);
  RINGRAY_ASSERT(::sigaction(question, &previous, nullptr) == 0, "sigaction");
  return looks;
}

std::uint64_t Pool::turns(unsigned worker) const noexcept { return crew_->workers[worker]->turns(); }

}  // namespace ringray::execution
