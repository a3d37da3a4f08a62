// Question: what does the transport cost over the UCX that it is built on?
// Model: a single flushed message is one active message, so the latency is UCX's. A coalesced message costs one copy
// in and one callback out; the active message is shared by a hundred of them. Bulk is UCX's own rendezvous.
// Baseline: raw UCX active messages (raw_ucx.hpp), between the same two processes, alternating with ours. Both write a
// fresh envelope for each message and read the one that arrives.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "raw_ucx.hpp"
#include "report.hpp"
#include "ringray/transport/bootstrap/introduction.hpp"
#include "ringray/transport/bootstrap/mpi.hpp"
#include "ringray/transport/ucx/ucx.hpp"

namespace {

using namespace ringray;
using namespace ringray::transport;
using perf::Better;
using perf::payload_bytes;
using perf::RawUcx;
using perf::seconds_of;
using perf::Side;

constexpr std::size_t window = 8192;  // messages between two acknowledgements
constexpr std::size_t bulks_in_flight = 4;

class Ours final : public Side, private Receiver {
 public:
  Ours(std::unique_ptr<Transport> transport, Rank peer) : transport_(std::move(transport)), peer_(peer) {}
  void send() override {
    transport_->send(peer_, {.correlation = messages, .kind = wire::Kind::call}, std::as_bytes(std::span(payload_)));
  }
  void flush() override { transport_->flush(); }
  void send_bulk(std::size_t bytes) override { transport_->send_bulk(peer_, {}, {std::span(source).first(bytes), {}}); }
  void progress() override { transport_->progress(*this); }

 private:
  void on_message(const Envelope& envelope, View) override {
    sum += envelope.correlation;
    ++messages;
  }
  std::span<std::byte> on_bulk_begin(const Envelope&) override { return target; }
  void on_bulk(const Envelope&, Errc status) override {
    if (status != Errc::none) std::exit(1);
    ++bulks;
  }
  void on_peer_lost(Rank, Errc) override { std::exit(1); }
  std::unique_ptr<Transport> transport_;
  Rank peer_;
  std::byte payload_[payload_bytes] = {};
};

/// Half a round trip in µs. Both ranks return it.
double latency_us(Side& side, bool first, std::size_t rounds) {
  return seconds_of([&] {
           for (std::size_t round = 0; round < rounds; ++round) {
             if (!first) side.expect_messages(1);
             side.send();
             side.flush();
             if (first) side.expect_messages(1);
           }
         }) /
         static_cast<double>(rounds) / 2 * 1e6;
}

/// Messages per second from rank 0 to rank 1, at most two windows ahead.
double rate_per_s(Side& side, bool first, std::size_t windows) {
  const auto seconds = seconds_of([&] {
    for (std::size_t done = 0; done < windows; ++done) {
      if (first) {
        for (std::size_t i = 0; i < window; ++i) {
          side.send();
          if (i % 256 == 0) side.progress();
        }
        side.flush();
        if (done != 0) side.expect_messages(1);
      } else {
        side.expect_messages(window);
        side.send();
        side.flush();
      }
    }
    if (first) side.expect_messages(1);
  });
  return static_cast<double>(windows * window) / seconds;
}

double bandwidth_gb_per_s(Side& side, bool first, std::size_t bytes, std::size_t count) {
  const auto seconds = seconds_of([&] {
    std::size_t sent = 0;
    for (std::size_t done = 0; done < count; ++done) {
      if (first) {
        for (; sent < count && sent < done + bulks_in_flight; ++sent) side.send_bulk(bytes);
        side.expect_messages(1);
      } else {
        side.expect_bulks(1);
        side.send();
        side.flush();
      }
    }
  });
  return static_cast<double>(bytes * count) / seconds / 1e9;
}

struct Contest {
  std::string metric, unit;
  Better better;
  double goal;  ///< of ours / raw
  std::function<double(Side&)> measure;
};

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  const int repeats = smoke ? 1 : 50;  // of each measurement; the best counts

  auto bootstrap = bootstrap_by_mpi();
  if (!bootstrap || (*bootstrap)->size() != 2) {
    std::fprintf(stderr, "%s\n",
                 bootstrap ? "needs two ranks; start with mpirun -n 2" : bootstrap.error().text.c_str());
    return 1;
  }
  const bool first = (*bootstrap)->rank() == Rank(0);
  const Rank peer = first ? 1 : 0;
  {
    auto port = ucx::Port::open();
    if (!port) return std::fprintf(stderr, "%s\n", port.error().text.c_str()), 1;
    RawUcx raw;
    auto company = introduce(**bootstrap, port->address(), raw.address());
    if (!company) return std::fprintf(stderr, "%s\n", company.error().text.c_str()), 1;
    Ours ours(std::move(*port).join(company->roster), peer);
    raw.connect(company->ranks[peer.value].extra);

    const std::size_t bulk_bytes_max = smoke ? 1 << 20 : 64 << 20;
    for (Side* side : {static_cast<Side*>(&ours), static_cast<Side*>(&raw)}) {
      side->source.resize(bulk_bytes_max, std::byte{1});
      side->target.resize(bulk_bytes_max);
    }
    std::vector<Contest> contests = {
        {"latency_8B", "us", Better::less, 1.05, [&](Side& side) { return latency_us(side, first, 1000); }},
        {"rate_8B", "M/s", Better::more, 1.5, [&](Side& side) { return rate_per_s(side, first, 8) / 1e6; }}};
    for (std::size_t bytes = 64 << 10; bytes <= bulk_bytes_max; bytes *= 4)
      contests.push_back(
          {"bulk_" + std::to_string(bytes >> 10) + "KiB", "GB/s", Better::more, 0.9, [&, bytes](Side& side) {
             const auto count = std::clamp<std::size_t>((8u << 20) / bytes, 4, 64);
             return bandwidth_gb_per_s(side, first, bytes, count);
           }});
    for (const auto& contest : contests) {
      perf::Rounds rounds;
      contest.measure(ours);  // connects, touches the memory
      contest.measure(raw);
      for (int repeat = 0; repeat < repeats; ++repeat) {
        rounds.ours.push_back(contest.measure(ours));
        rounds.baseline.push_back(contest.measure(raw));
      }
      if (first)
        perf::print({.bench = "transport",
                     .metric = contest.metric,
                     .unit = contest.unit,
                     .value = 0,
                     .baseline = "raw UCX AM",
                     .better = contest.better,
                     .goal = contest.goal},
                    rounds);
    }
    // Both are done before either leaves.
    for (Side* side : {static_cast<Side*>(&ours), static_cast<Side*>(&raw)}) latency_us(*side, first, 1);
  }
  (*bootstrap)->finish(Leave::together);
  return 0;
}
