#pragma once
// HDF5's identifiers and statuses as C++ knows them.

#include <fmt/format.h>
#include <hdf5.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ultrasound {

/// Before the first call of HDF5. Its errors become exceptions instead of pages on the terminal, and it does nothing at
/// exit(): a file that is still open then belongs to a write that was left behind.
inline void prepare_hdf5() {
  static const bool once = H5dont_atexit() >= 0;
  static_cast<void>(once);  // it only fails when HDF5 is in use already
  if (H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) < 0) throw std::runtime_error("HDF5 does not start");
}

/// What HDF5 said last, the deepest cause: ": file write failed: No space left on device"; "" when it said nothing.
inline std::string hdf5_reason() {
  std::string reason;
  const auto keep = [](unsigned depth, const H5E_error2_t* error, void* text) -> herr_t {
    if (depth == 0 && error->desc) *static_cast<std::string*>(text) = std::string(": ") + error->desc;
    return 0;
  };
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep, &reason) < 0) return "";
  const auto details = reason.find(": time = ");  // and a line's end, file, address and sizes
  if (details == reason.npos) return reason;
  constexpr std::string_view label = "error message = '";
  const auto cause = reason.find(label, details);
  if (cause == reason.npos) return reason.substr(0, details);
  const auto begin = cause + label.size();
  return reason.substr(0, details) + ": " + reason.substr(begin, reason.find('\'', begin) - begin);
}

inline void check_hdf5(herr_t status, const std::string& what) {
  if (status < 0) throw std::runtime_error(fmt::format("the result file refuses {}{}", what, hdf5_reason()));
}

/// Owns an identifier. One thread.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) {
    check_hdf5(id < 0 ? -1 : 0, what);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  /// Closes now and reports what the destructor could not.
  void close() { check_hdf5(close_(std::exchange(id_, -1)), "to be closed"); }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

template <class T>
hid_t hdf5_type_of() {
  if constexpr (std::is_same_v<T, float>)
    return H5T_NATIVE_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return H5T_NATIVE_DOUBLE;
  else if constexpr (std::is_same_v<T, int>)
    return H5T_NATIVE_INT;
  else
    return H5T_NATIVE_UINT8;
}

}  // namespace ultrasound
