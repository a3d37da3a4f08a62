// Ranks of the conformance tests on UCX under mpirun. Each test takes the first ranks of the job.

#include <gtest/gtest.h>

#include "ringray/transport/bootstrap/mpi.hpp"
#include "ucx_job.hpp"

namespace ringray::transport::conformance {

void run_ranks(std::uint32_t ranks, const std::function<void(Job&)>& body) {
  int rank = 0, size = 0;
  ASSERT_EQ(MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_SUCCESS);
  ASSERT_EQ(MPI_Comm_size(MPI_COMM_WORLD, &size), MPI_SUCCESS);
  const auto taken = std::min(ranks, static_cast<std::uint32_t>(size));
  const bool takes_part = static_cast<std::uint32_t>(rank) < taken;
  MPI_Comm ours = MPI_COMM_NULL;
  ASSERT_EQ(MPI_Comm_split(MPI_COMM_WORLD, takes_part ? 0 : MPI_UNDEFINED, rank, &ours), MPI_SUCCESS);
  if (!takes_part) return;
  {
    auto bootstrap = bootstrap_by_mpi(ours);
    ASSERT_TRUE(bootstrap);
    UcxJob job(**bootstrap);
    body(job);
    job.close();
    (*bootstrap)->finish(Leave::together);
  }
  ASSERT_EQ(MPI_Comm_free(&ours), MPI_SUCCESS);
}

}  // namespace ringray::transport::conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto bootstrap = ringray::transport::bootstrap_by_mpi();
  if (!bootstrap) return std::fprintf(stderr, "%s\n", bootstrap.error().text.c_str()), 1;
  const int result = RUN_ALL_TESTS();
  (*bootstrap)->finish(ringray::transport::Leave::together);
  return result;
}
