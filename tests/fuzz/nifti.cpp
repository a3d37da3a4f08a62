// Any file is a volume or one clear error.

#include "nifti.hpp"

#include <cstdint>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    static_cast<void>(ultrasound::decode_nifti({reinterpret_cast<const std::byte*>(data), size}));
  } catch (const std::runtime_error&) {
  }
  return 0;
}
