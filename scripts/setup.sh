#!/usr/bin/env bash
# Prepares a machine for Hedge. A second run finds everything in place, installs
# nothing and needs no root.
#
#   scripts/setup.sh [packages] [runtime] [weights] [clip]     (default: these)
#   scripts/setup.sh clients    a browser and GStreamer, for the tests that watch the
#                               examples' streams with them and are skipped without
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
    gcc g++ libc6-dev pkg-config                  # cgo
    ffmpeg                                        # decoding and encoding
    libopencv-imgproc-dev libopencv-imgcodecs-dev # gocv
    libjpeg-dev                                   # MJPEG in pipeline/mediadev
    libx264-dev libvpx-dev                        # pion/mediadevices
)
clients=(
    chromium
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav
)

say() { printf '%s\n' "setup: $*"; }
die() {
    printf '%s\n' "setup: $*" >&2
    exit 1
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]
}

# as_root runs one line of shell as root.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        sh -c "$1"
    elif command -v sudo >/dev/null; then
        sudo sh -c "$1"
    else
        die "this needs root and there is no sudo. As root, run: $1"
    fi
}

setup_packages() { install "${packages[@]}"; }
setup_clients() { install "${clients[@]}"; }

# install PACKAGE... installs what is missing of them.
install() {
    if [[ -n ${HEDGE_SKIP_PACKAGES:-} ]]; then
        say "packages: left to you (HEDGE_SKIP_PACKAGES is set)"
        return
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die "packages: this system has no apt. Install what these Debian packages hold:
  $*
and run again with HEDGE_SKIP_PACKAGES=1."
    fi
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "packages: all $# are installed"
        return
    fi
    say "packages: installing ${missing[*]}"
    as_root "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${missing[*]}"
}

# Where neither the release archive nor a package client can be had, Debian's pip
# is one.
setup_runtime() {
    if ! go run ./models/cmd/models runtime; then
        command -v pip3 >/dev/null && die "runtime: ONNX Runtime cannot be had, see above"
        install python3-pip
        go run ./models/cmd/models runtime
    fi
}

# hedge-n is part of the program, so a machine that cannot fetch the others goes on.
# Those of the set best are fetched when they are first asked for.
setup_weights() {
    if ! go run ./models/cmd/models fetch yunet_s yolox_nano lpd_yunet; then
        say "weights: the networks named above are missing: tests that need them are skipped"
    fi
}

setup_clip() {
    local clip
    clip=$(scripts/clip.sh) || die "clip: no recording for the demo"
    say "clip: $clip"
}

command -v go >/dev/null || die "needs Go 1.26 or newer on the PATH (https://go.dev/dl)"
stages=("$@")
((${#stages[@]})) || stages=(packages runtime weights clip)
for stage in "${stages[@]}"; do
    case $stage in
    packages | clients | runtime | weights | clip) "setup_$stage" ;;
    *) die "no stage $stage (packages, clients, runtime, weights, clip)" ;;
    esac
done
