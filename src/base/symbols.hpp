#pragma once
// Names of functions, for logs, timelines and errors.

#include <string>

namespace ringray::base {

/// The name of the function that begins at `code`, without its parameters: "count_primes", also of one that the binary
/// does not export; empty when the binary was stripped. The first question about a function reads the binary's symbols
/// (milliseconds), later ones a table. Any thread.
std::string function_name(const void* code);

}  // namespace ringray::base
