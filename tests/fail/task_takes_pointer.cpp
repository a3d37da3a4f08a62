// must say: ringray: an argument of this type cannot travel to another rank
// An address means nothing on another rank.

#include <ringray/ringray.hpp>

int value_of(const int& value) { return value; }
int value_at(int* value) { return *value; }

int use(int* value) {
  auto one = ringray::submit(value_of, *value);
#ifdef MISUSE
  one = ringray::submit(value_at, value);
#endif
  return ringray::get(one);
}
