#pragma once
// The mailbox of an actor: a lane per priority, and what happens when a lane is full. Senders are on the device of the
// receiver; what comes from elsewhere is put in by its router.
//
// One sender's messages of one priority are received in the order in which they were accepted. Between priorities the
// highest goes first, but every 16th choice begins at the lowest, so that none waits for ever.

#include <cstdint>

#include "ringray/device/lane.hpp"

namespace ringray::device {

/// What becomes of a message for a full lane.
enum class Overflow : std::uint8_t {
  wait,         ///< it is not accepted; who can wait tries again
  reject,       ///< it is not accepted; the sender gets an error
  drop_oldest,  ///< the oldest messages of the lane become dead letters
  drop_newest,  ///< it becomes a dead letter
};

enum class Offer : std::uint8_t { accepted, full, closed, dropped };

/// The lane to look at as the `step`th, 0 … 3, of choice number `choice`.
RINGRAY_DEVICE constexpr int lane_in_turn(std::uint32_t choice, int step) {
  return (choice & 15) == 15 ? priorities - 1 - step : step;
}

struct MailboxWords {
  LaneWords lanes[priorities];
  alignas(128) Word dropped = 0;    ///< messages; senders
  alignas(128) Word depth_max = 0;  ///< cells; receiver, which looks before it takes
};
static_assert(sizeof(MailboxWords) == 1280);

/// In cells: a message of up to 32 bytes takes one. Numbers of one moment only while nobody sends.
struct MailboxStats {
  Word enqueued = 0;
  Word dequeued = 0;
  Word depth = 0;
  Word depth_max = 0;
  Word dropped = 0;  ///< messages
};

template <class Policy, class CellType = Cell>
class Mailbox {
 public:
  using LaneType = Lane<Policy, CellType>;

  /// `cells`: priorities × 2^capacity_log2, zero at first.
  RINGRAY_DEVICE Mailbox(MailboxWords& words, CellType* cells, std::uint32_t capacity_log2, Overflow overflow)
      : words_(&words), cells_(cells), capacity_log2_(capacity_log2), overflow_(overflow) {}

  RINGRAY_DEVICE LaneType lane(int priority) const {
    return LaneType(words_->lanes[priority], cells_ + (static_cast<Word>(priority) << capacity_log2_), capacity_log2_);
  }
  RINGRAY_DEVICE LaneType lane(Priority priority) const { return lane(static_cast<int>(priority)); }

  /// Any thread; never waits. `bury(words, reason)` is called for each message that becomes a dead letter and may
  /// change its words.
  template <class Bury>
  RINGRAY_DEVICE Offer offer(Priority priority, Word* words, const Bury& bury) const {
    const LaneType to = lane(priority);
    Sent sent = to.send(words);
    if (sent == Sent::accepted) return Offer::accepted;
    if (sent == Sent::closed) return Offer::closed;
    if (overflow_ == Overflow::wait || overflow_ == Overflow::reject) return Offer::full;
    if (overflow_ == Overflow::drop_oldest) {
      // Others may take the room that was made, and the oldest may not be written yet: tried a few times only.
      for (int attempt = 0; sent == Sent::full && attempt < 2 * parcel_cells_max; ++attempt) {
        Parcel oldest;
        if (to.take_shared(oldest.words) == 0) break;
        count_dropped();
        bury(oldest.words, Reason::dropped_oldest);
        sent = to.send(words);
      }
      if (sent == Sent::accepted) return Offer::accepted;
      if (sent == Sent::closed) return Offer::closed;
    }
    count_dropped();
    bury(words, Reason::dropped_newest);
    return Offer::dropped;
  }

  /// Number of cells of the next message by priority, which is in `words`; 0 when there is none. `choice` counts the
  /// messages taken. Receiver.
  RINGRAY_DEVICE std::uint32_t take(std::uint32_t& choice, Word* words) const {
    note_depth();
    for (int step = 0; step < priorities; ++step) {
      const LaneType from = lane(lane_in_turn(choice, step));
      const std::uint32_t count = shared() ? from.take_shared(words) : from.take(words);
      if (count == 0) continue;
      ++choice;
      return count;
    }
    return 0;
  }
  /// As take(), and the message stays. Receiver.
  RINGRAY_DEVICE std::uint32_t peek(std::uint32_t choice, Word* words) const {
    for (int step = 0; step < priorities; ++step) {
      const LaneType from = lane(lane_in_turn(choice, step));
      if (const std::uint32_t count = from.peek(from.position(), words)) return count;
    }
    return 0;
  }
  /// Takes what is there. Receiver.
  template <class Bury>
  RINGRAY_DEVICE void clear(Reason reason, const Bury& bury) const {
    Parcel parcel;
    for (std::uint32_t choice = 0; take(choice, parcel.words) != 0;) bury(parcel.words, reason);
  }

  /// Senders may take messages, too.
  RINGRAY_DEVICE bool shared() const { return overflow_ == Overflow::drop_oldest; }
  RINGRAY_DEVICE Overflow overflow() const { return overflow_; }

  /// See Lane. Receiver.
  RINGRAY_DEVICE void close() const {
    for (int i = 0; i < priorities; ++i) lane(i).close();
  }
  RINGRAY_DEVICE bool drained() const {
    for (int i = 0; i < priorities; ++i)
      if (!lane(i).drained()) return false;
    return true;
  }
  RINGRAY_DEVICE void open() const {
    for (int i = 0; i < priorities; ++i) lane(i).open();
  }

  /// Cells waiting in all lanes. Any thread.
  RINGRAY_DEVICE Word depth() const {
    Word depth = 0;
    for (int i = 0; i < priorities; ++i) depth += lane(i).depth();
    return depth;
  }
  /// Any thread.
  RINGRAY_DEVICE MailboxStats stats() const {
    MailboxStats stats;
    for (int i = 0; i < priorities; ++i) stats.enqueued += lane(i).reserved();
    stats.depth = depth();
    stats.dequeued = stats.enqueued - stats.depth;
    stats.depth_max = Policy::template load<Order::relaxed>(words_->depth_max);
    if (stats.depth > stats.depth_max) stats.depth_max = stats.depth;
    stats.dropped = Policy::template load<Order::relaxed>(words_->dropped);
    return stats;
  }
  /// `depth_max` begins again. Any thread.
  RINGRAY_DEVICE void forget_depth_max() const { Policy::template store<Order::relaxed>(words_->depth_max, Word{0}); }
  /// The receiver's look before it takes.
  RINGRAY_DEVICE void note_depth() const {
    const Word now = depth();
    if (now > Policy::template load<Order::relaxed>(words_->depth_max))
      Policy::template store<Order::relaxed>(words_->depth_max, now);
  }

 private:
  RINGRAY_DEVICE void count_dropped() const { Policy::template add<Order::relaxed>(words_->dropped, Word{1}); }

  MailboxWords* words_;
  CellType* cells_;
  std::uint32_t capacity_log2_;
  Overflow overflow_;
};

}  // namespace ringray::device
