#include "ringray/base/replaced_file.hpp"

#include <filesystem>
#include <system_error>

namespace ringray::base {

Result<std::string> replaced_file(const std::string& path) {
  namespace files = std::filesystem;
  const auto refuse = [](std::string why) { return failure(Errc::config, std::move(why)); };
  std::error_code error;
  switch (files::status(path, error).type()) {
    case files::file_type::regular:
    case files::file_type::not_found:
      break;
    case files::file_type::directory:
      return refuse("it is a folder");
    case files::file_type::character:
    case files::file_type::block:
      return refuse("it is a device");
    case files::file_type::fifo:
      return refuse("it is a pipe");
    case files::file_type::socket:
      return refuse("it is a socket");
    default:
      return refuse(error ? error.message() : "it is no file");
  }
  constexpr int links_max = 40;  // as the kernel's
  files::path end = path;
  for (int links = 0; files::is_symlink(files::symlink_status(end, error)); ++links) {
    if (links == links_max) return refuse("its links lead round and round");
    const auto next = files::read_symlink(end, error);
    if (error) return refuse(error.message());
    end = end.parent_path() / next;
  }
  return end.string();
}

}  // namespace ringray::base
