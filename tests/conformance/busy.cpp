// A rank all of whose workers compute goes on to serve others.

#include "harness.hpp"

namespace conformance {
namespace {

struct Started {
  void add() { ++count; }
  int read() { return count; }
  int count = 0;
};
/// Keeps a worker without ever giving it away.
int compute_until_stopped(ActorHandle<Started> started) {
  const auto stop = this_task::stop_token();
  started.send<&Started::add>();
  while (!stop.stop_requested()) {
  }
  return 1;
}
struct Kept {
  ObjectRef<int> number;
  ObjectRef<std::vector<std::string>> words;
  ObjectRef<Array<double, 1>> large;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, words, large);
  }
};
Kept keep() { return {put(7), put(std::vector<std::string>{"a", "b"}), put(Array<double, 1>({100'000}))}; }

TEST_F(Ray, BusyWorkersStillAnswerOtherRanks) {
  if (ranks() == 1) GTEST_SKIP() << "the driver needs the only worker";
  const TaskOptions there{.placement = on_rank(last_rank())};
  const auto kept = get(submit(there, keep));
  auto started = spawn<Started>();
  const auto busy = submit(there, compute_until_stopped, started);
  EXPECT_TRUE(soon([&] { return get(started.call<&Started::read>()) == 1; }));
  EXPECT_EQ(get(kept.number), 7);
  EXPECT_EQ(get(kept.words), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(get(kept.large).size(), 100'000u);
  const auto mine = put(std::vector<int>(50, 3));
  const auto waits_there = submit(
      there, [](const std::vector<int>& numbers) { return numbers.size(); }, mine);
  EXPECT_THROW(get(waits_there, 10ms), GetTimeoutError) << "no worker was free";
  cancel(waits_there);
  EXPECT_THROW(get(waits_there), TaskCancelledError);
  cancel(busy);
  EXPECT_EQ(get(busy), 1);
}

}  // namespace
}  // namespace conformance
