#pragma once
// What makes a picture readable: marks with an outline, colour bars with numbers, lengths.

#include "picture.hpp"
#include "slice.hpp"

namespace ultrasound {

inline constexpr Colour paper{18, 18, 24}, ink{235, 235, 235}, faint{165, 165, 175}, target_ink{90, 230, 255},
    focus_ink{120, 255, 120}, element_ink{255, 220, 120}, bone_ink{110, 130, 190};

void mark_target(Picture& picture, double x, double y);
void mark_focus(Picture& picture, double x, double y);
void mark_element(Picture& picture, double x, double y);

/// Text over a picture of any colours.
void outlined_text(Picture& picture, int x, int y, std::string_view text, Colour colour, int scale);

/// A bar of the colours of `style` from its lowest (0, or minus full scale) to full scale, with round numbers in kPa.
/// Takes colour_bar_width.
inline constexpr int colour_bar_width = 110;
void draw_colour_bar(Picture& picture, int x, int y, int height, SliceStyle style, double full_scale_pa);

/// A bar of a round number of millimetres, at most a third of `width` pixels, from (x, y) to the right.
void draw_length(Picture& picture, int x, int y, int width, double pixels_per_mm);

/// 1, 2 or 5 times a power of ten, at most `most`.
double round_number(double most);

}  // namespace ultrasound
