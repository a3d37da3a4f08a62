#pragma once
// Rings small enough to be explored: cells of two data words, messages whose content is their first data word.

#include "explorer.hpp"
#include "ringray/device/mailbox.hpp"

namespace ringray::test {

using SmallCell = device::BasicCell<3>;
static_assert(SmallCell::data_words == 2);

/// A message of `cells` cells that says `content`; all eight bytes of it count.
struct SmallMessage {
  Word words[2 * 2];
  explicit SmallMessage(Word content, std::uint32_t cells = 1, std::uint8_t flags = 0)
      : words{content, Word{cells} << 16 | Word{flags} << 24, ~content, 0} {}
};

/// Content of what was received; 0 for a message that is not as it was sent.
inline Word content_of(const Word* words, std::uint32_t cells) {
  return cells == 1 || words[2] == ~words[0] ? words[0] : 0;
}

/// A value whose top byte is in use, so that the displaced bytes matter.
constexpr Word content(Word sender, Word number) { return sender << 60 | number << 56 | (sender * 16 + number); }
constexpr Word sender_of(Word content) { return content >> 60; }
constexpr Word number_of(Word content) { return content >> 56 & 0xf; }

template <class Policy>
struct SmallLane {
  device::LaneWords words;
  SmallCell cells[8] = {};
  std::uint32_t capacity_log2;
  SmallLane(std::uint32_t capacity_log2, Word start)
      : words{2 * start, start & ~(Word{1} << 63)}, capacity_log2(capacity_log2) {}
  device::Lane<Policy, SmallCell> operator()() { return {words, cells, capacity_log2}; }
};

}  // namespace ringray::test
