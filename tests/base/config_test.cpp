#include "ringray/base/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ringray {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

/// A command line, an environment and a TOML file, and what parse makes of them.
struct Source {
  std::vector<std::string> arguments;
  std::vector<std::string> environment = {};
  std::string toml = {};

  std::vector<std::string> left = {};  // of the command line, after parse

  Result<Config> parse() {
    if (!toml.empty()) {
      std::ofstream(path()) << toml;
      arguments.push_back("--ringray.config=" + path());
    }
    std::vector<char*> argv = {const_cast<char*>("app")};
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<const char*> variables;
    for (auto& variable : environment) variables.push_back(variable.c_str());
    variables.push_back(nullptr);
    int argc = static_cast<int>(argv.size()) - 1;
    auto config = Config::parse(argc, argv.data(), variables.data());
    left.assign(argv.begin() + 1, argv.begin() + argc);
    EXPECT_EQ(argv[static_cast<std::size_t>(argc)], nullptr);
    std::filesystem::remove(path());
    return config;
  }
  static std::string path() { return ::testing::TempDir() + "ringray_config_test.toml"; }
};

Config good(Source source) {
  auto config = source.parse();
  EXPECT_TRUE(config) << (config ? "" : config.error().text);
  return config.value_or(Config{});
}
std::string bad(Source source) {
  auto config = source.parse();
  EXPECT_FALSE(config);
  if (config) return "";
  EXPECT_EQ(config.error().code, Errc::config);
  EXPECT_THAT(config.error().text, Not(HasSubstr("\n"))) << "an error is one line";
  return config.error().text;
}

TEST(Config, LaterSourceWins) {
  EXPECT_EQ(good({{}}).workers, 0u);
  EXPECT_EQ(good({{}, {}, "workers = 1"}).workers, 1u);
  EXPECT_EQ(good({{}, {"RINGRAY_WORKERS=2"}, "workers = 1"}).workers, 2u);
  EXPECT_EQ(good({{"--ringray.workers=3"}, {"RINGRAY_WORKERS=2"}, "workers = 1"}).workers, 3u);
  EXPECT_EQ(good({{"--ringray.workers=3", "--ringray.workers=4"}}).workers, 4u);
}

TEST(Config, FileMayBeNamedByTheEnvironment) {
  std::ofstream(Source::path()) << "steal = false\n";
  EXPECT_FALSE(good({{}, {"RINGRAY_CONFIG=" + Source::path()}}).steal);
}

TEST(Config, TakesItsOwnArgumentsAndLeavesTheApplications) {
  Source source{
      {"input.nii", "--ringray.workers", "2", "--steps=5", "--ringray.steal=no", "-v", "--", "--ringray.pin"}};
  const auto config = source.parse();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->workers, 2u);
  EXPECT_FALSE(config->steal);
  EXPECT_FALSE(config->pin);
  EXPECT_THAT(source.left, ElementsAre("input.nii", "--steps=5", "-v", "--", "--ringray.pin"));
}

TEST(Config, SwitchStandsAloneAndLeavesTheNextArgument) {
  Source source{{"--ringray.pin", "input.nii"}};
  ASSERT_TRUE(source.parse()->pin);
  EXPECT_THAT(source.left, ElementsAre("input.nii"));
  EXPECT_FALSE(good({{"--ringray.steal", "off"}}).steal);
  EXPECT_TRUE(good({{"--ringray.help"}}).help);
}

TEST(Config, FailureLeavesTheCommandLineAlone) {
  Source source{{"a", "--ringray.workers=x", "b"}};
  EXPECT_FALSE(source.parse());
  EXPECT_THAT(source.left, ElementsAre("a", "--ringray.workers=x", "b"));
}

TEST(Config, UnknownNamesSuggestTheNearest) {
  EXPECT_EQ(bad({{"--ringray.wrokers=3"}}),
            "--ringray.wrokers is not an option of Ringray; did you mean --ringray.workers? --ringray.help lists all");
  EXPECT_THAT(bad({{}, {"RINGRAY_HEARTBEAT=3"}}), HasSubstr("did you mean RINGRAY_HEARTBEAT_MS?"));
  EXPECT_THAT(bad({{}, {}, "\nspil_at = 0.5"}),
              HasSubstr(".toml:2: spil_at is not an option of Ringray; did you mean spill_at?"));
  EXPECT_THAT(bad({{"--ringray."}}), HasSubstr("is not an option"));
  EXPECT_EQ(good({{}, {"RINGRAY_BOOTSTRAP_RANK=1", "RINGRAYS=1", "PATH=x"}}).workers, 0u);
}

