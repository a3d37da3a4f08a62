#include "ringray/store/arena.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ringray/store/text.hpp"

namespace ringray::store {

Arena::Arena(Descriptor descriptor, Mapping mapping, Name name)
    : descriptor_(std::move(descriptor)), mapping_(std::move(mapping)), name_(name), space_(mapping_.size()) {}

Result<std::unique_ptr<Arena>> Arena::create(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  bytes = std::max<std::size_t>(1, (bytes + page - 1) / page) * page;
  const auto refuse = [&](const char* step) {
    return failure(
        Errc::out_of_memory,
        fmt::format("Cannot make an object store of {} ({}: {}), so this rank cannot start; choose a smaller "
                    "store (--ringray.arena_bytes){}.",
                    readable_bytes(bytes), step, error_text(errno),
                    errno == EFBIG ? ", or raise ulimit -f, which counts it as a file" : ""));
  };
  Descriptor descriptor(::memfd_create("ringray-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!descriptor) return refuse("memfd_create");
  if (::ftruncate(descriptor.value(), static_cast<off_t>(bytes)) != 0) return refuse("ftruncate");
  // A size that cannot change is what makes it safe for others to read their mapping of it.
  if (::fcntl(descriptor.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return refuse("seal");
  struct stat status {};
  if (::fstat(descriptor.value(), &status) != 0) return refuse("fstat");
  auto mapping = Mapping::map(descriptor.value(), 0, bytes, Access::read_write);
  if (!mapping) return tl::make_unexpected(mapping.error());
  const Name name{static_cast<std::uint32_t>(::getpid()), descriptor.value(), bytes, status.st_ino};
  return std::unique_ptr<Arena>(new Arena(std::move(descriptor), std::move(*mapping), name));
}

Result<std::uint64_t> Arena::allocate(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto offset = space_.allocate(bytes)) return *offset;
  }
  return failure(Errc::out_of_memory, fmt::format("The object store has no free range of {}.", readable_bytes(bytes)));
}

void Arena::free(std::uint64_t offset) noexcept {
  const std::lock_guard lock(mutex_);
  space_.free(offset);
}

std::size_t Arena::used() const {
  const std::lock_guard lock(mutex_);
  return space_.used();
}

}  // namespace ringray::store
