#include "picture.hpp"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "file.hpp"
#include "font.hpp"

namespace ultrasound {

Colour blend(Colour a, Colour b, double part) {
  const auto mix = [part](std::uint8_t x, std::uint8_t y) {
    return static_cast<std::uint8_t>(std::lround(part * x + (1 - part) * y));
  };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

Colour inferno(double value) {
  static constexpr Colour stops[] = {{0, 0, 4},     {31, 12, 72},  {87, 16, 110},  {138, 34, 106}, {188, 55, 84},
                                     {227, 89, 51}, {249, 142, 9}, {249, 203, 53}, {252, 255, 164}};
  const double place = std::clamp(std::isnan(value) ? 0 : value, 0.0, 1.0) * (std::size(stops) - 1);
  const auto low = std::min(static_cast<std::size_t>(place), std::size(stops) - 2);
  return blend(stops[low + 1], stops[low], place - static_cast<double>(low));
}

Picture::Picture(int width, int height, Colour background)
    : width_(width), height_(height), pixels_(static_cast<std::size_t>(width) * height, background) {}

void Picture::set(int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  pixels_[static_cast<std::size_t>(y) * width_ + x] = colour;
}

void Picture::fill(int x, int y, int width, int height, Colour colour) {
  for (int j = y; j < y + height; ++j) {
    for (int i = x; i < x + width; ++i) set(i, j, colour);
  }
}

void Picture::ring(double x, double y, double radius, double thickness, Colour colour) {
  const int reach = static_cast<int>(std::ceil(radius + thickness)) + 1;
  const int middle_x = static_cast<int>(std::lround(x)), middle_y = static_cast<int>(std::lround(y));
  for (int j = middle_y - reach; j <= middle_y + reach; ++j) {
    for (int i = middle_x - reach; i <= middle_x + reach; ++i) {
      if (std::abs(std::hypot(i - x, j - y) - radius) <= thickness / 2) set(i, j, colour);
    }
  }
}

void Picture::text(int x, int y, std::string_view text, Colour colour, int scale) {
  for (const char letter : text) {
    const auto columns = glyph_columns(letter);
    for (int i = 0; i < 5; ++i) {
      for (int j = 0; j < 9; ++j) {
        if (columns[static_cast<std::size_t>(i)] >> j & 1) fill(x + i * scale, y + j * scale, scale, scale, colour);
      }
    }
    x += 6 * scale;
  }
}

void Picture::paste(const Picture& other, int x, int y) {
  for (int j = 0; j < other.height_; ++j) {
    for (int i = 0; i < other.width_; ++i) set(x + i, y + j, other.at(i, j));
  }
}

void Picture::save(const std::filesystem::path& path) const {
  write_whole(path, [this](const std::filesystem::path& partial) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    static_assert(sizeof(Colour) == 3);
    if (!png_image_write_to_file(&image, partial.c_str(), 0, pixels_.data(), 0, nullptr)) {
      throw std::runtime_error(fmt::format("{}: cannot be written: {}", partial.string(), image.message));
    }
  });
}

}  // namespace ultrasound
