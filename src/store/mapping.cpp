#include "ringray/store/mapping.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "ringray/base/check.hpp"
#include "ringray/store/text.hpp"

namespace ringray::store {

Result<Mapping> Mapping::map(int descriptor, std::uint64_t offset, std::size_t bytes, Access access) {
  const int protection = access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE;
  void* start = ::mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, descriptor, static_cast<off_t>(offset));
  if (start == MAP_FAILED)
    return failure(Errc::out_of_memory, fmt::format("Cannot map {} ({}), so objects have no place; check ulimit -v.",
                                                    readable_bytes(bytes), error_text(errno)));
  return Mapping(static_cast<std::byte*>(start), bytes);
}

Mapping::~Mapping() {
  if (start_ != nullptr) RINGRAY_ASSERT(::munmap(start_, bytes_) == 0);
}

Descriptor::~Descriptor() { close(); }

bool Descriptor::close() noexcept {
  const int value = std::exchange(value_, -1);
  return value < 0 || ::close(value) == 0;
}

}  // namespace ringray::store
