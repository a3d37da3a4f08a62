// What comes while a message before it is still being decoded, by a user's function that takes its time.

#include <atomic>

#include "actors.hpp"

namespace conformance {
namespace {

std::atomic<bool> decoding_may_end{false};  // on the rank that decodes

struct Slow {
  int unused = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(unused);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(unused);
    while (!decoding_may_end) this_task::yield();
  }
};

using Doubles = std::vector<double>;
std::atomic<int> noted_here{0};
std::atomic<std::size_t> numbers_here{0};

struct Log {
  void wait(const Slow&) { ++noted_here; }
  void note() { ++noted_here; }
  void take(ObjectRef<Doubles> ref) { numbers_here += get(ref).size(); }
};

int send_notes(ActorHandle<Log> log) {
  log.send<&Log::wait>(Slow{});
  for (int i = 0; i < 5; ++i) log.send<&Log::note>();
  return 1;
}

TEST_F(Ray, C27_OneWayCallsRunThoughTheLastHandleGoesWhileOneIsDecoded) {
  decoding_may_end = false, noted_here = 0;
  const auto clean = counts_here();
  auto log = spawn<Log>();
  {
    const auto sent = submit({.placement = on_rank(last_rank())}, send_notes, log);
    log = {};
    get(sent);
  }
  EXPECT_TRUE(soon([&] { return counts_here().owned == clean.owned; }));  // no handle is left
  decoding_may_end = true;
  EXPECT_TRUE(soon([&] { return noted_here == 6; })) << noted_here;
}

int send_reference(ActorHandle<Log> log, std::vector<ObjectRef<Doubles>> refs) {
  log.send<&Log::wait>(Slow{});
  log.send<&Log::take>(refs[0]);
  return 1;
}

TEST_F(Ray, C43_AReferenceInACallThatWaitsKeepsItsObjectAlive) {
  decoding_may_end = false, numbers_here = 0;
  auto log = spawn<Log>();
  {
    std::vector<ObjectRef<Doubles>> refs{put(Doubles(1000, 1.0))};
    auto sent = submit({.placement = on_rank(last_rank())}, send_reference, log, refs);
    refs.clear();
    get(sent);
  }
  decoding_may_end = true;
  EXPECT_TRUE(soon([&] { return numbers_here == 1000; })) << numbers_here;
}

}  // namespace
}  // namespace conformance
