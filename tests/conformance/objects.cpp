// put, get, wait: what a reference promises.

#include <numeric>

#include "harness.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

struct Shape {
  std::string name;
  std::vector<int> corners;
  bool operator==(const Shape&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, corners);
  }
};

constexpr std::size_t large = 50'000;  // doubles: 400 kB
std::vector<double> ramp(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.5);
  return values;
}
double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }
int plus_one(int x) { return x + 1; }
int fails() { throw std::runtime_error("fails on purpose"); }

TEST_F(Ray, C01_ValuePutIsReturnedEqualFromAnyRankAnyNumberOfTimes) {
  const Shape shape{"square", {1, 2, 3, 4}};
  const auto ref = put(shape);
  const auto text = put(std::string("text"));
  for (int round = 0; round < 3; ++round)
    for (std::uint32_t r = 0; r < ranks(); ++r) {
      EXPECT_EQ(get(ref), shape);
      EXPECT_EQ(get(submit(
                    {.placement = on_rank(Rank{r})}, [](const Shape& s) { return s; }, ref)),
                shape);
      EXPECT_EQ(get(submit(
                    {.placement = on_rank(Rank{r})},
                    [](ObjectRef<std::string> inner) { return get(inner) + get(inner); }, text)),
                "texttext");
    }
}

TEST_F(Ray, C02_GetOfAListKeepsOrderWithDuplicatesAndEmpty) {
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < 20; ++i)
    refs.push_back(submit({.placement = on_rank(Rank{static_cast<std::uint32_t>(i) % ranks()})}, plus_one, i));
  refs.push_back(refs.front());
  std::vector<int> expected(20);
  std::iota(expected.begin(), expected.end(), 1);
  expected.push_back(1);
  EXPECT_EQ(get(refs), expected);
  EXPECT_TRUE(get(std::vector<ObjectRef<int>>{}).empty());
}

TEST_F(Ray, C04_GetOfFailedAndHangingRaisesAtOnce) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(rank);
    const std::vector<ObjectRef<int>> refs{gate.ref(), submit({.placement = on_rank(rank)}, fails)};
    EXPECT_THROW(get(refs), TaskError);  // returns although the gate is closed
    EXPECT_THROW(get(gate.ref(), 1ms), GetTimeoutError);
  }
}

TEST_F(Ray, C05_WaitReturnsExactlyCountInInputOrderAndRejectsDuplicates) {
  Gate gate(last_rank());
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < 6; ++i) refs.push_back(submit({.placement = on_rank(last_rank())}, plus_one, i));
  refs.insert(refs.begin() + 2, gate.ref());

  const auto six = wait(refs, {.count = 6});
  std::vector<ObjectRef<int>> others = refs;
  others.erase(others.begin() + 2);
  EXPECT_EQ(six.ready, others);
  EXPECT_EQ(six.pending, std::vector<ObjectRef<int>>{gate.ref()});

  const auto three = wait(refs, {.count = 3});
  EXPECT_EQ(three.ready, (std::vector<ObjectRef<int>>{refs[0], refs[1], refs[3]}));
  EXPECT_EQ(three.pending, (std::vector<ObjectRef<int>>{refs[2], refs[4], refs[5], refs[6]}));

  const auto fewer = wait(refs, {.count = 7, .timeout = 1ms});
  EXPECT_EQ(fewer.ready, others);
  EXPECT_EQ(fewer.pending, std::vector<ObjectRef<int>>{gate.ref()});

  EXPECT_THROW(wait(std::vector<ObjectRef<int>>{refs[0], refs[0]}), ConfigError);
  EXPECT_THROW(wait(refs, {.count = 8}), ConfigError);

  const auto failed = submit(fails);  // an error is ready, too
  EXPECT_EQ(wait(std::vector<ObjectRef<int>>{failed}).ready.size(), 1u);
}

TEST_F(Ray, C06_WaitWithoutFetchMovesNoBytes) {
  const auto bytes_received = [] {
    auto& core = runtime::core();
    return core.with([&] { return core.traffic().bytes_received; });
  };
  const auto before = bytes_received();
  const auto own = submit({.placement = on_rank(last_rank())}, ramp, large);  // owned here, made there
  const auto borrowed = get(submit({.placement = on_rank(last_rank())}, [] { return submit(ramp, large); }));
  for (const auto& ref : {own, borrowed}) {
    EXPECT_EQ(wait(std::vector{ref}, {.fetch = false}).ready.size(), 1u);
    EXPECT_EQ(wait(std::vector{ref}, {.fetch = false}).ready.size(), 1u);  // again: still there
  }
  EXPECT_LT(bytes_received() - before, large);
  for (const auto& ref : {own, borrowed}) EXPECT_EQ(get(ref), ramp(large));
}

