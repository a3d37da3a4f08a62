#pragma once
// A small canvas and PNG files.

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace ultrasound {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Colour&, const Colour&) = default;
};

/// `part` of `a` laid over `b`.
Colour blend(Colour a, Colour b, double part);

/// The colour map inferno (van der Walt & Smith, matplotlib, CC0), from 9 of its colours: lightness rises evenly with
/// 0..1.
Colour inferno(double value);

/// Rows from the top; drawing outside does nothing.
class Picture {
 public:
  Picture() = default;
  Picture(int width, int height, Colour background = {});

  int width() const { return width_; }
  int height() const { return height_; }
  Colour at(int x, int y) const { return pixels_[static_cast<std::size_t>(y) * width_ + x]; }
  void set(int x, int y, Colour colour);
  void fill(int x, int y, int width, int height, Colour colour);
  /// A circle's line of this thickness; as thick as its radius and more, a disc.
  void ring(double x, double y, double radius, double thickness, Colour colour);
  /// Letters, digits and -+.,:;/%()=<> in 5 x 7 pixels and two below the line, times `scale`.
  void text(int x, int y, std::string_view text, Colour colour, int scale = 1);
  static int text_width(std::string_view text, int scale = 1) { return static_cast<int>(text.size()) * 6 * scale; }
  void paste(const Picture& other, int x, int y);

  /// Written beside `path`, then renamed. Throws std::runtime_error.
  void save(const std::filesystem::path& path) const;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(width_, height_, pixels_);
  }

 private:
  int width_ = 0, height_ = 0;
  std::vector<Colour> pixels_;
};

}  // namespace ultrasound
