#!/usr/bin/env bash
# Prints the path of vtest.avi, a real surveillance clip of people in a public
# place, out of Debian's package opencv-doc. The package (270 MB unpacked) is not
# installed for it: it is downloaded and this one file is taken out, which needs
# no root and works where dpkg is told to leave /usr/share/doc out.
set -euo pipefail

member=usr/share/doc/opencv-doc/examples/data/vtest.avi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hedge/clips
clip=$cache/vtest.avi

die() {
    printf '%s\n' "clip: $*" >&2
    exit 1
}

# take ROOT puts the clip found under ROOT, as it is or compressed, at $clip.
take() {
    local part=$clip.$$.part
    mkdir -p "$cache"
    if [[ -s $1/$member ]]; then
        cp "$1/$member" "$part"
    elif [[ -s $1/$member.gz ]]; then
        gunzip -c "$1/$member.gz" >"$part"
    else
        return 1
    fi
    mv "$part" "$clip"
}

download() {
    local dir=$1
    if (cd "$dir" && apt-get download -q opencv-doc >/dev/null 2>"$dir/log"); then
        return
    fi
    # A machine whose package lists were removed, as in a container image.
    if [[ $(id -u) == 0 ]]; then
        apt-get update -q >/dev/null 2>>"$dir/log" || return 1
        (cd "$dir" && apt-get download -q opencv-doc >/dev/null 2>>"$dir/log")
    else
        return 1
    fi
}

if [[ -s /$member ]]; then
    printf '%s\n' "/$member"
    exit
fi
if [[ -s $clip ]]; then
    printf '%s\n' "$clip"
    exit
fi
if ! take ""; then
    command -v apt-get >/dev/null ||
        die "vtest.avi comes with Debian's opencv-doc and this system has no apt; put the file at $clip"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "clip: downloading Debian's opencv-doc for its vtest.avi" >&2
    download "$work" || die "cannot download opencv-doc: $(tail -n 1 "$work/log") (try apt-get update as root, or put vtest.avi at $clip)"
    dpkg -x "$work"/opencv-doc_*.deb "$work/root"
    take "$work/root" || die "Debian's opencv-doc no longer holds $member; put the file at $clip"
fi
printf '%s\n' "$clip"
