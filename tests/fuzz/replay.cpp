// Replays a corpus through a fuzz target, then seeded mutations of it: what every test run can afford.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "ringray/base/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  constexpr int mutations = 20'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::vector<std::vector<std::uint8_t>> inputs{{}};
  if (argc > 1)
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
      std::ifstream file(entry.path(), std::ios::binary);
      inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  for (const auto& input : inputs) LLVMFuzzerTestOneInput(input.data(), input.size());
  ringray::base::Random random(seed);
  for (int i = 0; i < mutations; ++i) {
    auto input = inputs[random.below(inputs.size())];
    if (input.size() > 4096) input.resize(4096);
    switch (random.below(3)) {
      case 0:
        input.resize(random.below(256));
        for (auto& byte : input) byte = static_cast<std::uint8_t>(random());
        break;
      case 1:
        if (!input.empty()) input.resize(random.below(input.size()));
        break;
      default:
        for (int flips = 0; !input.empty() && flips < 4; ++flips)
          input[random.below(input.size())] = static_cast<std::uint8_t>(random());
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu inputs and %d mutations (seed %llu)\n", inputs.size(), mutations,
              static_cast<unsigned long long>(seed));
}
