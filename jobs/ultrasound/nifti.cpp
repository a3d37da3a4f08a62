#include "nifti.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>

#include "error.hpp"

namespace ultrasound {
namespace {

constexpr std::size_t header_bytes = 348;
constexpr std::size_t file_bytes_max = std::size_t{2} << 30;
constexpr int extent_max = 2048;

/// Reads numbers at fixed offsets, in the byte order of the file.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}

  template <class T>
  T at(std::size_t offset) const {
    std::array<std::byte, sizeof(T)> raw;
    std::memcpy(raw.data(), bytes_.data() + offset, sizeof(T));
    if (swapped_) std::reverse(raw.begin(), raw.end());
    return std::bit_cast<T>(raw);
  }

 private:
  std::span<const std::byte> bytes_;
  bool swapped_;
};

Point row_at(const Reader& header, std::size_t offset) {
  return {header.at<float>(offset), header.at<float>(offset + 4), header.at<float>(offset + 8)};
}

/// The quaternion form, method 2 of nifti1.h.
Affine affine_of_quaternion(const Reader& header) {
  const double b = header.at<float>(256), c = header.at<float>(260), d = header.at<float>(264);
  const double a = std::sqrt(std::max(0.0, 1 - b * b - c * c - d * d));
  const double dx = header.at<float>(80), dy = header.at<float>(84);
  const double dz = header.at<float>(88) * (header.at<float>(76) < 0 ? -1 : 1);
  return {{Point{(a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * dz},
           Point{2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * dz},
           Point{2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - b * b - c * c) * dz}},
          row_at(header, 268)};
}

Affine read_affine(const Reader& header, const Extents& n) {
  if (header.at<std::int16_t>(254) > 0) {
    return {{row_at(header, 280), row_at(header, 296), row_at(header, 312)},
            {header.at<float>(292), header.at<float>(308), header.at<float>(324)}};
  }
  if (header.at<std::int16_t>(252) > 0) return affine_of_quaternion(header);
  const Point d = row_at(header, 80);  // no orientation: axes as stored, origin in the middle
  return {{Point{d.x, 0, 0}, Point{0, d.y, 0}, Point{0, 0, d.z}},
          {-d.x * (n.nx - 1) / 2, -d.y * (n.ny - 1) / 2, -d.z * (n.nz - 1) / 2}};
}

void check_affine(const Affine& affine) {
  for (const Point& row : affine.rows) {
    for (const double value : {row.x, row.y, row.z}) {
      if (!std::isfinite(value) || std::abs(value) > 100) {
        throw InputError("voxels of an impossible size (distances would be wrong); repair the header's affine");
      }
    }
  }
  if (!(length(affine.shift) < 1e5)) {
    throw InputError("an origin that is not near the scanner (targets could not be found); repair the header's affine");
  }
  affine.inverse();
}

Extents read_extents(const Reader& header) {
  const int rank = header.at<std::int16_t>(40);
  if (rank < 3 || rank > 7) {
    throw InputError(fmt::format("{} dimensions (a head has three); give a three-dimensional volume", rank));
  }
  const auto size = [&](int axis) {
    return static_cast<int>(header.at<std::int16_t>(40 + 2 * static_cast<std::size_t>(axis)));
  };
  for (int axis = 1; axis <= rank; ++axis) {
    if (size(axis) < 1 || size(axis) > extent_max) {
      throw InputError(
          fmt::format("{} voxels along axis {} (1 to {} are possible); the header is damaged: fetch the file again",
                      size(axis), axis, extent_max));
    }
    if (axis > 3 && size(axis) != 1) {
      throw InputError(fmt::format("{} volumes in one file (one head is needed); extract one of them", size(axis)));
    }
  }
  return {size(1), size(2), size(3)};
}

template <class T>
void convert(const Reader& data, double slope, double shift, std::vector<float>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(slope * static_cast<double>(data.at<T>(i * sizeof(T))) + shift);
  }
}

struct Type {
  int code;
  std::size_t bytes;
  void (*convert)(const Reader&, double, double, std::vector<float>&);
};

constexpr Type types[] = {{2, 1, convert<std::uint8_t>},    {4, 2, convert<std::int16_t>},
                          {8, 4, convert<std::int32_t>},    {16, 4, convert<float>},
                          {64, 8, convert<double>},         {256, 1, convert<std::int8_t>},
                          {512, 2, convert<std::uint16_t>}, {768, 4, convert<std::uint32_t>},
                          {1024, 8, convert<std::int64_t>}, {1280, 8, convert<std::uint64_t>}};

const Type& find_type(int code) {
  for (const Type& type : types) {
    if (type.code == code) return type;
  }
  throw InputError(fmt::format(
      "voxel type {} (only integers and real numbers have an intensity); convert the file to float32", code));
}