TEST(Config, UnknownNamesThatAreFarFromAllSuggestNothing) {
  EXPECT_EQ(bad({{"--ringray.telescopes=3"}}),
            "--ringray.telescopes is not an option of Ringray; --ringray.help lists all");
  EXPECT_THAT(bad({{}, {"RINGRAY_X=3"}}), EndsWith("RINGRAY_X is not an option of Ringray; --ringray.help lists all"));
  EXPECT_THAT(bad({{"-ringray.telescopes"}}), EndsWith("is not an option of Ringray; --ringray.help lists all"));
  EXPECT_THAT(bad({{}, {}, "[telescopes]\nworkers = 2"}),
              EndsWith(":1: telescopes is not an option of Ringray; --ringray.help lists all"));
}

TEST(Config, AMisspeltTableOfRingraySuggestsThatTable) {
  for (const auto* table : {"ringary", "Ringray", "ringrays"})
    EXPECT_THAT(bad({{}, {}, "# mine\n[" + std::string(table) + "]\nworkers = 2\n[" + table + ".labels]\nzone = 'a'"}),
                EndsWith(":2: [" + std::string(table) + "] is not a table of Ringray; did you mean [ringray]?"));
  EXPECT_THAT(bad({{}, {}, "[lables]\nzone = 'a'"}), HasSubstr("did you mean labels?"));
}

TEST(Config, WrongValuesNameOptionValueReasonAndWhatIsAccepted) {
  EXPECT_EQ(bad({{"--ringray.steal=perhaps"}}),
            "--ringray.steal: 'perhaps' is neither true nor false (Idle ranks take waiting tasks from busy ones); "
            "accepted: true, false");
  EXPECT_THAT(bad({{}, {"RINGRAY_WORKERS=5000"}}), HasSubstr("RINGRAY_WORKERS: '5000' is out of range"));
  EXPECT_THAT(bad({{}, {"RINGRAY_WORKERS=5000"}}), HasSubstr("accepted: 0 … 4096"));
  EXPECT_THAT(bad({{"--ringray.stack_bytes=1GB5"}}), HasSubstr("has an unknown unit"));
  EXPECT_THAT(bad({{"--ringray.stack_bytes=1"}}), HasSubstr("accepted: 16KiB … 1GiB"));
  EXPECT_THAT(bad({{"--ringray.workers"}}), HasSubstr("--ringray.workers: the value is missing"));
  EXPECT_THAT(bad({{"--ringray.mpi=never"}}), HasSubstr("accepted: keep, bootstrap"));
  EXPECT_THAT(bad({{"--ringray.heartbeat_ms=11s"}}),
              HasSubstr("--ringray.rank_dead_after_ms: 10000ms is not longer than"));
}

TEST(Config, TomlErrorsNameFileAndLine) {
  EXPECT_THAT(bad({{}, {}, "workers = 2\npin = = 3\n"}), HasSubstr("ringray_config_test.toml:2: "));
  EXPECT_THAT(bad({{}, {}, "\n\nworkers = 'many'"}), HasSubstr(".toml:3: workers: 'many' is not a number"));
  EXPECT_THAT(bad({{}, {}, "[ringray]\npin = 'yes'"}), HasSubstr(":2: pin: 'yes' is text in quotes"));
  EXPECT_THAT(bad({{}, {}, "[ringray]\nwokers = 2"}),
              HasSubstr(":2: wokers is not an option of Ringray; did you mean"));
  EXPECT_THAT(bad({{}, {}, "ringray = 3"}), HasSubstr(":1: ringray is not an option of Ringray"));
  EXPECT_THAT(bad({{}, {}, "log_file = 3"}), HasSubstr(":1: log_file: 3 is not a string"));
  EXPECT_THAT(bad({{}, {}, "workers = '2'"}), HasSubstr(":1: workers: '2' is text in quotes"));
  EXPECT_THAT(bad({{}, {}, "pin = 'true'"}), HasSubstr(":1: pin: 'true' is text in quotes"));
  EXPECT_THAT(bad({{}, {}, "workers = [1, 2]"}), HasSubstr(":1: workers is a list or date"));
  EXPECT_THAT(bad({{}, {}, "config = 'other.toml'"}), HasSubstr("cannot name another"));
  EXPECT_THAT(bad({{"--ringray.config=/nowhere/x.toml"}}), HasSubstr("/nowhere/x.toml: cannot be read: No such file"));
  EXPECT_THAT(bad({{"--ringray.config=" + ::testing::TempDir()}}), HasSubstr("cannot be read: Is a directory"));
}

