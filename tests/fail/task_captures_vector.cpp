// must say: ringray: this callable cannot travel to another rank
// A lambda's captures are copied as bytes: a vector's would be a pointer into another process.

#include <ringray/ringray.hpp>
#include <vector>

std::size_t use(std::vector<int> values) {
  auto one = ringray::submit([](const std::vector<int>& v) { return v.size(); }, values);
#ifdef MISUSE
  one = ringray::submit([values] { return values.size(); });
#endif
  return ringray::get(one);
}
