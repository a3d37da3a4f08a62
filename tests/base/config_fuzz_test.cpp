// Any bytes in a TOML file give a Config or one line of error: never a crash, never two lines.

#include <gtest/gtest.h>

#include "ringray/base/config.hpp"
#include "ringray/base/config_file.hpp"
#include "ringray/base/random.hpp"

namespace ringray {
namespace {

constexpr std::uint64_t seed = 20261121;

void expect_values_or_one_line(const std::string& text) {
  const auto values = base::read_toml(text, "fuzz.toml");
  if (values) return;
  EXPECT_EQ(values.error().code, Errc::config);
  EXPECT_EQ(values.error().text.find('\n'), std::string::npos) << values.error().text;
  EXPECT_EQ(values.error().text.rfind("fuzz.toml:", 0), 0u) << values.error().text;
}

TEST(ConfigFuzz, RandomBytesGiveValuesOrOneLine) {
  base::Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random.below(200), '\0');
    for (auto& c : text) c = static_cast<char>(random.below(256));
    expect_values_or_one_line(text);
  }
}

TEST(ConfigFuzz, MutatedOptionsGiveValuesOrOneLine) {
  const std::string original =
      "workers = 2\npin = true\narena_bytes = \"256MiB\"\nspill_at = 5e-1\n[labels]\nzone = 'a'\n\"b\" = \"\\u00e9\"\n"
      "[resources]\nlicence = {a = 1}\nx = [1, 2, 1979-05-27T07:32:00Z]\n";
  base::Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    auto text = original;
    for (auto edits = 1 + random.below(6); edits > 0; --edits) {
      const auto at = random.below(text.size());
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, random.below(8));
          break;
        default:
          text.insert(at, original.substr(random.below(original.size()), random.below(12)));
          break;
      }
      if (text.empty()) text = "=";
    }
    expect_values_or_one_line(text);
  }
}

TEST(ConfigFuzz, DeepNestingIsRefused) {
  expect_values_or_one_line("a = " + std::string(100'000, '['));
  std::string tables = "a = ";
  for (int i = 0; i < 10'000; ++i) tables += "{a = ";
  expect_values_or_one_line(tables);
}

TEST(ConfigFuzz, RandomOptionValuesGiveAConfigOrOneLine) {
  base::Random random(seed);
  constexpr std::string_view letters = "0123456789.eE+-KiBmsu=,truefalsno \t\"x\x01";
  for (int round = 0; round < 2'000; ++round) {
    std::string value(random.below(12), '\0');
    for (auto& c : value) c = letters[random.below(letters.size())];
#define X(type, name, standard, limits, sentence) #name,
    static constexpr const char* names[] = {RINGRAY_OPTIONS(X)};
#undef X
    const std::string name = names[1 + random.below(Config::option_count - 1)];  // not the file
    std::string argument = "--ringray." + (name == "namespace_" ? "namespace" : name) + "=" + value;
    std::string program = "app";
    char* argv[] = {program.data(), argument.data(), nullptr};
    int argc = 2;
    const auto config = Config::parse(argc, argv, nullptr);
    if (!config) {
      EXPECT_EQ(config.error().text.find('\n'), std::string::npos);
      EXPECT_EQ(config.error().code, Errc::config);
    }
  }
}

}  // namespace
}  // namespace ringray
