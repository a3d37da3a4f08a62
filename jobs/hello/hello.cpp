// The first program: prime numbers counted by tasks on all ranks.

#include <ringray/ringray.hpp>

long count_primes(long from, long to) {
  long count = 0;
  for (long n = from < 2 ? 2 : from; n < to; ++n) {
    bool prime = true;
    for (long d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
    count += prime;
  }
  return count;
}

int main(int argc, char** argv) {
  return ringray::run(argc, argv, [] {
    std::vector<ringray::ObjectRef<long>> parts;
    for (long i = 0; i < 100; ++i) parts.push_back(ringray::submit(count_primes, i * 10'000, (i + 1) * 10'000));
    long total = 0;
    for (const auto& part : parts) total += ringray::get(part);
    ringray::log::info("{} primes below a million, counted on {} rank{}", total, ringray::ranks(),
                       ringray::ranks() == 1 ? "" : "s");
  });
}
