# shellcheck shell=bash
# Shared by ./atoll and the scripts beside this file; sourced, needs ATOLL_HOME.

JAVA_VERSION=25

# Says one clear line and ends.
fail() {
  printf 'atoll: %s\n' "$1" >&2
  exit 1
}

# Where what is fetched and built is kept. ATOLL_CACHE overrides it.
cache_dir() {
  if [ -n "${ATOLL_CACHE-}" ]; then
    echo "${ATOLL_CACHE}"
  elif [ "$(id -u)" = 0 ]; then
    echo /var/cache/atoll
  else
    echo "${XDG_CACHE_HOME:-${HOME}/.cache}/atoll"
  fi
}

# The build that ./atoll runs: build/current of this tree leads into the cache, so that the
# unprivileged user of the engine can read it wherever the tree itself lies.
current_dist() {
  echo "${ATOLL_HOME}/build/current"
}

# 0 when this is a JDK of the version we need.
is_jdk() {
  [ -x "$1/bin/javac" ] && grep -q "^JAVA_VERSION=\"${JAVA_VERSION}[.\"]" "$1/release" 2>/dev/null
}

# Prints the home of a JDK, or nothing.
find_jdk() {
  local candidate on_path
  on_path=$(command -v javac || true)
  for candidate in "${JAVA_HOME-}" /usr/lib/jvm/* /opt/java/* /opt/jdk* \
    "${on_path:+$(dirname "$(dirname "$(readlink -f "${on_path}")")")}"; do
    if [ -n "${candidate}" ] && is_jdk "${candidate}"; then
      echo "${candidate}"
      return
    fi
  done
}

# Becomes the Java program. The JDK's home is remembered by the build: looking for it costs more than
# a command should.
run_java() {
  local java options
  ATOLL_DIST=$(readlink -f "$(current_dist)")
  ATOLL_CACHE=$(cache_dir)
  export ATOLL_DIST ATOLL_CACHE
  java=$(<"${ATOLL_DIST}/java-home")/bin/java
  options=("@${ATOLL_DIST}/cli.args")
  [ ! -e "${ATOLL_DIST}/cli.aot" ] || options+=("-XX:AOTCache=${ATOLL_DIST}/cli.aot")
  [ "${1-}" != bench ] || options+=(-Xmx512m)
  exec "${java}" "${options[@]}" dev.atoll.app.Main "$@"
}

# Installs packages of the distribution, for a step.
apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

outcome() {
  if [ "$1" = 0 ]; then echo 'done'; else echo failed; fi
}

# step TEXT COMMAND...: runs it with its output kept in a log, shows progress with the time it took:
# a line that counts on a terminal, plain lines elsewhere.
step() {
  local text=$1 log pid start=${SECONDS} status=0
  shift
  mkdir -p "$(cache_dir)/log"
  log=$(cache_dir)/log/$(tr -c 'a-z0-9\n' - <<<"${text,,}").log
  if [ -t 1 ]; then
    "$@" >"${log}" 2>&1 &
    pid=$!
    trap 'kill "${pid}" 2>/dev/null; exit 130' INT TERM
    while kill -0 "${pid}" 2>/dev/null; do
      printf '\r%s … %d s ' "${text}" $((SECONDS - start))
      sleep 0.5
    done
    wait "${pid}" || status=$?
    trap - INT TERM
    printf '\r%s: %s (%d s)   \n' "${text}" "$(outcome "${status}")" $((SECONDS - start))
  else
    printf '%s …\n' "${text}"
    "$@" >"${log}" 2>&1 || status=$?
    printf '%s: %s (%d s)\n' "${text}" "$(outcome "${status}")" $((SECONDS - start))
  fi
  if [ "${status}" != 0 ]; then
    tail -n 25 "${log}" >&2
    fail "${text} failed; all of its output: ${log}"
  fi
}
