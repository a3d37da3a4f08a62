#pragma once
// Work-stealing deque of Chase and Lev in the C11 form of Le, Pop, Cohen and Zappa Nardelli (PPoPP 2013). The fences of
// the paper are sequentially consistent accesses here: the same instructions on x86, and ThreadSanitizer understands
// them.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringray::execution {

/// Deque of T*. push, pop and newest_is: owner only. Others: any thread. Grows, never shrinks.
template <class T>
class Deque {
 public:
  explicit Deque(std::size_t capacity = 256) : array_(new Array(capacity, nullptr)) {}  // power of two
  ~Deque() { delete array_.load(std::memory_order_relaxed); }
  Deque(const Deque&) = delete;
  Deque& operator=(const Deque&) = delete;

  /// The store to bottom_ is sequentially consistent for the sake of the sleep protocol (README.md).
  void push(T* item) {
    const auto bottom = bottom_.load(std::memory_order_relaxed);
    const auto top = top_.load(std::memory_order_acquire);
    auto* array = array_.load(std::memory_order_relaxed);
    if (bottom - top > static_cast<std::int64_t>(array->mask)) [[unlikely]]
      array = grow(array, top, bottom);
    array->put(bottom, item);
    bottom_.store(bottom + 1, std::memory_order_seq_cst);
  }

  /// Newest item, or null.
  T* pop() {
    const auto bottom = bottom_.load(std::memory_order_relaxed) - 1;
    if (bottom < top_.load(std::memory_order_relaxed)) return nullptr;  // empty: top_ only grows
    auto* array = array_.load(std::memory_order_relaxed);
    bottom_.store(bottom, std::memory_order_seq_cst);
    auto top = top_.load(std::memory_order_seq_cst);
    if (top < bottom) return array->get(bottom);
    T* item = nullptr;
    if (top == bottom) {
      item = array->get(bottom);
      if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
        item = nullptr;
    }
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return item;
  }

  /// True if `item` is the newest one, or was until a thief took it. Does not touch *item.
  bool newest_is(const T* item) const {
    const auto bottom = bottom_.load(std::memory_order_relaxed);
    return bottom > top_.load(std::memory_order_relaxed) &&
           array_.load(std::memory_order_relaxed)->get(bottom - 1) == item;
  }

  /// Oldest item, or null when empty or when another thief was faster.
  T* steal() {
    auto top = top_.load(std::memory_order_seq_cst);
    const auto bottom = bottom_.load(std::memory_order_seq_cst);
    if (top >= bottom) return nullptr;
    T* item = array_.load(std::memory_order_acquire)->get(top);
    return top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed) ? item
                                                                                                            : nullptr;
  }

  /// Takes `item` if it is the oldest one. Does not touch *item.
  bool steal_if_oldest(const T* item) {
    auto top = top_.load(std::memory_order_relaxed);
    if (top >= bottom_.load(std::memory_order_seq_cst)) return false;
    return array_.load(std::memory_order_acquire)->get(top) == item &&
           top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
  }

  std::size_t size() const noexcept {
    const auto top = top_.load(std::memory_order_seq_cst);
    const auto bottom = bottom_.load(std::memory_order_seq_cst);
    return bottom > top ? static_cast<std::size_t>(bottom - top) : 0;
  }

 private:
  struct Array {
    Array(std::size_t capacity, Array* older)
        : mask(capacity - 1), older(older), items(new std::atomic<T*>[capacity]) {}
    T* get(std::int64_t i) const { return items[static_cast<std::size_t>(i) & mask].load(std::memory_order_relaxed); }
    void put(std::int64_t i, T* item) {
      items[static_cast<std::size_t>(i) & mask].store(item, std::memory_order_release);
    }
    const std::size_t mask;
    std::unique_ptr<Array> older;  // a slow thief may still read it; together as large as the newest
    std::unique_ptr<std::atomic<T*>[]> items;
  };

  [[gnu::noinline]] Array* grow(Array* array, std::int64_t top, std::int64_t bottom) {
    auto* larger = new Array(2 * (array->mask + 1), array);
    for (auto i = top; i != bottom; ++i) larger->put(i, array->get(i));
    array_.store(larger, std::memory_order_release);
    return larger;
  }

  alignas(64) std::atomic<std::int64_t> top_{0};
  alignas(64) std::atomic<std::int64_t> bottom_{0};
  std::atomic<Array*> array_;
};

}  // namespace ringray::execution
