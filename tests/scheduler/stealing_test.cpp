// Stealing on many simulated ranks: work spreads, everything runs once, an idle job is silent and wakes up again.

#include "ringray/scheduler/stealing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace ringray::scheduler {
namespace {

using wire::Envelope;
using wire::Kind;
using wire::View;

/// A tree of tasks: each takes a step and leaves children until `depth` is 0.
struct SimTask {
  unsigned depth = 0, children = 0;
};

class Job;

class WorkingRank final : public wire::Outbox, Stealing::Giver {
 public:
  WorkingRank(Job& job, Rank self, std::uint32_t ranks)
      : job_(job), self_(self), stealing_(self, ranks, self.value + 1, *this, *this) {}
  bool step();
  Stealing& stealing() { return stealing_; }
  void add(SimTask task) { tasks_.push_back(task); }
  bool idle() const { return tasks_.empty(); }
  std::uint64_t executed = 0;

 private:
  void send(Rank target, Envelope envelope, View payload) override;
  void send_bulk(Rank, Envelope, wire::Lease) override { FAIL() << "stealing sends no bulk"; }
  std::uint32_t give(Rank thief) override;

  Job& job_;
  const Rank self_;
  Stealing stealing_;
  std::deque<SimTask> tasks_;  // oldest first
};

class Job {
 public:
  Job(std::uint32_t ranks, std::uint64_t seed) : random_(seed), last_(ranks * ranks) {
    for (std::uint32_t r = 0; r < ranks; ++r) {
      ranks_.push_back(std::make_unique<WorkingRank>(*this, Rank{r}, ranks));
      std::vector<Rank> mates;
      for (auto mate = r / 8 * 8; mate < std::min(ranks, r / 8 * 8 + 8); ++mate)
        if (mate != r) mates.push_back(Rank{mate});
      ranks_.back()->stealing().set_host_mates(std::move(mates));
    }
  }
  /// All others hear of it at once.
  void kill(Rank rank) {
    dead_.insert(rank.value);
    for (auto& one : ranks_) one->stealing().on_rank_died(rank);
  }
  WorkingRank& rank(std::uint32_t r) { return *ranks_[r]; }
  /// In order per pair, some steps later. A stolen task is part of the message.
  void send(Rank source, Rank target, Envelope envelope, std::optional<SimTask> task = {}) {
    envelope.source = source;
    auto& last = last_[source.value * ranks_.size() + target.value];
    last = std::max(last + 1, now_ + 1 + random_.below(5));
    under_way_.push_back({last, ++order_, target, envelope, task});
    std::push_heap(under_way_.begin(), under_way_.end());
    ++messages;
  }
  /// Until nobody has work and nothing is under way; false: it does not end.
  bool quiet(std::uint64_t steps_max) {
    for (const auto end = now_ + steps_max; now_ < end; ++now_) {
      bool any = !under_way_.empty();
      while (!under_way_.empty() && under_way_.front().time <= now_) {
        std::pop_heap(under_way_.begin(), under_way_.end());
        const auto message = std::move(under_way_.back());
        under_way_.pop_back();
        if (dead_.contains(message.target.value) || dead_.contains(message.envelope.source.value)) continue;
        if (message.task)
          rank(message.target.value).add(*message.task);
        else
          rank(message.target.value).stealing().on_message(message.envelope);
      }
      for (std::uint32_t r = 0; r < ranks_.size(); ++r)
        if (!dead_.contains(r)) any |= rank(r).step();
      any |= !under_way_.empty();
      if (!any) return true;
    }
    return false;
  }
  std::uint64_t executed() const {
    std::uint64_t sum = 0;
    for (const auto& one : ranks_) sum += one->executed;
    return sum;
  }
  std::uint64_t now() const { return now_; }
  std::uint64_t messages = 0;

