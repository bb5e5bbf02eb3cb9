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
  local kind=$1
  shift
  ATOLL_DIST=${dist} "${java}" "@${dist}/${kind}.args" "-XX:AOTCacheOutput=${dist}/${kind}.aot" dev.atoll.app.Main "$@" ||
    rm -f "${dist}/${kind}.aot"
  [ ! -e "${dist}/${kind}.aot" ] || chmod a+r "${dist}/${kind}.aot"
}

train cli train-cli
train engine train-engine "${work}"
