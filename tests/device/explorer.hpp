#pragma once
// A small model checker for the device protocol. Threads are functions over words that are read and written through the
// policy `Explored`; the explorer runs every interleaving of their accesses, and for every load every value that the
// memory orders allow it to return. It visits each state once.
//
// Memory model: that of "release/acquire + relaxed" with views (Kang et al., "A promising semantics for relaxed-memory
// concurrency", POPL 2017, without promises). Each word has the history of its values; each thread knows a point in
// each history before which it cannot read any more. A release store carries what its thread knows, an acquire load
// takes it over, a read-modify-write reads the newest value and carries on what that one carried (release sequence).
// Not covered: load buffering (a load that returns what a later store of another thread writes because of it), stores
// that get behind a newer one of another thread.
//
// A thread is a function that is called in rounds until it says that it has ended; between rounds it keeps only `kept`,
// so that a round that changed nothing leads back to a known state and a thread may try for ever. There is no stack to
// switch: a round is run again from its start with the results that its accesses had, until it comes to one that has
// none. So it must depend on nothing else and must change nothing outside but through Explored.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringray/device/memory.hpp"

namespace ringray::test {

using device::Order;
using device::Word;
using Notes = std::vector<Word>;

class Explorer {
 public:
  struct Report {
    std::string problem;     ///< what `judge` said of the first bad end, and how it came to it; empty: none
    std::size_t states = 0;  ///< that were visited
    std::size_t ends = 0;    ///< in which all threads had ended
    std::size_t stuck = 0;   ///< from which no end can be reached
  };
  /// One round; true: the thread has ended.
  using Thread = std::function<bool(Notes& kept)>;
  /// Given what the threads kept; runs after all of them, sees all that they wrote, may access words. Empty: right.
  using Judge = std::function<std::string(const std::vector<Notes>&)>;

  Report explore(const std::vector<Thread>& threads, const Judge& judge);

  // For Explored.
  struct Access {
    enum class Kind { load, store, add, set_bits, keep_bits, exchange_if } kind;
    Order order;
    std::size_t word;
    Word operand = 0, expected = 0;
  };
  static Explorer& current() { return *current_; }
  /// The result of an access; leaves the thread when it has none yet. `value`: what the word holds at the start.
  Word access(const void* word, Word value, Access access);

 private:
  static constexpr std::size_t words_max = 32;
  using View = std::array<std::uint8_t, words_max>;  // per word: index in its history
  struct Value {
    Word value;
    View view;
  };
  struct ThreadState {
    Notes kept;                 // at the start of the round
    std::vector<Word> results;  // of the round's accesses
    View view{};
    bool ended = false;
    Access next{};
  };
  struct State {
    std::vector<std::vector<Value>> words;
    std::vector<ThreadState> threads;
  };
  struct Pending {};  // thrown to leave a round

  void run(const Thread& body, State& state, ThreadState& thread);
  template <class Visit>
  void successors(const State& state, std::size_t thread, const Visit& visit);
  void know_words(State& state) const;
  static void forget(State& state);
  static Word changed(const Access& access, Word value);
  static std::string key(const State& state);
  std::string judge(State state, const Judge& judge);
  static std::string describe(const State& state);

  static inline thread_local Explorer* current_ = nullptr;
  std::unordered_map<const void*, std::size_t> index_of_;
  std::vector<Word> initial_;
  // Of the run that is under way:
  const std::vector<Word>* results_ = nullptr;
  std::size_t position_ = 0;
  Access pending_{};
  State* live_ = nullptr;  // judge(): accesses act at once
};

/// The policy. `order` of every access is the one that the code under test asked for.
struct Explored {
  template <Order order, class T>
  static T load(const T& word) {
    return run<T>(word, {Explorer::Access::Kind::load, order, 0});
  }
  template <Order order, class T>
  static void store(T& word, T value) {
    run<T>(word, {Explorer::Access::Kind::store, order, 0, static_cast<Word>(value)});
  }
  template <Order order, class T>
  static T add(T& word, T value) {
    return run<T>(word, {Explorer::Access::Kind::add, order, 0, static_cast<Word>(value)});
  }
  template <Order order, class T>
  static T set_bits(T& word, T bits) {
    return run<T>(word, {Explorer::Access::Kind::set_bits, order, 0, static_cast<Word>(bits)});
  }
  template <Order order, class T>
  static T keep_bits(T& word, T bits) {
    return run<T>(word, {Explorer::Access::Kind::keep_bits, order, 0, static_cast<Word>(bits)});
  }
  template <Order order, class T>
  static bool exchange_if(T& word, T& expected, T desired) {
    const T found = run<T>(
        word, {Explorer::Access::Kind::exchange_if, order, 0, static_cast<Word>(desired), static_cast<Word>(expected)});
    const bool exchanged = found == expected;
    expected = found;
    return exchanged;
  }

 private:
  template <class T>
  static T run(const T& word, Explorer::Access access) {
    static_assert(sizeof(T) == 8, "so that values of all words are kept alike");
    return static_cast<T>(Explorer::current().access(&word, static_cast<Word>(word), access));
  }
};

/// As Explored, but everything is relaxed: what needs an order must fail with it.
struct Disordered {
  template <Order, class T>
  static T load(const T& word) {
    return Explored::load<Order::relaxed>(word);
  }
  template <Order, class T>
  static void store(T& word, T value) {
    Explored::store<Order::relaxed>(word, value);
  }
  template <Order, class T>
  static T add(T& word, T value) {
    return Explored::add<Order::relaxed>(word, value);
  }
  template <Order, class T>
  static T set_bits(T& word, T bits) {
    return Explored::set_bits<Order::relaxed>(word, bits);
  }
  template <Order, class T>
  static T keep_bits(T& word, T bits) {
    return Explored::keep_bits<Order::relaxed>(word, bits);
  }
  template <Order, class T>
  static bool exchange_if(T& word, T& expected, T desired) {
    return Explored::exchange_if<Order::relaxed>(word, expected, desired);
  }
};

/// A thread of one round.
inline Explorer::Thread once(std::function<void(Notes&)> body) {
  return [body = std::move(body)](Notes& kept) {
    body(kept);
    return true;
  };
}

}  // namespace ringray::test
