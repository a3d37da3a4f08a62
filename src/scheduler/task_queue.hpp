#pragma once
// Tasks and actors that ask for resources and wait until this rank has them free. Pure; baton holder only.

#include <cstdint>
#include <list>
#include <optional>

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

  /// Starts it now when its resources are free, else queues it. One that does not fit does not block others.
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
  std::size_t size() const noexcept { return items_.size(); }
  const std::list<Item>& items() const noexcept { return items_; }

 private:
  std::optional<GrantId> take(const Item& item);
  Ledger& ledger_;
  Starter& starter_;
  std::list<Item> items_;
  bool pumping_ = false, again_ = false;
};

}  // namespace ringray::scheduler
