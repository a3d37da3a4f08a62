// Does what its first argument says; most of it is wrong.

#include <cstdio>
#include <cstring>
#include <map>
#include <ringray/ringray.hpp>

namespace {

using namespace ringray;
using namespace std::chrono_literals;

Rank other() { return Rank{ranks() - 1}; }

int throws_a_number(int x) {
  if (x == 42) throw 42;
  return x;
}
struct Numbers {
  int use(int x) { return throws_a_number(x); }
};
struct Builder {
  Builder() { throw 42; }
  int use() { return 1; }
};
void go_off() { throw std::runtime_error("the bomb went off"); }
/// Its destructor is noexcept, as all are unless they say otherwise.
struct Bomb {
  ~Bomb() {
    if (armed) go_off();
  }
  int use() { return 1; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(armed);
  }
  bool armed = true;
};
Bomb make_bomb() { return {}; }
int look_at(const Bomb&) { return 1; }

void say(const std::string& text) {
  std::puts(text.c_str());
  std::fflush(stdout);
}
template <class T>
void say_error_of(const ObjectRef<T>& ref) {
  try {
    get(ref);
    say("nothing was thrown");
  } catch (const TaskError& e) {
    say("TaskError " + e.detail().exception_type + ": " + e.what());
  } catch (const ActorDiedError& e) {
    say(std::string("ActorDiedError: ") + e.what());
  } catch (const UnschedulableError& e) {
    say(std::string("UnschedulableError: ") + e.what());
  }
}

const std::map<std::string, void (*)()> acts{
    {"nothing", [] { say("ran"); }},
    {"driver throws", [] { throw std::runtime_error("the driver's own mistake"); }},
    {"driver throws a number", [] { throw 42; }},
    {"task throws a number",
     [] {
       for (const auto rank : {Rank{0}, other()})
         say_error_of(submit({.placement = on_rank(rank)}, throws_a_number, 42));
     }},
    {"actor throws a number",
     [] {
       for (const auto rank : {Rank{0}, other()}) {
         auto actor = spawn<Numbers>({.placement = on_rank(rank)});
         say_error_of(actor.call<&Numbers::use>(42));
         say(std::to_string(get(actor.call<&Numbers::use>(7))));
         say_error_of(spawn<Builder>({.placement = on_rank(rank)}).call<&Builder::use>());
       }
     }},
    {"name taken",
     [] {
       auto first = spawn<Numbers>({.name = "same", .placement = on_rank(other())});
       auto second = spawn<Numbers>({.name = "same"});
     }},
    {"nobody has it",
     [] {
       const TaskOptions options{.resources = {.custom = {{"telescopes", 1}}}};
       const auto never = submit(options, throws_a_number, 1), also_never = submit(options, throws_a_number, 2);
       try {
         say(std::to_string(get(never, 200ms)));
       } catch (const GetTimeoutError&) {
         say("it is pending");
       } catch (const UnschedulableError& e) {
         say(std::string("UnschedulableError: ") + e.what());
       }
       say(std::to_string(get(submit(throws_a_number, 3))));  // others are not blocked
       cancel(never);
       cancel(also_never);
     }},
    {"value's destructor throws", [] { static_cast<void>(get(submit({.placement = on_rank(other())}, make_bomb))); }},
    {"argument's destructor throws",
     [] { say(std::to_string(get(submit({.placement = on_rank(other())}, look_at, Bomb{false})))); }},
    {"actor's destructor throws",
     [] {
       auto actor = spawn<Bomb>({.placement = on_rank(other())});
       say(std::to_string(get(actor.call<&Bomb::use>())));
       actor = {};
       while (true) this_task::yield();
     }},
};

}  // namespace

int main(int argc, char** argv) {
  const std::string act = argc > 1 ? argv[1] : "nothing";
  return ringray::run(argc, argv, acts.at(act));
}
