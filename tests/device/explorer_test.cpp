// The explorer finds what the memory orders allow, and nothing that they forbid.

#include "explorer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace ringray::test {
namespace {

/// All outcomes: what each thread noted, in a row.
std::set<Notes> outcomes(const std::vector<std::function<void(Notes&)>>& bodies) {
  std::set<Notes> found;
  std::vector<Explorer::Thread> threads;
  for (const auto& body : bodies) threads.push_back(once(body));
  Explorer explorer;
  const auto report = explorer.explore(threads, [&](const std::vector<Notes>& notes) {
    Notes row;
    for (const auto& of_thread : notes) row.insert(row.end(), of_thread.begin(), of_thread.end());
    found.insert(row);
    return std::string();
  });
  EXPECT_EQ(report.problem, "");
  return found;
}

template <Order store, Order load>
std::set<Notes> message_passing() {
  static Word data, flag;
  data = flag = 0;
  return outcomes({[](Notes&) {
                     Explored::store<Order::relaxed>(data, Word{42});
                     Explored::store<store>(flag, Word{1});
                   },
                   [](Notes& kept) {
                     kept.push_back(Explored::load<load>(flag));
                     kept.push_back(Explored::load<Order::relaxed>(data));
                   }});
}

TEST(Explorer, RelaxedMessagePassingMayReadOldData) {
  EXPECT_EQ((message_passing<Order::relaxed, Order::relaxed>()), (std::set<Notes>{{0, 0}, {0, 42}, {1, 0}, {1, 42}}));
  EXPECT_EQ((message_passing<Order::release, Order::relaxed>()), (std::set<Notes>{{0, 0}, {0, 42}, {1, 0}, {1, 42}}));
  EXPECT_EQ((message_passing<Order::relaxed, Order::acquire>()), (std::set<Notes>{{0, 0}, {0, 42}, {1, 0}, {1, 42}}));
}

TEST(Explorer, ReleaseAndAcquireOrderMessagePassing) {
  EXPECT_EQ((message_passing<Order::release, Order::acquire>()), (std::set<Notes>{{0, 0}, {0, 42}, {1, 42}}));
}

TEST(Explorer, StoreBufferingIsVisible) {
  static Word x, y;
  x = y = 0;
  const auto found = outcomes({[](Notes& kept) {
                                 Explored::store<Order::release>(x, Word{1});
                                 kept.push_back(Explored::load<Order::acquire>(y));
                               },
                               [](Notes& kept) {
                                 Explored::store<Order::release>(y, Word{1});
                                 kept.push_back(Explored::load<Order::acquire>(x));
                               }});
  EXPECT_EQ(found, (std::set<Notes>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

TEST(Explorer, AReadModifyWriteCarriesOnWhatAReleaseCarried) {
  static Word data, flag;
  data = flag = 0;
  const auto found = outcomes({[](Notes&) {
                                 Explored::store<Order::relaxed>(data, Word{42});
                                 Explored::store<Order::release>(flag, Word{1});
                               },
                               [](Notes&) { Explored::add<Order::relaxed>(flag, Word{2}); },
                               [](Notes& kept) {
                                 kept.push_back(Explored::load<Order::acquire>(flag));
                                 kept.push_back(Explored::load<Order::relaxed>(data));
                               }});
  EXPECT_TRUE(found.count({3, 42}));
  EXPECT_FALSE(found.count({3, 0}));
  EXPECT_TRUE(found.count({2, 0}));
}

TEST(Explorer, ExactlyOneExchangeWins) {
  static Word word;
  word = 0;
  const auto taker = [](Notes& kept) {
    Word expected = 0;
    kept.push_back(Explored::exchange_if<Order::relaxed>(word, expected, Word{1}) ? 1 : 0);
  };
  EXPECT_EQ(outcomes({taker, taker}), (std::set<Notes>{{0, 1}, {1, 0}}));
}

TEST(Explorer, AWordIsNeverReadBackwards) {
  static Word word;
  word = 0;
  const auto found = outcomes({[](Notes&) {
                                 Explored::store<Order::relaxed>(word, Word{1});
                                 Explored::store<Order::relaxed>(word, Word{2});
                               },
                               [](Notes& kept) {
                                 kept.push_back(Explored::load<Order::relaxed>(word));
                                 kept.push_back(Explored::load<Order::relaxed>(word));
                               }});
  EXPECT_EQ(found, (std::set<Notes>{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

TEST(Explorer, ABadEndIsReportedWithItsWay) {
  static Word word;
  word = 0;
  Explorer explorer;
  const auto report = explorer.explore(
      {once([](Notes&) { Explored::store<Order::relaxed>(word, Explored::load<Order::relaxed>(word) + 1); }),
       once([](Notes&) { Explored::store<Order::relaxed>(word, Explored::load<Order::relaxed>(word) + 1); })},
      [](const std::vector<Notes>&) {
        return Explored::load<Order::relaxed>(word) == 2 ? std::string() : std::string("an increment is lost");
      });
  EXPECT_EQ(report.problem.find("an increment is lost"), 0u) << report.problem;
}

TEST(Explorer, AThreadThatWaitsForWhatNeverComesIsStuck) {
  static Word word;
  word = 0;
  Explorer explorer;
  const auto wait_for = [](Word value) {
    return [value](Notes&) { return Explored::load<Order::relaxed>(word) == value; };
  };
  const auto store = once([](Notes&) { Explored::store<Order::relaxed>(word, Word{1}); });
  const auto right = [](const std::vector<Notes>&) { return std::string(); };
  EXPECT_EQ(explorer.explore({wait_for(1), store}, right).stuck, 0u);
  EXPECT_GT(explorer.explore({wait_for(2), store}, right).stuck, 0u);
}

}  // namespace
}  // namespace ringray::test
