#include "ringray/control/messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ringray/base/random.hpp"

namespace ringray::control {
namespace {

const ActorRecord actor{"space", "name", {3, 1, 7}, 2, true, "Counter"};
const GroupSpecification group{
    {1, 0, 4}, "group", {{.cpus = 0.5}, {.gpus = 1, .custom = {{"licence", 2}}}}, Strategy::strict_spread, true};

const Subscriber subscriber{{1, 2, 3}, 1, 77, "double", {std::byte{5}}, true};

std::vector<Request> all_requests() {
  return {ReserveName{"s", "n", {1, 2, 3}, true},
          RegisterActor{actor},
          LookupActor{"s", "n"},
          RemoveActor{{1, 2, 3}},
          RemoveActorsOn{4},
          PutValue{"s", "k", std::string(1000, 'v'), false},
          GetValue{"s", "k"},
          DeleteValue{"s", "k"},
          HasValue{"s", "k"},
          ListKeys{"s", "prefix"},
          Subscribe{"sim/*", subscriber},
          Unsubscribe{"sim/*", subscriber},
          Retain{{"sim/3", "double", {std::byte{1}}, {std::byte{2}}, Quality::exactly_once}},
          ClearRetained{"sim/3"},
          CreateGroup{group},
          WaitGroup{{1, 0, 4}},
          RemoveGroup{{1, 0, 4}},
          ReportDeath{5, 6}};
}

std::vector<Reply> all_replies() {
  return {Flag{true},       Refusal{Errc::name_taken, "taken"},
          NameReserved{},   NameTaken{actor},
          ActorFound{},     ActorFound{actor},
          Value{},          Value{"v"},
          Keys{{"a", "b"}}, GroupFound{GroupRecord{group, GroupState::ready, {1, 2}, "why"}}};
}

std::vector<std::byte> bytes_of(const wire::ByteBuffer& buffer) { return {buffer.view().begin(), buffer.view().end()}; }

template <class T>
void round_trip(const std::vector<T>& values) {
  std::vector<bool> kinds(std::variant_size_v<T>);
  for (const auto& value : values) {
    const auto bytes = bytes_of(encode(value));
    const auto back = decode<T>(bytes);
    ASSERT_TRUE(back) << "alternative " << value.index();
    EXPECT_EQ(back->index(), value.index());
    EXPECT_EQ(bytes_of(encode(*back)), bytes);
    kinds[value.index()] = true;
  }
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), false), 0) << "an alternative has no example";
}

TEST(Messages, RequestsSurviveTheWire) { round_trip(all_requests()); }
TEST(Messages, RepliesSurviveTheWire) { round_trip(all_replies()); }

TEST(Messages, ContentSurvivesTheWire) {
  const auto request = decode<Request>(encode(Request(CreateGroup{group})).view());
  EXPECT_EQ(std::get<CreateGroup>(*request).specification, group);
  const auto reply = decode<Reply>(encode(Reply(NameTaken{actor})).view());
  EXPECT_EQ(std::get<NameTaken>(*reply).existing, actor);
  const auto news = decode<MembershipNews>(encode(MembershipNews{3, {{1, 0}, {2, 4}}}).view());
  EXPECT_EQ(news->version, 3u);
  EXPECT_EQ(news->dead, (std::vector<DeadRank>{{1, 0}, {2, 4}}));
}

TEST(Messages, TruncatedOrLongerBytesAreRefused) {
  for (const auto& request : all_requests()) {
    auto bytes = bytes_of(encode(request));
    for (std::size_t size = 0; size < bytes.size(); ++size)
      ASSERT_EQ(decode<Request>(wire::View(bytes).first(size)).error().code, Errc::corrupt_data);
    bytes.push_back(std::byte{});
    ASSERT_FALSE(decode<Request>(bytes));
  }
}

TEST(Messages, ForeignBytesNeverCrashTheDecoder) {
  const std::uint64_t seed = 4711;
  base::Random random(seed);
  const auto try_all = [](wire::View bytes) {
    (void)decode<Request>(bytes);
    (void)decode<Reply>(bytes);
    (void)decode<MembershipNews>(bytes);
    if (const auto resources = decode<Resources>(bytes)) {
      EXPECT_FALSE(resources->problem());
    }
  };
  std::vector<std::vector<std::byte>> corpus;
  for (const auto& request : all_requests()) corpus.push_back(bytes_of(encode(request)));
  for (const auto& reply : all_replies()) corpus.push_back(bytes_of(encode(reply)));
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(random.below(200));
    for (auto& byte : bytes) byte = static_cast<std::byte>(random.chance(0.5) ? random.below(8) : random());
    try_all(bytes);
    bytes = corpus[random.below(corpus.size())];
    for (std::uint64_t flips = 1 + random.below(4); flips != 0; --flips)
      bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1u << random.below(8));
    try_all(bytes);
  }
}

}  // namespace
}  // namespace ringray::control
