#include "ringray/execution/stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "ringray/base/check.hpp"
#include "ringray/execution/sanitizer.hpp"

namespace ringray::execution {
namespace {

// A guard splits a mapping in two and the kernel allows 65 530 mappings per process (vm.max_map_count). Stacks
// beyond this many go without, so that they merge with their neighbours: a job with so many blocked tasks still runs.
constexpr long guarded_stacks_max = 16'384;
std::atomic<long> guarded_stacks{0};

}  // namespace

Stack::Stack(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  bytes_ = (bytes + page - 1) / page * page;
  const bool guarded = guarded_stacks.fetch_add(1, std::memory_order_relaxed) < guarded_stacks_max;
  if (!guarded) guarded_stacks.fetch_sub(1, std::memory_order_relaxed);
  guard_bytes_ = guarded ? guard_bytes : 0;
  void* base = mmap(nullptr, guard_bytes_ + bytes_, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base == MAP_FAILED || (guarded && mprotect(base, guard_bytes_, PROT_NONE) != 0)) {
    if (base != MAP_FAILED) munmap(base, guard_bytes_ + bytes_);
    if (guarded) guarded_stacks.fetch_sub(1, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
  low_ = static_cast<char*>(base) + guard_bytes_;
}

Stack::~Stack() {
  sanitizer::forget_frames(low_, bytes_);
  const int status = munmap(low_ - guard_bytes_, guard_bytes_ + bytes_);
  // At the limit of mappings the kernel cannot split one; the pages are given back at least.
  if (status != 0) RINGRAY_ASSERT(madvise(low_, bytes_, MADV_DONTNEED) == 0, "unmapping a stack");
  if (guard_bytes_) guarded_stacks.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace ringray::execution
