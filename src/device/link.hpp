#pragma once
// A link: a ring of cells from one sender to one receiver, without read-modify-writes. The cells lie where the receiver
// polls, the credit word where the sender polls; each is written by one side only, so a link may cross PCIe.
//
// The receiver gives cells back in batches of a quarter of the ring, and all of them when it finds the ring empty: a
// sender that waits for any number of cells up to the capacity gets them.

#include <cstdint>

#include "ringray/device/parcel.hpp"

namespace ringray::device {

/// The sender's own words. They lie in memory, so that who comes after it can go on.
struct alignas(128) LinkSender {
  Word tail = 0;    ///< index of the next cell to write
  Word credit = 0;  ///< cells before this index were given back, as far as the sender knows
};
/// The receiver's own words.
struct alignas(128) LinkReceiver {
  Word head = 0;      ///< index of the next cell to read
  Word returned = 0;  ///< what `credit` says
};
static_assert(sizeof(LinkSender) == 128 && sizeof(LinkReceiver) == 128);

template <class Policy, class CellType = Cell>
struct Link {
  CellType* cells = nullptr;
  Word* credit = nullptr;  ///< written by the receiver: cells before this index may be written again
  std::uint32_t capacity_log2 = 0;

  RINGRAY_DEVICE Word capacity() const { return Word{1} << capacity_log2; }

  /// False: there is no room now. Nothing of the message is visible before all of it was written. One thread.
  RINGRAY_DEVICE bool send(LinkSender& sender, const Word* words) const {
    const std::uint32_t count = cells_of(words);
    if (sender.tail + count - sender.credit > capacity()) {
      sender.credit = Policy::template load<Order::acquire>(*credit);
      if (sender.tail + count - sender.credit > capacity()) return false;
    }
    write(sender.tail, words, count);
    sender.tail += count;
    return true;
  }

  /// Number of cells of the next message, which is in `words`; 0 when there is no whole one. One thread.
  RINGRAY_DEVICE std::uint32_t receive(LinkReceiver& receiver, Word* words) const {
    const std::uint32_t count = peek(receiver.head, words);
    if (count == 0) {
      if (receiver.returned != receiver.head) give_back(receiver);
      return 0;
    }
    receiver.head += count;
    if (receiver.head - receiver.returned >= (capacity() + 3) / 4) give_back(receiver);
    return count;
  }

  /// As receive(), and the message stays.
  RINGRAY_CALLED RINGRAY_DEVICE std::uint32_t peek(Word index, Word* words) const {
    if (!read_cell<Policy>(at(index), words, lap_tag(index, capacity_log2))) return 0;
    const std::uint32_t count = cells_of(words);
    for (std::uint32_t i = 1; i < count; ++i)
      if (!read_cell<Policy>(at(index + i), words + i * CellType::data_words, lap_tag(index + i, capacity_log2)))
        return 0;
    if (refers_to_memory(words)) acquire_cell<Policy>(at(index));
    return count;
  }

  RINGRAY_DEVICE CellType& at(Word index) const { return cells[index & (capacity() - 1)]; }

  RINGRAY_CALLED RINGRAY_DEVICE void write(Word index, const Word* words, std::uint32_t count) const {
    const Word tag = lap_tag(index, capacity_log2);
    if (refers_to_memory(words))
      write_cell<Policy, Order::release>(at(index), words, tag);
    else
      write_cell<Policy, Order::relaxed>(at(index), words, tag);
    for (std::uint32_t i = 1; i < count; ++i)
      write_cell<Policy, Order::relaxed>(at(index + i), words + i * CellType::data_words,
                                         lap_tag(index + i, capacity_log2));
  }

  /// Release: the cells were read before the sender may write them again.
  RINGRAY_DEVICE void give_back(LinkReceiver& receiver) const {
    receiver.returned = receiver.head;
    Policy::template store<Order::release>(*credit, receiver.head);
  }
};

}  // namespace ringray::device
