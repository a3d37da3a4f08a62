#include "ringray/transport/ucx/watch.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "ringray/base/check.hpp"

namespace ringray::transport::ucx {
namespace {

int new_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  RINGRAY_ASSERT(set >= 0, "epoll_create1 failed");
  return set;
}

bool add_to(int set, int descriptor, std::uint32_t value) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = value;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Watch::Watch() : set_(new_set()) {}

Watch::~Watch() {
  for (const auto& [rank, process] : processes_) ::close(process);
  ::close(set_);
}

bool Watch::add(Rank rank, std::uint64_t process_id) {
  const auto process = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process_id), 0));
  if (process < 0) return errno != ESRCH;
  if (add_to(set_, process, rank.value))
    processes_.emplace(rank, process);
  else
    ::close(process);  // out of kernel memory: UCX's keepalive is left
  return true;
}

void Watch::remove(Rank rank) {
  const auto found = processes_.find(rank);
  if (found == processes_.end()) return;
  ::close(found->second);  // leaves the set by that
  processes_.erase(found);
}

std::vector<Rank> Watch::ended() {
  std::vector<Rank> ranks;
  if (processes_.empty()) return ranks;
  epoll_event events[16];
  for (int count; (count = ::epoll_wait(set_, events, 16, 0)) > 0;) {
    for (int i = 0; i < count; ++i) {
      ranks.push_back(events[i].data.u32);
      remove(ranks.back());
    }
  }
  return ranks;
}

EitherReadable::EitherReadable(int first, int second) : set_(new_set()) {
  RINGRAY_ASSERT(add_to(set_, first, 0) && add_to(set_, second, 1), "epoll_ctl failed");
}

EitherReadable::~EitherReadable() { ::close(set_); }

}  // namespace ringray::transport::ucx
