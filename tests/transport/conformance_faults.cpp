// Death, strangers and damage, on any transport. Tests of *Dead* ranks need a harness that can kill one.

#include "recorder.hpp"
#include "ringray/transport/packet.hpp"

namespace ringray::transport::conformance {
namespace {

void greet(Job& job, Recorder& recorder) {
  for (std::uint32_t rank = 0; rank < job.size(); ++rank) job.transport().send(rank, {}, {});
  job.transport().flush();
  until(job, recorder, "greetings", [&] { return recorder.messages.size() >= job.size(); });
}

std::vector<std::byte> packet(std::uint64_t key, Rank source, std::uint32_t sequence) {
  const PacketHeader header{key, source, sequence};
  Envelope envelope;
  envelope.source = source;
  std::vector<std::byte> bytes(sizeof header + sizeof envelope);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &envelope, sizeof envelope);
  return bytes;
}

TEST(Faults, DeadRankIsReportedOnceAndTheOthersGoOn) {
  run_ranks(3, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(2)) {
      // Dies when both others have heard from everybody, so that nobody waits for its greeting.
      until(job, recorder, "leave to die", [&] { return recorder.messages.size() >= 5; });
      job.die();
    }
    job.transport().send(2, {}, {});
    job.transport().flush();
    until(job, recorder, "the loss", [&] { return !recorder.lost.empty(); });
    const Rank other = 1 - job.rank().value;
    for (int i = 0; i < 100; ++i) {
      job.transport().send(other, {}, pattern(100, 0));
      job.transport().send(2, {}, pattern(100, 0));
      job.transport().send_bulk(2, {}, lease(pattern(100'000, 0)));
      job.transport().flush();
    }
    until(job, recorder, "the other's messages", [&] { return recorder.messages.size() == 3 + 100; });
    ASSERT_EQ(recorder.lost.size(), 1u);
    EXPECT_EQ(recorder.lost[0].rank, Rank(2));
    EXPECT_EQ(recorder.lost[0].reason, Errc::rank_died);
    part(job, recorder, {0, 1});
  });
}

TEST(Faults, SendingToADeadRankNeverBlocks) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(1)) {
      until(job, recorder, "leave to die", [&] { return recorder.messages.size() >= 3; });
      job.die();
    }
    job.transport().send(1, {}, {});
    job.transport().flush();
    const auto bytes = std::make_shared<std::vector<std::byte>>(pattern(100'000, 0));
    std::uint64_t sent = 0;
    while (recorder.lost.empty()) {  // ends because the loss is reported while messages pile up
      if (sent++ < 20'000) job.transport().send(1, {}, pattern(1000, 0));
      if (sent % 100 == 0 && sent < 20'000) job.transport().send_bulk(1, {}, Lease(View(*bytes), bytes));
      job.transport().flush();
      job.progress(recorder);
    }
    EXPECT_EQ(recorder.lost.size(), 1u);
    part(job, recorder, {0});
    EXPECT_EQ(bytes.use_count(), 1) << "bulk transfers to the dead rank keep their bytes";
  });
}

TEST(Faults, BulkFromADeadRankEndsOrNeverBegins) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(1)) {
      for (std::uint64_t i = 0; i < 8; ++i)
        job.transport().send_bulk(0, {.correlation = i}, lease(pattern(16 << 20, i)));
      job.progress(recorder);
      job.die();
    }
    job.transport().send(1, {}, {});
    job.transport().flush();
    until(job, recorder, "the loss and the end of transfers",
          [&] { return !recorder.lost.empty() && recorder.bulks_ended == recorder.bulks.size(); });
    for (const auto& [number, bulk] : recorder.bulks) {
      if (bulk.status == Errc::none) {
        EXPECT_TRUE(bulk.bytes == pattern(16 << 20, number));
      }
    }
    part(job, recorder, {0});
  });
}

