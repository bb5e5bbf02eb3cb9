#!/usr/bin/env bash
# Usage: maven.sh --find | maven.sh ARGUMENTS...
# Runs Maven 3.9 or newer with the given arguments: one that is installed, else one that an older
# Maven fetches by its coordinates. Offline once everything that the poms name is there. --find only
# makes sure that there is one.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}" "${JAVA_HOME:?set by tools/build.sh}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"
MAVEN=3.9.16
cd "${ATOLL_HOME}"

new_enough() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n 's/.*Apache Maven \([0-9.]*\).*/\1/p' | head -1)
  [ -n "${version}" ] && [ "$(printf '%s\n3.9.6\n' "${version}" | sort -V | head -1)" = 3.9.6 ]
}

find_maven() {
  local fetched
  fetched=$(cache_dir)/tools/apache-maven-${MAVEN}
  if [ -x "${fetched}/bin/mvn" ]; then
    echo "${fetched}/bin/mvn"
    return
  fi
  local installed
  installed=$(command -v mvn || true)
  if [ -n "${installed}" ] && new_enough "${installed}"; then
    echo "${installed}"
    return
  fi
  if [ -z "${installed}" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      fail 'no Maven found: install maven (3.9.6 or newer is best)'
    fi
    step 'Installing Maven' apt_install maven >&2
    installed=$(command -v mvn || true)
    [ -n "${installed}" ] || fail 'no Maven found, and its package brought none: install maven (3.9.6 or newer is best)'
    if new_enough "${installed}"; then
      echo "${installed}"
      return
    fi
  fi
  mkdir -p "$(cache_dir)/tools"
  # In a directory of its own: away from the tree, whose .mvn this Maven may be too old for, and from
  # the marks by which the plugin thinks that it has unpacked this already.
  local work
  work=$(mktemp -d)
  fetch_maven() {
    cd "${work}" && "${installed}" --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack \
      "-Dartifact=org.apache.maven:apache-maven:${MAVEN}:zip:bin" "-DoutputDirectory=$(cache_dir)/tools"
  }
  step "Fetching Maven ${MAVEN}" fetch_maven >&2
  rm -rf "${work}"
  chmod +x "${fetched}/bin/mvn"
  echo "${fetched}/bin/mvn"
}

maven=$(find_maven)
[ "$1" != --find ] || exit 0
poms=$(find pom.xml java -name pom.xml ! -path '*/target/*' -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum | cut -c1-24)
goal=${*: -1}
warm=$(cache_dir)/maven-warm-${poms}-${goal##*:}
if [ -e "${warm}" ] && [ -d "${HOME}/.m2/repository" ]; then
  "${maven}" --batch-mode --offline "$@" && exit 0
  # What is missing after all is fetched; an error of the sources comes again.
fi
"${maven}" --batch-mode "$@"
mkdir -p "$(dirname "${warm}")"
touch "${warm}"
