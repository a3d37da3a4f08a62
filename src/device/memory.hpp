#pragma once
// Words that several threads touch, and in what order. Everything of the device protocol that is shared goes through
// one of these policies: Near for memory whose users are all on one device (or all on the host), Far for memory that is
// shared across PCIe or NVLink. Tests put a policy of their own in their place that explores all interleavings.
//
// On a GPU a policy is cuda::atomic_ref with the scope that its name says; on the host std::atomic_ref.

#include <cstdint>

#include "ringray/base/portable.hpp"

#ifdef __CUDACC__
#include <cuda/atomic>
#endif
#include <atomic>

namespace ringray::device {

using Word = std::uint64_t;

enum class Order { relaxed, acquire, release, acquire_release };

#ifdef __CUDA_ARCH__
template <class T, bool across>
using WordReference = cuda::atomic_ref<T, across ? cuda::thread_scope_system : cuda::thread_scope_device>;
namespace orders = ::cuda;
#else
template <class T, bool>
using WordReference = std::atomic_ref<T>;
namespace orders = ::std;
#endif

RINGRAY_DEVICE constexpr orders::memory_order standard(Order order) {
  switch (order) {
    case Order::relaxed:
      return orders::memory_order_relaxed;
    case Order::acquire:
      return orders::memory_order_acquire;
    case Order::release:
      return orders::memory_order_release;
    default:
      return orders::memory_order_acq_rel;
  }
}

/// Any thread.
template <bool across>
struct Memory {
  template <Order order, class T>
  RINGRAY_DEVICE static T load(const T& word) {
    static_assert(order == Order::relaxed || order == Order::acquire);
    return WordReference<T, across>(const_cast<T&>(word)).load(standard(order));
  }
  template <Order order, class T>
  RINGRAY_DEVICE static void store(T& word, T value) {
    static_assert(order == Order::relaxed || order == Order::release);
    WordReference<T, across>(word).store(value, standard(order));
  }
  /// Returns what was there before.
  template <Order order, class T>
  RINGRAY_DEVICE static T add(T& word, T value) {
    return WordReference<T, across>(word).fetch_add(value, standard(order));
  }
  template <Order order, class T>
  RINGRAY_DEVICE static T set_bits(T& word, T bits) {
    return WordReference<T, across>(word).fetch_or(bits, standard(order));
  }
  template <Order order, class T>
  RINGRAY_DEVICE static T keep_bits(T& word, T bits) {
    return WordReference<T, across>(word).fetch_and(bits, standard(order));
  }
  /// True: `word` was `expected` and is `desired` now. False: `expected` is what was there; nothing was ordered.
  template <Order order, class T>
  RINGRAY_DEVICE static bool exchange_if(T& word, T& expected, T desired) {
    return WordReference<T, across>(word).compare_exchange_strong(expected, desired, standard(order),
                                                                  orders::memory_order_relaxed);
  }
};

using Near = Memory<false>;
using Far = Memory<true>;

}  // namespace ringray::device
