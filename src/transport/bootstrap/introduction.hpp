#pragma once
// What each rank tells all others in the one exchange of the bootstrap.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ringray/transport/bootstrap/bootstrap.hpp"
#include "ringray/transport/bootstrap/build_id.hpp"
#include "ringray/transport/roster.hpp"

namespace ringray::transport {

/// Where a rank runs. Ranks of equal hosts can map each other's memory and watch each other's process ids.
struct Host {
  std::string boot_id;
  std::uint64_t process_namespace = 0;
  std::string name;
  bool operator==(const Host&) const = default;
};

/// The host of the calling process.
Host this_host();

struct Introduction {
  std::uint64_t key = 0;  ///< counts from rank 0 only
  Host host;
  std::uint64_t process_id = 0;
  std::vector<Module> modules;
  std::vector<std::byte> address;  ///< of the rank's port
  std::vector<std::byte> extra;    ///< the caller's own
};

std::vector<std::byte> encode(const Introduction& introduction);
/// `corrupt_data` for bytes that are no introduction.
Result<Introduction> decode_introduction(wire::View bytes);

/// All ranks of the job as they introduced themselves.
struct Company {
  Roster roster;
  std::vector<Introduction> ranks;
};

/// Introduces this rank to all others and them to it: exactly one exchange. Fails with one line when the exchange
/// fails or when a rank runs another build than rank 0.
Result<Company> introduce(Bootstrap& bootstrap, std::vector<std::byte> address, std::vector<std::byte> extra = {});

}  // namespace ringray::transport
