#pragma once
// Ringray: tasks, actors and objects inside an MPI job. Everything but the opt-in headers mpi.hpp.

#include "ringray/actor.hpp"
#include "ringray/array.hpp"
#include "ringray/error.hpp"
#include "ringray/group.hpp"
#include "ringray/kv.hpp"
#include "ringray/log.hpp"
#include "ringray/object.hpp"
#include "ringray/run.hpp"
#include "ringray/task.hpp"
#include "ringray/topic.hpp"
