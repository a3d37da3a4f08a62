#include "ringray/control/control_client.hpp"

#include <gtest/gtest.h>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

TEST(Client, ARequestCostsTwoEnvelopes) {
  Cluster cluster(ranks_with({{.cpus = 1}, {.cpus = 1}}));
  cluster.call<Flag>(1, PutValue{"s", "k", "v"});
  ASSERT_EQ(cluster.log.size(), 2u);
  EXPECT_EQ(cluster.log[0].envelope.kind, wire::Kind::control_request);
  EXPECT_EQ(cluster.log[1].envelope.kind, wire::Kind::control_reply);
  EXPECT_EQ(cluster.log[0].envelope.correlation, cluster.log[1].envelope.correlation);
}

TEST(Client, LostAndDoubledMessagesDoTheDeedOnce) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Cluster cluster(ranks_with(std::vector<Resources>(3, {.cpus = 1})),
                    {.seed = seed, .drop = 0.25, .duplicate = 0.25});
    int written = 0;
    std::vector<std::uint64_t> tokens;
    for (int key = 0; key < 5; ++key)
      for (std::uint32_t rank = 0; rank < 3; ++rank)
        tokens.push_back(cluster.ask(rank, PutValue{"s", std::to_string(key), "v", false}));
    while (cluster.members[0]->client.open_count() + cluster.members[1]->client.open_count() +
               cluster.members[2]->client.open_count() !=
           0)
      cluster.settle();
    for (const auto token : tokens) written += cluster.get<Flag>(token).value;
    EXPECT_EQ(written, 5) << "a repeated request must not find its own key";
  }
}

TEST(Client, ForgottenRequestsAreNotAnswered) {
  Cluster cluster(ranks_with({{.cpus = 1}, {.cpus = 1}}));
  cluster.ask(1, GetValue{"s", "k"});
  cluster.members[1]->client.forget(1);
  cluster.settle();
  EXPECT_TRUE(cluster.replies.empty());
}

TEST(Client, RefusalBecomesAFailure) {
  Cluster cluster(ranks_with({{.cpus = 1}}));
  const auto token = cluster.ask(0, WaitGroup{{0, 0, 5}});
  cluster.settle();
  EXPECT_EQ(cluster.reply(token)->error().code, Errc::invalid_transition);
}

struct Nowhere : wire::Outbox {
  int sent = 0;
  void send(Rank, wire::Envelope, wire::View) override { ++sent; }
  void send_bulk(Rank, wire::Envelope, wire::Lease) override {}
};

TEST(Client, EverythingFailsWhenRankZeroDies) {
  Nowhere outbox;
  ControlClient client(0);
  client.ask(GetValue{"s", "a"}, 10, {}, outbox);
  client.ask(GetValue{"s", "b"}, 11, {}, outbox);
  const auto answers = client.fail_all({Errc::rank_died, "rank 0 died"});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].token, 10u);
  EXPECT_EQ(answers[1].reply.error().code, Errc::rank_died);
  client.ask(GetValue{"s", "c"}, 12, {}, outbox);
  EXPECT_EQ(outbox.sent, 2);
  const auto late = client.tick({}, outbox);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].token, 12u);
  EXPECT_EQ(client.open_count(), 0u);
}

TEST(Client, OneRequestAtATimeIsAskedAgainHoweverManyWait) {
  Nowhere outbox;
  ControlClient client(0);
  constexpr int many = 100;
  for (int i = 0; i < many; ++i) client.ask(GetValue{"s", "a"}, i, {}, outbox);
  for (base::Nanoseconds now{}; now <= std::chrono::seconds(10); now += std::chrono::milliseconds(100))
    client.tick(now, outbox);
  EXPECT_EQ(outbox.sent, many + 10);
}

TEST(Client, EachRequestIsAskedAgainInItsTurn) {
  struct Keep : Nowhere {
    std::vector<std::uint64_t> asked;
    void send(Rank, wire::Envelope envelope, wire::View) override { asked.push_back(envelope.correlation); }
  } outbox;
  ControlClient client(0);
  for (int i = 0; i < 3; ++i) client.ask(GetValue{"s", "a"}, i, {}, outbox);
  for (base::Nanoseconds now{}; now <= std::chrono::seconds(4); now += std::chrono::seconds(1))
    client.tick(now, outbox);
  EXPECT_EQ(outbox.asked, (std::vector<std::uint64_t>{1, 2, 3, 1, 2, 3, 1}));
}

TEST(Client, AnswerToAnEarlierIncarnationIsIgnored) {
  Nowhere outbox;
  ControlClient client(2);
  const auto correlation = client.ask(GetValue{"s", "a"}, 1, {}, outbox);
  const auto payload = encode(Reply(Flag{true}));
  wire::Envelope envelope{.correlation = correlation, .argument = 1, .kind = wire::Kind::control_reply};
  EXPECT_FALSE(client.on_message(envelope, payload.view()));
  envelope.argument = 2;
  EXPECT_TRUE(client.on_message(envelope, payload.view()));
}

TEST(Store, AnswersAreNotKeptBehindARequestThatWaits) {
  Cluster cluster(ranks_with({{.cpus = 1}, {.cpus = 1}}));
  cluster.call<NameReserved>(0, ReserveName{"s", "comes later", {0, 0, 5}});
  const auto waits = cluster.ask(1, LookupActor{"s", "comes later"});
  for (int i = 0; i < 1000; ++i) cluster.call<Flag>(1, PutValue{"s", "k", "v"});
  EXPECT_FALSE(cluster.reply(waits));
  EXPECT_LE(cluster.store->kept_answers(), 5u);
}

TEST(Store, ForeignBytesAreRefusedAndAnswered) {
  struct Keep : Nowhere {
    std::optional<Result<Reply>> reply;
    void send(Rank, wire::Envelope, wire::View payload) override { reply = decode<Reply>(payload); }
  } outbox;
  scheduler::Membership membership(1);
  membership.join({.rank = 0});
  ControlStore store(membership);
  const std::byte junk[] = {std::byte{99}, std::byte{1}};
  store.on_message({.correlation = 1, .source = 0, .kind = wire::Kind::control_request}, junk, {}, outbox);
  EXPECT_EQ(std::get<Refusal>(**outbox.reply).code, Errc::corrupt_data);
}

}  // namespace
}  // namespace ringray::control::testing
