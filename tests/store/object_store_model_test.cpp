// Random use of a store that is far too small, compared with a map.

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "fixture.hpp"
#include "ringray/base/random.hpp"

namespace ringray::store {
namespace {

class ObjectStoreModelTest : public StoreTest, public testing::WithParamInterface<bool> {};

TEST_P(ObjectStoreModelTest, AgreesWithAMap) {
  const auto seed = base::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  const bool tight_disk = GetParam();
  open({.bytes = 256 * kib,
        .spill_directory = scratch,
        .spill_bytes_max = tight_disk ? 300 * kib : ~std::uint64_t{0},
        .spill_batch_bytes = 20 * kib});

  struct Known {
    std::size_t bytes;
    Copy copy;
  };
  struct Held {
    std::uint64_t sequence;
    wire::Lease lease;
  };
  struct Lent {
    std::uint64_t sequence;
    Rank reader;
    ObjectStore::Position position;
  };
  std::map<std::uint64_t, Known> known;
  std::vector<Held> held;
  std::vector<Lent> lent;
  std::uint64_t next = 0;
  int refused = 0;
  const auto some_known = [&] {
    const auto found = known.lower_bound(random.below(next + 1));
    return found == known.end() ? known.begin() : found;
  };

  for (int step = 0; step < 6000 && !HasFailure(); ++step) {
    const auto dice = random.below(100);
    if (dice < 35) {
      const auto bytes = random.chance(0.8) ? random.below(6 * kib) : random.below(60 * kib);
      auto buffer = store->create(bytes);
      if (!buffer) {
        ASSERT_TRUE(tight_disk) << buffer.error().text;
        ASSERT_EQ(buffer.error().code, Errc::out_of_disk);
        ++refused;
        if (!known.empty()) {
          const auto victim = some_known();
          store->erase(id_of(victim->first));
          known.erase(victim);
        }
        continue;
      }
      const auto sequence = ++next;
      const auto copy = random.chance(0.3) ? Copy::secondary : Copy::primary;
      fill(buffer->bytes(), sequence);
      auto lease = store->seal(id_of(sequence), std::move(*buffer), copy);
      known[sequence] = {bytes, copy};
      if (random.chance(0.1)) held.push_back({sequence, std::move(lease)});
    } else if (dice < 65 && !known.empty()) {
      const auto found = some_known();
      auto lease = store->lease(id_of(found->first));
      if (!lease) {
        ASSERT_EQ(found->second.copy, Copy::secondary) << lease.error().text;
        ASSERT_FALSE(store->contains(id_of(found->first)));
        known.erase(found);
        continue;
      }
      ASSERT_EQ(lease->size(), found->second.bytes);
      ASSERT_TRUE(filled(lease->view(), found->first));
      if (random.chance(0.3)) held.push_back({found->first, std::move(*lease)});
    } else if (dice < 75 && !known.empty()) {
      const auto found = some_known();
      const auto reader = Rank(random.below(3));
      const auto position = store->lend(id_of(found->first), reader);
      if (!position) {
        ASSERT_EQ(found->second.copy, Copy::secondary) << position.error().text;
        known.erase(found);
        continue;
      }
      ASSERT_EQ(position->bytes, found->second.bytes);
      if (position->offset != ObjectStore::Position::outside) lent.push_back({found->first, reader, *position});
    } else if (dice < 85 && !known.empty()) {
      const auto found = some_known();
      store->erase(id_of(found->first));
      known.erase(found);
    } else if (dice < 95) {
      if (!held.empty()) {
        std::swap(held[random.below(held.size())], held.back());
        ASSERT_TRUE(filled(held.back().lease.view(), held.back().sequence));
        held.pop_back();
      }
      if (!lent.empty()) {
        std::swap(lent[random.below(lent.size())], lent.back());
        const auto& [sequence, reader, position] = lent.back();
        ASSERT_TRUE(filled({store->arena().at(position.offset), position.bytes}, sequence));
        store->unlend(id_of(sequence), reader);
        lent.pop_back();
      }
    } else if (dice == 95) {
      const auto dead = Rank(random.below(3));
      store->unlend_all(dead);
      std::erase_if(lent, [&](const Lent& loan) { return loan.reader == dead; });
    } else if (dice == 96 && !known.empty()) {
      const auto found = some_known();
      if (store->promote(id_of(found->first))) found->second.copy = Copy::primary;
    }
    if (held.size() > 15) held.erase(held.begin(), held.begin() + 10);
    const auto usage = store->usage();
    ASSERT_LE(usage.used_bytes, usage.capacity_bytes);
    ASSERT_LE(usage.disk_bytes, tight_disk ? 300 * kib : ~std::uint64_t{0});
  }
  held.clear();
  for (const auto& loan : lent) store->unlend(id_of(loan.sequence), loan.reader);
  EXPECT_EQ(store->usage().pinned_bytes, 0u);
  for (const auto& [sequence, object] : known)
    if (object.copy == Copy::primary) expect_readable(sequence, object.bytes);
  const auto usage = store->usage();
  EXPECT_GT(usage.evictions, 0u);
  EXPECT_GT(usage.restores, 0u);
  RecordProperty("refused", refused);
}

INSTANTIATE_TEST_SUITE_P(Disk, ObjectStoreModelTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithATightDisk" : "WithAWideDisk"; });

}  // namespace
}  // namespace ringray::store
