// The life of a kernel and of its actors: every step, what waits meanwhile, what is refused, and what a name is worth.

#include <cstdio>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>

namespace {

using namespace ringray::device;

struct Sum {
  static constexpr std::uint16_t id = 1;
  std::uint64_t value;
};
struct Add {
  static constexpr std::uint16_t id = 2;
  using Reply = Sum;
  std::uint64_t value;
};
struct Stumble {
  static constexpr std::uint16_t id = 3;
  using Reply = Sum;
  std::uint32_t code;
};
struct Adder {
  struct State {
    std::uint64_t total;
  };
  using Handled = Messages<Add, Stumble>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Add& add) {
    if (context.rank() == 0) state.total += add.value;
    context.sync();
    context.reply(Sum{state.total});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Stumble& stumble) {
    context.fail(stumble.code);
  }
};
using Adders = Program<Adder>;

void show(const char* what, Life life) { std::printf("%-50s %s\n", what, std::string(life_name(life)).c_str()); }
void show(const char* what, std::uint64_t total) {
  std::printf("%-50s total %llu\n", what, static_cast<unsigned long long>(total));
}
/// What must be refused with that error.
template <class Expected, class Work>
void refused(const char* what, const Work& work) {
  try {
    work();
  } catch (const Expected& error) {
    std::printf("%-50s refused: %s\n", what, error.what());
    return;
  }
  throw std::logic_error(std::string(what) + ": was not refused");
}
void expect(std::uint64_t value, std::uint64_t expected) {
  if (value != expected) throw std::logic_error("total " + std::to_string(value) + ", not " + std::to_string(expected));
}

KernelHandle<Adders> launch_here() { return launch<Adders>({.name = "adders", .auto_activate = false}); }

void run_program() {
  const ringray::Rank last{ringray::ranks() - 1};
  const auto kernel = ringray::get(ringray::submit({.placement = ringray::on_rank(last)}, launch_here));
  std::printf("kernel '%s' on rank %u\n", kernel.name().c_str(), kernel.rank().value);
  show("launched by a task of its rank", kernel.state());
  refused<ringray::InvalidTransitionError>("resume it, which is not suspended", [&] { kernel.resume(); });

  const auto adder = kernel.spawn<Adder>({.name = "adder"}, {40});
  const auto early = adder.call(Add{1});  // waits in the mailbox
  kernel.activate();
  show("activate", kernel.state());
  show("the message that had waited is handled", ringray::get(early).value);

  kernel.suspend();
  show("suspend", kernel.state());
  const auto later = adder.call(Add{1});
  refused<ringray::GetTimeoutError>("wait for an answer of a suspended kernel",
                                    [&] { ringray::get(later, std::chrono::milliseconds(20)); });
  kernel.resume();
  show("resume", kernel.state());
  show("nothing was lost", ringray::get(later).value);

  refused<ringray::ActorDiedError>("its handler fails with code 7", [&] { ringray::get(adder.call(Stumble{7})); });
  show("the actor", adder.state());
  adder.restart();
  show("restart it, with its state", adder.state());
  show("it goes on", ringray::get(adder.call(Add{1})).value);
  expect(ringray::get(find_actor<Adder>("adder").call(Add{0})).value, 43);

  refused<ringray::NameTakenError>("another actor of that name", [&] { kernel.spawn<Adder>({.name = "adder"}, {}); });
  kernel.terminate();
  show("terminate", kernel.state());
  kernel.terminate();
  show("terminate again, which changes nothing", kernel.state());
  refused<ringray::ActorDiedError>("call the actor now", [&] { ringray::get(adder.call(Add{1})); });
  refused<ringray::ActorDiedError>("look for its name", [&] { find_actor<Adder>("adder"); });
}

}  // namespace

int main(int argc, char** argv) { return ringray::run(argc, argv, run_program); }
