// Question: how long does a call of an actor on another rank take, from call to the value?
// Model: two messages. Each costs what MPI needs one way (0.35 us), plus encoding, a table row, the mailbox, and one
//   step of the worker's loop: about twice MPI's round trip.
// Baseline: MPI ping-pong of 8 bytes by the same two processes, in turn with ours. Each round is 300 round trips, each
//   timed on its own; the p50 and the p99 of the best round count.

#include <mpi.h>

#include "pair.hpp"
#include "report.hpp"

namespace {

using namespace ringray;

constexpr int round_trips = 300;

struct Echo {
  std::int64_t same(std::int64_t value) { return value; }
};

void pong(int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    MPI_Recv(&value, 1, MPI_INT64_T, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(&value, 1, MPI_INT64_T, 0, 0, MPI_COMM_WORLD);
  }
}

/// Microseconds of each round trip.
template <class Trip>
std::vector<double> timed(const Trip& trip) {
  std::vector<double> times;
  times.reserve(round_trips);
  for (std::int64_t i = 0; i < round_trips; ++i) times.push_back(perf::seconds_of([&] { trip(i); }) * 1e6);
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  return perf::run_pair(argc, argv, [&] {
    const auto echo = spawn<Echo>({.placement = on_rank(1)});
    echo.wait();
    perf::Rounds p50, p99;
    perf::take_turns(
        {smoke ? 0.1 : 15},
        [&] {
          auto times = timed([&](std::int64_t i) { get(echo.call<&Echo::same>(i)); });
          p50.ours.push_back(perf::quantile(times, 0.5));
          p99.ours.push_back(perf::quantile(times, 0.99));
          return 0;
        },
        [&] {
          const auto peer = perf::start_on_peer(pong, round_trips);
          auto times = timed([&](std::int64_t i) {
            MPI_Send(&i, 1, MPI_INT64_T, 1, 0, MPI_COMM_WORLD);
            MPI_Recv(&i, 1, MPI_INT64_T, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
          });
          get(peer);
          p50.baseline.push_back(perf::quantile(times, 0.5));
          p99.baseline.push_back(perf::quantile(times, 0.99));
          return 0;
        });
    perf::print(
        {.bench = "actor_call", .metric = "round_trip_p50", .unit = "us", .baseline = "mpi_ping_pong", .goal = 2}, p50);
    perf::print({.bench = "actor_call", .metric = "round_trip_p99", .unit = "us", .baseline = "mpi_ping_pong"}, p99);
  });
}
