// Users' functions may take users' locks: no lock of the runtime's is held while they run, and a task that holds a lock
// of the user's own is not interrupted by them.

#include <mutex>

#include "harness.hpp"

namespace conformance {
namespace {

std::mutex lock;  // of this rank

/// Takes the lock when it arrives and when it goes.
struct Locked {
  Locked(int n = 0) : number(n) {}
  Locked(const Locked& other) : number(other.number), saved_under_lock(other.saved_under_lock) {}
  Locked& operator=(const Locked&) = default;
  ~Locked() {
    if (travelled) const std::lock_guard guard(lock);
  }
  template <class Archive>
  void save(Archive& archive) const {
    if (saved_under_lock) const std::lock_guard guard(lock);
    archive(number, saved_under_lock);
  }
  template <class Archive>
  void load(Archive& archive) {
    const std::lock_guard guard(lock);
    archive(number, saved_under_lock);
    travelled = true;
  }
  int number = 0;
  bool saved_under_lock = false, travelled = false;
};

struct Log {
  void locked(const Locked& value) { all.push_back(value.number); }
  void plain(int number) { all.push_back(number); }
  std::vector<int> read() { return all; }
  std::vector<int> all;
};

/// Sends under the lock while others' calls arrive, whose arguments want the lock.
int send_both(ActorHandle<Log> log, int count) {
  for (int i = 0; i < count; ++i) {
    if (i % 3 == 0) {
      log.send<&Log::locked>(Locked(i));
    } else {
      const std::lock_guard guard(lock);
      log.send<&Log::plain>(i);
    }
  }
  return count;
}

TEST_F(Ray, C35_CallsStayInOrderThoughOnlySomeOfThemAreDecodedByUsersCode) {
  constexpr int count = 3000;
  const std::vector<Rank> places{Rank{0}, last_rank()};
  std::vector<ActorHandle<Log>> logs;
  for (const auto place : places) logs.push_back(spawn<Log>({.placement = on_rank(place)}));
  std::vector<ObjectRef<int>> senders;
  for (std::size_t i = 0; i < places.size(); ++i)
    senders.push_back(submit({.placement = on_rank(places[1 - i])}, send_both, logs[i], count));
  for (const auto& sender : senders) EXPECT_EQ(get(sender), count);
  for (auto& log : logs) {
    std::vector<int> all;
    EXPECT_TRUE(soon([&] { return (all = get(log.call<&Log::read>())).size() == count; })) << all.size();
    for (int i = 0; i < count && i < static_cast<int>(all.size()); ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
  }
}

int number_of(const Locked& value) { return value.number; }

TEST_F(Ray, TasksMayBeStolenWhileTheirRankHoldsALockThatEncodingThemTakes) {
  auto log = spawn<Log>({.placement = on_rank(last_rank())});
  for (int round = 0; round < 20; ++round) {
    std::vector<ObjectRef<int>> tasks;
    for (int i = 0; i < 50; ++i) {
      Locked value(i);
      value.saved_under_lock = true;
      tasks.push_back(submit(number_of, value));
    }
    for (int i = 0; i < 200; ++i) {
      const std::lock_guard guard(lock);
      log.send<&Log::plain>(i);
    }
    const auto numbers = get(tasks);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
  }
}

struct Family {
  explicit Family(Locked first) : number(first.number) {}
  int add(Locked more) { return number += more.number; }
  int number;
};

TEST_F(Ray, CallsWaitForAConstructorWhoseArgumentsAreBeingDecoded) {
  for (int i = 0; i < 50; ++i) {
    auto family = spawn<Family>({.placement = on_rank(last_rank())}, Locked(i));
    const auto first = family.call<&Family::add>(Locked(1));
    family.send<&Family::add>(Locked(2));
    EXPECT_EQ(get(family.call<&Family::add>(Locked(3))), i + 6);
    EXPECT_EQ(get(first), i + 1);
  }
}

int stays_until_stopped(const Locked& value) {
  while (!this_task::stop_token().stop_requested()) this_task::yield();
  return value.number;
}

TEST_F(Ray, CancelReachesATaskWhoseArgumentsAreBeingDecoded) {
  for (int i = 0; i < 200; ++i) {
    const auto task = submit({.placement = on_rank(last_rank())}, stays_until_stopped, Locked(i));
    cancel(task);
    try {
      EXPECT_EQ(get(task, 60s), i);
    } catch (const TaskCancelledError&) {
    }
  }
}

}  // namespace
}  // namespace conformance
