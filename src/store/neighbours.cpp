#include "ringray/store/neighbours.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "ringray/store/text.hpp"

namespace ringray::store {
namespace {

Result<Mapping> map_arena(const Arena::Name& name) {
  const auto path = fmt::format("/proc/{}/fd/{}", name.pid, name.descriptor);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == EACCES || errno == EPERM || errno == EMFILE || errno == ENFILE)
      return failure(Errc::config,
                     fmt::format("Cannot open {} ({}), so objects of that rank are copied instead of shared; run all "
                                 "ranks of a host as one user in one container.",
                                 path, error_text(errno)));
    return failure(Errc::rank_died,
                   fmt::format("The object store of process {} is gone ({}).", name.pid, error_text(errno)));
  }
  struct stat status {};
  const bool ours = ::fstat(file.value(), &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == name.inode &&
                    static_cast<std::uint64_t>(status.st_size) == name.bytes;
  // Only a file that cannot shrink may be read through a mapping.
  const int seals = ours ? ::fcntl(file.value(), F_GET_SEALS) : -1;
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
    return failure(Errc::rank_died, fmt::format("{} is not the announced object store: the pid was reused.", path));
  return Mapping::map(file.value(), 0, name.bytes, Access::read);
}

}  // namespace

void Neighbours::add(Rank rank, Arena::Name name) {
  const std::lock_guard lock(mutex_);
  neighbours_.insert_or_assign(rank, Neighbour{name, nullptr});
}

bool Neighbours::knows(Rank rank) const {
  const std::lock_guard lock(mutex_);
  return neighbours_.contains(rank);
}

Result<wire::Lease> Neighbours::view(Rank rank, std::uint64_t offset, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = neighbours_.find(rank);
  if (found == neighbours_.end())
    return failure(Errc::rank_died, fmt::format("Rank {} shares no object store with this rank.", rank.value));
  auto& [name, mapping] = found->second;
  if (offset > name.bytes || bytes > name.bytes - offset)
    return failure(Errc::corrupt_data, fmt::format("Rank {} lent {} bytes at {}, outside of its object store of {}.",
                                                   rank.value, bytes, offset, name.bytes));
  if (!mapping) {
    auto fresh = map_arena(name);
    if (!fresh) return tl::make_unexpected(fresh.error());
    mapping = std::make_shared<const Mapping>(std::move(*fresh));
  }
  return wire::Lease(wire::View(mapping->start() + offset, bytes), mapping);
}

void Neighbours::drop(Rank rank) {
  const std::lock_guard lock(mutex_);
  neighbours_.erase(rank);
}

}  // namespace ringray::store
