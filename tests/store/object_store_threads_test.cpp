#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "fixture.hpp"
#include "ringray/base/random.hpp"

namespace ringray::store {
namespace {

using ObjectStoreThreadsTest = StoreTest;

TEST_F(ObjectStoreThreadsTest, ManyReadersOfOneSpilledObjectRestoreItOnce) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  ASSERT_FALSE(store->resident(id_of(1)));
  constexpr int readers = 6;
  std::barrier together(readers);
  std::vector<wire::Lease> leases(readers);
  {
    std::vector<std::jthread> threads;
    for (auto& lease : leases)
      threads.emplace_back([&] {
        together.arrive_and_wait();
        lease = *store->lease(id_of(1));
      });
  }
  for (const auto& lease : leases) {
    EXPECT_EQ(lease.view().data(), leases[0].view().data());
    EXPECT_TRUE(filled(lease.view(), 1));
  }
  EXPECT_EQ(store->usage().restores, 1u);
}

TEST_F(ObjectStoreThreadsTest, CreateLeaseLendAndEraseFromManyThreadsLoseNothing) {
  open_with_disk(512 * kib);
  const auto seed = base::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr std::uint64_t shared = 24;
  for (std::uint64_t i = 1; i <= shared; ++i) put(i, 30 * kib);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        base::Random random(seed + thread);
        for (std::uint64_t step = 0; step < 300; ++step) {
          const auto own = 1000 * (thread + 1) + step;
          auto buffer = store->create(random.below(40 * kib));
          if (!buffer) {
            ++wrong;
            continue;
          }
          fill(buffer->bytes(), own);
          store->seal(id_of(own), std::move(*buffer), random.chance(0.5) ? Copy::primary : Copy::secondary);

          const auto other = 1 + random.below(shared);
          const auto lease = store->lease(id_of(other));
          wrong += !lease || !filled(lease->view(), other);
          const auto reader = Rank(thread);
          const auto lent = 1 + random.below(shared);
          const auto position = store->lend(id_of(lent), reader);
          if (position && position->offset != ObjectStore::Position::outside) {
            wrong += !filled({store->arena().at(position->offset), position->bytes}, lent);
            store->unlend(id_of(lent), reader);
          }
          wrong += !position;
          if (const auto mine = store->lease(id_of(own))) wrong += !filled(mine->view(), own);
          store->erase(id_of(own));
        }
      });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(store->usage().objects, shared);
  EXPECT_EQ(store->usage().pinned_bytes, 0u);
  for (std::uint64_t i = 1; i <= shared; ++i) expect_readable(i, 30 * kib);
}

TEST_F(ObjectStoreThreadsTest, EraseRacesWithRestoreAndSpillWithoutLeaks) {
  open_with_disk(512 * kib);
  const auto seed = base::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        base::Random random(seed + thread);
        for (int step = 0; step < 400; ++step) {
          const auto any = 1 + random.below(40);  // all threads make, read and erase the same objects
          if (random.chance(0.4)) {
            auto buffer = store->create(40 * kib);
            if (!buffer) {
              ++wrong;
              continue;
            }
            fill(buffer->bytes(), any);
            wrong += !filled(store->seal(id_of(any), std::move(*buffer), Copy::primary).view(), any);
          } else if (random.chance(0.7)) {
            const auto lease = store->lease(id_of(any));
            wrong += lease ? !filled(lease->view(), any) : lease.error().code != Errc::object_lost;
          } else {
            store->erase(id_of(any));
          }
        }
      });
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ringray::store