 private:
  struct Message {
    std::uint64_t time, order;
    Rank target;
    Envelope envelope;
    std::optional<SimTask> task;
    bool operator<(const Message& other) const { return std::pair(time, order) > std::pair(other.time, other.order); }
  };
  base::Random random_;
  std::vector<std::unique_ptr<WorkingRank>> ranks_;
  std::set<std::uint32_t> dead_;
  std::vector<std::uint64_t> last_;
  std::vector<Message> under_way_;
  std::uint64_t now_ = 0, order_ = 0;
};

/// As Core::poll. True: it did something.
bool WorkingRank::step() {
  if (tasks_.empty()) {
    stealing_.hungry();
    return false;
  }
  const auto task = tasks_.back();
  tasks_.pop_back();
  ++executed;
  if (task.depth > 0) tasks_.insert(tasks_.end(), task.children, {task.depth - 1, task.children});
  if (!tasks_.empty() && stealing_.wanted()) stealing_.surplus();
  return true;
}

void WorkingRank::send(Rank target, Envelope envelope, View) { job_.send(self_, target, envelope); }

std::uint32_t WorkingRank::give(Rank thief) {
  const auto count = std::min<std::size_t>(64, tasks_.size() < 2 ? tasks_.size() : tasks_.size() / 2);
  for (std::size_t i = 0; i < count; ++i) {
    job_.send(self_, thief, {.kind = Kind::submit}, tasks_.front());
    tasks_.pop_front();
  }
  return static_cast<std::uint32_t>(count);
}

constexpr std::uint64_t tree(unsigned depth, unsigned children) {
  return depth == 0 ? 1 : 1 + children * tree(depth - 1, children);
}

void expect_spread(Job& job, std::uint32_t ranks, std::uint64_t executed_before) {
  std::uint32_t worked = 0;
  for (std::uint32_t r = 0; r < ranks; ++r) worked += job.rank(r).executed > 0;
  EXPECT_GE(worked, ranks * 9 / 10);
  EXPECT_EQ(job.executed() - executed_before, tree(7, 4));
}

TEST(Stealing, WorkOfOneRankSpreadsOverSixtyFourAndEnds) {
  for (const std::uint32_t ranks : {2u, 5u, 16u, 64u, 100u}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Job job(ranks, seed);
      job.rank(static_cast<std::uint32_t>(seed) % ranks).add({7, 4});
      ASSERT_TRUE(job.quiet(1'000'000)) << ranks << " ranks, seed " << seed;
      expect_spread(job, ranks, 0);
      // Steps of one rank alone would be the number of tasks. Each pair of ranks is some steps apart.
      EXPECT_LT(job.now(), tree(7, 4) * 4 / ranks + 200) << ranks << " ranks, seed " << seed;
    }
  }
}

TEST(Stealing, IdleJobSendsNothingAndWorkThatComesLaterWakesEverybodyWithoutATick) {
  constexpr std::uint32_t ranks = 64;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Job job(ranks, seed);
    ASSERT_TRUE(job.quiet(100'000));
    for (std::uint32_t r = 0; r < ranks; ++r) EXPECT_TRUE(job.rank(r).stealing().resting());
    const auto messages = job.messages;
    EXPECT_LE(messages, ranks * 2 * 12u) << "each asks its lifelines, two at random, a mate; each is answered";
    ASSERT_TRUE(job.quiet(100'000));
    EXPECT_EQ(job.messages, messages);
    for (int wave = 0; wave < 3; ++wave) {
      const auto before = job.executed();
      job.rank(static_cast<std::uint32_t>(seed * 7 + wave * 13) % ranks).add({7, 4});
      ASSERT_TRUE(job.quiet(1'000'000)) << "seed " << seed << " wave " << wave;
      expect_spread(job, ranks, before);
    }
  }
}

TEST(Stealing, RanksThatDieWhileTheyAreAskedHoldNobodyUp) {
  constexpr std::uint32_t ranks = 16;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Job job(ranks, seed);
    job.quiet(1);  // everybody has asked somebody
    for (std::uint32_t r = ranks / 2; r < ranks; ++r) job.kill(Rank{r});
    job.rank(0).add({7, 4});
    ASSERT_TRUE(job.quiet(1'000'000)) << "seed " << seed;
    EXPECT_EQ(job.executed(), tree(7, 4));
    for (std::uint32_t r = 0; r < ranks / 2; ++r) EXPECT_GT(job.rank(r).executed, 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ringray::scheduler
