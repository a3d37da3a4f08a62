// Question: what do the rings of device actors carry on the CPU, where they are what runs without a GPU?
//   link, mailbox: one thread sends a message of one cell (32 bytes) and receives it, 512 at a time so that the ring
//   fills and empties.
//   link, two threads: one sends, one receives.
// Model: a cell is written and read once, 8 words each, and tagged: about 40 instructions a side; the mailbox adds one
//   compare-and-swap. Between threads a cell also moves from one core's cache to the other's.
// Baseline, in the same run: the same bytes copied into a plain array of cells and out again by one thread (no
// protocol). Goal: at least 5 M messages/s on one thread.
#include <cstring>
#include <thread>
#include <vector>

#include "report.hpp"
#include "ringray/base/check.hpp"
#include "ringray/device/mailbox.hpp"

using namespace ringray::device;

namespace {

struct Small {
  static constexpr std::uint16_t id = 1;
  std::uint64_t words[4];
};
static_assert(cells_for(sizeof(Small)) == 1);

constexpr std::uint32_t capacity_log2 = 10;
constexpr int batch = 512;
int batches = 4000;

Small message(std::uint64_t i) { return {i, i + 1, i + 2, i + 3}; }
double millions_a_second(double seconds) { return batches * double{batch} / seconds / 1e6; }

/// Sends and receives in turns; `send(parcel)` and `receive(parcel)` say whether they did.
template <class Send, class Receive>
double one_thread(const Send& send, const Receive& receive) {
  Parcel parcel;
  std::uint64_t sum = 0, number = 0;
  const double seconds = perf::seconds_of([&] {
    for (int round = 0; round < batches; ++round) {
      for (int i = 0; i < batch; ++i) {
        pack(parcel.words, {}, message(++number));
        RINGRAY_ASSERT(send(parcel));
      }
      for (int i = 0; i < batch; ++i) {
        RINGRAY_ASSERT(receive(parcel));
        sum += parcel.as<Small>().words[0];
      }
    }
  });
  RINGRAY_ASSERT(sum == number * (number + 1) / 2);
  return millions_a_second(seconds);
}

double plain_copies() {
  static std::vector<Cell> cells(std::size_t{1} << capacity_log2);
  std::size_t head = 0, tail = 0;
  return one_thread(
      [&](const Parcel& parcel) {
        std::memcpy(&cells[tail++ % cells.size()], parcel.words, cell_data_bytes);
        return true;
      },
      [&](Parcel& parcel) {
        std::memcpy(parcel.words, &cells[head++ % cells.size()], cell_data_bytes);
        return true;
      });
}

double link_one_thread() {
  static std::vector<Cell> cells(std::size_t{1} << capacity_log2);
  static Word credit;
  static LinkSender sender;
  static LinkReceiver receiver;
  const Link<Near> link{cells.data(), &credit, capacity_log2};
  return one_thread([&](const Parcel& parcel) { return link.send(sender, parcel.words); },
                    [&](Parcel& parcel) { return link.receive(receiver, parcel.words) != 0; });
}

double mailbox_one_thread(Overflow overflow) {
  std::vector<Cell> cells(std::size_t{priorities} << capacity_log2);
  MailboxWords words;
  const Mailbox<Near> mailbox(words, cells.data(), capacity_log2, overflow);
  std::uint32_t choice = 0;
  const auto bury = [](const Word*, Reason) {};
  return one_thread(
      [&](Parcel& parcel) { return mailbox.offer(Priority::normal, parcel.words, bury) == Offer::accepted; },
      [&](Parcel& parcel) { return mailbox.take(choice, parcel.words) != 0; });
}

double link_two_threads() {
  static std::vector<Cell> cells(std::size_t{1} << capacity_log2);
  static Word credit;
  static LinkSender sender;
  static LinkReceiver receiver;
  const Link<Near> link{cells.data(), &credit, capacity_log2};
  const auto total = static_cast<std::uint64_t>(batches) * batch;
  std::uint64_t sum = 0;
  const double seconds = perf::seconds_of([&] {
    std::thread sending([&] {
      Parcel parcel;
      for (std::uint64_t number = 1; number <= total; ++number) {
        pack(parcel.words, {}, message(number));
        while (!link.send(sender, parcel.words)) ringray::base::pause();
      }
    });
    Parcel parcel;
    for (std::uint64_t i = 0; i < total; ++i) {
      while (link.receive(receiver, parcel.words) == 0) ringray::base::pause();
      sum += parcel.as<Small>().words[0];
    }
    sending.join();
  });
  RINGRAY_ASSERT(sum == total * (total + 1) / 2);
  return millions_a_second(seconds);
}

template <class Ours>
void compare(const char* metric, double goal, const perf::Effort& effort, const Ours& ours) {
  const auto rounds = perf::take_turns(effort, ours, plain_copies);
  perf::Figure figure{.bench = "device_ring", .metric = metric, .unit = "M/s", .better = perf::Better::more};
  if (goal != 0) {
    auto alone = figure;
    alone.value = perf::best(rounds.ours, perf::Better::more);
    alone.goal = goal;
    perf::print(alone);
  }
  figure.metric += ", to copies";
  figure.baseline = "plain copies, one thread";
  perf::print(figure, rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  if (smoke) batches = 40;
  const perf::Effort effort{.seconds = smoke ? 0.1 : 3.0};
  compare("link, one thread", 5, effort, link_one_thread);
  compare("mailbox, one thread", 5, effort, [] { return mailbox_one_thread(Overflow::reject); });
  compare("mailbox, drop oldest", 5, effort, [] { return mailbox_one_thread(Overflow::drop_oldest); });
  compare("link, two threads", 0, effort, link_two_threads);
}
