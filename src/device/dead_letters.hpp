#pragma once
// Messages that could not be handled, with the reason; a bounded memory of them, to look at and to send again.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "ringray/device/parcel.hpp"

namespace ringray::device {

std::string_view reason_name(Reason reason) noexcept;
std::string_view reason_sentence(Reason reason) noexcept;

struct DeadLetter {
  std::uint64_t number = 0;  ///< in the order in which they came
  std::uint64_t clock = 0;   ///< hybrid logical time of its coming here
  Reason reason = Reason::none;
  Envelope envelope;        ///< as it was sent
  std::vector<Word> words;  ///< all of the parcel, envelope included
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, clock, reason, envelope, words);
  }
};

/// What is not set matches all.
struct DeadLetterFilter {
  std::optional<Reason> reason;
  std::optional<Address> target;
  std::optional<Address> source;
  std::optional<std::uint16_t> type;
  std::uint64_t after_clock = 0;  ///< only those that came later
};

/// One thread.
class DeadLetters {
 public:
  struct Counts {
    std::array<std::uint64_t, static_cast<std::size_t>(Reason::count)> by_reason{};
    std::uint64_t buried = 0;     ///< all that ever came
    std::uint64_t forgotten = 0;  ///< pushed out by newer ones
    std::uint64_t replayed = 0;
  };

  /// Keeps the newest `capacity`.
  explicit DeadLetters(std::size_t capacity) : capacity_(capacity) {}

  void bury(const Word* words, Reason reason, std::uint64_t clock);
  /// Oldest first.
  std::vector<DeadLetter> find(const DeadLetterFilter& filter) const;
  /// Oldest first, `send` is given each letter that matches, as it was sent; those that it accepts (true) are no longer
  /// here, with the first that it refuses it ends, to keep the order. Returns how many it accepted.
  std::size_t replay(const DeadLetterFilter& filter, const std::function<bool(const Parcel&)>& send);
  std::size_t size() const { return letters_.size(); }
  std::size_t capacity() const { return capacity_; }
  const Counts& counts() const { return counts_; }
  void clear() { letters_.clear(); }

 private:
  std::size_t capacity_;
  std::uint64_t next_ = 0;
  std::deque<DeadLetter> letters_;
  Counts counts_;
};

}  // namespace ringray::device
