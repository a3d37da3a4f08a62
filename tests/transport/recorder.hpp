#pragma once
// Records what a rank receives, and the two loops that every test needs.

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance.hpp"
#include "ringray/base/random.hpp"
#include "ringray/base/time.hpp"

namespace ringray::transport::conformance {

/// Bytes that tell which message they belong to.
inline std::vector<std::byte> pattern(std::size_t bytes, std::uint64_t seed) {
  std::vector<std::byte> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = std::byte((seed * 131 + i * 7 + (i >> 8)) & 0xff);
  return out;
}

inline Lease lease(std::vector<std::byte> bytes) {
  auto keeper = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  return {View(*keeper), keeper};
}

class Recorder : public Receiver {
 public:
  struct Message {
    Envelope envelope;
    std::vector<std::byte> payload;
  };
  struct Bulk {
    std::vector<std::byte> bytes;
    bool ended = false;
    Errc status = Errc::none;
  };

  void on_message(const Envelope& envelope, View payload) override {
    EXPECT_EQ(envelope.payload_bytes, payload.size());
    if (envelope.kind == wire::Kind::goodbye) {
      ++goodbyes;
      return;
    }
    messages.push_back({envelope, {payload.begin(), payload.end()}});
  }
  std::span<std::byte> on_bulk_begin(const Envelope& envelope) override {
    if (refuse) {
      ++refused;
      return {};
    }
    auto& bulk = bulks[envelope.correlation];
    bulk.bytes.resize(envelope.payload_bytes);
    return bulk.bytes;
  }
  void on_bulk(const Envelope& envelope, Errc status) override {
    auto& bulk = bulks.at(envelope.correlation);
    EXPECT_FALSE(bulk.ended);
    bulk.ended = true;
    bulk.status = status;
    ++bulks_ended;
  }
  void on_peer_lost(Rank rank, Errc reason) override { lost.push_back({rank, reason}); }

  std::vector<Message> messages;
  std::map<std::uint64_t, Bulk> bulks;
  std::size_t bulks_ended = 0, refused = 0, goodbyes = 0;
  bool refuse = false;
  struct Loss {
    Rank rank;
    Errc reason;
  };
  std::vector<Loss> lost;
};

/// Moves the rank on until `done()`. The limit only ends a broken run.
template <class Done>
void until(Job& job, Receiver& receiver, const char* what, Done&& done) {
  const auto deadline = base::now() + std::chrono::seconds(60);
  while (!done()) {
    job.progress(receiver);
    if (base::now() > deadline)
      throw std::runtime_error("rank " + std::to_string(job.rank().value) + " waits in vain for " + what);
  }
}

/// Nobody leaves before all of `ranks` have said that they need nothing more.
inline void part(Job& job, Recorder& recorder, const std::vector<std::uint32_t>& ranks) {
  for (const auto rank : ranks) job.transport().send(rank, {.kind = wire::Kind::goodbye}, {});
  job.transport().flush();
  until(job, recorder, "goodbyes", [&] { return recorder.goodbyes == ranks.size(); });
  job.close();
}
inline void part(Job& job, Recorder& recorder) {
  std::vector<std::uint32_t> all(job.size());
  for (std::uint32_t rank = 0; rank < job.size(); ++rank) all[rank] = rank;
  part(job, recorder, all);
}

}  // namespace ringray::transport::conformance
