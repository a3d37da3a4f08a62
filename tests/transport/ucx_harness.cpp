// Ranks of the conformance tests on UCX: forked, so that a test may kill one.

#include <gtest/gtest.h>

#include "ringray/transport/bootstrap/fork.hpp"
#include "ucx_job.hpp"

namespace ringray::transport::conformance {

void run_ranks(std::uint32_t ranks, const std::function<void(Job&)>& body) {
  const auto endings = run_forked(
      ranks,
      [&](Bootstrap& bootstrap) {
        {
          UcxJob job(bootstrap);
          body(job);
        }
        bootstrap.finish(Leave::together);
        return testing::Test::HasFailure() ? 1 : 0;
      },
      std::chrono::seconds(100));
  for (std::size_t rank = 0; rank < endings.size(); ++rank) {
    EXPECT_EQ(endings[rank].exit_code, 0) << "rank " << rank;
    EXPECT_FALSE(endings[rank].overdue) << "rank " << rank;
    EXPECT_TRUE(endings[rank].signal == 0 || endings[rank].signal == SIGKILL)
        << "rank " << rank << " ended by signal " << endings[rank].signal;
  }
}

}  // namespace ringray::transport::conformance
