// A tour: tasks, objects, actors, placement, errors. The README quotes from here.

#include <ringray/ringray.hpp>

using namespace ringray;
using namespace std::chrono_literals;

// --- tasks

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}
std::vector<double> range(int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(i);
  return values;
}
Returns<long, long> divide(long a, long b) {
  if (b == 0) throw std::invalid_argument("division by zero");
  return {a / b, a % b};
}
Generator<int> countdown(int from) {
  for (int i = from; i > 0; --i) co_yield i;
}

void tasks() {
  ObjectRef<std::vector<double>> values = submit(range, 1000);
  ObjectRef<double> total = submit(sum, values);  // starts when `values` exists, wherever that is
  log::info("the sum is {}", get(total));

  auto [quotient, rest] = submit(divide, 17, 5);
  log::info("17 = 5 * {} + {}", get(quotient), get(rest));

  const TaskOptions there{.name = "far away", .placement = on_rank(ranks() - 1)};
  log::info("a lambda ran on rank {}", get(submit(there, [] { return this_rank(); })).value);

  for (const auto& item : submit(countdown, 3)) log::info("{} …", get(item));  // items come while it runs
}

// --- objects

void objects() {
  Array<float, 2> grid({512, 512});  // built where other ranks of the host can read it
  for (float& cell : grid.span()) cell = 1;
  const auto ref = put(std::move(grid));  // immutable from now on
  std::vector<ObjectRef<float>> rows;
  for (std::size_t row = 0; row < 512; row += 64)
    rows.push_back(submit(
        [](const Array<float, 2>& cells, std::size_t first) {
          float part = 0;
          for (std::size_t i = first; i < first + 64; ++i)
            for (std::size_t j = 0; j < 512; ++j) part += cells(i, j);
          return part;
        },
        ref, row));
  const auto [ready, pending] = wait(rows, {.count = 4});
  log::info("{} of {} parts are ready", ready.size(), rows.size());
  float cells = 0;
  for (const float part : get(rows)) cells += part;
  log::info("{} cells", cells);
}

// --- actors

class Account {
 public:
  explicit Account(long balance) : balance_(balance) {}
  long deposit(long amount) { return balance_ += amount; }
  long withdraw(long amount) {
    if (amount > balance_) throw std::runtime_error("not enough money");
    return balance_ -= amount;
  }

 private:
  long balance_;
};

long spend(ActorHandle<Account> account, long amount) { return get(account.call<&Account::withdraw>(amount)); }

void actors() {
  auto account = spawn<Account>({.name = "household", .placement = on_rank(ranks() - 1)}, 100);
  account.send<&Account::deposit>(20);           // no answer; calls of one caller run in order
  const auto left = submit(spend, account, 50);  // handles travel
  log::info("{} left", get(left));
  auto same = get_actor<Account>("household");  // from any rank
  log::info("{} after pay day", get(same.call<&Account::deposit>(1000)));
}

// --- resources and groups

void groups() {
  const auto group = create_placement_group({.bundles = {{.cpus = 1}, {.cpus = 1}}, .strategy = Strategy::spread});
  get(group.ready());
  const TaskOptions in_second{.resources = {.cpus = 1}, .placement = bundle(group, 1)};
  log::info("bundle 1 is on rank {}", get(submit(in_second, [] { return this_rank(); })).value);
  remove_placement_group(group);
}

// --- errors

void errors() {
  try {
    get(std::get<0>(submit(divide, 1, 0)));
  } catch (const TaskError& error) {
    log::info("as expected: {}", error.what());
  }
  const auto endless = submit([] {
    const auto stop = this_task::stop_token();
    while (!stop.stop_requested()) this_task::yield();
  });
  try {
    get(endless, 10ms);
  } catch (const GetTimeoutError& error) {
    log::info("as expected: {}", error.what());
  }
  cancel(endless);
}

int main(int argc, char** argv) {
  return run(argc, argv, [] {
    tasks();
    objects();
    actors();
    groups();
    errors();
  });
}
