#pragma once
// What the tests of actors share.

#include <algorithm>
#include <string>
#include <vector>

#include "harness.hpp"

namespace conformance {

/// Each test on actors of the driver's rank and of another.
template <class F>
void for_each_home(F&& f) {
  for (const auto home : {Rank{0}, last_rank()}) {
    SCOPED_TRACE("on rank " + std::to_string(home.value));
    f(home);
  }
}

/// Collects what actors and tasks say that they did.
struct Witness {
  void note(const std::string& text) { all.push_back(text); }
  int count(const std::string& text) const { return static_cast<int>(std::count(all.begin(), all.end(), text)); }
  std::vector<std::string> all;
};
inline int noted(const ActorHandle<Witness>& witness, const std::string& text) {
  return get(witness.call<&Witness::count>(text));
}

/// What opens later: a task that has begun, and whose result exists only after open(), so that it is never cancelled
/// before it began.
class Door {
 public:
  explicit Door(Rank rank = Rank{0})
      : witness_(spawn<Witness>()), closed_(submit({.placement = on_rank(rank)}, wait_open, witness_)) {
    EXPECT_TRUE(soon([&] { return noted(witness_, "closed") == 1; }));
  }
  ~Door() { open(); }
  const ObjectRef<int>& ref() const { return closed_; }  ///< becomes 1
  void open() { cancel(closed_, {.recursive = false}); }

 private:
  static int wait_open(ActorHandle<Witness> witness) {
    const auto stop = this_task::stop_token();
    witness.send<&Witness::note>("closed");
    while (!stop.stop_requested()) this_task::yield();
    return 1;
  }
  ActorHandle<Witness> witness_;
  ObjectRef<int> closed_;
};
/// A name that no other test uses.
inline std::string unique(const std::string& name) {
  static int count = 0;
  return name + std::to_string(++count);
}

/// An actor that says when it is stopped and when it is destroyed.
struct Mortal {
  explicit Mortal(ActorHandle<Witness> w, std::string n = "mortal") : witness(std::move(w)), name(std::move(n)) {}
  ~Mortal() { witness.send<&Witness::note>(name + " destroyed"); }
  void on_stop() { witness.send<&Witness::note>(name + " stopped"); }
  int add(int k) { return value += k; }
  int hold(ObjectRef<int> gate, int k) {
    witness.send<&Witness::note>(name + " holds");
    return value += k * get(gate);
  }
  Task<int> await(ObjectRef<int> gate, int k) {
    const int factor = co_await gate;
    co_return value += k * factor;
  }
  int fail(const std::string& text) {
    witness.send<&Witness::note>(text);
    throw std::runtime_error(text);
  }
  int work(const std::string& text) {
    witness.send<&Witness::note>(text);
    return value;
  }
  void note(const std::string& text) { witness.send<&Witness::note>(text); }
  void leave() { exit_actor(); }
  bool restarted() const { return this_actor::was_restarted(); }
  ActorHandle<Witness> witness;
  std::string name;
  int value = 0;
};

template <class T>
bool pending(const ObjectRef<T>& ref) {
  return wait(std::vector{ref}, {.timeout = 0ns}).ready.empty();
}
/// What the reference throws, in words; "" when it throws nothing.
template <class E, class T>
std::string error_of(const ObjectRef<T>& ref) {
  try {
    static_cast<void>(get(ref));
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

}  // namespace conformance
