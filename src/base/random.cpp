#include "ringray/base/random.hpp"

#include <random>

namespace ringray::base {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace ringray::base
