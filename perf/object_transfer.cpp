// Question: how fast does an object of another rank come when its memory cannot be shared?
// Model: a get asks the owner (one message), which sends the bytes by UCX's rendezvous from its arena into ours: the
//   bandwidth of UCX less two message latencies. Built twice: over tcp, and over shared memory with
//   --ringray.arena=false.
// Baseline: raw UCX in the same processes: a message asks, an active message of that size answers, in turn with ours.
//   One transfer at a time on both sides. The best round counts.

#include <cstring>

#include "raw_pair.hpp"

namespace {

using namespace ringray;
using Bytes = Array<std::uint8_t, 1>;

ObjectRef<Bytes> make(std::size_t bytes) {
  Bytes array({bytes});
  std::memset(array.data(), 3, bytes);
  return put(std::move(array));
}

void raw_serve(std::size_t bytes, std::size_t largest) {
  perf::raw().source.resize(largest);
  std::memset(perf::raw().source.data(), 3, bytes);  // as fresh in the sender's cache as an object that was just made
  perf::raw().send();                                // ready
  perf::raw().expect_messages(1);
  perf::raw().send_bulk(bytes);
  perf::raw().expect_messages(1);  // the bytes arrived; makes progress until then
}

double raw_seconds(std::size_t bytes, std::size_t largest) {
  auto& raw = perf::raw();
  raw.target.resize(largest);
  const auto server = perf::start_on_peer(raw_serve, bytes, largest);
  raw.expect_messages(1);
  const auto seconds = perf::seconds_of([&] {
    raw.send();
    raw.expect_bulks(1);
  });
  raw.send();
  get(server);
  return seconds;
}

double our_seconds(std::size_t bytes) {
  const auto ref = get(perf::on_peer(make, bytes));
  std::size_t size = 0;
  const auto seconds = perf::seconds_of([&] { size = get(ref).size(); });
  if (size != bytes) throw std::runtime_error("the object is not what was made");
  return seconds;
}

std::string name_of(std::size_t bytes) {
  return bytes < (1 << 20) ? std::to_string(bytes >> 10) + "KiB" : std::to_string(bytes >> 20) + "MiB";
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  const std::size_t largest = std::size_t{smoke ? 4u : 256u} << 20;
#ifdef PERF_OVER_TCP
  const char* bench = "object_transfer_tcp";
  setenv("UCX_TLS", "tcp,self", 1);
#else
  const char* bench = "object_transfer";
#endif
  setenv("RINGRAY_ARENA", "false", 0);
  return perf::run_pair(argc, argv, [&] {
    perf::connect_raw();
    for (std::size_t bytes = 1 << 10; bytes <= largest; bytes *= 4) {
      const double scale = static_cast<double>(bytes) * 1e-9;
      perf::print({.bench = bench,
                   .metric = "get_" + name_of(bytes),
                   .unit = "GB/s",
                   .baseline = "raw UCX",
                   .better = perf::Better::more,
                   .goal = bytes >= (1 << 20) ? 0.9 : 0},
                  perf::take_turns(
                      {smoke ? 0.02 : 4}, [&] { return scale / our_seconds(bytes); },
                      [&] { return scale / raw_seconds(bytes, largest); }));
    }
  });
}
