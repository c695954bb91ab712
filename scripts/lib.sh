# shellcheck shell=bash
# What scripts/test and scripts/demo both need. To be sourced, from anywhere in the repository.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# `banquet` is the one that was built here.
PATH=${CARGO_TARGET_DIR:-$repository/target}/debug:$PATH
dockerd_log=/var/log/banquet-dockerd.log

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[[ -t 1 && -z ${NO_COLOR:-} ]] || say() { printf '\n== %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$1" >&2
  [[ $# -lt 2 ]] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

# Settings of whoever calls must not reach the broker that a script starts.
forget_settings() {
  local name
  for name in "${!BANQUET_@}"; do unset "$name"; done
}

need_cargo() {
  [[ -n $(command -v cargo) || ! -f ${HOME:-}/.cargo/env ]] || source "$HOME/.cargo/env"
  command -v cargo >/dev/null ||
    die "cargo is missing" "get Rust 1.95 or newer: https://rustup.rs, or apt install rustup"
}

# need_tools COMMAND:PACKAGE ... installs the packages of the commands that are missing.
need_tools() {
  local pair packages=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || packages+=("${pair#*:}")
  done
  [[ ${#packages[@]} -gt 0 ]] || return 0
  [[ -n $(command -v apt-get) && $EUID -eq 0 ]] ||
    die "these Debian packages are missing: ${packages[*]}" "apt install ${packages[*]}"
  say "Installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${packages[@]}"
}

# The languages whose clients the tests run, for `tests/clients`.
need_languages() {
  need_tools python3:python3 node:nodejs npm:npm javac:default-jdk-headless mvn:maven
  python3 -c 'import ensurepip' 2>/dev/null || need_tools ensurepip:python3-venv
}

engine_answers() { docker info >/dev/null 2>&1; }

# Starts a container engine where none answers; it stays, because others may come to use it.
need_engine() {
  ! engine_answers || return 0
  [[ $EUID -eq 0 ]] || die "no container engine answers" "start Docker, or join the group docker"
  [[ -z ${DOCKER_HOST:-} ]] || die "no container engine answers at DOCKER_HOST=$DOCKER_HOST"
  # A machine may have the client alone.
  need_tools dockerd:docker.io
  say "Starting dockerd; its log is $dockerd_log"
  # One that was killed leaves its number, and its helper's: the next would wait for them in vain
  # where they belong to another process by now, or to one that nobody has buried yet.
  pgrep --exact --runstates D,R,S dockerd >/dev/null || rm -f /var/run/docker.pid
  pgrep --exact --runstates D,R,S containerd >/dev/null ||
    rm -f /var/run/docker/containerd/containerd.pid
  setsid --fork dockerd >>"$dockerd_log" 2>&1 </dev/null
  local end=$((SECONDS + 60))
  until engine_answers; do
    ((SECONDS < end)) || die "dockerd did not start within 60 s" "see $dockerd_log"
    sleep 0.5
  done
}

build_banquet() {
  say "Building banquet"
  cargo build --manifest-path "$repository/Cargo.toml"
}

# Where an image is neither present nor to be pulled, it is built from its offering's folder.
need_images() {
  say "Images"
  local wanting
  wanting=$(banquet images list --json |
    jq -r '.[] | select(.presence == "missing" or .presence == "outdated") | .offering')
  [[ -z $wanting ]] || banquet images build $wanting >/dev/null
  banquet images list
}

# The fuzzer of tests/fuzz, in a Python environment of its own; anew where its requirements changed.
need_fuzzer() {
  local folder=${CARGO_TARGET_DIR:-$repository/target}/tmp/fuzz wanted=$repository/tests/fuzz/requirements.txt
  ! cmp -s "$wanted" "$folder/installed" || return 0
  say "Installing the fuzzer"
  mkdir -p "$folder"
  python3 -m venv --clear "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --requirement "$wanted"
  cp "$wanted" "$folder/installed"
}

# sweep LABEL ...: removes containers, volumes and networks that carry one of these labels.
sweep() {
  local label found=()
  for label in "$@"; do
    mapfile -t found < <(docker container ls --all --quiet --filter "label=$label")
    [[ ${#found[@]} -eq 0 ]] || docker container rm --force --volumes "${found[@]}" >/dev/null
    mapfile -t found < <(docker volume ls --quiet --filter "label=$label")
    [[ ${#found[@]} -eq 0 ]] || docker volume rm --force "${found[@]}" >/dev/null
    mapfile -t found < <(docker network ls --quiet --filter "label=$label")
    [[ ${#found[@]} -eq 0 ]] || docker network rm "${found[@]}" >/dev/null
  done
}

# What the library for Kafka is built with; it is headers, so no command tells whether they are there.
need_headers() {
  [[ -e /usr/include/openssl/ssl.h ]] || need_tools openssl-headers:libssl-dev
  [[ -e /usr/include/zlib.h ]] || need_tools zlib-headers:zlib1g-dev
}

prepare() {
  need_cargo
  need_headers
  need_tools docker:docker.io curl:curl jq:jq redis-cli:redis-tools psql:postgresql-client \
    mmdebstrap:mmdebstrap pgrep:procps setsid:util-linux cc:gcc c++:g++ make:make \
    pkg-config:pkg-config
  need_engine
  build_banquet
  need_images
}
