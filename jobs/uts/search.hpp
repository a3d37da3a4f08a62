#pragma once
// The search by tasks. See README.md.

#include "ringray/ringray.hpp"
#include "tree.hpp"

namespace uts {

/// Counts what is at and below the nodes of `open`: up to `grain` nodes here, the rest by tasks of the same kind, which
/// idle workers and ranks take.
Count search(const Tree& tree, std::vector<Node> open, std::uint64_t grain);

}  // namespace uts
