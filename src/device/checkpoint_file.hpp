#pragma once
// States of a kernel's actors, as they were at one message boundary, in an HDF5 file:
//
//   first 512 bytes   "ringray device checkpoint VERSION BYTES CHECKSUM\n": of what follows them, its length and its
//                     CRC-64 as 16 hexadecimal digits; HDF5 calls this the user block
//   /                 attribute kernel: its name
//   /actor_address    uint32, one for each actor: device::Address
//   /actor_type       strings of one length: the C++ type
//   /state_bytes      uint64: length of its state
//   /state            uint8: the states, one after the other
//
// HDF5 does not survive every damage to a file, so the checksum comes first.

#include <cstdint>
#include <string>
#include <vector>

#include "ringray/base/kept_file.hpp"
#include "ringray/base/result.hpp"
#include "ringray/device/hosted_kernel.hpp"

namespace ringray::device {

struct CheckpointFile {
  struct Actor {
    Address address;
    std::string type;
    StateBytes state;
    bool operator==(const Actor&) const = default;
  };
  std::string kernel;
  std::vector<Actor> actors;
  bool operator==(const CheckpointFile&) const = default;
};

/// The bytes of the file. Any thread; a program that uses HDF5 itself must not do so at the same time, as HDF5 has no
/// locks.
Result<base::FileBytes> encode(const CheckpointFile& checkpoint);
/// CorruptDataError: it is no whole checkpoint; ConfigError: it is one of a newer version. `name`: of the file, for
/// texts. Thread as above.
Result<CheckpointFile> decode_checkpoint(const base::FileBytes& bytes, const std::string& name);

}  // namespace ringray::device
