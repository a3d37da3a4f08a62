#include "ringray/observe/waits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

namespace ringray::observe {

/// One of several lists, so that threads seldom meet. Any thread.
struct alignas(64) WaitList {
  std::mutex mutex;  // guards the list and the links of its waits
  Wait* first = nullptr;

  void link(Wait& wait) {
    std::lock_guard lock(mutex);
    wait.next_ = first;
    wait.link_ = &first;
    if (first) first->link_ = &wait.next_;
    first = &wait;
  }
  void unlink(Wait& wait) {
    std::lock_guard lock(mutex);
    *wait.link_ = wait.next_;
    if (wait.next_) wait.next_->link_ = wait.link_;
  }

  /// A wait as it was when its list was read.
  struct Seen {
    base::Nanoseconds since;
    std::string text;
  };
  void read(std::vector<Seen>& seen, std::size_t& count) {
    std::lock_guard lock(mutex);
    for (const auto* wait = first; wait; wait = wait->next_, ++count) {
      auto text = std::string(wait->what_);
      if (wait->target_.name) text += ' ' + wait->target_.name(wait->target_.it);
      if (wait->task_.name) text += ", in " + wait->task_.name(wait->task_.it);
      seen.push_back({wait->since_, std::move(text)});
    }
  }

  void for_each_task(const std::function<void(const void*)>& f) {
    std::lock_guard lock(mutex);
    for (const auto* wait = first; wait; wait = wait->next_)
      if (wait->task_.it) f(wait->task_.it);
  }

  static constexpr std::size_t list_count = 16;
  /// Never destroyed: threads may wait until the process ends.
  static std::array<WaitList, list_count>& all() {
    static auto& lists = *new std::array<WaitList, list_count>;
    return lists;
  }
};

namespace {
std::uint32_t list_of_this_thread() {
  static std::atomic<std::uint32_t> threads{0};
  thread_local const auto mine = threads.fetch_add(1, std::memory_order_relaxed) % WaitList::list_count;
  return static_cast<std::uint32_t>(mine);
}
}  // namespace

Wait::Wait(std::string_view what, Thing target, Thing task) noexcept
    : what_(what), target_(target), task_(task), since_(base::now()), list_(list_of_this_thread()) {
  WaitList::all()[list_].link(*this);
}
Wait::~Wait() { WaitList::all()[list_].unlink(*this); }

std::size_t wait_count() {
  std::size_t count = 0;
  for (auto& list : WaitList::all()) {
    std::vector<WaitList::Seen> seen;
    list.read(seen, count);
  }
  return count;
}

void for_each_waiting_task(const std::function<void(const void* task)>& f) {
  for (auto& list : WaitList::all()) list.for_each_task(f);
}

std::string hang_report(base::Nanoseconds now) {
  constexpr std::size_t lines_max = 100;
  std::vector<WaitList::Seen> seen;
  std::size_t count = 0;
  for (auto& list : WaitList::all()) list.read(seen, count);
  std::stable_sort(seen.begin(), seen.end(), [](auto& a, auto& b) { return a.since < b.since; });
  std::string text;
  for (std::size_t i = 0; i < std::min(count, lines_max); ++i)
    text += fmt::format("{:>8.3f} s  {}\n", std::chrono::duration<double>(now - seen[i].since).count(), seen[i].text);
  if (count > lines_max) text += fmt::format("and {} younger waits\n", count - lines_max);
  return text;
}

}  // namespace ringray::observe
