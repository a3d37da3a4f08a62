#pragma once

#include <map>
#include <string>

namespace ringray::test::bad_input {

/// More of what program.cpp can do.
const std::map<std::string, void (*)()>& device_acts();

}  // namespace ringray::test::bad_input
