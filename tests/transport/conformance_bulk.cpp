// Bulk transfers, on any transport.

#include "recorder.hpp"

namespace ringray::transport::conformance {
namespace {

constexpr std::size_t bulk_sizes[] = {1,      7,       64,      1000,    8000,    8192,      8193,     20'000,
                                      65'536, 100'001, 262'144, 1 << 20, 3 << 20, 5'000'001, 16 << 20, 64 << 20};

TEST(Bulk, EverySizeArrivesWholeInBothDirectionsAtOnce) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    const Rank peer = 1 - job.rank().value;
    for (const auto size : bulk_sizes)
      job.transport().send_bulk(peer, {.correlation = size}, lease(pattern(size, size + job.rank().value)));
    until(job, recorder, "all transfers", [&] { return recorder.bulks_ended == std::size(bulk_sizes); });
    for (const auto size : bulk_sizes) {
      EXPECT_EQ(recorder.bulks[size].status, Errc::none);
      EXPECT_TRUE(recorder.bulks[size].bytes == pattern(size, size + peer.value)) << size;
    }
    part(job, recorder);
  });
}

TEST(Bulk, ManyTransfersAndMessagesAtOnceArriveWhole) {
  run_ranks(3, [](Job& job) {
    Recorder recorder;
    constexpr std::uint64_t rounds = 100;
    const auto mine = job.rank().value;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (std::uint32_t target = 0; target < job.size(); ++target) {
        const auto key = round * 16 + mine;
        job.transport().send_bulk(target, {.correlation = key}, lease(pattern(1 + round * 911, key)));
        job.transport().send(target, {.correlation = round}, pattern(round, round));
      }
      job.progress(recorder);
    }
    job.transport().flush();
    until(job, recorder, "all", [&] {
      return recorder.bulks_ended == rounds * job.size() && recorder.messages.size() == rounds * job.size();
    });
    for (const auto& [key, bulk] : recorder.bulks)
      ASSERT_TRUE(bulk.status == Errc::none && bulk.bytes == pattern(1 + key / 16 * 911, key)) << key;
    part(job, recorder);
  });
}

TEST(Bulk, RefusedTransferIsDroppedAndLaterOnesArrive) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    const Rank peer = 1 - job.rank().value;
    auto bytes = std::make_shared<std::vector<std::byte>>(pattern(1 << 20, 1));
    std::weak_ptr<std::vector<std::byte>> watched = bytes;
    recorder.refuse = true;
    for (const std::size_t size : {1ul, 5000ul, 1ul << 20})
      job.transport().send_bulk(peer, {.correlation = size}, Lease(View(*bytes).first(size), bytes));
    bytes.reset();
    until(job, recorder, "refusals", [&] { return recorder.refused == 3; });
    until(job, recorder, "the bytes to be released", [&] { return watched.expired(); });
    EXPECT_EQ(recorder.bulks_ended, 0u);
    job.transport().send(peer, {}, {});
    job.transport().flush();
    until(job, recorder, "the peer's refusals", [&] { return !recorder.messages.empty(); });
    recorder.refuse = false;
    job.transport().send(peer, {}, {});  // each side says that it refuses no more
    job.transport().flush();
    until(job, recorder, "the peer's readiness", [&] { return recorder.messages.size() == 2; });
    job.transport().send_bulk(peer, {.correlation = 9}, lease(pattern(100'000, 9)));
    until(job, recorder, "the transfer", [&] { return recorder.bulks_ended == 1; });
    EXPECT_TRUE(recorder.bulks[9].bytes == pattern(100'000, 9));
    part(job, recorder);
  });
}

TEST(Bulk, ToSelfArrivesWhole) {
  run_ranks(1, [](Job& job) {
    Recorder recorder;
    job.transport().send_bulk(0, {.correlation = 3}, lease(pattern(300'000, 3)));
    EXPECT_EQ(recorder.bulks_ended, 0u);
    until(job, recorder, "the transfer", [&] { return recorder.bulks_ended == 1; });
    EXPECT_TRUE(recorder.bulks[3].bytes == pattern(300'000, 3));
    part(job, recorder);
  });
}

TEST(Bulk, BytesAreReleasedWhenTheTransferEnded) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    auto bytes = std::make_shared<std::vector<std::byte>>(pattern(2 << 20, 1));
    std::weak_ptr<std::vector<std::byte>> watched = bytes;
    job.transport().send_bulk(1 - job.rank().value, {.correlation = 1}, Lease(View(*bytes), bytes));
    bytes.reset();
    until(job, recorder, "both ends", [&] { return recorder.bulks_ended == 1 && watched.expired(); });
    part(job, recorder);
  });
}

}  // namespace
}  // namespace ringray::transport::conformance
