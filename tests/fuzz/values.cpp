// Encoded values of the kinds that users send: decoding gives a value or CorruptDataError.

#include "ringray/wire/codec.hpp"

namespace {
struct Plain {
  double x, y;
  int n;
};
struct Mesh {
  std::vector<Plain> points;
  std::map<std::string, std::vector<double>> fields;
  std::optional<std::string> name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(points, fields, name);
  }
};
template <class T>
void decode(ringray::wire::View bytes) {
  try {
    ringray::wire::Decoder decoder(bytes);
    static_cast<void>(ringray::wire::decode<T>(decoder));
  } catch (const ringray::CorruptDataError&) {
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ringray::wire::View bytes(reinterpret_cast<const std::byte*>(data), size);
  decode<std::vector<double>>(bytes);
  decode<std::string>(bytes);
  decode<Plain>(bytes);
  decode<Mesh>(bytes);
  decode<ringray::ErrorDetail>(bytes);
  return 0;
}
