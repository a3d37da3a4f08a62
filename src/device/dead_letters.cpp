#include "ringray/device/dead_letters.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::device {
namespace {

struct Row {
  std::string_view name, sentence;
};
constexpr std::array rows = {Row{"none", "It was handled."},
#define X(name, sentence) Row{#name, sentence},
                             RINGRAY_DEAD_REASONS(X)
#undef X
};
static_assert(rows.size() == static_cast<std::size_t>(Reason::count));

bool matches(const DeadLetter& letter, const DeadLetterFilter& filter) {
  return (!filter.reason || *filter.reason == letter.reason) &&
         (!filter.target || *filter.target == letter.envelope.target) &&
         (!filter.source || *filter.source == letter.envelope.source) &&
         (!filter.type || *filter.type == letter.envelope.type) && letter.clock > filter.after_clock;
}

}  // namespace

std::string_view reason_name(Reason reason) noexcept {
  return reason < Reason::count ? rows[static_cast<std::size_t>(reason)].name : "unknown";
}
std::string_view reason_sentence(Reason reason) noexcept {
  return reason < Reason::count ? rows[static_cast<std::size_t>(reason)].sentence
                                : "The reason is not of this version.";
}

void DeadLetters::bury(const Word* words, Reason reason, std::uint64_t clock) {
  RINGRAY_ASSERT(reason != Reason::none && reason < Reason::count);
  ++counts_.buried;
  ++counts_.by_reason[static_cast<std::size_t>(reason)];
  DeadLetter letter{.number = next_++, .clock = clock, .reason = reason};
  letter.words.assign(words, words + cells_of(words) * cell_data_words);
  std::memcpy(static_cast<void*>(&letter.envelope), words, sizeof letter.envelope);
  letter.envelope.set_reason(Reason::none);
  std::memcpy(letter.words.data(), &letter.envelope, sizeof letter.envelope);
  letters_.push_back(std::move(letter));
  if (letters_.size() > capacity_) {
    letters_.pop_front();
    ++counts_.forgotten;
  }
}

std::vector<DeadLetter> DeadLetters::find(const DeadLetterFilter& filter) const {
  std::vector<DeadLetter> found;
  std::copy_if(letters_.begin(), letters_.end(), std::back_inserter(found),
               [&](const DeadLetter& letter) { return matches(letter, filter); });
  return found;
}

std::size_t DeadLetters::replay(const DeadLetterFilter& filter, const std::function<bool(const Parcel&)>& send) {
  std::size_t accepted = 0;
  for (auto letter = letters_.begin(); letter != letters_.end();) {
    if (!matches(*letter, filter)) {
      ++letter;
      continue;
    }
    Parcel parcel;
    std::copy(letter->words.begin(), letter->words.end(), parcel.words);
    if (!send(parcel)) break;
    letter = letters_.erase(letter);
    ++accepted;
  }
  counts_.replayed += accepted;
  return accepted;
}

}  // namespace ringray::device
