// A type with a pointer-like member and no serialize function cannot travel.

#include <memory>

#include "ringray/wire/codec.hpp"

struct Travels {
  double x, y;
};
struct Stays {
  std::shared_ptr<int> shared;
  ~Stays() {}
};

void run(ringray::wire::Encoder& encoder) {
  encoder(Travels{1, 2});
#ifdef MISUSE
  encoder(Stays{});  // says: cereal could not find any output serialization functions
#endif
}
