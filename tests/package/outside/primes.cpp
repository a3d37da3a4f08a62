// The first program of the manual, as somebody else would build it.
#include <cstdio>
#include <ringray/ringray.hpp>
#include <vector>

long count_primes(long from, long to) {
  long count = 0;
  for (long n = from < 2 ? 2 : from; n < to; ++n) {
    bool prime = true;
    for (long d = 2; prime && d * d <= n; ++d) prime = n % d != 0;
    count += prime;
  }
  return count;
}

int main(int argc, char** argv) {
  return ringray::run(argc, argv, [] {
    std::vector<ringray::ObjectRef<long>> parts;
    for (long i = 0; i < 100; ++i) parts.push_back(ringray::submit(count_primes, i * 1'000, (i + 1) * 1'000));
    long total = 0;
    for (const auto& part : parts) total += ringray::get(part);
    std::printf("%ld primes\n", total);
  });
}
