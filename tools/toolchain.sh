#!/usr/bin/env bash
# Finds or installs the JDK and checks Rust; ends with one clear line when one cannot be had.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"

# host-tuple as a build target is understood from this version on.
RUST_MINOR=91

has_candidate() {
  apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

install_jdk() {
  local package
  for package in temurin-${JAVA_VERSION}-jdk openjdk-${JAVA_VERSION}-jdk-headless; do
    if has_candidate "${package}"; then
      apt_install "${package}"
      return
    fi
  done
  echo "no package source of this machine has a JDK ${JAVA_VERSION}"
  return 1
}

if [ -z "$(find_jdk)" ]; then
  how="install one (temurin-${JAVA_VERSION}-jdk or openjdk-${JAVA_VERSION}-jdk-headless) or point JAVA_HOME at one"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "no JDK ${JAVA_VERSION} found: ${how}"
  fi
  has_candidate temurin-${JAVA_VERSION}-jdk || has_candidate openjdk-${JAVA_VERSION}-jdk-headless ||
    apt-get -qq update >/dev/null 2>&1 || true
  has_candidate temurin-${JAVA_VERSION}-jdk || has_candidate openjdk-${JAVA_VERSION}-jdk-headless ||
    fail "no JDK ${JAVA_VERSION} found, and apt has none to install: ${how}"
  step "Installing JDK ${JAVA_VERSION}" install_jdk
  [ -n "$(find_jdk)" ] || fail "the JDK ${JAVA_VERSION} package was installed but no JDK was found: ${how}"
fi

rust_minor() {
  PATH=${PATH}:${HOME}/.cargo/bin cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p'
}

if [ "$(rust_minor || true)" = "" ] && [ "$(id -u)" = 0 ] && command -v apt-cache >/dev/null; then
  offered=$(apt-cache policy cargo 2>/dev/null | sed -n 's/^  Candidate: \([0-9]*:\)\{0,1\}1\.\([0-9]*\)\..*/\2/p')
  if [ "${offered:-0}" -ge ${RUST_MINOR} ]; then
    step 'Installing Rust' apt_install cargo
  fi
fi
found=$(rust_minor || true)
[ "${found:-0}" -ge ${RUST_MINOR} ] ||
  fail "Rust 1.${RUST_MINOR} or newer is needed to build${found:+ (cargo here is 1.${found})}: install it with rustup, then run this again"
