// Bulk transfers between processes of one host: read from the sender's memory where that is possible, else sent.

#include <unistd.h>

#include <cstdlib>

#include "recorder.hpp"
#include "ringray/transport/bootstrap/fork.hpp"
#include "ringray/transport/ucx/identity.hpp"
#include "ucx_job.hpp"

namespace ringray::transport::conformance {
namespace {

bool over_shared_memory() {
  const char* transports = std::getenv("UCX_TLS");
  return transports == nullptr || std::string(transports).find("cma") != std::string::npos;
}

// Each of two ranks sends the other three transfers and ends with how many it read itself as its exit code.
void expect_read(std::vector<int> expected, void (*prepare)(Rank), void (*change)(Roster&)) {
  if (!over_shared_memory()) GTEST_SKIP() << "UCX_TLS allows no process to read another one's memory";
  const auto endings = run_forked(
      static_cast<std::uint32_t>(expected.size()),
      [&](Bootstrap& bootstrap) {
        int read = 0;
        {
          prepare(bootstrap.rank());
          UcxJob job(bootstrap, change);
          Recorder recorder;
          const Rank peer = 1 - job.rank().value;
          const std::size_t sizes[] = {100'000, 3 << 20, 20 << 20};
          for (const auto size : sizes)
            job.transport().send_bulk(peer, {.correlation = size}, lease(pattern(size, size + job.rank().value)));
          until(job, recorder, "all transfers", [&] { return recorder.bulks_ended == std::size(sizes); });
          for (const auto size : sizes)
            EXPECT_TRUE(recorder.bulks[size].bytes == pattern(size, size + peer.value)) << size;
          read = static_cast<int>(job.transport().counters().bulks_read);
          part(job, recorder);
        }
        bootstrap.finish(Leave::together);
        return testing::Test::HasFailure() ? 100 : read;
      },
      std::chrono::seconds(100));
  for (std::size_t rank = 0; rank < endings.size(); ++rank) {
    EXPECT_EQ(endings[rank].signal, 0);
    EXPECT_EQ(endings[rank].exit_code, expected[rank]) << "rank " << rank;
  }
}

TEST(SingleCopy, LargeTransfersAreReadFromTheSendersMemory) {
  expect_read(
      {3, 3}, [](Rank) {}, [](Roster&) {});
}

TEST(SingleCopy, WhoMayNotReadIsSentTheBytes) {
  const auto forbid = [](Rank rank) {
    if (rank == Rank(1)) ::setenv("UCX_TLS", "posix,sysv,self", 1);
  };
  expect_read({0, 0}, forbid, [](Roster&) {});
}

TEST(SingleCopy, BytesOfAnotherProcessOrOfARevokedOfferAreRefused) {
  ucx::Identity shown{17, Rank(3), Rank(5)};
  const std::uint64_t bytes = 42;
  std::uint64_t copy = 0;
  const auto reads = [&](const ucx::Identity& expected, const void* from) {
    return ucx::read_memory(static_cast<std::uint64_t>(::getpid()), reinterpret_cast<std::uint64_t>(&shown), expected,
                            reinterpret_cast<std::uint64_t>(from), std::as_writable_bytes(std::span(&copy, 1)));
  };
  const auto expected = shown;
  EXPECT_TRUE(reads(expected, &bytes));
  EXPECT_EQ(copy, bytes);
  EXPECT_FALSE(reads({18, Rank(3), Rank(5)}, &bytes));
  EXPECT_FALSE(reads({17, Rank(2), Rank(5)}, &bytes));
  EXPECT_FALSE(reads({17, Rank(3), Rank(6)}, &bytes));
  EXPECT_FALSE(reads(expected, nullptr));
  shown.revoke();
  EXPECT_FALSE(reads(expected, &bytes));
}

// The parent of the ranks is another process of this host.
TEST(SingleCopy, WhoseProcessIsMistakenIsSentTheBytes) {
  const auto mistake = [](Roster& roster) {
    roster.process_ids[1 - roster.self.value] = static_cast<std::uint64_t>(::getppid());
  };
  expect_read(
      {0, 0}, [](Rank) {}, mistake);
}

}  // namespace
}  // namespace ringray::transport::conformance
