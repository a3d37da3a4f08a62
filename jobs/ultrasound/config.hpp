#pragma once
// What a run is told: defaults, then the TOML file, then the command line.

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "grid.hpp"
#include "segment.hpp"

namespace ultrasound {

struct Material {
  double speed_m_s, density_kg_m3, attenuation_db_cm_mhz;
};

struct TransducerConfig {
  double frequency_khz = 250;  ///< lowered where the grid is too coarse for it
  double cycles = 3;           ///< length of the burst
  double radius_mm = 125;      ///< of the sphere on which the elements sit; its centre is the target
  double aperture_mm = 200;    ///< diameter of the cap's rim
  int elements = 256;
  Point direction{-0.35, -0.15, 1};  ///< from the target to the middle of the cap
  double strength_pa_m = 100;        ///< pressure times distance of one element in water
};

struct Target {
  std::string name = "left thalamus, Vim";
  Point position_mm{-14, -19, 2};
};

struct Config {
  std::filesystem::path head = "/usr/share/mricron/templates/ch2.nii.gz";
  std::filesystem::path brain_mask = "/usr/share/mricron/templates/ch2bet.nii.gz";
  std::filesystem::path output = "ultrasound-result";
  std::string engine = "host";
  int blocks = 0;  ///< 0: as many as suit the engine
  double spacing_mm = 2;
  double courant = 0.95;            ///< time step as a part of the stable one
  double cells_per_wavelength = 6;  ///< in the slowest tissue, at least
  int layer_cells = 10;             ///< width of the absorbing layer
  int energy_every = 10;            ///< steps between energy samples
  int frames = 8;                   ///< pictures in the movie strip
  TransducerConfig transducer;
  std::vector<Target> targets{Target{}};
  /// In the order of Tissue. Aubry et al., "Benchmark problems for transcranial ultrasound simulation", J. Acoust. Soc.
  /// Am. 152 (2022) 1003, table I (attenuation there at 500 kHz).
  std::array<Material, tissue_count> materials{Material{1500, 1000, 0}, Material{1610, 1090, 0.4},
                                               Material{2800, 1850, 8}, Material{1560, 1040, 0.6}};
};

inline constexpr std::array<const char*, tissue_count> tissue_names{"water", "soft_tissue", "skull", "brain"};

/// Overlays `config` with a TOML text. InputError names the file, the key and, for an unknown key, the one that was
/// meant.
void read_toml(std::string_view text, const std::string& file, Config& config);
/// Refuses what makes no sense (InputError).
void check_config(const Config& config);
/// The configuration as TOML; read_toml gives it back.
std::string to_toml(const Config& config);

}  // namespace ultrasound
