#pragma once
// ringray::log::info("{} primes", total): the log of the rank.

#include "ringray/base/log.hpp"
