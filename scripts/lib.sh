# Shared by the scripts beside this file, which source it. For bash 3.2 and later, the one that macOS has.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script=${0##*/}
target=${CARGO_TARGET_DIR:-$root/target}

say() { printf '%s\n' "$*" >&2; }

# What is being done, and how many seconds after the beginning.
step() { say "== $* (${SECONDS} s)"; }

die() {
  say "$script: $*"
  exit 1
}

# For what cannot be done without PROGRAM: says WHY, or fails where JETON_TESTS_REQUIRE asks for it.
skip() { # PROGRAM WHY
  case " ${JETON_TESTS_REQUIRE:-} " in
  *" $1 "* | *' all '*) die "$2, and JETON_TESTS_REQUIRE asks for $1" ;;
  esac
  say "skipped: $2"
}

# Prints the comment at the head of the calling script, when asked for --help.
help_if_asked() {
  case ${1:-} in
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  esac
}

need_cargo() {
  command -v cargo >/dev/null || die "cargo is missing; install Rust (https://rustup.rs) and try again"
}

has_database_url() { [ -n "${DATABASE_URL:-}${DATABASE_URL_FILE:-}" ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Waits for another apt-get instead of failing, and never asks.
apt_install() {
  say "$script: installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    install --yes --no-install-recommends "$@" >/dev/null
}

can_apt() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}

# The same places that crates/local-postgres looks at, or near enough: a wrong "no" costs an apt-get that does nothing.
has_postgres() {
  local dir
  [ -z "${JETON_POSTGRES_BINDIR:-}" ] || return 0
  for dir in "$(pg_config --bindir 2>/dev/null)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null
}

# Installs the Postgres server programs where they are missing and a package manager is at hand. Where it is not,
# jeton-local-postgres says what to do.
ensure_postgres() {
  if has_postgres; then
    :
  elif can_apt; then
    as_root apt-get -qq update >/dev/null || say "$script: apt-get update failed; trying with what it knew"
    without_a_cluster apt_install postgresql
  elif command -v brew >/dev/null; then
    say "$script: installing postgresql@17"
    brew install --quiet postgresql@17 >/dev/null
  fi
}

# Debian's package makes a database cluster and starts it. Nobody asked for a server that runs for good.
without_a_cluster() {
  local conf=/etc/postgresql-common/createcluster.conf status=0
  apt_install postgresql-common
  as_root cp "$conf" "$conf.before-jeton"
  printf '\ncreate_main_cluster = false\n' | as_root tee -a "$conf" >/dev/null
  "$@" || status=$?
  as_root mv "$conf.before-jeton" "$conf"
  return "$status"
}

# Builds jeton-local-postgres for development, and tells where it is.
local_postgres() {
  (cd "$root" && cargo build --quiet --locked --package jeton-local-postgres) || exit 1
  printf '%s\n' "$target/debug/jeton-local-postgres"
}
