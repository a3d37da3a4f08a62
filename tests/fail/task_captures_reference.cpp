// must say: ringray: this callable cannot travel to another rank
// References are counted: they go as arguments, not in captures that are copied as bytes.

#include <ringray/ringray.hpp>

int use(const ringray::ObjectRef<int>& ref) {
  auto one = ringray::submit([](int x) { return x + 1; }, ref);
#ifdef MISUSE
  one = ringray::submit([ref] { return ringray::get(ref) + 1; });
#endif
  return ringray::get(one);
}
