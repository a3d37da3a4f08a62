#include "tree.hpp"

#include <cmath>

namespace uts {
namespace {

constexpr std::uint32_t children_max = 100;  // of any node but the root of a binomial tree

/// Uniform in [0, 1), from the last 31 bits of the digest.
double uniform(const Digest& digest) noexcept {
  const auto bits =
      std::uint32_t{digest[16]} << 24 | std::uint32_t{digest[17]} << 16 | std::uint32_t{digest[18]} << 8 | digest[19];
  return static_cast<double>(bits & 0x7fffffff) / 2147483648.0;
}

void put_big_endian(std::uint8_t* to, std::uint32_t value) noexcept {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

}  // namespace

const std::vector<Sample>& samples() {
  using enum Tree::Shape;
  static const std::vector<Sample> all{{"T1", {geometric_fixed, 4, 10, 0, 0, 19}, {4'130'071, 3'305'118, 10}},
                                       {"T3", {binomial, 2000, 0, 0.124875, 8, 42}, {4'112'897, 3'599'034, 1572}},
                                       {"small", {geometric_fixed, 4, 5, 0, 0, 19}, {3'987, 3'232, 5}}};
  return all;
}

Node root(const Tree& tree) {
  std::array<std::uint8_t, 20> text{};
  put_big_endian(&text[16], static_cast<std::uint32_t>(tree.seed));
  return {sha1(text), 0};
}

std::uint32_t child_count(const Tree& tree, const Node& node) {
  if (tree.shape == Tree::Shape::binomial) {
    if (node.depth == 0) return static_cast<std::uint32_t>(tree.branching);
    return uniform(node.digest) < tree.probability ? tree.children : 0;
  }
  if (node.depth >= tree.depth) return 0;
  // The inverse of the geometric distribution function whose mean is `branching`.
  const double p = 1.0 / (1.0 + tree.branching);
  const double count = std::floor(std::log(1.0 - uniform(node.digest)) / std::log(1.0 - p));
  return std::min(children_max, static_cast<std::uint32_t>(count));
}

Node child(const Node& parent, std::uint32_t index) {
  std::array<std::uint8_t, 24> text;
  std::copy(parent.digest.begin(), parent.digest.end(), text.begin());
  put_big_endian(&text[20], index);
  return {sha1(text), parent.depth + 1};
}

Count explore(const Tree& tree, std::vector<Node>& open, std::uint64_t nodes_max) {
  Count count;
  while (!open.empty() && count.nodes < nodes_max) {
    const Node node = open.back();
    open.pop_back();
    const auto children = child_count(tree, node);
    ++count.nodes;
    count.leaves += children == 0;
    count.depth = std::max(count.depth, node.depth);
    for (std::uint32_t i = 0; i < children; ++i) open.push_back(child(node, i));
  }
  return count;
}

}  // namespace uts
