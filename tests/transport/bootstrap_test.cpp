#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "ringray/base/random.hpp"
#include "ringray/transport/bootstrap/fork.hpp"
#include "ringray/transport/bootstrap/introduction.hpp"

namespace ringray::transport {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

TEST(ForkBootstrap, EveryRankGetsWhatEachGave) {
  const auto endings = run_forked(
      5,
      [](Bootstrap& bootstrap) {
        const auto own = bytes_of("rank " + std::to_string(bootstrap.rank().value));
        const auto all = bootstrap.exchange(own);
        if (!all || all->size() != 5) return 2;
        for (int rank = 0; rank < 5; ++rank)
          if ((*all)[static_cast<std::size_t>(rank)] != bytes_of("rank " + std::to_string(rank))) return 3;
        bootstrap.finish(Leave::together);
        return 0;
      },
      20s);
  ASSERT_EQ(endings.size(), 5u);
  for (const auto& ending : endings) EXPECT_TRUE(ending.well());
}

TEST(ForkBootstrap, DeathBeforeTheExchangeFailsTheOthers) {
  const auto endings = run_forked(
      3,
      [](Bootstrap& bootstrap) {
        if (bootstrap.rank() == Rank(1)) ::kill(::getpid(), SIGKILL);
        const auto all = bootstrap.exchange({});
        return all ? 1 : 0;
      },
      20s);
  EXPECT_EQ(endings[1].signal, SIGKILL);
  EXPECT_TRUE(endings[0].well() && endings[2].well());
}

TEST(ForkBootstrap, RankThatDoesNotEndIsKilledInTime) {
  const auto endings = run_forked(
      1, [](Bootstrap&) { return ::pause(); }, 50ms);
  EXPECT_TRUE(endings[0].overdue);
  EXPECT_EQ(endings[0].signal, SIGKILL);
}

TEST(BuildId, ExecutableHasOne) {
  const auto modules = loaded_modules();
  ASSERT_FALSE(modules.empty());
  EXPECT_EQ(modules.front().name, "");
  EXPECT_EQ(modules.front().build_id.size(), 40u);
  EXPECT_FALSE(build_mismatch(modules, modules));
}

TEST(BuildId, MismatchNamesTheModuleAndBothBuilds) {
  const std::vector<Module> ours{{"", "aa11"}, {"libjob.so", "bb22"}, {"libplugin.so", "cc33"}};
  const std::vector<Module> theirs{{"", "aa11"}, {"libjob.so", "dd44"}};
  const auto text = build_mismatch(ours, theirs);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "libjob.so has build bb22 here and build dd44 there");
}

/// Two ranks of which the second runs another build. One thread.
class MismatchedBootstrap final : public Bootstrap {
 public:
  Rank rank() const noexcept override { return 0; }
  std::uint32_t size() const noexcept override { return 2; }
  Result<std::vector<std::vector<std::byte>>> exchange(wire::View bytes) override {
    auto other = *decode_introduction(bytes);
    other.modules.front().build_id = "0123456789abcdef";
    other.host.name = "elsewhere";
    return std::vector<std::vector<std::byte>>{{bytes.begin(), bytes.end()}, encode(other)};
  }
  void finish(Leave) override {}
  void abort(int) override { std::abort(); }
};

TEST(Introduction, AnotherBuildIsRefusedInOneLineThatNamesBothRanks) {
  MismatchedBootstrap bootstrap;
  const auto company = introduce(bootstrap, bytes_of("address"));
  ASSERT_FALSE(company);
  EXPECT_EQ(company.error().code, Errc::config);
  const auto& text = company.error().text;
  EXPECT_NE(text.find("rank 0"), text.npos);
  EXPECT_NE(text.find("rank 1 on elsewhere"), text.npos);
  EXPECT_NE(text.find(loaded_modules().front().build_id.substr(0, 12)), text.npos);
  EXPECT_NE(text.find("0123456789ab"), text.npos);
  EXPECT_EQ(text.find('\n'), text.npos);
}

TEST(Introduction, AllRanksGetTheKeyOfRankZeroAndEachOthersHost) {
  const auto endings = run_forked(
      3,
      [](Bootstrap& bootstrap) {
        const auto me = bootstrap.rank().value;
        const auto company = introduce(bootstrap, bytes_of("a" + std::to_string(me)), bytes_of("x"));
        if (!company || company->roster.self != Rank(me) || company->roster.key == 0) return 2;
        if (company->roster.key != company->ranks[0].key) return 3;
        for (const auto& rank : company->ranks)
          if (!(rank.host == this_host()) || rank.extra != bytes_of("x")) return 4;
        return company->roster.addresses[2] == bytes_of("a2") ? 0 : 5;
      },
      20s);
  for (const auto& ending : endings) EXPECT_EQ(ending.exit_code, 0);
}

TEST(Introduction, DamagedBytesAreRefused) {
  Introduction whole;
  whole.host = this_host();
  whole.modules = loaded_modules();
  whole.address = bytes_of("address");
  const auto bytes = encode(whole);
  ASSERT_TRUE(decode_introduction(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_introduction(std::vector(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))));
  base::Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random.below(damaged.size())] = std::byte(random.below(256));
    static_cast<void>(decode_introduction(damaged));  // any answer, but no crash
  }
}

}  // namespace
}  // namespace ringray::transport
