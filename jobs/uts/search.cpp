#include "search.hpp"

namespace uts {
namespace {
constexpr std::size_t parts = 4;
}

Count search(const Tree& tree, std::vector<Node> open, std::uint64_t grain) {
  auto count = explore(tree, open, grain);
  // Dealt like cards, so that each part gets its share of nodes near the root, below which there is most.
  std::vector<ringray::ObjectRef<Count>> rest;
  for (std::size_t part = 0; part < std::min(parts, open.size()); ++part) {
    std::vector<Node> nodes;
    for (std::size_t i = part; i < open.size(); i += parts) nodes.push_back(open[i]);
    rest.push_back(ringray::submit(search, tree, std::move(nodes), grain));
  }
  for (auto ref = rest.rbegin(); ref != rest.rend(); ++ref) count += ringray::get(*ref);
  return count;
}

}  // namespace uts
