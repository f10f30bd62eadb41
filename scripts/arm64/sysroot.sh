#!/usr/bin/env bash
# Prints the path of a folder with the arm64 headers and libraries that Hedge is
# cross-built against and run with, and makes it if it is missing.
#
# The packages come from the Debian sources of this machine, into an apt state of
# their own with dpkg -x: nothing is installed, no root is needed, and the amd64
# packages stay as they are (libopencv-imgcodecs-dev does not co-install for two
# architectures). apt checks signatures and checksums. A sysroot that is complete
# is not touched; another list of packages gives another folder.
#
# Where the machine's sources have no arm64 (Ubuntu on amd64), name a sources
# file that does in HEDGE_ARM64_SOURCES.
set -euo pipefail

packages=(
    libc6-dev libstdc++-12-dev                    # cgo, C++
    libopencv-imgproc-dev libopencv-imgcodecs-dev # gocv
    libx264-dev libvpx-dev libjpeg-dev            # pipeline/mediadev
)
shim=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../internal/opencvshim" && pwd)

die() {
    printf '%s\n' "arm64: $*" >&2
    exit 1
}

# sources prints the files that tell apt where Debian is. Those of other vendors
# are left out: they need not have arm64, and nothing of theirs is wanted.
sources() {
    local file files=(/etc/apt/sources.list /etc/apt/sources.list.d/{debian,raspi,ubuntu}.sources)
    [[ -z ${HEDGE_ARM64_SOURCES:-} ]] || files=("$HEDGE_ARM64_SOURCES")
    for file in "${files[@]}"; do
        if [[ -s $file ]]; then
            printf '%s\n' "$file"
        fi
    done
}

key=$( (printf '%s\n' "${packages[@]}"; cat "$shim/opencv4.pc" "$shim"/opencv2/*; sources | xargs -r cat) | sha256sum | cut -c1-12)
root=${XDG_CACHE_HOME:-$HOME/.cache}/hedge/sysroot-arm64-$key
if [[ -e $root/.complete ]]; then
    printf '%s\n' "$root"
    exit
fi
command -v apt-get >/dev/null || die "the sysroot is made from Debian packages and this system has no apt"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,sources.list.d,root}
: >"$work/status"
while read -r file; do
    cp "$file" "$work/sources.list.d/debian-${file##*/}"
done < <(sources)
compgen -G "$work/sources.list.d/*" >/dev/null ||
    die "no Debian sources found in /etc/apt; name a sources file with arm64 in HEDGE_ARM64_SOURCES"
# One-line files must end in .list, others in .sources.
for file in "$work"/sources.list.d/*; do
    case $file in
    *.sources | *.list) ;;
    *) mv "$file" "$file.list" ;;
    esac
done

apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64
    -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
    -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources.list.d"
    -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false -o APT::Update::Error-Mode=any)
echo "arm64: downloading the arm64 sysroot (once)" >&2
"${apt[@]}" update >"$work/log" 2>&1 ||
    die "cannot read arm64 package lists: $(tail -n 1 "$work/log") (on a machine whose mirror has no arm64, name a sources file in HEDGE_ARM64_SOURCES)"
"${apt[@]}" --download-only -y install "${packages[@]}" >"$work/log" 2>&1 ||
    die "cannot download the sysroot's packages: $(tail -n 1 "$work/log")"
for deb in "$work"/cache/archives/*.deb; do
    dpkg -x "$deb" "$work/root"
done

# Links to absolute paths would lead out of the sysroot.
while IFS= read -r -d '' link; do
    target=$(readlink "$link")
    ln -sfnr "$work/root$target" "$link"
done < <(find "$work/root" -type l -lname '/*' -print0)
# BLAS and LAPACK, which OpenCV loads, are chosen by alternatives on a system.
lib=$work/root/usr/lib/aarch64-linux-gnu
for name in blas lapack; do
    for file in "$lib/$name"/lib*.so.3; do
        [[ ! -e $file ]] || ln -sr "$file" "$lib/${file##*/}"
    done
done
# gocv asks for the opencv4.pc and opencv.hpp that internal/opencvshim stands in for.
cp "$shim"/opencv2/* "$work/root/usr/include/opencv4/opencv2/"
# shellcheck disable=SC2016 # the braces are pkg-config's
sed 's| *-I${pcfiledir}||' "$shim/opencv4.pc" >"$lib/pkgconfig/opencv4.pc"
rm -rf "$work/root/usr/"{bin,sbin} "$work/root/usr/share/"{doc,man,locale}
touch "$work/root/.complete"

mkdir -p "${root%/*}"
rm -rf "$root"
mv "$work/root" "$root"
printf '%s\n' "$root"