void check_values(const std::vector<float>& values) {
  for (const float value : values) {
    if (!std::isfinite(value)) {
      throw InputError("a voxel that is not a finite number (the tissue there is unknown); repair the volume");
    }
    if (value < 0) {
      throw InputError(fmt::format("a voxel of {} (an intensity cannot be negative); clip the volume at zero", value));
    }
  }
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);  // reads plain files too
  if (!file)
    throw InputError(
        fmt::format("cannot be opened: {} (there is no head to compute); name an existing file", std::strerror(errno)));
  std::vector<std::byte> bytes;
  constexpr unsigned chunk = 1 << 20;
  for (;;) {
    const std::size_t have = bytes.size();
    bytes.resize(have + chunk);
    const int got = gzread(file.get(), bytes.data() + have, chunk);
    bytes.resize(have + static_cast<std::size_t>(std::max(got, 0)));
    int status = Z_OK;
    gzerror(file.get(), &status);
    if (got < 0 || status == Z_BUF_ERROR) {
      throw InputError("cannot be decompressed (the file is damaged or cut short); fetch it again");
    }
    if (bytes.size() > file_bytes_max)
      throw InputError("is larger than 2 GiB (no head needs that); resample it to 1 mm");
    if (got == 0) return bytes;
  }
}

}  // namespace

Affine Affine::inverse() const {
  const auto cross = [](Point a, Point b) {
    return Point{a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
  };
  const Point p = cross(rows[1], rows[2]), q = cross(rows[2], rows[0]), r = cross(rows[0], rows[1]);
  const double volume = dot(rows[0], p);
  if (!(std::abs(volume) > 1e-6)) {
    throw InputError("voxels without volume (distances would be wrong); repair the header's affine");
  }
  Affine result{{Point{p.x, q.x, r.x}, Point{p.y, q.y, r.y}, Point{p.z, q.z, r.z}}, {}};
  for (Point& row : result.rows) row = (1 / volume) * row;
  const Point s = shift;
  result.shift = {-dot(result.rows[0], s), -dot(result.rows[1], s), -dot(result.rows[2], s)};
  return result;
}

Volume decode_nifti(std::span<const std::byte> bytes) {
  if (bytes.size() < header_bytes) {
    throw InputError(
        fmt::format("{} bytes (a NIfTI-1 header alone has {}); fetch the file again", bytes.size(), header_bytes));
  }
  const Reader plain(bytes, false), reversed(bytes, true);
  const bool swapped = plain.at<std::int32_t>(0) != static_cast<int>(header_bytes);
  if (swapped && reversed.at<std::int32_t>(0) != static_cast<int>(header_bytes)) {
    throw InputError("not a NIfTI-1 file (its header size is not 348); convert it to .nii or .nii.gz");
  }
  const Reader header(bytes, swapped);
  if (std::memcmp(bytes.data() + 344, "n+1", 4) != 0) {
    throw InputError("not a single-file NIfTI-1 volume (its mark is not n+1); convert it to .nii or .nii.gz");
  }
  Volume volume;
  volume.extents = read_extents(header);
  const Type& type = find_type(header.at<std::int16_t>(70));
  const double start = header.at<float>(108);
  if (!(start >= header_bytes) || !(start < static_cast<double>(file_bytes_max))) {
    throw InputError(
        fmt::format("voxels that start at byte {} (inside the header or nowhere); fetch the file again", start));
  }
  const auto offset = static_cast<std::size_t>(start);
  const std::size_t needed = volume.extents.cells() * type.bytes;
  if (bytes.size() < offset || bytes.size() - offset < needed) {
    throw InputError(
        fmt::format("cut short: {} bytes of voxels where {} x {} x {} need {} (the rest of the head is missing); fetch "
                    "the file again",
                    bytes.size() - std::min(bytes.size(), offset), volume.extents.nx, volume.extents.ny,
                    volume.extents.nz, needed));
  }
  volume.to_mm = read_affine(header, volume.extents);
  check_affine(volume.to_mm);
  const double slope = header.at<float>(112);
  const bool scaled = std::isfinite(slope) && slope != 0;
  volume.values.resize(volume.extents.cells());
  type.convert(Reader(bytes.subspan(offset), swapped), scaled ? slope : 1, scaled ? header.at<float>(116) : 0,
               volume.values);
  check_values(volume.values);
  return volume;
}

Volume read_nifti(const std::filesystem::path& path) try {
  if (std::filesystem::is_directory(path))
    throw InputError("is a folder (a volume is a file); name a .nii or .nii.gz file");
  return decode_nifti(read_file(path));
} catch (const InputError& error) {
  throw InputError(fmt::format("{}: {}", path.string(), error.what()));
}

}  // namespace ultrasound
