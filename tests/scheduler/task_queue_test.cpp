#include "ringray/scheduler/task_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace ringray::scheduler {
namespace {

/// Tasks by name, so that what started reads like a sentence.
class Queue final : TaskQueue::Starter {
 public:
  explicit Queue(Resources total) : ledger(std::move(total)), queue(ledger, *this) {}
  void push(const std::string& name, Resources need, bool stealable = false, BundleKey bundle = {}) {
    queue.push({.token = token(name), .need = std::move(need), .bundle = bundle, .stealable = stealable});
  }
  void* token(const std::string& name) { return const_cast<std::string*>(&names.emplace(name, 0).first->first); }
  void finish(const std::string& name) { queue.finished(grants.at(name)); }

  Ledger ledger;
  TaskQueue queue;
  std::vector<std::string> started;
  std::map<std::string, GrantId> grants;

 private:
  void start(TaskQueue::Token token, GrantId grant) override {
    started.push_back(*static_cast<std::string*>(token));
    grants[started.back()] = grant;
  }
  std::map<std::string, int> names;
};
using Names = std::vector<std::string>;

TEST(TaskQueue, StartsWhatFitsInTheOrderOfArrival) {
  Queue q({.cpus = 2});
  for (const auto* name : {"a", "b", "c", "d"}) q.push(name, {.cpus = 1});
  EXPECT_EQ(q.started, (Names{"a", "b"}));
  EXPECT_EQ(q.queue.size(), 2u);
  q.finish("b");
  EXPECT_EQ(q.started, (Names{"a", "b", "c"}));
}

TEST(TaskQueue, OneThatDoesNotFitDoesNotBlockOthers) {
  Queue q({.cpus = 1, .custom = {{"tool", 1}}});
  q.push("large", {.cpus = 5});
  q.push("tool", {.custom = {{"tool", 1}}});
  q.push("small", {.cpus = 1});
  EXPECT_EQ(q.started, (Names{"tool", "small"}));
}

TEST(TaskQueue, OldestOfDifferentRequestsGoesFirst) {
  Queue q({.cpus = 2});
  q.push("all", {.cpus = 2});
  q.push("old", {.cpus = 2});
  q.push("young", {.cpus = 1});
  q.finish("all");
  EXPECT_EQ(q.started, (Names{"all", "old"}));
}

TEST(TaskQueue, DemandIsWhatRunsAndWhatWaits) {
  Queue q({.cpus = 1, .custom = {{"tool", 1}}});
  for (const auto* name : {"a", "b", "c"}) q.push(name, {.cpus = 1});
  q.push("d", {.custom = {{"tool", 1}}});
  EXPECT_EQ(q.queue.demand(), (Resources{.cpus = 3, .custom = {{"tool", 1}}}));
  EXPECT_TRUE(q.queue.remove(q.token("b")));
  EXPECT_FALSE(q.queue.remove(q.token("b")));
  EXPECT_FALSE(q.queue.remove(q.token("a"))) << "it has started";
  q.finish("d");
  EXPECT_EQ(q.queue.demand(), (Resources{.cpus = 2}));
  q.finish("a");
  q.finish("c");
  EXPECT_EQ(q.queue.demand(), Resources{});
  EXPECT_EQ(q.queue.size(), 0u);
}

TEST(TaskQueue, ThiefGetsTheOldestThatMayMoveAndFitsIt) {
  Queue q({.cpus = 1});
  q.push("runs", {.cpus = 1}, true);
  q.push("large", {.cpus = 4}, true);
  q.push("stays", {.cpus = 1});
  q.push("first", {.cpus = 1}, true);
  q.push("second", {.cpus = 0.5}, true);
  EXPECT_EQ(q.queue.take_stealable({.cpus = 1}), q.token("first"));
  EXPECT_EQ(q.queue.take_stealable({.cpus = 1}), q.token("second"));
  EXPECT_EQ(q.queue.take_stealable({.cpus = 1}), std::nullopt);
  EXPECT_EQ(q.queue.size(), 2u);
}

TEST(TaskQueue, WhoWaitsLendsItsCpusOut) {
  Queue q({.cpus = 1});
  q.push("parent", {.cpus = 1});
  q.push("child", {.cpus = 1});
  q.queue.waits(q.grants.at("parent"));
  EXPECT_EQ(q.started, (Names{"parent", "child"}));
  q.queue.goes_on(q.grants.at("parent"));
  q.push("next", {.cpus = 1});
  q.finish("child");
  q.finish("parent");
  EXPECT_EQ(q.started, (Names{"parent", "child", "next"}));
  q.finish("next");
  EXPECT_TRUE(q.ledger.idle());
}

TEST(TaskQueue, BundleServesOnlyThoseThatNameIt) {
  Queue q({.cpus = 2});
  const BundleKey key{{0, 0, 9}, 1};
  q.push("early", {.cpus = 1}, false, key);
  EXPECT_TRUE(q.started.empty()) << "the bundle is not here yet";
  ASSERT_TRUE(q.ledger.reserve(key, {.cpus = 1}));
  q.queue.pump();
  q.push("second", {.cpus = 1}, false, key);
  q.push("outside", {.cpus = 1});
  EXPECT_EQ(q.started, (Names{"early", "outside"}));
  EXPECT_EQ(q.queue.demand(), (Resources{.cpus = 2})) << "the bundle and the one outside";
}

}  // namespace
}  // namespace ringray::scheduler