TEST_F(Ray, C10_LargeArrayRoundTripsThroughPutArgumentAndReturn) {
  const auto values = ramp(large);
  for (const auto rank : {Rank{0}, last_rank()}) {
    const TaskOptions there{.placement = on_rank(rank)};
    const auto ref = put(values);
    EXPECT_EQ(get(ref), values);
    EXPECT_EQ(get(submit(there, sum, ref)), sum(values));
    EXPECT_EQ(get(submit(there, sum, values)), sum(values));
    EXPECT_EQ(get(submit(there, ramp, large)), values);
    EXPECT_EQ(get(submit(
                  there, [](std::vector<double> v) { return v; }, ref)),
              values);

    Array<float, 2> field({250, 400});
    std::iota(field.span().begin(), field.span().end(), 0.0f);
    const auto array = put(std::move(field));
    const auto doubled = submit(
        there,
        [](const Array<float, 2>& in) {
          Array<float, 2> out(in.extents());
          for (std::size_t i = 0; i < in.size(); ++i) out.data()[i] = 2 * in.data()[i];
          return out;
        },
        array);
    EXPECT_EQ(get(doubled)(249, 399), 2 * get(array)(249, 399));
    EXPECT_EQ(get(array)(249, 399), 99'999.0f);
  }
}

struct Album {
  std::string title;
  std::vector<ObjectRef<int>> pictures;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(title, pictures);
  }
};
Album album(std::size_t letters, std::size_t pictures) {
  return {std::string(letters, 'x'), std::vector<ObjectRef<int>>(pictures, put(3))};
}
Returns<std::string, std::string, std::string> three_long() {
  return {std::string(60'000, 'a'), std::string(60'000, 'b'), std::string(60'000, 'c')};
}
int fails_at_length() { throw std::runtime_error(std::string(300'000, 'x')); }

TEST_F(Ray, C10_WhatDoesNotFitInOneMessageIsStoredOrFailsWithTheReason) {
  const TaskOptions there{.placement = on_rank(last_rank())};
  const auto [a, b, c] = submit(there, three_long);
  EXPECT_EQ(get(a) + get(b) + get(c), std::string(60'000, 'a') + std::string(60'000, 'b') + std::string(60'000, 'c'));
  const auto many = submit(there, album, 60'000, 3000);
  EXPECT_EQ(get(many).title.size(), 60'000);
  EXPECT_EQ(get(get(many).pictures.at(2999)), 3);
  EXPECT_THROW(get(submit(there, fails_at_length)), TaskError);
  if (ranks() > 1) {
    try {
      get(submit(there, album, 1, 10'000));
      ADD_FAILURE() << "10000 references passed in one message";
    } catch (const TaskError& e) {
      EXPECT_NE(std::string(e.what()).find("refers to 1"), std::string::npos) << e.what();
    }
  }
}

struct Prickly {
  enum Where { nowhere, when_saved, when_loaded };
  Prickly(Where w = nowhere) : where(w) {}
  Where where;
  std::string text = "hedgehog";
  template <class Archive>
  void save(Archive& archive) const {
    if (where == when_saved) throw 42;
    archive(where, text);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(where, text);
    if (where == when_loaded) throw 42;
  }
};
struct Host {
  explicit Host(Prickly) {}
  int take(Prickly p) { return static_cast<int>(p.text.size()); }
};
Prickly prickly(Prickly::Where where) { return where; }
Generator<Prickly> prickly_items() {
  co_yield Prickly();
  co_yield Prickly(Prickly::when_saved);
  co_yield Prickly();
}
int touch(const Prickly& p) { return static_cast<int>(p.text.size()); }

TEST_F(Ray, C10_WhateverIsThrownWhileAValueTravelsIsAnErrorOfItsTask) {
  if (ranks() < 2) GTEST_SKIP() << "needs two ranks";
  const auto there = on_rank(last_rank());
  EXPECT_THROW(get(submit({.placement = there}, prickly, Prickly::when_saved)), TaskError);
  EXPECT_THROW(get(submit({.placement = there}, touch, put(Prickly(Prickly::when_saved)))), TaskError);
  EXPECT_THROW(get(submit({.placement = there}, touch, Prickly(Prickly::when_saved))), TaskError);
  EXPECT_THROW(get(submit({.placement = there}, touch, Prickly(Prickly::when_loaded))), Error);
  int items = 0;
  const auto read_all = [&] {
    for (const auto& item : submit({.placement = there}, prickly_items)) items += get(item).text == "hedgehog";
  };
  EXPECT_THROW(read_all(), TaskError);
  EXPECT_EQ(items, 1);
  auto host = spawn<Host>({.placement = there}, Prickly());
  EXPECT_THROW(get(host.call<&Host::take>(Prickly(Prickly::when_loaded))), Error);
  host.send<&Host::take>(Prickly(Prickly::when_loaded));
  EXPECT_EQ(get(host.call<&Host::take>(Prickly())), 8);
  for (const auto where : {Prickly::when_saved, Prickly::when_loaded}) {
    auto never = spawn<Host>({.placement = there}, Prickly(where));
    EXPECT_THROW(get(never.call<&Host::take>(Prickly())), ActorDiedError);
  }
}

TEST_F(Ray, C55_OneObjectGoesToAllRanksManyTimes) {
  const auto ref = put(ramp(large));
  const auto expected = sum(get(ref));
  std::vector<ObjectRef<double>> sums;
  for (int round = 0; round < 20; ++round)
    for (std::uint32_t r = 0; r < ranks(); ++r) sums.push_back(submit({.placement = on_rank(Rank{r})}, sum, ref));
  for (const auto value : get(sums)) EXPECT_EQ(value, expected);
}

TEST_F(Ray, C55_ThousandsOfSmallObjectsGoBetweenTwoRanks) {
  constexpr int many = 3000;
  std::vector<ObjectRef<Shape>> shapes;
  for (int i = 0; i < many; ++i) shapes.push_back(put(Shape{"small", {i}}));
  const auto back = submit(
      {.placement = on_rank(last_rank())},
      [](const std::vector<ObjectRef<Shape>>& all) {
        std::vector<ObjectRef<Shape>> copies;
        for (const auto& one : all) copies.push_back(put(get(one)));
        return copies;
      },
      shapes);
  const auto& copies = get(back);
  ASSERT_EQ(copies.size(), shapes.size());
  for (int i = 0; i < many; ++i) ASSERT_EQ(get(copies[i]), get(shapes[i]));
}

}  // namespace
}  // namespace conformance
