// Question: how much memory does what waits take?
// Model: a pending task is its record (value, arguments, serial numbers) and a slot of the worker's queue; a reference
//   is a state; an idle actor is its record, its constructor's record, its instance and the handle's state.
// Baseline: none; the goals are absolute. Counted by the allocator (mallinfo2) before and after making many.

#include <malloc.h>

#include "pair.hpp"
#include "report.hpp"

namespace {

using namespace ringray;

struct Idle {};

long plus(long a, long b) { return a + b; }

double allocated_bytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) - static_cast<double>(ringray::base::idle_memory());
}

/// What `make` leaves allocated per thing; `references` is reserved before and so does not count.
template <class Reference, class Make>
double bytes_each(std::size_t count, const Make& make) {
  std::vector<Reference> references;
  references.reserve(count);
  const auto before = allocated_bytes();
  for (std::size_t i = 0; i < count; ++i) references.push_back(make(i));
  return (allocated_bytes() - before) / static_cast<double>(count);
}

void show(std::string metric, double bytes, double goal) {
  perf::print({.bench = "footprint", .metric = std::move(metric), .unit = "bytes", .value = bytes, .goal = goal});
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = perf::is_smoke(argc, argv) ? 1000 : 100'000;
  return perf::run_pair(argc, argv, [&] {
    // The only worker runs this driver, so that none of the tasks begins; placed ones are not stolen.
    show("pending_task",
         bytes_each<ObjectRef<long>>(count, [](std::size_t i) { return submit(plus, static_cast<long>(i), 1L); }), 512);
    show("pending_placed_task",
         bytes_each<ObjectRef<long>>(
             count, [](std::size_t i) { return submit({.placement = on_rank(0)}, plus, static_cast<long>(i), 1L); }),
         0);
    show("owned_reference", bytes_each<ObjectRef<long>>(count, [](std::size_t i) { return put(static_cast<long>(i)); }),
         128);
    std::vector<ObjectRef<long>> known;
    for (std::size_t i = 0; i < count; ++i) known.push_back(put(static_cast<long>(i)));
    const auto before = allocated_bytes();
    // What a reference costs once another rank may hold it, too.
    for (const auto& ref : known) runtime::name_object(*runtime::Access::state(ref));
    show("reference_known_elsewhere", (allocated_bytes() - before) / static_cast<double>(count), 0);
    const auto actors = count / 10;
    show("idle_actor",
         bytes_each<ActorHandle<Idle>>(actors,
                                       [](std::size_t) {
                                         auto actor = spawn<Idle>({.placement = on_rank(0)});
                                         actor.wait();
                                         return actor;
                                       }),
         1024);
  });
}
