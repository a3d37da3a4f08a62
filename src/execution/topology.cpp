#include "ringray/execution/topology.hpp"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <vector>

#include "ringray/base/check.hpp"

namespace ringray::execution {
namespace {

// Read once: pinning a thread must not shrink what the next pool believes it has.
struct Processors {
  std::vector<unsigned> order;  // by os index, best first
  cpu_set_t all;

  Processors() {
    RINGRAY_ASSERT(sched_getaffinity(0, sizeof all, &all) == 0, "reading the cpuset");
    hwloc_topology_t topology;
    RINGRAY_ASSERT(hwloc_topology_init(&topology) == 0, "hwloc");
    if (hwloc_topology_load(topology) == 0) {
      std::vector<std::pair<unsigned, unsigned>> found;  // (how many of its core came before it, os index)
      for (auto* pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, nullptr); pu;
           pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) {
        if (pu->os_index < CPU_SETSIZE && CPU_ISSET(pu->os_index, &all))
          found.emplace_back(pu->sibling_rank, pu->os_index);
      }
      std::stable_sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.first < b.first; });
      for (auto& [rank, index] : found) order.push_back(index);
    }
    hwloc_topology_destroy(topology);
    if (order.empty())
      for (unsigned i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &all)) order.push_back(i);
  }
};

const Processors& processors() {
  static const Processors instance;
  return instance;
}

}  // namespace

unsigned cpuset_size() {
  cpu_set_t set;
  RINGRAY_ASSERT(sched_getaffinity(0, sizeof set, &set) == 0, "reading the cpuset");
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

bool pin_this_thread(unsigned index) {
  const auto& order = processors().order;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(order[index % order.size()], &one);
  return sched_setaffinity(0, sizeof one, &one) == 0;
}

void unpin_this_thread() { sched_setaffinity(0, sizeof(cpu_set_t), &processors().all); }

}  // namespace ringray::execution
