// Ordered small messages, on any transport.

#include "recorder.hpp"
#include "ringray/transport/packet.hpp"

namespace ringray::transport::conformance {
namespace {

std::size_t mixed_size(base::Random& random) {
  if (random.chance(0.02)) return random.below(payload_bytes_max + 1);
  if (random.chance(0.1)) return random.below(9000);
  return random.below(64);
}

/// Sends `count` numbered messages of a mix of sizes to each rank of `targets`, flushing now and then.
void send_mix(Job& job, Recorder& recorder, const std::vector<std::uint32_t>& targets, std::uint64_t count) {
  base::Random random(job.rank().value + 1);
  for (std::uint64_t number = 0; number < count; ++number) {
    for (const auto target : targets)
      job.transport().send(target, {.correlation = number}, pattern(mixed_size(random), number + target));
    if (random.chance(0.2)) job.transport().flush();
    if (random.chance(0.1)) job.progress(recorder);
  }
  job.transport().flush();
}

void expect_mix(const Recorder& recorder, Rank self, std::uint32_t ranks, std::uint64_t count) {
  std::vector<std::uint64_t> next(ranks);
  for (const auto& [envelope, payload] : recorder.messages) {
    ASSERT_LT(envelope.source.value, ranks);
    ASSERT_EQ(envelope.correlation, next[envelope.source.value]++);
    ASSERT_EQ(payload, pattern(payload.size(), envelope.correlation + self.value));
  }
  for (const auto arrived : next) EXPECT_EQ(arrived, count);
}

TEST(Ordered, OrderIsKeptAndBytesAreWholeUnderAMixOfSizes) {
  run_ranks(2, [](Job& job) {
    constexpr std::uint64_t count = 3000;
    Recorder recorder;
    send_mix(job, recorder, {0, 1}, count);
    until(job, recorder, "all messages", [&] { return recorder.messages.size() == job.size() * count; });
    expect_mix(recorder, job.rank(), job.size(), count);
    part(job, recorder);
  });
}

TEST(Ordered, FourRanksAllToAll) {
  run_ranks(4, [](Job& job) {
    constexpr std::uint64_t count = 500;
    Recorder recorder;
    send_mix(job, recorder, {3, 2, 1, 0}, count);
    until(job, recorder, "all messages", [&] { return recorder.messages.size() == job.size() * count; });
    expect_mix(recorder, job.rank(), job.size(), count);
    EXPECT_GE(job.transport().counters().envelopes_received, job.size() * count);
    EXPECT_TRUE(recorder.lost.empty());
    part(job, recorder);
  });
}

TEST(Ordered, EverySizeNearALimitArrives) {
  run_ranks(2, [](Job& job) {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 200; ++size) sizes.push_back(size);
    for (std::size_t limit : {1024ul, 4096ul, 8028ul, 8048ul, 8128ul, 8192ul, 16384ul, 65536ul, payload_bytes_max - 17})
      for (std::size_t size = limit - 17; size <= limit + 17; ++size) sizes.push_back(size);
    Recorder recorder;
    const Rank peer = 1 - job.rank().value;
    for (const auto size : sizes) {
      job.transport().send(peer, {.correlation = size}, pattern(size, size));
      job.transport().flush();
    }
    until(job, recorder, "all sizes", [&] { return recorder.messages.size() == sizes.size(); });
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      ASSERT_EQ(recorder.messages[i].envelope.correlation, sizes[i]);
      ASSERT_EQ(recorder.messages[i].payload, pattern(sizes[i], sizes[i]));
    }
    part(job, recorder);
  });
}

TEST(Ordered, EnvelopeArrivesAsItWasSent) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    Envelope sent{.clock = 1, .subject = {7, 2, 3}, .callable = 4, .correlation = 5};
    sent.sender = 6;
    sent.argument = 7;
    sent.error = 8;
    sent.flags = 9;
    sent.kind = wire::Kind::call;
    job.transport().send(1 - job.rank().value, sent, pattern(13, 0));
    job.transport().flush();
    until(job, recorder, "the message", [&] { return !recorder.messages.empty(); });
    sent.source = 1 - job.rank().value;
    sent.payload_bytes = 13;
    EXPECT_EQ(std::memcmp(&recorder.messages[0].envelope, &sent, sizeof sent), 0);
    part(job, recorder);
  });
}

