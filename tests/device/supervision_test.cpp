// When failed actors are restarted, with made-up times; files of checkpoints. Numbers: conformance/device.md.

#include "ringray/device/supervision.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "ringray/base/checksum.hpp"
#include "ringray/base/random.hpp"
#include "ringray/device/checkpoint_file.hpp"

namespace ringray::test {
namespace {

using namespace device;
using namespace std::chrono_literals;
namespace files = std::filesystem;

constexpr Supervision three{.restarts = 3, .window = 10s, .backoff = 100ms, .backoff_max = 300ms};

TEST(Restarts, C62_BackoffDoublesUpToItsEndAndTheBudgetOfAWindowIsAll) {
  Restarts restarts(three);
  EXPECT_EQ(restarts.after_failure(0s), 100ms);
  EXPECT_EQ(restarts.after_failure(1s), 200ms);
  EXPECT_EQ(restarts.after_failure(2s), 300ms) << "400 ms would be more than backoff_max";
  EXPECT_EQ(restarts.after_failure(3s), std::nullopt);
  EXPECT_EQ(restarts.after_failure(4s), std::nullopt);
  EXPECT_EQ(restarts.count(), 3u);
}

TEST(Restarts, C57_ARestartIsForgottenWhenTheWindowHasPassedIt) {
  Restarts restarts(three);
  for (const auto at : {0s, 4s, 8s}) EXPECT_TRUE(restarts.after_failure(at));
  EXPECT_FALSE(restarts.after_failure(10s - 1ns)) << "all three are in the window";
  EXPECT_EQ(restarts.after_failure(10s), 300ms) << "that of 0 s is not, those of 4 s and 8 s are";
  EXPECT_FALSE(restarts.after_failure(13s));
  EXPECT_EQ(restarts.after_failure(60s), 100ms) << "nothing is left of them";
  EXPECT_EQ(restarts.count(), 1u);
}

TEST(Restarts, C57_WithoutABudgetThereIsNoneAndALargeOneDoesNotOverflow) {
  EXPECT_FALSE(Restarts({}).after_failure(0s));
  Restarts many({.restarts = 200, .window = 1h, .backoff = 1ns, .backoff_max = std::chrono::nanoseconds::max()});
  for (int i = 0; i < 200; ++i) {
    const auto delay = many.after_failure(0s);
    ASSERT_TRUE(delay);
    EXPECT_EQ(*delay, i < 63 ? std::chrono::nanoseconds(std::int64_t{1} << i) : std::chrono::nanoseconds::max()) << i;
  }
}

TEST(Supervision, WhatCannotBeIsAConfigError) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.backoff = 0s}));
  for (const Supervision& wrong :
       {Supervision{.window = 0s}, Supervision{.backoff = -1s}, Supervision{.backoff = 11s}}) {
    const auto checked = check(wrong);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::config);
  }
}

// ---- files

TEST(Checksum, ItIsThatOfXz) {
  base::Checksum checksum;
  checksum.add("1234", 4);
  checksum.add("56789", 5);
  EXPECT_EQ(checksum.value(), 0x995dc9bbdf1939fau);
}

CheckpointFile an_example() {
  return {.kernel = "waves",
          .actors = {{Address::of(0, 0), "Wave", {1, 2, 3}},
                     {Address::of(7, 3), "test::Echo", StateBytes(1000, 42)},
                     {Address::of(9, 0), "Empty", {}}}};
}
Failure why_not(const base::FileBytes& bytes) {
  const auto decoded = decode_checkpoint(bytes, "it");
  return decoded ? Failure{} : decoded.error();
}
bool says(const Failure& failure, Errc code, const char* part) {
  return failure.code == code && failure.text.find(part) != std::string::npos;
}

TEST(CheckpointFile, C59_ItIsReadAsItWasWritten) {
  for (const auto& checkpoint : {an_example(), CheckpointFile{.kernel = "", .actors = {}}}) {
    const auto bytes = encode(checkpoint);
    ASSERT_TRUE(bytes) << bytes.error().text;
    const auto decoded = decode_checkpoint(*bytes, "it");
    ASSERT_TRUE(decoded) << decoded.error().text;
    EXPECT_TRUE(*decoded == checkpoint);
  }
}

TEST(CheckpointFile, C59_ADamagedStateAndAnotherFormatAndANewerVersionAreTold) {
  const auto bytes = encode(an_example()).value();
  const auto changed = [&](std::string_view from, std::string_view to) {
    auto copy = bytes;
    const auto at = std::search(copy.begin(), copy.end(), from.begin(), from.end());
    EXPECT_NE(at, copy.end());
    std::copy(to.begin(), to.end(), at);
    return copy;
  };
  EXPECT_TRUE(says(why_not(changed("****************", "***************+")), Errc::corrupt_data, "checksum"));
  EXPECT_TRUE(says(why_not(changed("test::Echo", "test::Ocho")), Errc::corrupt_data, "checksum"));
  EXPECT_TRUE(
      says(why_not(changed("ringray device", "ringray office")), Errc::corrupt_data, "does not begin like one"));
  EXPECT_TRUE(says(why_not(changed("checkpoint 1 ", "checkpoint 2 ")), Errc::config, "of version 2"));
  EXPECT_TRUE(says(why_not({}), Errc::corrupt_data, "does not begin like one"));
  EXPECT_TRUE(says(why_not(base::FileBytes(5000, 'x')), Errc::corrupt_data, "does not begin like one"));
  EXPECT_TRUE(says(why_not({bytes.begin(), bytes.end() - 100}), Errc::corrupt_data, "length"));
}

