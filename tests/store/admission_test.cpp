#include "ringray/store/admission.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "ringray/base/random.hpp"

namespace ringray::store {
namespace {

using Class = Admission::Class;
using Objects = std::vector<Admission::Object>;
using Requests = std::vector<Admission::RequestId>;

ObjectId name_of(std::uint64_t sequence) { return ObjectId{Rank(1), 0, sequence}; }

TEST(Admission, RequestThatFitsStartsItsPullsAtOnce) {
  Admission admission(100);
  const Objects objects{{name_of(1), 30}, {name_of(2), 40}};
  const auto change = admission.activate(1, Class::arguments, objects);
  EXPECT_EQ(change.granted, Requests{1});
  EXPECT_EQ(change.start, objects);
  EXPECT_EQ(admission.held_bytes(), 70u);
}

TEST(Admission, ArgumentsAreGrantedAllOrNone) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 50}});
  const auto change = admission.activate(2, Class::arguments, {{name_of(2), 10}, {name_of(3), 50}});
  EXPECT_TRUE(change.start.empty());
  EXPECT_EQ(admission.held_bytes(), 50u);
  EXPECT_EQ(admission.finish(1).start.size(), 2u);
}

TEST(Admission, GetGoesBeforeWaitBeforeArguments) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 100}});
  admission.activate(2, Class::get, {{name_of(2), 60}});  // granted beyond the budget
  admission.activate(3, Class::arguments, {{name_of(3), 60}});
  admission.activate(4, Class::wait, {{name_of(4), 60}});
  admission.activate(5, Class::get, {{name_of(5), 60}});
  EXPECT_EQ(admission.finish(2).granted, Requests{5});
  EXPECT_EQ(admission.finish(5).granted, Requests{4});
  EXPECT_EQ(admission.finish(1).granted, Requests{});
  EXPECT_EQ(admission.finish(4).granted, Requests{3});
}

TEST(Admission, NobodyOvertakesSoLargeRequestsDoNotStarve) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 60}});
  admission.activate(2, Class::arguments, {{name_of(2), 90}});
  EXPECT_TRUE(admission.activate(3, Class::arguments, {{name_of(3), 10}}).granted.empty());
  EXPECT_EQ(admission.finish(1).granted, (Requests{2, 3}));
}

TEST(Admission, SharedObjectIsPulledAndCountedOnce) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 60}, {name_of(1), 60}});
  EXPECT_EQ(admission.held_bytes(), 60u);
  const auto change = admission.activate(2, Class::arguments, {{name_of(1), 60}, {name_of(2), 40}});
  EXPECT_EQ(change.start, (Objects{{name_of(2), 40}}));
  EXPECT_EQ(admission.held_bytes(), 100u);
  admission.finish(1);
  EXPECT_EQ(admission.held_bytes(), 100u);
  admission.finish(2);
  EXPECT_EQ(admission.held_bytes(), 0u);
}

TEST(Admission, GetOfARunningTaskAlwaysProceeds) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 100}});
  EXPECT_EQ(admission.activate(2, Class::get, {{name_of(2), 1000}}).granted, Requests{2});
}

TEST(Admission, WaitOfARunningTaskProceedsOnceGetsAreServed) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 100}});
  admission.activate(2, Class::get, {{name_of(2), 10}});
  EXPECT_TRUE(admission.activate(3, Class::wait, {{name_of(3), 10}}).granted.empty());
  EXPECT_EQ(admission.finish(2).granted, Requests{3});
}

TEST(Admission, RequestLargerThanTheBudgetGoesWhenItIsAlone) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 10}});
  EXPECT_TRUE(admission.activate(2, Class::arguments, {{name_of(2), 1000}}).granted.empty());
  EXPECT_EQ(admission.finish(1).granted, Requests{2});
}

TEST(Admission, RequestWhoseObjectsAreAllOnTheirWayCostsNothing) {
  Admission admission(100);
  admission.activate(1, Class::get, {{name_of(1), 1000}});
  const auto change = admission.activate(2, Class::arguments, {{name_of(1), 1000}});
  EXPECT_EQ(change.granted, Requests{2});
  EXPECT_TRUE(change.start.empty());
}