TEST(Config, TomlTakesNativeValuesTextAndTables) {
  const auto config = good({{}, {}, R"(
workers = 2
spill_at = 0.5
pin = true
arena_bytes = "256MiB"
heartbeat_ms = "1s"
rank_dead_after_ms = 8000
log_level = "debug"
gpus = 1
namespace = "mine"
[labels]
zone = "a"
[resources]
licence = 2
)"});
  EXPECT_EQ(config.workers, 2u);
  EXPECT_EQ(config.spill_at, 0.5);
  EXPECT_TRUE(config.pin);
  EXPECT_EQ(config.arena_bytes.value, 256u << 20);
  EXPECT_EQ(config.heartbeat_ms, std::chrono::seconds(1));
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.gpus, 1.0);
  EXPECT_EQ(config.namespace_, "mine");
  EXPECT_EQ(config.labels, (Labels{{"zone", "a"}}));
  EXPECT_EQ(config.resources, (Amounts{{"licence", 2}}));
}

TEST(Config, TomlMayHaveItsOptionsInATableOfRingrays) {
  const auto config = good({{}, {}, "pin = true\n[ringray]\nworkers = 2\n[ringray.labels]\nzone = 'a'\n"});
  EXPECT_TRUE(config.pin);
  EXPECT_EQ(config.workers, 2u);
  EXPECT_EQ(config.labels, (Labels{{"zone", "a"}}));
}

TEST(Config, FlagsWhosePrefixIsMisspeltAreNotTakenForTheProgramsOwn) {
  for (const auto* flag : {"-ringray.workers=2", "--ringray-workers=2", "--ringray_workers", "--RINGRAY_WORKERS=2",
                           "--Ringray.wokers", "---ringray:workers=2", "--ringrayworkers"})
    EXPECT_THAT(bad({{flag}}), HasSubstr(std::string(flag) + " is not an option of Ringray; did you mean "
                                                             "--ringray.workers?"));
  EXPECT_THAT(bad({{"--ringray", "workers=2"}}), HasSubstr("did you mean --ringray.help?"));
  EXPECT_EQ(good({{"ringray", "-r", "--ring=2", "-", "--"}}).workers, 0u);
}

TEST(Config, AFlagIsNotTheValueOfTheOneBeforeIt) {
  EXPECT_THAT(bad({{"--ringray.timeline", "--ringray.workers=2"}}),
              HasSubstr("--ringray.timeline: the value is missing"));
}

TEST(Config, ChangesSayWhereValuesCameFrom) {
  const auto config = good({{"--ringray.pin"}, {"RINGRAY_LABELS=zone=a"}, "workers = 2"});
  EXPECT_THAT(config.changes(),
              ElementsAre("config = " + Source::path() + " (--ringray.config)", "workers = 2 (" + Source::path() + ")",
                          "pin = true (--ringray.pin)", "labels = zone=a (RINGRAY_LABELS)"));
  EXPECT_TRUE(good({{}}).changes().empty());
}

TEST(Config, HelpAndTableShowEveryOption) {
  const auto help = Config::help_text();
  const auto table = Config::markdown_table();
  EXPECT_THAT(help, HasSubstr("--ringray.inline_bytes_max=…   [0 … 120KiB]   default 64KiB"));
  EXPECT_THAT(table, HasSubstr("| `--ringray.namespace` | `RINGRAY_NAMESPACE` |"));
  EXPECT_EQ(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')), Config::option_count + 2);
}

}  // namespace
}  // namespace ringray
