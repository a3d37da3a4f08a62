#include "ringray/base/recycled.hpp"
#include "ringray/base/thread_local.hpp"

#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace ringray::base {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // they have to see each object's beginning and end
#else
constexpr bool sanitized = false;
#endif

constexpr std::size_t granule = 32, bytes_max = 512, classes = bytes_max / granule;
constexpr std::size_t batch = 64;

constexpr std::size_t class_of(std::size_t bytes) noexcept { return (bytes - 1) / granule; }
constexpr bool is_small(std::size_t bytes) noexcept { return !sanitized && bytes - 1 < bytes_max; }

struct Free {
  Free* next;
};

struct List {
  Free* first = nullptr;
  std::size_t count = 0;
  void push(void* memory) noexcept {
    first = new (memory) Free{first};
    ++count;
  }
  void* pop() noexcept {
    --count;
    return std::exchange(first, first->next);
  }
};

/// Full lists of one size, from all threads. Never destroyed: threads may end after it.
struct Depot {
  std::mutex mutex;         // guards all
  std::vector<Free*> full;  // of `batch` objects each
  List rest;                // of threads that ended
};
std::array<Depot, classes>& depots() {
  static auto& all = *new std::array<Depot, classes>;
  return all;
}

/// Two lists of each size, so that a thread that takes and gives in turn does not go to the depot each time.
struct Lists {
  List loaded, spare;
};
RINGRAY_NEAR_THREAD constinit thread_local std::array<Lists, classes> own_lists{};
RINGRAY_NEAR_THREAD constinit thread_local bool ended = false;

/// Gives back what a thread has when it ends.
struct AtEnd {
  ~AtEnd() {
    ended = true;
    for (std::size_t i = 0; i < classes; ++i) {
      auto& depot = depots()[i];
      const std::lock_guard lock(depot.mutex);
      for (auto* list : {&own_lists[i].loaded, &own_lists[i].spare})
        while (list->count > 0) depot.rest.push(list->pop());
    }
  }
};

void come_back_at_end() { [[maybe_unused]] static thread_local const AtEnd at_end; }

void fill(Lists& lists, std::size_t index) {
  if (lists.spare.count > 0) return std::swap(lists.loaded, lists.spare);
  come_back_at_end();
  auto& depot = depots()[index];
  {
    const std::lock_guard lock(depot.mutex);
    if (!depot.full.empty()) {
      lists.loaded = {depot.full.back(), batch};
      depot.full.pop_back();
      return;
    }
    while (depot.rest.count > 0 && lists.loaded.count < batch) lists.loaded.push(depot.rest.pop());
    if (lists.loaded.count > 0) return;
  }
  const auto bytes = (index + 1) * granule;
  auto* memory = static_cast<std::byte*>(::operator new (batch* bytes, std::align_val_t{64}));
  for (auto i = batch; i-- > 0;) lists.loaded.push(memory + i * bytes);
}

void spill(Lists& lists, std::size_t index) noexcept {
  if (lists.spare.count > 0) {
    come_back_at_end();
    auto& depot = depots()[index];
    const std::lock_guard lock(depot.mutex);
    depot.full.push_back(lists.spare.first);
  }
  lists.spare = std::exchange(lists.loaded, {});
}

// What happens once for many objects is kept out of the way of the others.
[[gnu::noinline]] void* take_slowly(Lists& lists, std::size_t index) {
  fill(lists, index);
  return lists.loaded.pop();
}

[[gnu::noinline]] void give_slowly(void* memory, Lists& lists, std::size_t index) noexcept {
  if (ended) {
    auto& depot = depots()[index];
    const std::lock_guard lock(depot.mutex);
    return depot.rest.push(memory);
  }
  spill(lists, index);
  lists.loaded.push(memory);
}

}  // namespace

// Not inlined: a fiber may go on in another thread after any call that its function makes.
[[gnu::noinline]] void* take_memory(std::size_t bytes) {
  if (!is_small(bytes)) return ::operator new(bytes);
  const auto index = class_of(bytes);
  auto& lists = own_lists[index];
  return lists.loaded.count > 0 ? lists.loaded.pop() : take_slowly(lists, index);
}

[[gnu::noinline]] void give_memory(void* memory, std::size_t bytes) noexcept {
  if (!is_small(bytes)) return ::operator delete(memory, bytes);
  const auto index = class_of(bytes);
  auto& lists = own_lists[index];
  if (ended || lists.loaded.count == batch) return give_slowly(memory, lists, index);
  lists.loaded.push(memory);
}

std::size_t idle_memory() noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    auto& depot = depots()[i];
    const std::lock_guard lock(depot.mutex);
    sum += (own_lists[i].loaded.count + own_lists[i].spare.count + depot.full.size() * batch + depot.rest.count) *
           (i + 1) * granule;
  }
  return sum;
}

}  // namespace ringray::base
