#include "ringray/observe/signals.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "ringray/base/check.hpp"

namespace ringray::observe {
namespace {

std::atomic<int> write_end{-1};
constexpr unsigned char stop = 0;  // no signal has the number 0

void note_signal(int signal) { SignalWatch::tell(signal); }

}  // namespace

// One write to a pipe that never blocks. A full pipe holds signals enough.
bool SignalWatch::tell(int signal) noexcept {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  const int pipe = write_end.load();
  const bool told = pipe >= 0 && ::write(pipe, &byte, 1) == 1;
  errno = saved;
  return told;
}

SignalWatch::SignalWatch(React react, std::initializer_list<int> signals) : react_(std::move(react)) {
  RINGRAY_ASSERT(write_end.load() == -1, "two signal watches in one process");
  if (::pipe2(pipe_.data(), O_CLOEXEC) != 0 || ::fcntl(pipe_[1], F_SETFL, O_NONBLOCK) != 0)
    throw ConfigError("no pipe for signals (the limit of open files is reached); raise it with ulimit -n");
  write_end.store(pipe_[1]);

  sigset_t all, before;  // the watching thread inherits a full mask, so that handlers run on the other threads
  sigfillset(&all);
  RINGRAY_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0, "pthread_sigmask");
  thread_ = std::thread([this] { watch(); });
  RINGRAY_ASSERT(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0, "pthread_sigmask");

  for (const int signal : signals) {
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    auto& previous = previous_.emplace_back(signal, action);
    RINGRAY_ASSERT(::sigaction(signal, &action, &previous.second) == 0, "a signal that cannot be caught");
  }
}

SignalWatch::~SignalWatch() {
  for (const auto& [signal, action] : previous_)
    RINGRAY_ASSERT(::sigaction(signal, &action, nullptr) == 0, "sigaction");
  while (::write(pipe_[1], &stop, 1) < 0 && errno == EAGAIN) std::this_thread::yield();
  thread_.join();
  write_end.store(-1);
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

void SignalWatch::watch() {
  for (unsigned char byte;;) {
    const auto got = ::read(pipe_[0], &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    RINGRAY_ASSERT(got == 1, "the signal pipe is broken");
    if (byte == stop) return;
    react_(byte);
  }
}

}  // namespace ringray::observe