TEST(CheckpointFile, C59_BytesThatWereChangedAnywhereNeverReadAsSomethingElse) {
  const auto checkpoint = an_example();
  const auto bytes = encode(checkpoint).value();
  base::Random random(59);
  for (int round = 0; round < 300; ++round) {
    auto copy = bytes;
    for (int i = 0; i < 1 + round % 8; ++i)
      copy[random.below(copy.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
    const auto decoded = decode_checkpoint(copy, "it");
    EXPECT_TRUE(!decoded || *decoded == checkpoint) << round;  // the block's end means nothing
  }
}

/// A folder that goes with it.
struct Folder {
  files::path path = files::temp_directory_path() / ("ringray-kept-" + std::to_string(getpid()));
  Folder() { files::create_directory(path); }
  ~Folder() { files::remove_all(path); }
  std::string operator/(const char* name) const { return path / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : files::directory_iterator(path)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
};

TEST(KeptFile, C59_TheNewestAreKept) {
  const Folder folder;
  const auto path = folder / "state";
  for (std::uint8_t i = 1; i <= 5; ++i) ASSERT_TRUE(base::write_kept_file(path, {i}, 3));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"state", "state.1", "state.2"}));
  EXPECT_EQ(base::read_file(path).value(), base::FileBytes{5});
  EXPECT_EQ(base::read_file(path + ".1").value(), base::FileBytes{4});
  EXPECT_EQ(base::read_file(path + ".2").value(), base::FileBytes{3});
  ASSERT_TRUE(base::write_kept_file(path, {6}, 1));
  EXPECT_EQ(base::read_file(path).value(), base::FileBytes{6});
  EXPECT_EQ(base::read_file(path + ".1").value(), base::FileBytes{4}) << "what it does not keep it does not touch";
}

TEST(KeptFile, C59_AllMayBeKept) {
  const Folder folder;
  const auto path = folder / "state";
  constexpr auto all = std::numeric_limits<std::uint32_t>::max();
  for (std::uint8_t i = 1; i <= 4; ++i) ASSERT_TRUE(base::write_kept_file(path, {i}, all));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"state", "state.1", "state.2", "state.3"}));
  EXPECT_EQ(base::read_file(path + ".3").value(), base::FileBytes{1});
}

TEST(KeptFile, C59_WhatAWriterLeftThatWasKilledIsRemoved) {
  const Folder folder;
  const auto path = folder / "state";
  utsname host{};
  ASSERT_EQ(uname(&host), 0);
  const std::string partial = "state.partial-", here = host.nodename;
  const auto lives = partial + here + "-1", dead = partial + here + "-2000000000", elsewhere = partial + "x-2000000000";
  for (const auto& name : {lives, dead, elsewhere}) std::ofstream(folder.path / name) << "half";
  ASSERT_TRUE(base::write_kept_file(path, {1}, 1));
  auto left = std::vector<std::string>{"state", lives, elsewhere};
  std::sort(left.begin(), left.end());
  EXPECT_EQ(folder.names(), left);
}

TEST(KeptFile, C59_AFileThatCannotBeWrittenLeavesTheOneBeforeIt) {
  const Folder folder;
  const auto path = folder / "state";
  const auto refused = [&](const std::string& to, std::uint32_t keep, const char* why) {
    const auto written = base::write_kept_file(to, {2}, keep);
    return !written && written.error().code == Errc::config && written.error().text.find(why) != std::string::npos;
  };
  ASSERT_TRUE(base::write_kept_file(path, {1}, 1));
  EXPECT_TRUE(refused(path, 0, "take 1 or more"));
  EXPECT_TRUE(refused(folder.path, 1, "it is a folder"));
  EXPECT_TRUE(refused("/dev/null", 1, "it is a device"));
  EXPECT_TRUE(refused(folder / "none/state", 1, "No such file"));
  files::create_directories(folder / "state.1/full");  // where the one before it would go
  EXPECT_TRUE(refused(path, 2, "not empty"));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"state", "state.1"})) << "nothing is left of the new one";
  EXPECT_EQ(base::read_file(path).value(), base::FileBytes{1});
  for (const auto& [what, why] : {std::pair(folder / "none", "No such file"), {folder.path.string(), "regular file"}}) {
    const auto bytes = base::read_file(what);
    ASSERT_FALSE(bytes);
    EXPECT_NE(bytes.error().text.find(why), std::string::npos) << bytes.error().text;
  }
}

}  // namespace
}  // namespace ringray::test