TEST(Ordered, WaitingMessagesShareAPacket) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    const Rank peer = 1 - job.rank().value;
    auto& transport = job.transport();
    EXPECT_FALSE(transport.pending());
    for (int i = 0; i < 1000; ++i) transport.send(peer, {}, pattern(8, 0));
    EXPECT_TRUE(transport.pending());
    transport.flush();
    EXPECT_FALSE(transport.pending());
    EXPECT_EQ(transport.counters().envelopes_sent, 1000u);
    EXPECT_LT(transport.counters().packets_sent, 20u);
    EXPECT_GT(transport.counters().packets_sent, 1u);  // a packet that is full leaves
    until(job, recorder, "all messages", [&] { return recorder.messages.size() == 1000; });
    EXPECT_LT(transport.counters().packets_received, 20u);
    part(job, recorder);
  });
}

TEST(Ordered, FlushedMessageIsOnePacket) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    const Rank peer = 1 - job.rank().value;
    for (int i = 0; i < 100; ++i) {
      job.transport().send(peer, {}, pattern(8, 0));
      job.transport().flush();
      job.transport().flush();
    }
    EXPECT_EQ(job.transport().counters().packets_sent, 100u);
    until(job, recorder, "all messages", [&] { return recorder.messages.size() == 100; });
    EXPECT_EQ(job.transport().counters().packets_received, 100u + recorder.goodbyes);
    part(job, recorder);
  });
}

TEST(Ordered, SendToSelfIsDeliveredByALaterProgress) {
  run_ranks(1, [](Job& job) {
    Recorder recorder;
    for (std::uint64_t i = 0; i < 1000; ++i) job.transport().send(job.rank(), {.correlation = i}, pattern(i, i));
    job.transport().flush();
    EXPECT_TRUE(recorder.messages.empty());
    until(job, recorder, "all messages", [&] { return recorder.messages.size() == 1000; });
    for (std::uint64_t i = 0; i < 1000; ++i) {
      ASSERT_EQ(recorder.messages[i].envelope.correlation, i);
      ASSERT_EQ(recorder.messages[i].envelope.source, job.rank());
      ASSERT_EQ(recorder.messages[i].payload, pattern(i, i));
    }
    part(job, recorder);
  });
}

/// Passes each message on to the next rank from inside the callback.
class Relay final : public Recorder {
 public:
  explicit Relay(Job& job) : job_(job) {}
  void on_message(const Envelope& envelope, View payload) override {
    Recorder::on_message(envelope, payload);
    if (envelope.kind == wire::Kind::goodbye || envelope.argument == 0) return;
    auto next = envelope;
    --next.argument;
    job_.transport().send((job_.rank().value + 1) % job_.size(), next, payload);
    job_.transport().flush();
  }

 private:
  Job& job_;
};

TEST(Ordered, CallbacksMaySendAlsoToRanksNeverSentTo) {
  run_ranks(4, [](Job& job) {
    Relay relay(job);
    constexpr std::uint32_t hops = 1000;
    const auto passes = (hops + job.size() - 1 - (job.rank().value + job.size() - 1) % job.size()) / job.size();
    if (job.rank() == Rank(0)) job.transport().send(1 % job.size(), {.argument = hops - 1}, pattern(100, 1));
    job.transport().flush();
    until(job, relay, "the relayed messages", [&] { return relay.messages.size() >= passes; });
    for (const auto& message : relay.messages) EXPECT_EQ(message.payload, pattern(100, 1));
    part(job, relay);
  });
}

TEST(Ordered, SleeperIsWokenByAMessage) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    for (int round = 0; round < 20; ++round) {
      const std::size_t before = recorder.messages.size();
      if (job.rank() == Rank(0)) {
        job.transport().send(1, {}, {});
        job.transport().flush();
      }
      while (recorder.messages.size() == before) {
        if (job.progress(recorder)) continue;
        if (job.transport().arm()) job.sleep();
      }
      if (job.rank() == Rank(1)) {
        job.transport().send(0, {}, {});
        job.transport().flush();
      }
    }
    part(job, recorder);
  });
}

}  // namespace
}  // namespace ringray::transport::conformance
