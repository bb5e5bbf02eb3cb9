#!/usr/bin/env bash
# Usage: train.sh DIST
# Makes the AOT caches (JEP 483, 514) of the command line and of the engine by running each once.
# A cache is only speed: when one cannot be made, the programs start without it.
set -euo pipefail
dist=$1
java=$(<"${dist}/java-home")/bin/java
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT

train() {
  local name=$1
  shift
  ATOLL_DIST=${dist} "${java}" "-XX:AOTCacheOutput=${dist}/${name}.aot" -XX:+UseSerialGC -Xmx256m \
    --enable-native-access=ALL-UNNAMED "-Dorg.sqlite.lib.path=${dist}/native" \
    -cp "$(<"${dist}/classpath")" dev.atoll.app.Main "$@" ||
    rm -f "${dist}/${name}.aot"
  [ ! -e "${dist}/${name}.aot" ] || chmod a+r "${dist}/${name}.aot"
}

train cli train-cli
train engine train-engine "${work}"