TEST(Admission, CancelStopsOnlyPullsThatNobodyElseWants) {
  Admission admission(100);
  admission.activate(1, Class::get, {{name_of(1), 10}, {name_of(2), 10}, {name_of(3), 10}});
  admission.activate(2, Class::get, {{name_of(2), 10}});
  admission.arrived(name_of(3));
  const auto change = admission.cancel(1);
  EXPECT_EQ(change.stop, std::vector{name_of(1)});
  EXPECT_EQ(admission.held_bytes(), 10u);
}

TEST(Admission, PullThatTheNextRequestWantsGoesOn) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 80}});
  admission.activate(2, Class::arguments, {{name_of(2), 30}, {name_of(1), 80}});
  const auto change = admission.cancel(1);
  EXPECT_EQ(change.granted, Requests{2});
  EXPECT_TRUE(change.stop.empty());
  EXPECT_EQ(change.start, (Objects{{name_of(2), 30}}));
}

TEST(Admission, CancelledWhileWaitingMakesWayForTheNext) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 60}});
  admission.activate(2, Class::arguments, {{name_of(2), 90}});
  admission.activate(3, Class::arguments, {{name_of(3), 40}});
  EXPECT_EQ(admission.cancel(2).granted, Requests{3});
  EXPECT_TRUE(admission.cancel(2).granted.empty());
}

TEST(Admission, MoreRoomGrantsMore) {
  Admission admission(100);
  admission.activate(1, Class::arguments, {{name_of(1), 60}});
  admission.activate(2, Class::arguments, {{name_of(2), 60}});
  EXPECT_EQ(admission.resize(120).granted, Requests{2});
  EXPECT_TRUE(admission.resize(10).granted.empty());
}

// Tasks with large arguments run, get more objects while they hold their arguments, and end. Whatever the order, all
// end.
TEST(Admission, TwoLargeTasksNeverDeadlock) {
  for (int round = 0; round < 300; ++round) {
    const auto seed = base::random_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    const std::uint64_t budget = 100;
    Admission admission(budget);
    struct Task {
      Objects arguments, fetched;
      Class second = Class::get;
      enum { waits, runs, fetches, done } state = waits;
    };
    std::vector<Task> tasks(2 + random.below(8));
    const auto objects = [&] {
      Objects some(1 + random.below(4));
      for (auto& object : some) object = {name_of(1 + random.below(30)), 0};
      for (auto& object : some) object.bytes = 10 + object.id.sequence * 2;
      return some;
    };
    std::set<ObjectId> pulling;
    std::map<Admission::RequestId, bool> granted;
    const auto apply = [&](const Admission::Change& change) {
      for (const auto& object : change.start) EXPECT_TRUE(pulling.insert(object.id).second) << "pulled twice";
      for (const auto& id : change.stop) EXPECT_EQ(pulling.erase(id), 1u);
      for (const auto request : change.granted) granted[request] = true;
    };
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].arguments = objects();
      tasks[i].fetched = objects();
      if (random.chance(0.3)) tasks[i].second = Class::wait;
      apply(admission.activate(2 * i, Class::arguments, tasks[i].arguments));
    }
    const auto whole = [&](Admission::RequestId request, const Objects& wanted) {
      if (!granted[request]) return false;
      for (const auto& object : wanted)
        if (pulling.contains(object.id)) return false;
      return true;
    };
    for (std::size_t done = 0, idle = 0; done < tasks.size(); ++idle) {
      ASSERT_LT(idle, 2000u) << "nothing moves";
      if (!pulling.empty() && random.chance(0.5)) {
        auto object = pulling.lower_bound(name_of(random.below(31)));
        if (object == pulling.end()) object = pulling.begin();
        admission.arrived(*object);
        pulling.erase(object);
        idle = 0;
      }
      const auto i = random.below(tasks.size());
      auto& task = tasks[i];
      const auto before = task.state;
      if (task.state == Task::waits && whole(2 * i, task.arguments)) {
        task.state = Task::runs;
      } else if (task.state == Task::runs) {
        apply(admission.activate(2 * i + 1, task.second, task.fetched));
        task.state = Task::fetches;
      } else if (task.state == Task::fetches && whole(2 * i + 1, task.fetched)) {
        apply(admission.finish(2 * i + 1));
        apply(admission.finish(2 * i));
        task.state = Task::done;
        ++done;
      }
      if (task.state != before) idle = 0;
    }
    EXPECT_EQ(admission.held_bytes(), 0u);
    EXPECT_EQ(admission.waiting() + admission.granted(), 0u);
    EXPECT_TRUE(pulling.empty());
  }
}

}  // namespace
}  // namespace ringray::store
