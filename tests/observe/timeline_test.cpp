#include "ringray/observe/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/observe/timeline_file.hpp"
#include "ringray/observe/timeline_format.hpp"

namespace ringray::observe {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// The events of a document, without metadata unless asked for.
std::vector<json> events(const std::vector<std::string>& parts, std::string_view phases = "Xisf") {
  const auto text = timeline_json(parts);
  EXPECT_TRUE(text) << (text ? "" : text.error().text);
  std::vector<json> found;
  const auto document = json::parse(text.value_or("{\"traceEvents\":[]}"));
  for (const auto& event : document["traceEvents"])
    if (phases.find(event["ph"].get<std::string>()) != phases.npos) found.push_back(event);
  return found;
}

struct TimelineTest : ::testing::Test {
  TimelineTest() { Timeline::start(Rank(3)); }
  ~TimelineTest() override { Timeline::stop(); }
};

TEST_F(TimelineTest, SpanShowsNameDurationRankAndSubject) {
  { Span span("fft", {.owner = 1, .epoch = 2, .sequence = 17}); }
  const auto all = events({Timeline::serialize()});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["ph"], "X");
  EXPECT_EQ(all[0]["name"], "fft");
  EXPECT_EQ(all[0]["pid"], 3);
  EXPECT_EQ(all[0]["args"]["id"], "1.2.17");
  EXPECT_GE(all[0]["dur"].get<double>(), 0);
  EXPECT_GE(all[0]["ts"].get<double>(), 0);
}

TEST_F(TimelineTest, SpansOfAThreadNest) {
  {
    Span outer("outer");
    Span inner("inner");
    Timeline::instant("between");
  }
  const auto all = events({Timeline::serialize()});
  ASSERT_EQ(all.size(), 3u);
  const auto &between = all[0], &inner = all[1], &outer = all[2];
  const auto end = [](const json& e) { return e["ts"].get<double>() + e["dur"].get<double>(); };
  EXPECT_LE(outer["ts"], inner["ts"]);
  EXPECT_LE(inner["ts"], between["ts"]);
  EXPECT_LE(end(inner), end(outer) + 1e-3);  // times are rounded to ns
}

TEST_F(TimelineTest, NothingIsRecordedWhileOff) {
  Timeline::stop();
  { Span span("unseen"); }
  Timeline::instant("unseen");
  EXPECT_TRUE(events({Timeline::serialize()}).empty());
}

TEST_F(TimelineTest, StartForgetsWhatWasBefore) {
  Timeline::instant("before");
  Timeline::start(Rank(3));
  Timeline::instant("after");
  const auto all = events({Timeline::serialize()});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["name"], "after");
}

TEST_F(TimelineTest, EveryEventOfManyThreadsIsKept) {
  constexpr int threads = 4, spans = 2000;
  {
    std::vector<std::jthread> recorders;
    for (int t = 0; t < threads; ++t)
      recorders.emplace_back([t] {
        Timeline::name_thread("worker " + std::to_string(t));
        for (int i = 0; i < spans; ++i) Span span("work");
      });
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(timeline_json(std::vector{Timeline::serialize()}));  // reading disturbs nobody
  }
  const auto part = Timeline::serialize();
  EXPECT_EQ(events({part}).size(), static_cast<std::size_t>(threads * spans));
  std::vector<std::string> names;
  for (const auto& event : events({part}, "M"))
    if (event["name"] == "thread_name") names.push_back(event["args"]["name"]);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("worker 0", "worker 1", "worker 2", "worker 3"));
}

TEST_F(TimelineTest, ArrowsJoinRanksByTheirId) {
  {
    Span span("send");
    Timeline::flow_out(0xfeed'0000'0000'0001);
  }
  const auto sender = Timeline::serialize();
  Timeline::start(Rank(4));
  {
    Span span("receive");
    Timeline::flow_in(0xfeed'0000'0000'0001);
  }
  const auto all = events({sender, Timeline::serialize()}, "sf");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["id"], all[1]["id"]);
  EXPECT_EQ(all[0]["id"], "0xfeed000000000001");
  EXPECT_EQ(all[0]["pid"], 3);
  EXPECT_EQ(all[1]["pid"], 4);
  EXPECT_LE(all[0]["ts"], all[1]["ts"]);
}

TEST_F(TimelineTest, NamesOfUsersAreQuoted) {
  Timeline::instant(Timeline::intern("say \"hi\"\\\n\xff"));
  EXPECT_EQ(events({Timeline::serialize()})[0]["name"], "say \"hi\"\\??");
  EXPECT_EQ(Timeline::intern("twice"), Timeline::intern("twice"));
}

TEST_F(TimelineTest, EventsThatDoNotFitAreCounted) {
  std::thread([] {
    for (int i = 0; i < (1 << 20) + 5; ++i) Timeline::instant("x");
  }).join();
  const auto part = Timeline::serialize();
  TimelineHeader header;
  std::memcpy(&header, part.data(), sizeof header);
  EXPECT_EQ(header.events, 1u << 20);
  EXPECT_EQ(header.dropped, 5u);
  Timeline::start(Rank(3));  // gives the memory back
}

TEST_F(TimelineTest, DamagedPartsAreRefused) {
  Timeline::instant("a");
  { Span span("b"); }
  const auto part = Timeline::serialize();
  EXPECT_TRUE(timeline_json(std::vector{part}));
  for (std::size_t size = 0; size < part.size(); ++size) {
    const auto cut = timeline_json(std::vector{part.substr(0, size)});
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, Errc::corrupt_data);
  }
  base::Random random(1);
  for (int round = 0; round < 1000; ++round) {
    auto damaged = part;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    if (const auto text = timeline_json(std::vector{damaged})) {
      EXPECT_FALSE(json::parse(*text)["traceEvents"].empty());
    }
  }
}

TEST_F(TimelineTest, NoPartsGiveAnEmptyDocument) { EXPECT_TRUE(events({}).empty()); }

TEST(TimelineFile, IsWholeUnderItsFinalNameOrNotThere) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "ringray_timeline_test";
  std::filesystem::create_directory(folder);
  const auto path = (folder / "t.json").string();
  ASSERT_TRUE(write_file(path, "whole"));
  std::string read;
  std::ifstream(path) >> read;
  EXPECT_EQ(read, "whole");

  // A file size limit stands in for a full disk.
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small { 1000, before.rlim_max };
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_file(path, std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().text, HasSubstr("cannot be written: File too large"));
  std::ifstream(path) >> read;
  EXPECT_EQ(read, "whole");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a part was left";
  std::filesystem::remove_all(folder);
}

TEST(TimelineFile, MissingFolderIsOneClearLine) {
  const auto written = write_file("/nowhere/t.json", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().text,
            "'/nowhere/t.json' cannot be created: No such file or directory (the file is not written); name a writable "
            "folder with room");
}

}  // namespace
}  // namespace ringray::observe
