#!/usr/bin/env bash
# Builds the programs of examples into a folder, as they are handed to others: as
# position-independent executables whose relocations are read-only once they run,
# without this machine's paths.
#
#   scripts/programs.sh FOLDER [PROGRAM]...     (default: all)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:?name the folder to build into}
shift
programs=("$@")
((${#programs[@]})) || programs=(redact-file doorbell dashcam virtualcam)
mkdir -p "$out"
CGO_ENABLED=1 go build -trimpath -buildmode=pie \
    -ldflags='-s -w -linkmode=external -extldflags "-Wl,-z,relro,-z,now"' \
    -o "$out/" "${programs[@]/#/./examples/}"
