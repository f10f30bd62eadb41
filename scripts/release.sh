#!/usr/bin/env bash
# Builds what is handed to others: for each architecture a Debian package and an
# archive with the programs, ONNX Runtime's library, systemd units, sample
# settings and licences; and SHA256SUMS. Call it through `make release`.
#
#   scripts/release.sh [amd64] [arm64]     (default: both; on an ARM64 machine arm64)
#
#   RELEASE_DIR      where it goes (default: out/release)
#   RELEASE_VERSION  the version (default: from git: the tag, or 0~ with date and commit)
#
# The same commit gives the same bytes on every machine with the same Go and the same
# Debian: paths are left out, and every time is that of the commit. The package is for
# the Debian that it is built on, whose libraries it links (and its Raspberry Pi OS).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

say() { printf '%s\n' "release: $*"; }
die() {
    printf '%s\n' "release: $*" >&2
    exit 1
}
. scripts/arm64/cross.sh

# version prints the tag, or what comes before every version, with date and commit.
version() {
    local changed='' tag
    [[ -z $(git status --porcelain) ]] || changed=+changed
    if tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null); then
        printf '%s\n' "${tag#v}$changed"
    else
        printf '0~%s.%s%s\n' "$(TZ=UTC git log -1 --date=format-local:%Y%m%d%H%M%S --format=%cd)" "$(git rev-parse --short=12 HEAD)" "$changed"
    fi
}

# licences TREE copies every licence text: Hedge's, and those of what it holds of others.
licences() {
    local doc=$1/share/doc/hedge module dir file
    install -D -m 0644 LICENSE NOTICE CHANGELOG.md -t "$doc"
    install -D -m 0644 deploy/README.md "$doc/README.md"
    install -D -m 0644 examples/dashcam/policy.json "$doc/examples/policy.json"
    cat NOTICE LICENSE >"$doc/copyright"
    install -D -m 0644 deploy/package/onnxruntime-LICENSE "$doc/licences/onnxruntime/LICENSE"
    install -D -m 0644 "$(go env GOROOT)/LICENSE" "$doc/licences/go/LICENSE"
    for file in models/*/LICENSE; do
        install -D -m 0644 "$file" "$doc/licences/$file"
    done
    while read -r module dir; do
        find "$dir" -maxdepth 1 -type f -regextype egrep -iregex '.*/(licen[cs]e|copying|copyright|notice)[^/]*' \
            -exec install -D -m 0644 -t "$doc/licences/$module" {} +
        [[ -d $doc/licences/$module ]] || die "no licence in module $module"
    done < <(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./examples/... | sort -u)
}

# depends FILE... prints the Debian packages of the libraries that the files link. They
# have the same names on both architectures.
depends() {
    local soname package libc
    libc=$(readelf -VW "$@" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
    for soname in $(readelf -dW "$@" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | sort -u); do
        [[ $soname != ld-linux* ]] || continue # goes with libc.so.6
        package=$(dpkg-query -S "*/$soname" 2>/dev/null | sed -nE "s/^([^:, ]+):$(dpkg --print-architecture): .*/\1/p" | sort -u)
        [[ -n $package && $package != *$'\n'* ]] || die "$soname is in no package, or in several: $package"
        if [[ $package == libc6 ]]; then
            package="libc6 (>= ${libc#GLIBC_})"
        fi
        printf '%s\n' "$package"
    done | sort -u
}

# release ARCH builds package and archive.
release() {
    local arch=$1 name=hedge-$version-linux-$1 program file runtime build=()
    local tree=$work/$name units=$work/units-$arch
    if [[ $arch != "$(dpkg --print-architecture)" ]]; then
        build=(cross)
    fi
    say "$arch: programs"
    HEDGE_VERSION=$version "${build[@]}" scripts/programs.sh "$work/programs-$arch"
    for program in "$work/programs-$arch"/*; do
        file=${program##*/}
        install -D -m 0755 "$program" "$tree/bin/hedge-${file#hedge-}"
    done
    go run ./models/cmd/models runtime -arch "$arch" >"$work/runtime" || die "no ONNX Runtime for $arch, see above"
    runtime=$(grep -o '/.*libonnxruntime.*' "$work/runtime")
    install -D -m 0644 "$runtime" "$tree/lib/hedge/libonnxruntime.so.1"
    install -D -m 0644 deploy/{doorbell,dashcam,virtualcam}.yaml -t "$tree/etc"
    install -D -m 0644 deploy/hedge-*.service -t "$tree/systemd"
    licences "$tree"
    install -d "$units"
    for file in deploy/hedge-*.service; do
        sed 's|=/usr/local/bin/|=/usr/bin/|' "$file" >"$units/${file##*/}"
    done
    # What somebody's umask took away comes back, and every time is the commit's.
    chmod -R u=rwX,go=rX "$tree" "$units"
    find "$tree" "$units" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

    say "$arch: archive and package"
    tar -C "$work" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$name" |
        gzip -n9 >"$out/$name.tar.gz"
    sed "s|@ARCH@|$arch|; s|@VERSION@|$version|; s|@TREE@|$tree|; s|@UNITS@|$units|" deploy/package/nfpm.yaml >"$work/nfpm-$arch.yaml"
    depends "$tree"/bin/* "$tree"/lib/hedge/* | sed 's/^/  - /' >>"$work/nfpm-$arch.yaml"
    "$work/nfpm" package --config "$work/nfpm-$arch.yaml" --packager deb --target "$out/hedge_${version}_$arch.deb" >"$work/log" || die "$(cat "$work/log")"
}

[[ $(uname -s) == Linux ]] && command -v dpkg-query readelf >/dev/null || die "needs Debian, with binutils"
arches=("$@")
if ((${#arches[@]} == 0)); then
    arches=(arm64)
    [[ $(uname -m) == aarch64 ]] || arches=(amd64 arm64)
fi
out=${RELEASE_DIR:-out/release}
version=${RELEASE_VERSION:-$(version)}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
GOFLAGS="${GOFLAGS:--tags=gocv_specific_modules} -buildvcs=false"
export SOURCE_DATE_EPOCH GOFLAGS LC_ALL=C
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

GOFLAGS='' GOBIN=$work go install "$nfpm"
for arch in "${arches[@]}"; do
    case $arch in
    "$(dpkg --print-architecture)") ;;
    arm64)
        install_tools
        sysroot=$(scripts/arm64/sysroot.sh)
        ;;
    *) die "$arch is not built here (amd64, and arm64 there too)" ;;
    esac
    release "$arch"
done
(cd "$out" && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS)
say "version $version, in $out:"
sed 's/^/  /' "$out/SHA256SUMS"
