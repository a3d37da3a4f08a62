#pragma once
// Code addresses on the wire: a callable type is a static descriptor in the program, and travels as its offset in
// the binary that contains it. All ranks run the same binaries, which is verified at start-up.

#include <cstdint>

#include "ringray/base/errors.hpp"
#include "ringray/base/result.hpp"

namespace ringray::wire {

/// Base of every descriptor that travels. `magic` guards against offsets that point elsewhere.
struct Descriptor {
  static constexpr std::uint64_t expected = 0x52494e4752415921;  // "RINGRAY!"
  std::uint64_t magic = expected;
};

/// Name of `descriptor` that is the same on all ranks: 16 bit hash of the binary's file name | 48 bit offset.
/// Precondition: it has static storage in a loaded binary. Any thread.
std::uint64_t to_wire(const Descriptor& descriptor);

/// The descriptor with that name; corrupt_data when there is none. Any thread.
Result<const Descriptor*> from_wire(std::uint64_t name);

/// The same for the entry point of a function.
std::uint64_t code_to_wire(const void* code);
Result<const void*> code_from_wire(std::uint64_t name);

}  // namespace ringray::wire
