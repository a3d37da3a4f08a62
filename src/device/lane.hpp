#pragma once
// A lane: a ring of cells from many senders to one receiver; a mailbox has one per priority.
//
// A sender reserves cells by moving `tail`, then writes them; the receiver reads them in order once their tags are
// whole. `tail` also says whether the lane is closed, so that after close() the receiver knows exactly which cells will
// still be written: nothing that was accepted is lost. Senders never wait for each other or for the receiver.
//
// In a lane whose oldest messages may be dropped, senders and the receiver take messages with take_shared(): copy, then
// move `head` if nobody else did.

#include <cstdint>

#include "ringray/device/link.hpp"

namespace ringray::device {

enum class Sent : std::uint8_t { accepted, full, closed };

/// Shared words, each in a line of its own. Indices are taken modulo 2^63.
struct LaneWords {
  alignas(128) Word tail = 0;  ///< 2 × index of the next cell to reserve, + 1 when closed. Senders; receiver closes
  alignas(128) Word head = 0;  ///< index of the next cell to read. Receiver; in a lane with take_shared() anyone
};
static_assert(sizeof(LaneWords) == 256);

template <class Policy, class CellType = Cell>
class Lane {
 public:
  RINGRAY_DEVICE Lane(LaneWords& words, CellType* cells, std::uint32_t capacity_log2)
      : words_(&words), ring_{cells, nullptr, capacity_log2} {}

  RINGRAY_DEVICE Word capacity() const { return ring_.capacity(); }

  /// Any thread. Never waits; `full` and `closed` change nothing. A message has at most capacity() cells.
  RINGRAY_DEVICE Sent send(const Word* words) const {
    const std::uint32_t count = cells_of(words);
    Word tail = Policy::template load<Order::relaxed>(words_->tail);
    for (;;) {
      if ((tail & 1) != 0) return Sent::closed;
      // Acquire: the receiver read these cells before they are written again.
      const Word head = Policy::template load<Order::acquire>(words_->head);
      const auto twice_used = static_cast<std::int64_t>(tail - 2 * head);
      if (twice_used < 0) {  // `tail` is older than `head`: read the newest one
        tail = Policy::template add<Order::relaxed>(words_->tail, Word{0});
        continue;
      }
      if (static_cast<Word>(twice_used) + 2 * count > 2 * capacity()) return Sent::full;
      if (Policy::template exchange_if<Order::relaxed>(words_->tail, tail, tail + 2 * count)) break;
    }
    ring_.write(tail >> 1, words, count);
    return Sent::accepted;
  }

  /// Number of cells of the message at `index`, which is in `words`; 0 when there is no whole one. Receiver.
  RINGRAY_DEVICE std::uint32_t peek(Word index, Word* words) const { return ring_.peek(index, words); }
  /// Where the receiver goes on. Receiver.
  RINGRAY_DEVICE Word position() const { return Policy::template load<Order::relaxed>(words_->head); }
  /// Gives back the cells before `index`. Receiver, of a lane without take_shared().
  RINGRAY_DEVICE void release(Word index) const { Policy::template store<Order::release>(words_->head, index); }

  /// Number of cells of the oldest message, which is in `words`; 0 when there is no whole one. Receiver.
  RINGRAY_DEVICE std::uint32_t take(Word* words) const {
    const Word index = position();
    const std::uint32_t count = peek(index, words);
    if (count != 0) release(next(index, count));
    return count;
  }

  /// As take(). Any thread.
  RINGRAY_DEVICE std::uint32_t take_shared(Word* words) const {
    // Acquire: cells are not read older than who took the ones before has read them, 128 laps ago for example.
    Word index = Policy::template load<Order::acquire>(words_->head);
    for (;;) {
      const std::uint32_t count = peek(index, words);
      const Word before = index;
      if (count == 0) {
        index = Policy::template load<Order::acquire>(words_->head);
        if (index == before) return 0;
        continue;  // another taker was faster
      }
      if (Policy::template exchange_if<Order::release>(words_->head, index, next(index, count))) return count;
      index = Policy::template load<Order::acquire>(words_->head);
    }
  }

  /// No message is accepted from now on; those that were are still to be received, until drained(). Receiver.
  RINGRAY_DEVICE void close() const { Policy::template set_bits<Order::relaxed>(words_->tail, Word{1}); }
  /// Closed, and all that was accepted is received. Receiver.
  RINGRAY_DEVICE bool drained() const {
    const Word tail = Policy::template load<Order::relaxed>(words_->tail);
    return (tail & 1) != 0 && tail >> 1 == Policy::template load<Order::relaxed>(words_->head);
  }
  /// Messages are accepted again. Receiver; the lane is drained.
  RINGRAY_DEVICE void open() const { Policy::template keep_bits<Order::relaxed>(words_->tail, ~Word{1}); }
  RINGRAY_DEVICE bool is_closed() const { return (Policy::template load<Order::relaxed>(words_->tail) & 1) != 0; }

  /// Cells that are reserved and not given back, as far as this thread sees. Any thread.
  RINGRAY_DEVICE Word depth() const {
    const Word head = Policy::template load<Order::acquire>(words_->head);
    const auto twice_used = static_cast<std::int64_t>(Policy::template load<Order::relaxed>(words_->tail) - 2 * head);
    return twice_used < 0 ? 0 : static_cast<Word>(twice_used) >> 1;
  }
  /// Cells that were ever reserved, modulo 2^63. Any thread.
  RINGRAY_DEVICE Word reserved() const { return Policy::template load<Order::relaxed>(words_->tail) >> 1; }

 private:
  static RINGRAY_DEVICE Word next(Word index, Word count) { return (index + count) & ~(Word{1} << 63); }

  LaneWords* words_;
  Link<Policy, CellType> ring_;
};

}  // namespace ringray::device
