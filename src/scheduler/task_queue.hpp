#pragma once
// Tasks and actors that ask for resources and wait until this rank has them free. Pure; baton holder only.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "ringray/scheduler/ledger.hpp"

namespace ringray::scheduler {

class TaskQueue {
 public:
  using Token = void*;  ///< the runtime's task or actor
  struct Item {
    Token token = nullptr;
    Resources need;
    BundleKey bundle;  ///< invalid: from the rank itself
    ObjectId user;     ///< for the ledger's record
    bool stealable = false;
  };
  class Starter {
   public:
    virtual void start(Token token, GrantId grant) = 0;

   protected:
    ~Starter() = default;
  };

  TaskQueue(Ledger& ledger, Starter& starter) : ledger_(ledger), starter_(starter) {}

  /// Starts it now when its resources are free, else queues it behind those that ask for the same. One that does not
  /// fit does not block those that ask for something else.
  void push(Item item);
  /// Takes it out before it started; false: it started or was never here.
  bool remove(Token token);
  /// Its user ended.
  void finished(GrantId grant);
  /// Its user waits in a get and lends its cpus out; it goes on at once when the get returns, even when somebody else
  /// uses the cpus meanwhile: a task that has started is never held back.
  void waits(GrantId grant);
  void goes_on(GrantId grant);
  /// A bundle was reserved or ended, so that others may fit.
  void pump();
  /// The oldest queued item that may move and fits into `free` of the thief.
  std::optional<Token> take_stealable(const Resources& free);
  /// Those that wait for a bundle of which gone(BundleKey) is true.
  template <class Gone>
  std::vector<Token> stranded(Gone gone) const {
    std::vector<Token> found;
    for (const auto& line : lines_)
      if (line.bundle.valid() && gone(line.bundle))
        for (const auto& one : line.waiting) found.push_back(one.token);
    return found;
  }
  std::size_t size() const noexcept { return size_; }
  /// What is in use and what the queued ask for, together; without what is inside bundles.
  Resources demand() const { return ledger_.total() - ledger_.free() + queued_; }

 private:
  struct Waiting {
    Token token;
    ObjectId user;
    std::uint64_t order;
    bool stealable;
  };
  /// Equal requests: when the first does not fit, the others do not.
  struct Line {
    Resources need;
    BundleKey bundle;
    std::deque<Waiting> waiting;  // oldest first, never empty
  };

  std::optional<GrantId> take(const Line& line, ObjectId user);
  void left(const Line& line);
  Token take_out(std::vector<Line>::iterator line, std::deque<Waiting>::iterator at);

  Ledger& ledger_;
  Starter& starter_;
  std::vector<Line> lines_;
  std::size_t size_ = 0;
  Resources queued_;  // what those outside bundles ask for
  std::uint64_t order_ = 0;
  bool pumping_ = false, again_ = false;
};

}  // namespace ringray::scheduler
