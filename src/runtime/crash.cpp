// What a rank that crashes says of itself: one line, then the signal does what it would have done.

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::runtime {
namespace {

// The handler may neither allocate nor lock, and the name of a task takes both: the thread that watches for signals
// makes the line. When it does not (it waits for what the crashed thread holds), the handler says what it can.
std::atomic<const execution::Crash*> happening{nullptr};
std::atomic<bool> said{false};
std::atomic<bool> written{false};
constexpr int patience_ms = 1000;

const char* text_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV, it used memory that is not there";
    case SIGBUS:
      return "SIGBUS, it used memory that its file or device does not have";
    case SIGFPE:
      return "SIGFPE, an integer divided by zero or similar";
    case SIGILL:
      return "SIGILL, no instruction of this machine";
    default:
      return "SIGABRT, it called abort() or an assertion failed";
  }
}

/// Of whom users can say something: what ran users' code, and the driver.
const Running* who(const execution::Crash& crash) {
  const auto* now = static_cast<const Running*>(crash.context);
  return now && (now->is_driver() || now->inside) ? now : nullptr;
}

const char* nobody(const execution::Crash& crash) {
  if (!crash.worker) return "a thread of the program's own";
  return crash.context ? "the runtime around a task, or what encodes or destroys its values" : "the runtime";
}

void say(const execution::Crash& crash, std::string_view name) noexcept {
  if (said.exchange(true)) return;
  char line[1024];
  utsname host{};
  ::uname(&host);
  const auto rank = has_core() ? core().self().value : 0;
  const auto kib = crash.stack_bytes / 1024;
  const auto room = sizeof line - 1;
  auto end = fmt::format_to_n(line, room, "ringray: rank {} (host {}, pid {}): {} ", rank, host.nodename, ::getpid(),
                              name.substr(0, 500))
                 .out;
  const auto left = [&] { return static_cast<std::size_t>(line + room - end); };
  if (kib == 0 && crash.address)
    end = fmt::format_to_n(end, left(), "crashed: {} (address {})", text_of(crash.signal), crash.address).out;
  else if (kib == 0)
    end = fmt::format_to_n(end, left(), "crashed: {}", text_of(crash.signal)).out;
  else if (crash.thread_stack)
    end = fmt::format_to_n(end, left(), "overflowed the stack of the main thread, {} KiB; raise it with ulimit -s", kib)
              .out;
  else
    end = fmt::format_to_n(end, left(),
                           "overflowed its stack of {} KiB (deep recursion, or large local variables); give tasks more "
                           "with --ringray.stack_bytes={}KiB",
                           kib, 4 * kib)
              .out;
  *end++ = '\n';
  if (::write(STDERR_FILENO, line, static_cast<std::size_t>(end - line)) < 0) return;  // there is nowhere to say it
}

}  // namespace

void name_crashed() {
  const auto* crash = happening.exchange(nullptr);
  if (!crash) return;
  const auto* now = who(*crash);
  const auto name = now ? name_of(*now) : std::string(nobody(*crash));
  say(*crash, name);
  written.store(true);
}

void crashed(const execution::Crash& crash) noexcept {
  said.store(false);
  written.store(false);
  // What a kernel calls its actors and messages lies ready.
  if (const KernelThreadName name; !name.view().empty()) return say(crash, name.view());
  happening.store(&crash);
  if (observe::SignalWatch::tell(crash.signal)) {
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
    for (int i = 0; i < patience_ms && !written.load(); ++i) ::nanosleep(&moment, nullptr);
  }
  if (written.load()) return;
  const auto* now = who(crash);
  const auto* given = now && now->record && now->record->more ? &now->record->more->options.name : nullptr;
  say(crash, !now ? nobody(crash) : now->is_driver() ? "the driver" : given && !given->empty() ? *given : "a task");
}

}  // namespace ringray::runtime
