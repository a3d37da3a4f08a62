// Results of tasks that were passed on before their task was sent to another rank.

#include <atomic>
#include <vector>

#include "harness.hpp"

namespace conformance {
namespace {

using Doubles = std::vector<double>;
constexpr std::size_t stays = 200'000;  // stays with who made it

std::size_t size_of(const std::vector<ObjectRef<Doubles>>& refs) { return get(refs.at(0)).size(); }

Doubles later(ObjectRef<int> gate) { return Doubles(stays, get(gate)); }

TEST_F(Ray, C42_AResultThatIsPassedOnMayBeMadeWhereItsArgumentsAre) {
  Gate gate;
  const TaskOptions there{.placement = on_rank(last_rank())};
  const auto argument = submit(there, later, gate.ref());
  const auto made = submit([](const Doubles& n) { return n; }, argument);
  const auto [first, second] = submit(
      [](const Doubles& n) {
        return Returns<Doubles, Doubles>{Doubles{1}, n};
      },
      argument);
  const auto size = submit(there, size_of, std::vector{made});
  const auto second_size = submit(there, size_of, std::vector{second});
  gate.open();
  EXPECT_EQ(get(size), stays);
  EXPECT_EQ(get(made), Doubles(stays, 1.0));
  EXPECT_EQ(get(second_size), stays);
  EXPECT_EQ(get(first), Doubles{1});
  EXPECT_EQ(get(second).size(), stays);
}

std::atomic<int> encoding{0};
std::atomic<bool> encoding_may_end{false};

struct Slow {
  int unused = 0;
  template <class Archive>
  void save(Archive& archive) const {
    ++encoding;
    const auto latest = std::chrono::steady_clock::now() + 500ms;  // the driver may need this thread
    while (!encoding_may_end && std::chrono::steady_clock::now() < latest) {
    }
    archive(unused);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(unused);
  }
};

TEST_F(Ray, C42_AResultMayBePassedOnWhileItsTaskIsBeingEncoded) {
  encoding = 0, encoding_may_end = false;
  const auto make = [](const Slow&) { return Doubles(stays, 1.0); };
  std::vector<ObjectRef<Doubles>> made;
  for (int i = 0; i < 8; ++i) made.push_back(submit(make, Slow{}));
  soon([&] { return encoding > 0 || wait(made, {.count = 8, .timeout = 0ns}).ready.size() == 8; });  // stolen, or ran
  std::vector<ObjectRef<std::size_t>> sizes;
  for (const auto& ref : made) sizes.push_back(submit({.placement = on_rank(last_rank())}, size_of, std::vector{ref}));
  encoding_may_end = true;
  for (const auto n : get(sizes)) EXPECT_EQ(n, stays);
  for (const auto& ref : made) EXPECT_EQ(get(ref).size(), stays);
}

}  // namespace
}  // namespace conformance
