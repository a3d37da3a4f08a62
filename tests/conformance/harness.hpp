#pragma once
// Conformance tests: one test per numbered behaviour, suite `Ray`, named C<number>_<claim>. They run in the driver on
// rank 0 of a job and use the public API; internal headers only to count what must return to zero.

#include <gtest/gtest.h>

#include <chrono>
#include <ringray/ringray.hpp>
#include <string>

namespace conformance {

using namespace ringray;
using namespace std::chrono_literals;

/// What a rank keeps for references, requests and running work. All zero when nothing is alive.
struct Counts {
  std::uint64_t owned = 0, borrowed = 0, requests = 0, actors = 0, grants = 0, stored_bytes = 0;
  std::uint64_t subscriptions = 0;  ///< patterns, of all ranks
  std::uint64_t executing = 0, arriving = 0, transfers = 0, granted = 0, pulls = 0;
  std::uint64_t fibers = 0;  ///< besides one that runs and one that is spare for each worker
  bool operator==(const Counts&) const = default;
  std::string text() const;
};
/// Of the rank that this runs on.
Counts counts_here();
Counts counts_on(Rank rank);
bool alive(Rank rank);
/// The highest rank: another one than the driver's, unless the job has only one.
inline Rank last_rank() { return Rank{ranks() - 1}; }

/// Lets others run until f() is true; false after a while. For messages that are still in flight.
template <class F>
bool soon(F&& f) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!f()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    this_task::yield();
  }
  return true;
}

/// A task whose result exists only after open(): gates hold back what waits for them.
int until_opened();
class Gate {
 public:
  explicit Gate(Rank rank = Rank{0});  ///< waits until the task runs: one that waits would be cancelled, not opened
  ~Gate() { open(); }
  const ObjectRef<int>& ref() const { return closed_; }  ///< becomes 1
  void open() { cancel(closed_, {.recursive = false}); }

 private:
  ObjectRef<int> closed_;
};

/// Asserts after each test that references, requests, resources and object memory return to zero on every rank.
class Ray : public testing::Test {
 protected:
  void TearDown() override;
};

}  // namespace conformance
