#pragma once
// Memory for fiber stacks.

#include <cstddef>

namespace ringray::execution {

/// A lazily touched stack with an inaccessible guard below it. One owner.
class Stack {
 public:
  static constexpr std::size_t guard_bytes = 64 * 1024;  ///< large local variables must not jump over it
  /// Throws std::bad_alloc. Rounded up to pages.
  explicit Stack(std::size_t bytes);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  char* low() const noexcept { return low_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  char* low_;
  std::size_t bytes_;
  std::size_t guard_bytes_;
};

/// Bytes of stack that the running fiber has below the caller; on other threads: plenty.
std::size_t stack_left() noexcept;

}  // namespace ringray::execution
