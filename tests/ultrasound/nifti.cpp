// The decoder of foreign bytes: right on good files, one clear InputError on all others.

#include "nifti.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "error.hpp"
#include "phantom.hpp"

namespace ultrasound {
namespace {

std::string refusal(const std::vector<std::byte>& bytes) {
  try {
    decode_nifti(bytes);
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

const std::vector<float> ramp{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
const Extents ramp_extents{4, 3, 2};

TEST(Nifti, GivesVoxelsAndPlacesOfAGoodFile) {
  const Volume volume = decode_nifti(nifti_bytes(ramp, ramp_extents));
  EXPECT_EQ(volume.extents, ramp_extents);
  EXPECT_EQ(volume.values, ramp);
  EXPECT_DOUBLE_EQ(volume.to_mm({0, 0, 0}).x, -1.5);
  EXPECT_DOUBLE_EQ(volume.to_mm({3, 2, 1}).z, 0.5);
  const Point back = volume.to_mm.inverse()(volume.to_mm({3, 2, 1}));
  EXPECT_NEAR(length(back - Point{3, 2, 1}), 0, 1e-9);
}

TEST(Nifti, ReadsTheOtherByteOrder) {
  std::vector<std::byte> bytes = nifti_bytes(ramp, ramp_extents);
  const auto swap = [&](std::size_t from, std::size_t end, std::size_t size) {
    for (; from < end; from += size)
      std::reverse(bytes.begin() + static_cast<long>(from), bytes.begin() + static_cast<long>(from + size));
  };
  swap(0, 4, 4), swap(40, 56, 2), swap(70, 74, 2), swap(76, 120, 4), swap(252, 256, 2), swap(256, 328, 4),
      swap(352, bytes.size(), 4);
  EXPECT_EQ(decode_nifti(bytes).values, ramp);
}

TEST(Nifti, AppliesSlopeAndShift) {
  std::vector<std::byte> bytes = nifti_bytes(ramp, ramp_extents);
  put(bytes, 112, 2.0F);
  put(bytes, 116, 5.0F);
  EXPECT_FLOAT_EQ(decode_nifti(bytes).values[3], 11);
}

TEST(Nifti, TurnsAQuaternionIntoAxes) {
  std::vector<std::byte> bytes = nifti_bytes(ramp, ramp_extents);
  put<std::int16_t>(bytes, 254, 0);
  put<std::int16_t>(bytes, 252, 1);
  put(bytes, 264, std::sqrt(0.5F));  // a quarter turn about z
  const Volume volume = decode_nifti(bytes);
  const Point x = volume.to_mm({1, 0, 0}) - volume.to_mm({0, 0, 0});
  EXPECT_NEAR(length(x - Point{0, 1, 0}), 0, 1e-6);
}

TEST(Nifti, RefusesEachDamageWithAReason) {
  const std::vector<std::byte> good = nifti_bytes(ramp, ramp_extents);
  const auto spoilt = [&](auto spoil) {
    std::vector<std::byte> bytes = good;
    spoil(bytes);
    return refusal(bytes);
  };
  const auto says = [](const std::string& text, const char* words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  using Bytes = std::vector<std::byte>;
  says(spoilt([](Bytes& b) { b.clear(); }), "0 bytes");
  says(spoilt([](Bytes& b) { b.resize(347); }), "347 bytes");
  says(spoilt([](Bytes& b) { b.resize(b.size() - 1); }), "cut short");
  says(spoilt([](Bytes& b) { b.resize(349); }), "cut short");
  says(spoilt([](Bytes& b) { put<std::int32_t>(b, 0, 540); }), "not a NIfTI-1 file");
  says(spoilt([](Bytes& b) { put<std::int32_t>(b, 344, 0); }), "n+1");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 40, 2); }), "2 dimensions");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 42, 0); }), "0 voxels");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 44, -7); }), "-7 voxels");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 40, 4), put<std::int16_t>(b, 48, 9); }), "9 volumes");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 46, 1999); }), "cut short");
  says(spoilt([](Bytes& b) { put<std::int16_t>(b, 70, 128); }), "voxel type 128");
  says(spoilt([](Bytes& b) { put(b, 108, NAN); }), "start at byte");
  says(spoilt([](Bytes& b) { put(b, 108, 12.0F); }), "start at byte");
  says(spoilt([](Bytes& b) { put(b, 108, 1e30F); }), "start at byte");
  says(spoilt([](Bytes& b) { put(b, 280, NAN); }), "impossible size");
  says(spoilt([](Bytes& b) { put(b, 280, 0.0F); }), "without volume");
  says(spoilt([](Bytes& b) { put(b, 292, INFINITY); }), "origin");
  says(spoilt([](Bytes& b) { put(b, 352 + 20, NAN); }), "not a finite number");
  says(spoilt([](Bytes& b) { put(b, 352 + 20, -3.0F); }), "a voxel of -3");
  EXPECT_EQ(spoilt([](Bytes&) {}), "accepted");
}

TEST(Nifti, SurvivesAnyBytes) {
  const std::vector<std::byte> good = nifti_bytes(ramp, ramp_extents);
  std::mt19937 random(20261121);
  const auto number = [&](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
  };
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> bytes = good;
    if (round % 4 == 0) bytes.resize(number(good.size() + 1));
    if (round % 16 == 1) {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(number(256));
    }
    for (std::size_t change = number(6); change > 0 && !bytes.empty(); --change) {
      bytes[number(bytes.size())] = static_cast<std::byte>(number(256));
    }
    accepted += refusal(bytes) == "accepted";
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace ultrasound
