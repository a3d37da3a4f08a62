#pragma once
// The cell: 64 bytes that tell by themselves whether they are whole. Each 8-byte word carries a lap tag in its top
// byte; the last word carries the top bytes that the tags displaced. Words are read and written whole on x86, over PCIe
// and in a GPU's L2, so a cell whose tags all match is whole: no fence, no doorbell, one coalesced access.
//
// A tag is the lap of the ring that the cell is written in. It never is 0, so zeroed memory reads as empty, and it
// repeats after 128 laps; whoever reads a cell has read it in the lap before, so older laps cannot come back.

#include <cstdint>

#include "ringray/device/memory.hpp"

namespace ringray::device {

/// Tests use cells of fewer words; Ringray uses Cell.
template <int count>
struct alignas(count == 8 ? 64 : 8) BasicCell {
  static constexpr int words_max = count;
  static constexpr int data_words = count - 1;  ///< whose top bytes have room in the last word
  static_assert(data_words >= 1 && data_words <= 7);
  Word words[count];
};
using Cell = BasicCell<8>;
static_assert(sizeof(Cell) == 64 && alignof(Cell) == 64);

inline constexpr int cell_data_words = Cell::data_words;
inline constexpr int cell_data_bytes = cell_data_words * 8;

inline constexpr Word top_byte = Word{0xff} << 56;

/// The tag of the cell at `index` of a ring of 2^`capacity_log2` cells. Indices may wrap at any power of two that is at
/// least 128 laps.
RINGRAY_DEVICE constexpr Word lap_tag(Word index, std::uint32_t capacity_log2) {
  return (((index >> capacity_log2) & 0x7f) | 0x80) << 56;
}

// GCC 12 takes the number of a message's cells, which it does not know, for more than the message has.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

/// Word `i` of a cell that carries `data`.
template <int count>
RINGRAY_DEVICE constexpr Word tagged_word(const Word* data, int i, Word tag) {
  if (i < count - 1) return (data[i] & ~top_byte) | tag;
  Word displaced = 0;
  for (int k = 0; k < count - 1; ++k) displaced |= (data[k] >> 56) << (8 * k);
  return displaced | tag;
}

/// Writes `data`, the last word last and with `order`: release when the message refers to memory that the reader is to
/// see, else relaxed.
template <class Policy, Order order, int count>
RINGRAY_DEVICE void write_cell(BasicCell<count>& cell, const Word* data, Word tag) {
  for (int i = 0; i < count - 1; ++i)
    Policy::template store<Order::relaxed>(cell.words[i], tagged_word<count>(data, i, tag));
  Policy::template store<order>(cell.words[count - 1], tagged_word<count>(data, count - 1, tag));
}

#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#pragma GCC diagnostic pop
#endif

/// True, and `data` is filled, when the cell is whole in the lap of `tag`.
template <class Policy, int count>
RINGRAY_DEVICE bool read_cell(const BasicCell<count>& cell, Word* data, Word tag) {
  const Word last = Policy::template load<Order::relaxed>(cell.words[count - 1]);
  if ((last & top_byte) != tag) return false;
  for (int i = 0; i < count - 1; ++i) {
    const Word word = Policy::template load<Order::relaxed>(cell.words[i]);
    if ((word & top_byte) != tag) return false;
    data[i] = (word & ~top_byte) | ((last >> (8 * i)) & 0xff) << 56;
  }
  return true;
}

/// After read_cell of a message that refers to memory: what its sender wrote before is visible. The cell must not have
/// been given back yet.
template <class Policy, int count>
RINGRAY_DEVICE void acquire_cell(const BasicCell<count>& cell) {
  static_cast<void>(Policy::template load<Order::acquire>(cell.words[count - 1]));
}

}  // namespace ringray::device
