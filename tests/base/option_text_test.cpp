#include "ringray/base/option_text.hpp"

#include <gtest/gtest.h>

namespace ringray::base {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

template <class T>
T read(std::string_view text, Limits limits = {}) {
  T value{};
  const auto done = read_option(text, limits, value);
  EXPECT_TRUE(done) << text << ": " << (done ? "" : done.error().text);
  return value;
}
template <class T>
std::string error_of(std::string_view text, Limits limits = {}) {
  T value{};
  const auto done = read_option(text, limits, value);
  EXPECT_FALSE(done) << text;
  EXPECT_EQ(show_option(value), show_option(T{})) << "a failure changed the value";
  return done ? "" : done.error().text;
}

TEST(OptionText, BytesTakeBinaryAndDecimalUnits) {
  EXPECT_EQ(read<Bytes>("64KiB").value, 65536u);
  EXPECT_EQ(read<Bytes>("64 KiB").value, 65536u);
  EXPECT_EQ(read<Bytes>("1.5GiB").value, 3ull << 29);
  EXPECT_EQ(read<Bytes>("8M").value, 8ull << 20);  // as Slurm has it
  EXPECT_EQ(read<Bytes>("2MB").value, 2'000'000u);
  EXPECT_EQ(read<Bytes>("17").value, 17u);
  EXPECT_EQ(error_of<Bytes>("64kb"),
            "'64kb' has an unknown unit; units are B, KiB, MiB, GiB, TiB, K, M, G, T, KB, MB, GB, TB");
  EXPECT_EQ(error_of<Bytes>("1e30"), "'1e30' is out of range");
  EXPECT_EQ(error_of<Bytes>("-1"), "'-1' is out of range");
}

TEST(OptionText, DurationsWithoutUnitAreInTheOptionsOwn) {
  EXPECT_EQ(read<milliseconds>("500"), milliseconds(500));
  EXPECT_EQ(read<milliseconds>("2s"), milliseconds(2000));
  EXPECT_EQ(read<microseconds>("0.5ms"), microseconds(500));
  EXPECT_EQ(read<microseconds>("1min"), microseconds(60'000'000));
  EXPECT_EQ(error_of<milliseconds>("5days"), "'5days' has an unknown unit; units are ns, us, ms, s, min, h");
  EXPECT_EQ(error_of<milliseconds>("9", {10, 20}), "'9' is out of range");
}

TEST(OptionText, NumbersKeepAllDigitsOfASeed) {
  EXPECT_EQ(read<std::uint64_t>("18446744073709551615"), ~0ull);
  EXPECT_EQ(read<std::uint64_t>("9007199254740993"), 9007199254740993ull);
  EXPECT_EQ(read<std::uint64_t>("1e3"), 1000u);
  EXPECT_EQ(error_of<std::uint64_t>("18446744073709551616"), "'18446744073709551616' is out of range");
  EXPECT_EQ(error_of<std::uint64_t>("1.5"), "'1.5' is not a whole number");
  EXPECT_EQ(error_of<std::uint64_t>("4 cores"), "'4 cores' is not a whole number");
  EXPECT_EQ(error_of<std::uint64_t>("5000", {0, 4096}), "'5000' is out of range");
  EXPECT_EQ(error_of<double>("nan"), "'nan' is not a number");
  EXPECT_EQ(error_of<double>("inf"), "'inf' is not a number");
  EXPECT_EQ(error_of<double>(""), "'' is not a number");
}

TEST(OptionText, WordsAreThoseOfTheEnumeration) {
  EXPECT_EQ(read<Switch>("auto"), Switch::automatic);
  EXPECT_EQ(read<LogLevel>("warning"), LogLevel::warning);
  EXPECT_EQ(error_of<MpiUse>("always"), "'always' is not one of its words");
  EXPECT_EQ(accepted_text({}, MpiUse{}), "keep, bootstrap");
}

TEST(OptionText, PairsGiveLabelsAndAmounts) {
  EXPECT_EQ(read<Labels>("zone=a, rack = 7"), (Labels{{"zone", "a"}, {"rack", "7"}}));
  EXPECT_EQ(read<Amounts>("licence=2,bandwidth=0.5"), (Amounts{{"licence", 2}, {"bandwidth", 0.5}}));
  EXPECT_TRUE(read<Labels>("").empty());
  EXPECT_EQ(error_of<Labels>("zone"), "'zone' is not of the form name=value");
  EXPECT_EQ(error_of<Amounts>("licence=two"), "'two' is not a number");
}

TEST(OptionText, ErrorsShowNoControlCharacters) {
  EXPECT_EQ(error_of<double>("\x1b[31m\n"), "'?[31m?' is not a number");
  EXPECT_LT(error_of<double>(std::string(10'000, 'x')).size(), 100u);
}

template <class T>
void expect_round_trip(const T& value) {
  T again{};
  const auto shown = show_option(value);
  ASSERT_TRUE(read_option(shown, {}, again)) << shown;
  EXPECT_EQ(again, value) << shown;
}

TEST(OptionText, ShownValuesReadBack) {
  expect_round_trip(true);
  expect_round_trip(std::uint64_t{~0ull});
  expect_round_trip(0.1);
  expect_round_trip(std::string("any text"));
  for (const std::uint64_t bytes : {0ull, 1ull, 1000ull, 65536ull, 65537ull, 3ull << 30, 1ull << 50})
    expect_round_trip(Bytes{bytes});
  expect_round_trip(microseconds(1234567));
  expect_round_trip(milliseconds(1));
  expect_round_trip(AutomaticNumber{});
  expect_round_trip(AutomaticNumber{2.5});
  expect_round_trip(Labels{{"a", "b"}, {"c", ""}});
  expect_round_trip(Amounts{{"a", 1.25}});
  expect_round_trip(Switch::no);
  expect_round_trip(LogLevel::off);
  expect_round_trip(Unschedulable::error);
  expect_round_trip(MpiUse::bootstrap);
}

}  // namespace
}  // namespace ringray::base
