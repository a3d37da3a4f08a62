// The checker finds bugs that are planted in the network: a lost message must not go unnoticed.

#include <gtest/gtest.h>

#include "world.hpp"

namespace ringray::sim {
namespace {

/// Problems that were found in the seeds in which `tamper` did something.
struct Found {
  unsigned planted = 0, noticed = 0;
};

Found plant(bool (*tamper)(Envelope&, std::vector<std::byte>&, bool& done)) {
  Found found;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world({.seed = seed, .ranks = 2 + static_cast<std::uint32_t>(seed % 7), .tasks = 150, .roots = 6});
    bool done = false;
    world.network().tamper = [&](Envelope& envelope, std::vector<std::byte>& payload) {
      return done || tamper(envelope, payload, done);
    };
    const auto problem = world.run();
    found.planted += done;
    found.noticed += done && !problem.empty();
  }
  return found;
}

TEST(Canary, OneLostReleaseIsFound) {
  const auto found = plant([](Envelope& envelope, std::vector<std::byte>&, bool& done) {
    done = envelope.kind == Kind::release;
    return !done;
  });
  EXPECT_GT(found.planted, 10u);
  EXPECT_EQ(found.noticed, found.planted);
}

TEST(Canary, OneLostBorrowIsFound) {
  const auto found = plant([](Envelope& envelope, std::vector<std::byte>&, bool& done) {
    done = envelope.kind == Kind::borrow;
    return !done;
  });
  EXPECT_GT(found.planted, 10u);
  EXPECT_EQ(found.noticed, found.planted);
}

TEST(Canary, OneEmptiedListOfKeptReferencesIsFound) {
  const auto found = plant([](Envelope& envelope, std::vector<std::byte>& payload, bool& done) {
    done = envelope.kind == Kind::reply && envelope.argument > 0;
    if (done) {
      payload.resize(payload.size() - envelope.argument * sizeof(ObjectId));
      envelope.argument = 0;
    }
    return true;
  });
  EXPECT_GT(found.planted, 10u);
  EXPECT_EQ(found.noticed, found.planted);
}

}  // namespace
}  // namespace ringray::sim
