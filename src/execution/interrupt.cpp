#include "ringray/execution/interrupt.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "ringray/base/check.hpp"
#include "ringray/execution/crew.hpp"

namespace ringray::execution {
namespace {

// --- crashes

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool watches = false;
#else
constexpr bool watches = true;
#endif
constexpr std::size_t signal_stack_bytes = 64 * 1024;  // the handlers from before run there, too
constexpr std::array crashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

std::atomic<Crashed> report_crash{nullptr};
std::array<struct sigaction, crashes.size()> before;
std::atomic<pid_t> reporting{0};  // the thread

void report(const Crash& crash) {
  const auto tell = report_crash.load();
  pid_t other = 0;
  if (!tell) return;
  if (!reporting.compare_exchange_strong(other, gettid())) {
    // This thread's end would cut off what another one says. Of two crashes in one thread the second is the report's.
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
    for (int i = 0; i < 3000 && other != gettid() && reporting.load() != 0; ++i) nanosleep(&moment, nullptr);
    return;
  }
  tell(crash);
  reporting.store(0);
}

void on_crash(int signal, siginfo_t* info, void* machine) {
  const auto* worker = Worker::here();
  const auto* fiber = worker ? worker->fiber : nullptr;
  const bool sent = info->si_code <= 0;
  Crash crash{.signal = signal,
              .address = sent ? nullptr : info->si_addr,
              .worker = worker != nullptr,
              .context = fiber ? fiber->contexts.current : nullptr};
  if ((signal == SIGSEGV || signal == SIGBUS) && !sent && fiber && fiber->overflows_at(info->si_addr)) {
    crash.stack_bytes = fiber->stack_bytes();
    crash.thread_stack = fiber->home != nullptr;
  }
  report(crash);
  const auto& previous =
      before[static_cast<std::size_t>(std::find(crashes.begin(), crashes.end(), signal) - crashes.begin())];
  if (crash.stack_bytes != 0) {
    ::signal(signal, SIG_DFL);  // the instruction faults again
  } else if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, machine);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);
    if (sent) ::raise(signal);
  }
}

// --- questions

constexpr int question = SIGURG;  // ignored by default, so that one that comes late does no harm
std::atomic<Keep> asked{nullptr};
std::atomic<std::uint32_t> questions{0};

void on_question(int) {
  const int saved = errno;
  if (auto* worker = Worker::here()) worker->answer();
  errno = saved;
}

}  // namespace

CrashWatch::CrashWatch(Crashed report) {
  if (!watches || !report) return;
  RINGRAY_ASSERT(report_crash.exchange(report) == nullptr, "two pools watch for crashes");
  struct sigaction action = {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < crashes.size(); ++i)
    RINGRAY_ASSERT(::sigaction(crashes[i], &action, &before[i]) == 0, "sigaction");
}

CrashWatch::~CrashWatch() {
  if (!report_crash.exchange(nullptr)) return;
  for (std::size_t i = 0; i < crashes.size(); ++i)
    RINGRAY_ASSERT(::sigaction(crashes[i], &before[i], nullptr) == 0, "sigaction");
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

void Worker::answer() noexcept {
  answering_.store(true);
  // Once for each question: a signal of an earlier one may come late.
  if (const auto keep = asked.load(); keep && std::exchange(answered_, questions.load()) != questions.load()) {
    kept_ = fiber ? keep(fiber->contexts.current) : nullptr;
    answers_.fetch_add(1, std::memory_order_release);
  }
  answering_.store(false, std::memory_order_release);
}

std::vector<Look> Pool::look(Keep keep, base::Nanoseconds patience, InSystemCall sleepers) {
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
  std::vector<std::uint32_t> before(workers.size());
  std::vector<bool> runs(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i) before[i] = workers[i]->answers();
  questions.fetch_add(1);
  asked.store(keep);
  for (std::size_t i = 0; i < workers.size(); ++i) runs[i] = workers[i]->interrupt(question, sleepers);
  const auto end = base::now() + patience;
  for (std::size_t i = 0; i < workers.size(); ++i)
    while (runs[i] && workers[i]->answers() == before[i] && base::now() < end) sched_yield();
  asked.store(nullptr);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    while (workers[i]->answering()) sched_yield();  // it has begun, and what it keeps has to reach the caller
    if (workers[i]->answers() != before[i]) looks[i] = {true, workers[i]->kept()};
  }
  RINGRAY_ASSERT(::sigaction(question, &previous, nullptr) == 0, "sigaction");
  return looks;
}

std::uint64_t Pool::turns(unsigned worker) const noexcept { return crew_->workers[worker]->turns(); }

}  // namespace ringray::execution
