// Tasks: arguments, callables, resources, errors, generators. Each rank has one cpu and one "tool".

#include <numeric>

#include "harness.hpp"
#include "ringray/metrics.hpp"

namespace conformance {
namespace {

int plus_one(int x) { return x + 1; }
int plus_one_kept(int x) { return x + 1; }
double twice(double x) { return 2 * x; }
int twice(int x) { return 2 * x; }

const TaskOptions one_cpu{.resources = {.cpus = 1}};

TEST_F(Ray, C07_ReferenceArgumentDelaysTheTaskUntilItsValueExists) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(last_rank());
    auto ref = submit({.placement = on_rank(rank)}, plus_one, gate.ref());
    for (int i = 0; i < 300; ++i)
      ref = submit({.placement = on_rank(Rank{static_cast<std::uint32_t>(i) % ranks()})}, plus_one, ref);
    EXPECT_TRUE(wait(std::vector{ref}, {.timeout = 1ms}).ready.empty());
    gate.open();
    EXPECT_EQ(get(ref), 302);
  }
  auto chain = put(0);
  for (int i = 0; i < 500; ++i) chain = submit(plus_one, chain);  // wherever it goes
  EXPECT_EQ(get(chain), 500);
}

int identity(int x) { return x; }

// Results arrive (on another thread, while the driver computes) between the looks that get() takes at them.
TEST_F(Ray, C07_GetOfManyEndsWhenTheyCompleteWhileItLooks) {
  for (int round = 0; round < 20; ++round) {
    std::vector<ObjectRef<int>> results;
    for (int i = 0; i < 1000; ++i) results.push_back(submit({.placement = on_rank(last_rank())}, identity, i));
    const auto values = get(results);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)], i);
  }
}

