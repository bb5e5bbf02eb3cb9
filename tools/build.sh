#!/usr/bin/env bash
# Builds the native and the Java programs when their sources changed, and lays out what runs in
# <cache>/dist/<hash of the sources>/:
#   lib/*.jar              the Java program
#   cli.args, engine.args  options and class path of its two ways to run
#   bin/                   atoll-warden, atoll-guest
#   native/                the shared library of the database driver, unpacked once
#   *.aot                  caches that shorten the start
#   java-home              the JDK that built it
# build/current of this tree leads there. Safe to run twice at a time.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"
cd "${ATOLL_HOME}"

sources() {
  find pom.xml .mvn proto java native tools -type f ! -path '*/target/*' ! -path '*/.*.swp' "$@"
}

current=$(current_dist)
if [ -e "${current}/stamp" ] && [ -z "$(sources -newer "${current}/stamp" -print -quit)" ] &&
  [ "$(<"${current}/tree")" = "${ATOLL_HOME}" ] && [ -x "$(<"${current}/java-home")/bin/java" ]; then
  exit 0
fi

hash=$(sources -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-24)
cache=$(cache_dir)
dist=${cache}/dist/${hash}
mkdir -p "${cache}/dist" build
exec 9>"build/.lock"
flock 9

use() {
  ln -sfn "${dist}" build/current.new
  mv -T build/current.new build/current
  echo "${ATOLL_HOME}" >"${dist}/tree"
  touch "${dist}/stamp"
}

if [ -e "${dist}/stamp" ] && [ -x "$(<"${dist}/java-home")/bin/java" ]; then
  use
  exit 0
fi

free=$(df --output=avail -k "${cache}" | tail -1)
[ "${free}" -ge $((2 * 1024 * 1024)) ] ||
  fail "${cache} has $((free / 1024)) MiB free; building and the base template need 2048 MiB"

"${ATOLL_HOME}/tools/toolchain.sh"
JAVA_HOME=$(find_jdk)
export JAVA_HOME
export PATH=${PATH}:${HOME}/.cargo/bin
"${ATOLL_HOME}/tools/maven.sh" --find

step 'Building the native programs' env -C native cargo build --release --locked
step 'Building the Java program' "${ATOLL_HOME}/tools/maven.sh" --quiet -DskipTests -pl java/app -am package

fresh=${dist}.$$
trap 'rm -rf "${fresh}"' EXIT
mkdir -p "${fresh}/bin" "${fresh}/lib" "${fresh}/native"
for program in atoll-warden atoll-guest; do
  install -m 0755 native/target/*/release/"${program}" "${fresh}/bin/${program}"
done
cp java/app/target/dist/lib/*.jar java/app/target/atoll-app-*.jar "${fresh}/lib/"
unzip -qjo "${fresh}"/lib/sqlite-jdbc-*.jar "org/sqlite/native/Linux/$(uname -m)/*" -d "${fresh}/native"
echo "${JAVA_HOME}" >"${fresh}/java-home"
echo "${ATOLL_HOME}" >"${fresh}/tree"
# An AOT cache is valid for the class path it was made with, so that is written down, not globbed.
classpath=$(find "${fresh}/lib" -name '*.jar' -printf "${dist}/lib/%f\n" | LC_ALL=C sort | paste -sd:)
for kind in cli engine; do
  { cat "tools/jvm/${kind}.args" && printf -- '-cp\n%s\n' "${classpath}"; } >"${fresh}/${kind}.args"
done
echo "-Dorg.sqlite.lib.path=${dist}/native" >>"${fresh}/engine.args"
chmod -R a+rX "${fresh}"
rm -rf "${dist}"
mv -T "${fresh}" "${dist}"
trap - EXIT
step 'Training the start' "${ATOLL_HOME}/tools/train.sh" "${dist}"
use

# Older builds go, but for the few that a running instance may still read from, and those that units of
# systemd start from.
find "${cache}/dist" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +5 | cut -d' ' -f2- |
  while read -r old; do
    compgen -G "${old}/installed-*" >/dev/null || rm -rf "${old}"
  done
