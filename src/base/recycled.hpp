#pragma once
// Memory of small objects that live short and end on another thread than they began on: tasks, calls, references.
// A thread takes and gives from lists of its own; full lists change hands by a depot, 64 objects at a time
// (Bonwick and Adams, "Magazines and Vmem", 2001). The memory stays with the process.

#include <cstddef>
#include <new>

namespace ringray::base {

/// Any thread. The address is a multiple of 32 when the size is one, else of 16.
void* take_memory(std::size_t bytes);
void give_memory(void* memory, std::size_t bytes) noexcept;
/// What lies ready for the calling thread: in its own lists and in the depot.
std::size_t idle_memory() noexcept;

/// Objects of derived classes are made in that memory. Delete them as what they were made.
struct Recycled {
  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept { give_memory(memory, bytes); }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void* operator new(std::size_t bytes, std::align_val_t alignment) { return ::operator new(bytes, alignment); }
  static void operator delete(void* memory, std::size_t bytes, std::align_val_t alignment) noexcept {
    ::operator delete(memory, bytes, alignment);
  }
};

/// For containers whose nodes come and go.
template <class T>
struct RecycledAllocator {
  using value_type = T;
  RecycledAllocator() = default;
  template <class U>
  RecycledAllocator(const RecycledAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) { return static_cast<T*>(take_memory(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { give_memory(memory, count * sizeof(T)); }
  bool operator==(const RecycledAllocator&) const = default;
};

}  // namespace ringray::base