TEST_F(Ray, C08_TheSameReferencePassedTwiceArrivesTwice) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    const TaskOptions there{.placement = on_rank(rank)};
    const auto ref = put(std::vector<int>(100'000, 1));
    using Numbers = std::vector<int>;
    EXPECT_EQ(get(submit(
                  there, [](const Numbers& a, const Numbers& b) { return a.size() + b.size(); }, ref, ref)),
              200'000u);
    EXPECT_EQ(get(submit(
                  there, [](ObjectRef<Numbers> a, ObjectRef<Numbers> b) { return a == b; }, ref, ref)),
              true);
    EXPECT_EQ(get(submit(
                  there,
                  [](const Numbers& a, const std::vector<ObjectRef<Numbers>>& b) {
                    return a.size() + get(b[0]).size() + get(b[1]).size();
                  },
                  ref, std::vector{ref, ref})),
              300'000u);
    const auto there_now = counts_on(rank);
    EXPECT_LE(there_now.borrowed, 1u);  // one row, however often it is named
  }
}

int fib(int n) {
  if (n < 2) return n;
  const auto a = submit(one_cpu, fib, n - 1), b = submit(one_cpu, fib, n - 2);
  return get(a) + get(b);
}
bool odd(int n);
bool even(int n) { return n == 0 || get(submit(one_cpu, odd, n - 1)); }
bool odd(int n) { return n != 0 && get(submit(one_cpu, even, n - 1)); }

TEST_F(Ray, C11_RecursiveTasksFinishOnOneCpuBecauseABlockedGetGivesItBack) {
  EXPECT_EQ(get(submit(one_cpu, fib, 10)), 55);
  EXPECT_TRUE(get(submit(one_cpu, even, 60)));
  for (std::uint32_t r = 0; r < ranks(); ++r)
    EXPECT_EQ(get(submit({.resources = {.cpus = 1}, .placement = on_rank(Rank{r})}, fib, 7)), 13);
}

TEST_F(Ray, C13_TaskThatNoRankCanRunStaysPendingAndBlocksNobody) {
  testing::internal::CaptureStderr();
  const auto never = submit({.resources = {.custom = {{"tool", 1000}}}}, plus_one, 1);
  const auto never_too = submit({.resources = {.custom = {{"tool", 1000}}}}, plus_one, 1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(submit({.resources = {.custom = {{"tool", 1}}}}, plus_one, i)), i + 1);
  EXPECT_THROW(get(never, 100ms), GetTimeoutError);
  log::flush();
  const auto said = testing::internal::GetCapturedStderr();
  const auto first = said.find("1000 tool");
  EXPECT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("a task waits for what no rank has", first), std::string::npos) << said;  // once
  cancel(never);
  cancel(never_too);
  EXPECT_THROW(get(never), TaskCancelledError);
  EXPECT_THROW(get(never_too), TaskCancelledError);
}

/// Counts how many of what it watches are inside at once.
struct Occupancy {
  int enter(int units) { return most = std::max(most, inside += units); }
  void leave(int units) { inside -= units; }
  int peak() { return most; }
  int inside = 0, most = 0;
};
void occupy(ActorHandle<Occupancy> counter, int units) {
  get(counter.call<&Occupancy::enter>(units));
  for (int i = 0; i < 20; ++i) this_task::yield();
  get(counter.call<&Occupancy::leave>(units));
}

TEST_F(Ray, C14_FractionalRequestsSumExactlyWithoutOverSubscription) {
  for (const auto& [share, units] : {std::pair{0.1, 1000}, {0.3, 3000}, {0.0001, 1}, {0.3334, 3334}}) {
    auto counter = spawn<Occupancy>();
    std::vector<ObjectRef<void>> users;
    for (int i = 0; i < 40; ++i)
      users.push_back(submit({.resources = {.custom = {{"tool", share}}}, .placement = on_rank(last_rank())}, occupy,
                             counter, units));
    get(users);
    const auto most = get(counter.call<&Occupancy::peak>());
    EXPECT_LE(most, 10'000) << share;
    EXPECT_GE(most, units);
  }
  // Ten tenths are one: all ten can be inside at once, although 0.1 is no binary fraction.
  Gate gate(last_rank());
  auto arrived = spawn<Occupancy>();
  std::vector<ObjectRef<void>> ten;
  for (int i = 0; i < 10; ++i)
    ten.push_back(submit(
        {.resources = {.custom = {{"tool", 0.1}}}, .placement = on_rank(last_rank())},
        [](ActorHandle<Occupancy> counter) {
          get(counter.call<&Occupancy::enter>(1));
          while (get(counter.call<&Occupancy::peak>()) < 10) this_task::yield();
        },
        arrived));
  get(ten);
}

struct Base {
  virtual ~Base() = default;
  virtual int id() const { return 1; }
};
struct Derived : Base {
  int id() const override { return 2; }
  int plus(int x) const { return x + 2; }
  template <class Archive>
  void serialize(Archive&) {}
};

TEST_F(Ray, C16_OverloadsVirtualMethodsVoidReturnsAndReferencesAreCallable) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    const TaskOptions there{.placement = on_rank(rank)};
    EXPECT_EQ(get(submit(there, static_cast<double (*)(double)>(twice), 1.5)), 3.0);
    EXPECT_EQ(get(submit(there, static_cast<int (*)(int)>(twice), 2)), 4);
    EXPECT_EQ(get(submit(there, &Derived::plus, Derived{}, 3)), 5);
    EXPECT_EQ(get(submit(
                  there, [](const Derived& d) { return static_cast<const Base&>(d).id(); }, Derived{})),
              2);
    get(submit(there, [] {}));  // void: returns when it was done
    EXPECT_EQ(get(submit(
                  there,
                  [](std::vector<int>& v) {
                    v.push_back(4);  // a copy of its own
                    return v;
                  },
                  put(std::vector<int>{1, 2, 3}))),
              (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(get(submit(
                  there, [](const std::string& a, std::string&& b, std::string c) { return a + b + c; }, "a",
                  std::string("b"), put(std::string("c")))),
              "abc");
    const int offset = 40;
    EXPECT_EQ(get(submit(
                  there, [offset](auto x) { return x + offset; }, 2)),
              42);
  }
}

struct OutOfRange : std::runtime_error {
  using std::runtime_error::runtime_error;
};
int thrower(int x) {
  try {
    throw std::invalid_argument("inner cause");
  } catch (...) {
    std::throw_with_nested(OutOfRange("no " + std::to_string(x)));
  }
}

TEST_F(Ray, C17_ExceptionTypeAndTextReachTheCallerAndItsDependents) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    const auto failed = submit({.name = "measure", .placement = on_rank(rank)}, thrower, 7);
    const auto same_rank = submit({.placement = on_rank(rank)}, plus_one, failed);
    const auto driver_rank = submit({.placement = on_rank(Rank{0})}, plus_one, same_rank);
    const auto relayed = submit({.placement = on_rank(last_rank())}, plus_one_kept, driver_rank);
    for (const auto& ref : {failed, same_rank, driver_rank, relayed}) {
      try {
        get(ref);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const TaskError& error) {
        EXPECT_NE(error.detail().exception_type.find("OutOfRange"), std::string::npos);
        EXPECT_EQ(error.detail().text, "no 7");
        EXPECT_EQ(error.detail().task, "measure");
        EXPECT_EQ(error.detail().rank, rank.value);
        ASSERT_EQ(error.detail().causes.size(), 1u);
        EXPECT_EQ(error.detail().causes[0], "std::invalid_argument: inner cause");
      }
    }
    const auto not_standard = submit({.placement = on_rank(rank)}, []() -> int { throw 42; });
    EXPECT_THROW(get(not_standard), TaskError);
  }
}

