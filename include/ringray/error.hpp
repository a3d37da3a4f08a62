#pragma once
// Everything that Ringray throws. One wire code per type; see the README's table.

#include "ringray/base/errors.hpp"
