// Does what its first argument says; most of it is wrong.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <ringray/ringray.hpp>
#include <string_view>
#include <thread>

#include "device_acts.hpp"

namespace {

using namespace ringray;
using namespace std::chrono_literals;

Rank other() { return Rank{ranks() - 1}; }

int throws_a_number(int x) {
  if (x == 42) throw 42;
  return x;
}
struct Numbers {
  struct Builder {
    Builder() { throw 43; }
    int use() { return 1; }
  };
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

[[gnu::noinline]] int recurse(int depth) {
  if (depth < 0) return 0;
  volatile char large[512] = {};
  large[depth % 512] = 1;
  return recurse(depth + 1) + large[(depth + 1) % 512];
}
void say_that_it_spins() {
  std::printf("spins %d\n", static_cast<int>(getpid()));
  std::fflush(stdout);
}
void spin() {
  say_that_it_spins();
  for (volatile bool for_ever = true; for_ever;) {
  }
}

/// Waits without waiting for anything that a report knows.
void spin_politely() {
  say_that_it_spins();
  while (!this_task::stop_token().stop_requested()) this_task::yield();
}
int never() {
  while (!this_task::stop_token().stop_requested()) this_task::yield();
  return 0;
}

int* nowhere = nullptr;
void use_nowhere() { *const_cast<int* volatile&>(nowhere) = 1; }
struct Fragile {
  void give_up() { std::abort(); }
};
int divide(int a, int b) { return a / b; }
using Handler = void (*)(int);
Handler when_limited = nullptr;  // of SIGXFSZ, as it has to be in the end
void own_handler(int) {
  constexpr char text[] = "the program's own handler\n";
  if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) _exit(4);
  _exit(3);
}

struct Listener {
  void fail(int x) { throw std::runtime_error("it cannot hear " + std::to_string(x)); }
  void leave() { exit_actor(); }
  int use() { return 1; }
};
struct First {
  int x = 0;
};
[[noreturn]] int fail_with_number(int x) { throw std::runtime_error("number " + std::to_string(x)); }
[[noreturn]] int fail_looked_at() { throw std::runtime_error("somebody looks at this"); }

[[noreturn]] Returns<int, int> fail_with_two(int x) { throw std::runtime_error("two " + std::to_string(x)); }

int leave_by_exit() { std::exit(7); }
/// The status of a child that does.
int child_exits() {
  const auto child = fork();
  if (child == 0) std::exit(7);
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
void spin_on() {
  for (volatile bool for_ever = true; for_ever;) {
  }
}
struct Stubborn {
  void on_stop() { spin_on(); }
  int use() { return 1; }
};
struct BadStop {
  void on_stop() { throw std::runtime_error("it does not stop"); }
  int use() { return 1; }
};
int throws_text(int x) {
  if (x == 0) throw std::string("some text");
  if (x == 1) throw "a literal";
  if (x == 2) throw 2.5;
  if (x == 3) throw First{};
  static char buffer[] = "text of a buffer";  // others lie where nothing is any more
  if (x == 4) throw static_cast<const char*>(buffer);
  if (x == 5) throw std::string_view(buffer);
  throw static_cast<char*>(buffer);
}

struct Clerk {
  void spin_on() { spin(); }
  void wait() {
    say_that_it_spins();
    get(submit({.name = "source", .placement = on_rank(Rank{0})}, never));
  }
  void work_until_stopped() {
    say_that_it_spins();
    const auto stop = this_task::stop_token();
    while (!stop.stop_requested()) {
    }
  }
  void note() {}
  int use() { return 1; }
};
/// Sends it what takes long, and some more that has to wait.
template <auto Method>
ActorHandle<Clerk> busy_clerk(int behind = 5) {
  auto clerk = spawn<Clerk>({.name = "clerk", .placement = on_rank(other())});
  clerk.wait();  // what comes before it is there takes another way
  clerk.send<Method>();
  for (int i = 0; i < behind; ++i) clerk.send<&Clerk::note>();
  return clerk;
}
void lock_twice() {
  say_that_it_spins();
  std::mutex one;
  const std::lock_guard held(one);
  std::thread([&] { const std::lock_guard never(one); }).join();
}
void sleep_an_hour() {
  say_that_it_spins();
  std::this_thread::sleep_for(1h);
}
void yield_for_ever() {
  std::printf("drives %d\n", static_cast<int>(getpid()));
  std::fflush(stdout);
  while (true) this_task::yield();
}

int* argument_count = nullptr;
char** arguments = nullptr;

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
    {"many tasks",
     [] {
       for (int i = 0; i < 300'000; i += 1000) {
         std::vector<ObjectRef<int>> some;
         for (int j = 0; j < 1000; ++j) some.push_back(submit([] { return 1; }));
         get(some);
       }
     }},
    {"limit of files", [] { std::raise(SIGXFSZ); }},
    {"handler of its own", [] { std::signal(SIGXFSZ, when_limited = own_handler); }},
    {"large object", [] { Array<char, 1>({std::size_t{32} << 20}); }},
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
    {"actor of another class",
     [] {
       auto actor = spawn<Numbers>({.name = "numbers", .placement = on_rank(other())});
       auto wrong = get_actor<Builder>("numbers");
     }},
    {"actor of another class exists",
     [] {
       auto actor = spawn<Numbers>({.name = "numbers", .placement = on_rank(other())});
       auto wrong = spawn<Builder>({.name = "numbers", .get_if_exists = true});
     }},
    {"arguments",
     [] {
       for (int i = 0; i < *argument_count; ++i) say(arguments[i]);
       say(arguments[*argument_count] ? "something follows" : "null follows");
     }},
    {"thread",
     [] {
       std::atomic<bool> done{false};
       std::thread own([&] {
         say(std::to_string(get(submit(throws_a_number, get(put(5))))));
         done = true;
       });
       while (!done) this_task::yield();
       own.join();
     }},
    {"stack overflow",
     [] { static_cast<void>(get(submit({.name = "deep", .placement = on_rank(other())}, recurse, 0), 1h)); }},
    {"driver's stack overflow", [] { recurse(0); }},
    {"task crashes",
     [] { static_cast<void>(get(submit({.name = "render", .placement = on_rank(other())}, use_nowhere), 1h)); }},
    {"method crashes", [] { get(spawn<Fragile>({.placement = on_rank(other())}).call<&Fragile::give_up>(), 1h); }},
    {"driver crashes", [] { say(std::to_string(divide(7, static_cast<int>(ranks() - ranks())))); }},
    {"thread crashes", [] { std::thread(use_nowhere).join(); }},
    {"hang politely",
     [] {
       std::printf("drives %d\n", static_cast<int>(getpid()));
       std::fflush(stdout);
       get(submit({.placement = on_rank(other())}, spin_politely));
     }},
    {"hang for an argument",
     [] {
       std::printf("drives %d\n", static_cast<int>(getpid()));
       std::fflush(stdout);
       const auto argument = submit({.name = "source", .placement = on_rank(other())}, never);
       get(submit({.name = "sink"}, throws_a_number, argument));
     }},
    {"hang",
     [] {
       std::printf("drives %d\n", static_cast<int>(getpid()));
       std::fflush(stdout);
       get(submit({.placement = on_rank(other())}, spin));
     }},
    {"hang at a lock",
     [] {
       const auto locks = submit({.name = "locks", .placement = on_rank(other())}, lock_twice);
       yield_for_ever();
     }},
    {"hang asleep",
     [] {
       const auto sleeps = submit({.name = "sleeps", .placement = on_rank(other())}, sleep_an_hour);
       yield_for_ever();
     }},
    {"hang in a one-way call",
     [] {
       const auto clerk = busy_clerk<&Clerk::spin_on>();
       yield_for_ever();
     }},
    {"hang with much behind it",
     [] {
       const auto clerk = busy_clerk<&Clerk::spin_on>(3000);
       yield_for_ever();
     }},
    {"hang in a one-way call's wait",
     [] {
       const auto clerk = busy_clerk<&Clerk::wait>();
       yield_for_ever();
     }},
    {"end while a one-way call runs",
     [] {
       static ActorHandle<Clerk> clerk;
       clerk = busy_clerk<&Clerk::work_until_stopped>();
       say("the driver returns");
     }},
    {"nobody is there",
     [] {
       for (const auto& where : {on_host("nowhere"), label("color", "green")}) {
         const auto task = submit({.name = "traveller", .placement = where}, throws_a_number, 1);
         try {
           get(task, 100ms);
         } catch (const GetTimeoutError&) {
           say("it is pending");
         }
         cancel(task);
       }
     }},
    {"negative amounts",
     [] {
       for (const auto& need : {Resources{.cpus = -1}, Resources{.gpus = -0.5}, Resources{.custom = {{"tool", -2}}}}) {
         try {
           submit({.resources = need}, throws_a_number, 1);
         } catch (const ConfigError& e) {
           say(std::string("ConfigError: ") + e.what());
         }
         try {
           spawn<Numbers>({.resources = need});
         } catch (const ConfigError& e) {
           say(std::string("ConfigError: ") + e.what());
         }
       }
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
    {"one-way calls fail",
     [] {
       for (const auto rank : {Rank{0}, other()}) {
         const auto name = "ears " + std::to_string(rank.value);
         auto actor = spawn<Listener>({.name = name, .placement = on_rank(rank)});
         for (int i = 0; i < 2000; ++i) actor.send<&Listener::fail>(i);
         get(actor.call<&Listener::use>());
         kill(actor);
         for (int i = 0; i < 2000; ++i) actor.send<&Listener::fail>(i);
         auto leaving = spawn<Listener>({.placement = on_rank(rank)});
         leaving.wait();
         leaving.send<&Listener::leave>();
         say_error_of(leaving.call<&Listener::use>());
       }
     }},
    {"results are dropped",
     [] {
       for (const auto rank : {Rank{0}, other()}) {
         const TaskOptions there{.placement = on_rank(rank)};
         for (int i = 0; i < 500; ++i) submit(there, fail_with_number, i);
         say_error_of(submit(there, fail_looked_at));
         std::vector<ObjectRef<int>> refs;
         for (int i = 0; i < 500; ++i) refs.push_back(submit(there, fail_with_number, i));
         wait(refs, {.count = refs.size()});
         const auto poisoned = submit(throws_a_number, submit(there, fail_looked_at));
         say_error_of(poisoned);
       }
     }},
    {"several results are dropped",
     [] {
       for (const auto rank : {Rank{0}, other()}) {
         const TaskOptions there{.placement = on_rank(rank)};
         for (int looked_at = 0; looked_at < 2; ++looked_at) {
           const auto some = submit(there, fail_with_two, looked_at);
           say_error_of(looked_at == 0 ? std::get<0>(some) : std::get<1>(some));
         }
         const auto dropped = submit(there, fail_with_two, 2);
         wait(std::vector{std::get<0>(dropped)});
       }
     }},
    {"actors that are never called",
     [] {
       for (const auto rank : {Rank{0}, other()}) {
         spawn<Builder>({.placement = on_rank(rank)});
         say_error_of(spawn<Numbers::Builder>({.placement = on_rank(rank)}).call<&Numbers::Builder::use>());
         try {
           spawn<Numbers::Builder>({.placement = on_rank(rank)}).wait();
         } catch (const ActorDiedError&) {
         }
       }
     }},
    {"task exits", [] { get(submit({.name = "leaver", .placement = on_rank(other())}, leave_by_exit)); }},
    {"driver exits", [] { std::exit(7); }},
    {"child exits",
     [] { say(std::to_string(get(submit({.name = "parent", .placement = on_rank(other())}, child_exits)))); }},
    {"task outlives the job",
     [] {
       static std::atomic<bool> begun{false};
       auto task = submit({.name = "endless", .placement = on_rank(Rank{0})}, [] {
         begun = true;
         spin_on();
       });
       while (!begun) {  // another worker takes it
       }
     }},
    {"on_stop hangs", [] { say(std::to_string(get(spawn<Stubborn>().call<&Stubborn::use>()))); }},
    {"on_stop throws",
     [] {
       for (int i = 0; i < 2; ++i) {
         const auto actor =
             spawn<BadStop>({.name = "bad " + std::to_string(i), .placement = on_rank(i == 0 ? Rank{0} : other())});
         say(std::to_string(get(actor.call<&BadStop::use>())));
       }
     }},
    {"task throws anything",
     [] {
       for (const auto rank : {Rank{0}, other()})
         for (int x = 0; x < 7; ++x) say_error_of(submit({.placement = on_rank(rank)}, throws_text, x));
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
  if (std::getenv("OWN_HANDLER"))
    for (const int signal : {SIGSEGV, SIGXFSZ}) std::signal(signal, own_handler);
  argument_count = &argc;
  arguments = argv;
  when_limited = std::signal(SIGXFSZ, SIG_DFL);
  std::signal(SIGXFSZ, when_limited);
  auto all = acts;
  all.insert(ringray::test::bad_input::device_acts().begin(), ringray::test::bad_input::device_acts().end());
  const int status = ringray::run(argc, argv, all.at(act));
  if (std::signal(SIGXFSZ, SIG_DFL) == when_limited) return status;
  say("SIGXFSZ is not what it was");
  return 77;
}