int falls(int depth) {
  if (depth == 0) throw std::runtime_error("the root");
  return get(submit(falls, depth - 1));
}

TEST_F(Ray, C17_WhatComesThroughManyTasksNamesItsRootInFewWords) {
  for (const int depth : {1, 5, 40}) {
    try {
      get(submit({.placement = on_rank(last_rank())}, falls, depth));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TaskError& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("falls' on rank"), std::string::npos) << what;
      EXPECT_EQ(error.detail().causes.back(), "std::runtime_error: the root") << what;
      EXPECT_EQ(what.find("…") != std::string::npos, depth == 40) << what;
      EXPECT_LT(what.size(), 1000u) << what;
    }
  }
}

struct Progress {
  void made(int item) { last = item; }
  int read() { return last; }
  int last = -1;
};
Generator<std::vector<int>> produce(ActorHandle<Progress> progress, int count) {
  for (int i = 0; i < count; ++i) {
    get(progress.call<&Progress::made>(i));
    co_yield std::vector<int>(static_cast<std::size_t>(i), i);
  }
}

TEST_F(Ray, C19_BackpressureStopsTheProducerAtNUnreadItems) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto progress = spawn<Progress>();
    const auto made = [&] { return get(progress.call<&Progress::read>()); };
    auto stream = submit({.placement = on_rank(rank), .backpressure = 3}, produce, progress, 12);
    int read = 0;
    for (const auto& item : stream) {
      EXPECT_EQ(get(item), std::vector<int>(static_cast<std::size_t>(read), read));
      ++read;
      EXPECT_LE(made(), read + 3);  // at most three unread, and the one that is in work
    }
    EXPECT_EQ(read, 12);
  }
}

TEST_F(Ray, C19_ProducerEndsWhenNobodyReadsAnyMore) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto progress = spawn<Progress>();
    {
      auto stream = submit({.placement = on_rank(rank), .backpressure = 2}, produce, progress, 1'000'000);
      EXPECT_EQ(get(*stream.begin()).size(), 0u);
    }
  }  // the fixture sees that nothing is left
}

int add_all(int depth) {
  if (depth == 0) return 1;
  const TaskOptions one_cpu{.resources = {.cpus = 1}};
  std::vector<ObjectRef<int>> children;
  for (int i = 0; i < 2; ++i) children.push_back(submit(one_cpu, add_all, depth - 1));
  wait(children, {.count = 2});
  int sum = 0;
  for (const int one : get(children)) sum += one;
  return sum;
}

TEST_F(Ray, C11_WaitAndGetOfManyGiveTheCpuBackToo) {
  EXPECT_EQ(get(submit({.resources = {.cpus = 1}}, add_all, 4)), 16);
}

TEST_F(Ray, C07_TaskWithResourcesMayWaitForAResultOfThisRank) {
  const Gate gate;
  const auto pending = submit(plus_one, gate.ref());
  const auto next = submit({.resources = {.cpus = 1}}, plus_one, pending);
  cancel(gate.ref());
  EXPECT_EQ(get(next), 3);
}

TEST_F(Ray, GetWithTheLongestTimeoutWaitsForEver) {
  EXPECT_EQ(get(submit(plus_one, 1), std::chrono::nanoseconds::max()), 2);
  const auto [ready, pending] = wait(std::vector{submit(plus_one, 1)}, {.timeout = std::chrono::hours(2'000'000)});
  EXPECT_EQ(ready.size(), 1u);
}

Task<int> awaits(ObjectRef<int> value) { co_return co_await value; }
Task<int> awaits_and_throws(ObjectRef<int> value) {
  const int number = co_await value;  // GCC 12 loses a throw in an if that awaits
  if (number == 7) throw std::runtime_error("seven");
  co_return 0;
}
struct Awaiting {
  Task<int> await(ObjectRef<int> value) { co_return co_await value; }
};

TEST_F(Ray, CoroutinesAreCountedWhenTheyEnd) {
  using base::metric_total;
  const auto tasks = metric_total(Metric::tasks_executed), calls = metric_total(Metric::calls_executed),
             failed = metric_total(Metric::tasks_failed);
  const TaskOptions here{.placement = on_rank(this_rank())};
  EXPECT_EQ(get(submit(here, awaits, put(5))), 5);
  EXPECT_THROW(get(submit(here, awaits_and_throws, put(7))), TaskError);
  auto actor = spawn<Awaiting>({.placement = on_rank(this_rank())});
  EXPECT_EQ(get(actor.call<&Awaiting::await>(put(6))), 6);
  EXPECT_GE(metric_total(Metric::tasks_executed), tasks + 2);
  EXPECT_GE(metric_total(Metric::tasks_failed), failed + 1);
  EXPECT_GE(metric_total(Metric::calls_executed), calls + 1);
}

}  // namespace
}  // namespace conformance
