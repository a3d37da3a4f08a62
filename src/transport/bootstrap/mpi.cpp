#include "ringray/transport/bootstrap/mpi.hpp"

#include <climits>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace ringray::transport {
namespace {

Failure failed(const char* call, int error) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(error, text, &length) != MPI_SUCCESS) length = 0;
  return {Errc::config, std::string("MPI does not bring the ranks together (") + call + ": " +
                            std::string(text, static_cast<std::size_t>(length)) +
                            "); start the program with mpirun or "
                            "srun --mpi=pmix"};
}

class MpiBootstrap final : public Bootstrap {
 public:
  MpiBootstrap(MPI_Comm communicator, int rank, int size, bool finalizes)
      : communicator_(communicator), rank_(rank), size_(size), finalizes_(finalizes) {}

  Rank rank() const noexcept override { return rank_; }
  std::uint32_t size() const noexcept override { return static_cast<std::uint32_t>(size_); }

  Result<std::vector<std::vector<std::byte>>> exchange(wire::View bytes) override {
    int own = static_cast<int>(bytes.size());
    std::vector<int> sizes(static_cast<std::size_t>(size_));
    if (int error = MPI_Allgather(&own, 1, MPI_INT, sizes.data(), 1, MPI_INT, communicator_); error != MPI_SUCCESS)
      return tl::make_unexpected(failed("MPI_Allgather", error));
    std::vector<int> offsets(sizes.size());
    std::int64_t total = 0;
    for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
      offsets[rank] = static_cast<int>(total);
      total += sizes[rank];
      if (total > INT_MAX)
        return failure(Errc::config, "the ranks' introductions exceed 2 GiB together; use fewer ranks");
    }
    std::vector<std::byte> all(static_cast<std::size_t>(total));
    if (int error = MPI_Allgatherv(bytes.data(), own, MPI_BYTE, all.data(), sizes.data(), offsets.data(), MPI_BYTE,
                                   communicator_);
        error != MPI_SUCCESS)
      return tl::make_unexpected(failed("MPI_Allgatherv", error));
    std::vector<std::vector<std::byte>> records;
    records.reserve(sizes.size());
    for (std::size_t rank = 0; rank < sizes.size(); ++rank)
      records.emplace_back(all.begin() + offsets[rank], all.begin() + offsets[rank] + sizes[rank]);
    return records;
  }

  void finish(Leave leave) override {
    if (std::exchange(finalizes_, false) && leave == Leave::together && MPI_Finalize() != MPI_SUCCESS)
      std::_Exit(EXIT_FAILURE);
  }

  void abort(int exit_code) override {
    MPI_Abort(communicator_, exit_code);  // returns only when it fails
    std::_Exit(exit_code == 0 ? 1 : exit_code);
  }

 private:
  MPI_Comm communicator_;
  int rank_;
  int size_;
  bool finalizes_;
};

Result<std::unique_ptr<Bootstrap>> over(MPI_Comm communicator, bool finalizes) {
  int rank = 0, size = 0;
  if (int error = MPI_Comm_rank(communicator, &rank); error != MPI_SUCCESS)
    return tl::make_unexpected(failed("MPI_Comm_rank", error));
  if (int error = MPI_Comm_size(communicator, &size); error != MPI_SUCCESS)
    return tl::make_unexpected(failed("MPI_Comm_size", error));
  return std::make_unique<MpiBootstrap>(communicator, rank, size, finalizes);
}

}  // namespace

Result<std::unique_ptr<Bootstrap>> bootstrap_by_mpi() {
  int initialised = 0;
  if (int error = MPI_Initialized(&initialised); error != MPI_SUCCESS)
    return tl::make_unexpected(failed("MPI_Initialized", error));
  if (initialised == 0) {
    int provided = 0;
    if (int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided); error != MPI_SUCCESS)
      return tl::make_unexpected(failed("MPI_Init_thread", error));
  }
  return over(MPI_COMM_WORLD, initialised == 0);
}

Result<std::unique_ptr<Bootstrap>> bootstrap_by_mpi(MPI_Comm communicator) { return over(communicator, false); }

}  // namespace ringray::transport
