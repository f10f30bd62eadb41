#!/usr/bin/env bash
# Builds the programs of examples into a folder, as they are handed to others: as
# position-independent executables whose relocations are read-only once they run,
# without this machine's paths.
#
#   scripts/programs.sh FOLDER [PROGRAM]...     (default: all)
#
# HEDGE_TAGS=nox264 leaves libx264 out, which is under the GPL; OpenH264 encodes
# live streams in its place. HEDGE_VERSION is the version that they print.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:?name the folder to build into}
shift
programs=("$@")
((${#programs[@]})) || programs=(redact-file doorbell dashcam virtualcam hedge-notice hedge-proof archive)
mkdir -p "$out"
CGO_ENABLED=1 go build -tags "gocv_specific_modules${HEDGE_TAGS:+,$HEDGE_TAGS}" -trimpath -buildmode=pie \
    -ldflags="-s -w -buildid= -linkmode=external -extldflags '-Wl,-z,relro,-z,now'${HEDGE_VERSION:+ -X github.com/hedgecam/hedge/examples/internal/buildinfo.stamped=$HEDGE_VERSION}" \
    -o "$out/" "${programs[@]/#/./examples/}"
