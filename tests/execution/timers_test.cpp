#include <vector>

#include "jobs.hpp"

namespace ringray::execution {
namespace {

using namespace std::chrono_literals;
using TimersTest = ExecutionTest;

TEST_F(TimersTest, RunInOrderOfTheirDeadlines) {
  on_pool(1, [](Pool& pool) {
    std::vector<int> order;
    const auto all = event();
    const auto start = base::now();
    pool.timers().at(start + 3ms, [&order, all] { order.push_back(3), all->complete(); });
    pool.timers().at(start + 1ms, [&] { order.push_back(1); });
    pool.timers().at(start + 2ms, [&] { order.push_back(2); });
    all->wait();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_GE(base::now(), start + 3ms);
  });
}

TEST_F(TimersTest, CancelledOneNeverRuns) {
  on_pool(2, [](Pool& pool) {
    const auto id = pool.timers().after(1ms, [] { ADD_FAILURE(); });
    EXPECT_TRUE(pool.timers().cancel(id));
    EXPECT_FALSE(pool.timers().cancel(id));
    const auto later = event();
    const auto ran = pool.timers().after(2ms, [later] { later->complete(); });
    later->wait();
    EXPECT_FALSE(pool.timers().cancel(ran));
  });
}

TEST_F(TimersTest, EarlierOneWakesASleepingPool) {
  on_pool(2, [](Pool& pool) {
    const auto far = pool.timers().after(1h, [] { ADD_FAILURE(); });
    for (int i = 0; i < 5; ++i) {
      const auto sleeper = event();
      // The foreign thread sets the timer when all workers sleep until the far one.
      std::thread outside([&] {
        while (pool.asleep() < 2) std::this_thread::yield();
        pool.timers().after(100us, [sleeper] { sleeper->complete(); });
      });
      sleeper->wait();
      outside.join();
    }
    EXPECT_TRUE(pool.timers().cancel(far));
  });
}

TEST_F(TimersTest, DoNotRunOnAFiberOfTheUser) {
  on_pool(1, [](Pool& pool) {
    context() = &pool;
    const auto done = event();
    pool.timers().after(100us, [done] {
      EXPECT_EQ(context(), nullptr);
      done->complete();
    });
    done->wait();
  });
}

}  // namespace
}  // namespace ringray::execution
