// The device actors of the manual, as somebody else would build them.
#include <cstdio>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>

struct Total {
  static constexpr std::uint16_t id = 1;
  double value;
};
struct Add {
  static constexpr std::uint16_t id = 2;
  using Reply = Total;
  double value;
};

struct Sum {
  struct State {
    double total;
  };
  using Handled = ringray::device::Messages<Add>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Add& add) {
    state.total += add.value;
    context.reply(Total{state.total});
  }
};

int main(int argc, char** argv) {
  return ringray::run(argc, argv, [] {
    const auto kernel = ringray::device::launch<ringray::device::Program<Sum>>({.name = "sums"});
    const auto sum = kernel.spawn<Sum>({.total = 40});
    sum.send(Add{1});  // no answer; in order
    const ringray::ObjectRef<Total> total = sum.call(Add{1});
    std::printf("total %g\n", ringray::get(total).value);
  });
}
