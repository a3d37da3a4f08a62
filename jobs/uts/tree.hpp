#pragma once
// The trees of the Unbalanced Tree Search benchmark. S. Olivier, J. Huan, J. Liu, J. Prins, J. Dinan, P. Sadayappan,
// C.-W. Tseng: UTS: An Unbalanced Tree Search Benchmark, LCPC 2006.
//
// A tree is given by its parameters alone: a node is a SHA-1 digest, its i-th child is the digest of its own followed
// by i, and the last four bytes of a digest say how many children the node has. So any node can be explored anywhere.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sha1.hpp"

namespace uts {

struct Count {
  std::uint64_t nodes = 0, leaves = 0;
  std::uint32_t depth = 0;  ///< of the deepest node; the root has 0
  void operator+=(const Count& other) noexcept {
    nodes += other.nodes;
    leaves += other.leaves;
    depth = std::max(depth, other.depth);
  }
  bool operator==(const Count&) const = default;
};

struct Tree {
  enum class Shape : std::uint32_t {
    geometric_fixed,  ///< above `depth`: geometrically distributed with mean `branching`; below it: none
    binomial          ///< the root: `branching`; others: `children` with probability `probability`, else none
  };
  Shape shape;
  double branching;
  std::uint32_t depth;
  double probability;
  std::uint32_t children;
  std::int32_t seed;
};

struct Node {
  Digest digest;
  std::uint32_t depth;
};

/// A tree that the benchmark publishes, and what it must count to.
struct Sample {
  std::string_view name;
  Tree tree;
  Count expected;
};
/// T1, T3, and "small": T1 cut off at depth 5.
const std::vector<Sample>& samples();

Node root(const Tree& tree);
std::uint32_t child_count(const Tree& tree, const Node& node);
Node child(const Node& parent, std::uint32_t index);

/// Explores depth first until nothing is left or `nodes_max` nodes were counted. `open` is a stack of nodes that exist
/// but were not counted; what is left there remains to be explored.
Count explore(const Tree& tree, std::vector<Node>& open, std::uint64_t nodes_max);

}  // namespace uts
