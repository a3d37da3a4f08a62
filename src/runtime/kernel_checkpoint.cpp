// States of a kernel's actors in a file. A source of its own: programs that do not use it do not load HDF5.

#include <fmt/format.h>

#include "ringray/device/checkpoint_file.hpp"
#include "ringray/runtime/kernel.hpp"

namespace ringray::runtime {
namespace {

/// A kernel that has ended has no actors any more, and its last good file must stay.
void check_alive(const device::HostedKernel& kernel, const std::string& name, const char* what) {
  if (kernel.life() == device::Life::terminated)
    throw InvalidTransitionError(
        fmt::format("kernel '{}' is terminated and cannot be {}: its actors are gone; launch another one", name, what));
}

}  // namespace

void LiveKernel::write_checkpoint(const std::string& path, const device::CheckpointOptions& options,
                                  const std::vector<std::string>& types) {
  const std::lock_guard one(checkpoints_);  // the newest file has the newest states
  device::CheckpointFile checkpoint{.kernel = *name_, .actors = {}};
  exclusive([&] {
    check_alive(*hosted_, *name_, "saved");
    for (const auto& actor : hosted_->actors())
      checkpoint.actors.push_back({actor.actor, types.at(actor.type), unwrap(hosted_->checkpoint(actor.actor))});
  });
  unwrap(base::write_kept_file(path, unwrap(device::encode(checkpoint)), options.keep));
}

void LiveKernel::read_checkpoint(const std::string& path, const std::vector<std::string>& types) {
  const auto checkpoint = unwrap(device::decode_checkpoint(unwrap(base::read_file(path)), path));
  const auto refuse = [&](const std::string& why) {
    throw ConfigError(fmt::format("the checkpoint {} does not fit kernel '{}': {}", path, *name_, why));
  };
  exclusive([&] {
    check_alive(*hosted_, *name_, "restored");
    const auto actors = hosted_->actors();
    if (actors.size() != checkpoint.actors.size())
      refuse(fmt::format("it has {} actors, and the kernel {}; spawn the same ones first", checkpoint.actors.size(),
                         actors.size()));
    for (std::size_t i = 0; i < actors.size(); ++i) {  // both by slot
      const auto& saved = checkpoint.actors[i];
      const auto& type = types.at(actors[i].type);
      if (actors[i].actor != saved.address)
        refuse(fmt::format(
            "its actor in slot {} with generation {} is in slot {} with generation {} now (states may "
            "have the addresses); spawn the same actors in the same order",
            saved.address.slot(), saved.address.generation(), actors[i].actor.slot(), actors[i].actor.generation()));
      if (type != saved.type)
        refuse(fmt::format("the actor in slot {} was a {}, and is a {} now; spawn the same actors in the same order",
                           saved.address.slot(), saved.type, type));
      if (actors[i].state_bytes != saved.state.size())
        refuse(fmt::format("the state of a {} had {} bytes, and has {} now; read it with the program that wrote it",
                           type, saved.state.size(), actors[i].state_bytes));
    }
    for (const auto& saved : checkpoint.actors) unwrap(hosted_->restore(saved.address, saved.state));
  });
}

}  // namespace ringray::runtime