TEST(Faults, CloseEndsWithADeadRankAndUnsentBytes) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(1)) {
      until(job, recorder, "leave to die", [&] { return recorder.messages.size() >= 3; });
      job.die();
    }
    job.transport().send(1, {}, {});
    job.transport().flush();
    for (int i = 0; i < 100; ++i) {
      job.transport().send(1, {}, pattern(100'000, 0));
      job.transport().send_bulk(1, {}, lease(pattern(1 << 20, 0)));
    }
    job.close();
  });
}

TEST(Faults, DroppedRankIsNeitherSentToNorHeard) {
  run_ranks(3, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(0)) {
      job.transport().drop(1);
      const auto sent = job.transport().counters().packets_sent;
      job.transport().send(1, {}, {});
      job.transport().send_bulk(1, {}, lease(pattern(10, 0)));
      job.transport().flush();
      EXPECT_EQ(job.transport().counters().packets_sent, sent);
      job.transport().send(2, {.correlation = 1}, {});  // rank 2 tells rank 1 to go on
      job.transport().flush();
      until(job, recorder, "rank 2", [&] { return recorder.messages.size() == 4; });
      EXPECT_EQ(recorder.messages.back().envelope.source, Rank(2));
      EXPECT_TRUE(recorder.lost.empty());
      return part(job, recorder, {0, 2});
    }
    if (job.rank() == Rank(2)) {
      until(job, recorder, "rank 0", [&] { return recorder.messages.size() == 4; });
      job.transport().send(1, {}, {});
      job.transport().flush();
      until(job, recorder, "rank 1", [&] { return recorder.messages.size() == 5; });
      job.transport().send(0, {}, {});
      job.transport().flush();
      return part(job, recorder, {0, 2});
    }
    until(job, recorder, "rank 2", [&] { return recorder.messages.size() == 4; });
    job.transport().send(0, {}, {});
    job.transport().send(2, {}, {});
    job.transport().flush();
    part(job, recorder, {1});
  });
}

TEST(Faults, StrangerIsRefused) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    if (job.rank() == Rank(1)) {
      job.inject(0, packet(job.key() + 1, 1, 0));
      job.inject(0, packet(job.key() + 1, 7, 0));
    } else {
      until(job, recorder, "strangers", [&] { return job.transport().counters().strangers_refused == 2; });
    }
    greet(job, recorder);
    EXPECT_EQ(recorder.messages.size(), job.size()) << "only greetings are heard";
    EXPECT_TRUE(recorder.lost.empty());
    part(job, recorder);
  });
}

TEST(Faults, DamagedPacketsAreCountedAndHarmless) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    if (job.rank() == Rank(1)) {
      job.inject(0, pattern(5, 0));
      job.inject(0, packet(job.key(), 99, 0));
    } else {
      until(job, recorder, "damage", [&] { return job.transport().counters().corrupt_packets == 2; });
    }
    greet(job, recorder);
    EXPECT_EQ(recorder.messages.size(), job.size()) << "only greetings are heard";
    EXPECT_TRUE(recorder.lost.empty());
    part(job, recorder);
  });
}

TEST(Faults, HoleInTheStreamOfARankLosesIt) {
  run_ranks(2, [](Job& job) {
    Recorder recorder;
    greet(job, recorder);
    if (job.rank() == Rank(1)) {
      until(job, recorder, "word that rank 0 was greeted", [&] { return recorder.messages.size() == 3; });
      job.inject(0, packet(job.key(), 1, 1000));
    } else {
      job.transport().send(1, {}, {});
      job.transport().flush();
      until(job, recorder, "the loss", [&] { return !recorder.lost.empty(); });
      EXPECT_EQ(recorder.lost[0].rank, Rank(1));
      EXPECT_EQ(recorder.lost[0].reason, Errc::corrupt_data);
      EXPECT_EQ(job.transport().counters().corrupt_packets, 1u);
    }
    part(job, recorder, {job.rank().value});
  });
}

}  // namespace
}  // namespace ringray::transport::conformance
