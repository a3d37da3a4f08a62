#include "ringray/scheduler/resources.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "ringray/scheduler/gpu_set.hpp"
#include "ringray/wire/codec.hpp"

namespace ringray::scheduler {
namespace {

TEST(Resources, TenTenthsAreExactlyOne) {
  Resources sum;
  for (int i = 0; i < 10; ++i) sum += {.cpus = 0.1, .custom = {{"licence", 0.1}}};
  EXPECT_EQ(sum, (Resources{.cpus = 1, .custom = {{"licence", 1}}}));
  for (int i = 0; i < 10'000; ++i) sum += {.cpus = 1e-4};
  EXPECT_EQ(sum.cpus, Amount{2});
}

TEST(Resources, AmountsRoundToTheNearestTenThousandth) {
  EXPECT_EQ(Amount{0.00004}.units(), 0);
  EXPECT_EQ(Amount{0.00006}.units(), 1);
  EXPECT_EQ(Amount{1.0 / 3}.units(), 3333);
  EXPECT_EQ(Amount{7}.units(), 70'000);
}

TEST(Resources, ARequestFitsKindByKind) {
  const Resources has{.cpus = 4, .gpus = 1, .memory_bytes = 100, .custom = {{"licence", 2}}};
  EXPECT_TRUE(Resources{}.fits_in(Resources{}));
  EXPECT_TRUE(has.fits_in(has));
  EXPECT_FALSE((Resources{.cpus = 4.0001}).fits_in(has));
  EXPECT_FALSE((Resources{.gpus = 2}).fits_in(has));
  EXPECT_FALSE((Resources{.memory_bytes = 101}).fits_in(has));
  EXPECT_FALSE((Resources{.custom = {{"licence", 3}}}).fits_in(has));
  EXPECT_FALSE((Resources{.custom = {{"tpu", 1}}}).fits_in(has));
  EXPECT_TRUE((Resources{.custom = {{"tpu", 0}}}).fits_in(has));
}

TEST(Resources, AnAbsentCustomResourceEqualsNone) {
  EXPECT_EQ(Resources{}, (Resources{.custom = {{"licence", 0}}}));
  EXPECT_TRUE((Resources{.custom = {{"licence", 0}}}).empty());
  EXPECT_NE(Resources{}, (Resources{.custom = {{"licence", 1}}}));
}

TEST(Resources, ProblemNamesWhatIsNoAmount) {
  EXPECT_FALSE((Resources{.cpus = 0.5, .gpus = 0.25}).problem());
  EXPECT_FALSE((Resources{.gpus = 3}).problem());
  EXPECT_TRUE((Resources{.cpus = -1}).problem());
  EXPECT_TRUE((Resources{.cpus = std::numeric_limits<double>::quiet_NaN()}).problem());
  EXPECT_TRUE((Resources{.cpus = std::numeric_limits<double>::infinity()}).problem());
  EXPECT_TRUE((Resources{.cpus = -1e300}).problem());
  EXPECT_TRUE((Resources{.memory_bytes = ~0ull}).problem());
  EXPECT_NE((Resources{.gpus = 1.5}).problem()->find("whole"), std::string::npos);
  EXPECT_NE((Resources{.custom = {{"licence", -2}}}).problem()->find("licence"), std::string::npos);
}

TEST(Resources, TextReadsLikeARequest) {
  EXPECT_EQ((Resources{.cpus = 4, .gpus = 0.5, .memory_bytes = 3ull << 29, .custom = {{"licence", 3}}}).text(),
            "4 cpus, 0.5 gpus, 1.5 GiB memory, 3 licence");
  EXPECT_EQ((Resources{.cpus = 1}).text(), "1 cpu");
  EXPECT_EQ(Resources{}.text(), "nothing");
}

TEST(Resources, SurviveTheWire) {
  const Resources before{.cpus = 0.3, .gpus = 2, .memory_bytes = 77, .custom = {{"a", 1}, {"b", 0.0001}}};
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  wire::encode(encoder, before);
  wire::Decoder decoder(buffer.view());
  EXPECT_EQ(wire::decode<Resources>(decoder), before);
}

TEST(Resources, LeastIsKindByKind) {
  EXPECT_EQ(least({.cpus = 4, .gpus = 1, .custom = {{"a", 3}, {"b", 1}}}, {.cpus = 2, .gpus = 8, .custom = {{"a", 5}}}),
            (Resources{.cpus = 2, .gpus = 1, .custom = {{"a", 3}}}));
}

TEST(GpuSet, WholeGpusAreDistinctDevices) {
  auto set = GpuSet::of_devices(3);
  const auto first = set.take(2), second = set.take(1);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, (std::vector<GpuShare>{{0, 1}, {1, 1}}));
  EXPECT_EQ(*second, (std::vector<GpuShare>{{2, 1}}));
  EXPECT_FALSE(set.take(0.1));
  set.give(*first);
  EXPECT_EQ(set.take(1), (std::vector<GpuShare>{{0, 1}}));
}

TEST(GpuSet, FractionsShareTheFullestDeviceThatHasThem) {
  auto set = GpuSet::of_devices(2);
  EXPECT_EQ(set.take(0.75)->front().device, 0u);
  EXPECT_EQ(set.take(0.5)->front().device, 1u);
  EXPECT_EQ(set.take(0.25)->front().device, 0u);
  EXPECT_EQ(set.take(0.5)->front().device, 1u);
  EXPECT_FALSE(set.take(1e-4));
}

TEST(GpuSet, PiecesOfTwoDevicesMakeNoWholeOne) {
  auto set = GpuSet::of_devices(2);
  const auto a = set.take(0.6), b = set.take(0.6);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(set.take(0.5));
  set.give(*a);
  EXPECT_EQ(set.take(1), (std::vector<GpuShare>{{0, 1}}));
}

}  // namespace
}  // namespace ringray::scheduler
