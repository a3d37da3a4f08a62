# shellcheck shell=bash
# What the scripts share. Source it: it goes to the top of the project.

self=$(realpath "$0")
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# usage "$@": prints the comment at the head of the script when help is asked for.
usage() {
  local argument
  for argument in "$@"; do
    case $argument in
      -h | --help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$self" && exit 0 ;;
      --) return ;;
    esac
  done
}

# As many compilers as cores, but one per 2 GiB of free memory.
build_jobs() {
  awk -v cores="$(nproc)" '/^MemAvailable/ { most = int($2 / 2097152); print most < 1 ? 1 : most < cores ? most : cores }' /proc/meminfo
}

# show_progress WHAT: what ninja says, as one line that is rewritten on a terminal, else as a line every 20 seconds.
show_progress() {
  local what=$1 line start=$SECONDS shown=$SECONDS any=
  while IFS= read -r line; do
    [[ $line == \[*/*\]* ]] || continue
    line="$what: ${line%%]*}] in $((SECONDS - start)) s"
    if [ -t 1 ]; then
      printf '\r%s\033[K' "$line" && any=yes
    elif [ $((SECONDS - shown)) -ge 20 ]; then
      say "$line" && shown=$SECONDS
    fi
  done
  [ -z "$any" ] || printf '\n'
}

export CCACHE_SLOPPINESS=pch_defines,time_macros${CCACHE_SLOPPINESS:+,$CCACHE_SLOPPINESS}  # else it keeps nothing that uses a precompiled header
# build PRESET [CMAKE OPTIONS...] -- [TARGETS...]: configures when there is no build yet, builds, shows errors only.
build() {
  local preset=$1 options=() log
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  mkdir -p "build/$preset" || die "cannot write in $top/build (builds go there); make the folder writable"
  local free_mib
  free_mib=$(df -Pm "build/$preset" | awk 'NR == 2 { print $4 }')
  [ "$free_mib" -ge 1024 ] || die "only $free_mib MiB are free for $top/build (a build needs 1 to 4 GiB); make room"
  log=build/$preset/build.log
  if [ ! -e "build/$preset/build.ninja" ]; then
    say "configuring $preset"
    # Files of a target that are compiled as one share what they include: half the time. Whoever develops, and compiles one
    # file often, configures without.
    cmake --preset "$preset" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 "${options[@]}" >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
  fi
  ninja -C "build/$preset" -j "$(build_jobs)" "$@" 2>&1 | tee "$log" | show_progress "building $preset" || {
    grep -E -A 15 'error|FAILED|undefined reference' "$log" | head -n 60 >&2 || tail -n 30 "$log" >&2
    say "the whole log is in $top/$log" >&2
    return 1
  }
}

# launch RANKS COMMAND...: runs a program on this host. Cores are not bound: ranks and threads share them freely.
launch() {
  local ranks=$1
  shift
  if [ "$ranks" -eq 0 ]; then
    "$@"
  else
    mpirun --allow-run-as-root --oversubscribe --bind-to none -n "$ranks" "$@"
  fi
}
