#!/usr/bin/env bash
# Tries what `make release` builds, in a bare Debian in a folder. It needs root,
# debootstrap and qemu-user. Call it through `make release-test`, with everything committed.
#
#   1. Two builds, the second in a clone elsewhere with an empty build cache, give the
#      same bytes (RELEASE_ONCE=1 leaves the second out: it takes minutes).
#   2. The amd64 package is installed without what it merely recommends; every program
#      starts, checks its sample settings, and hides people in a clip by hedge-n; the
#      units are verified; an upgrade leaves settings alone; after removal and purge
#      nothing is left but the owner's own.
#   3. The amd64 archive is unpacked and redacts the same clip.
#   4. The arm64 package is unpacked; every program runs under qemu, and every library
#      that it links is there. ONNX Runtime is not loaded: Debian 12's qemu cannot.
#
#   RELEASE_TEST_DIR  where the folder is made (default: .cache/release-test)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "release-test: $*"; }
die() {
    printf '%s\n' "release-test: $*" >&2
    exit 1
}
. scripts/debian.sh

[[ $(dpkg --print-architecture) == amd64 ]] || die "runs on amd64 only"
[[ -z $(git status --porcelain) ]] || die "what is not committed cannot be built twice: commit it first"
command -v qemu-aarch64 >/dev/null || die "qemu-aarch64 is missing: apt-get install qemu-user"
suite=$(. /etc/os-release && echo "$VERSION_CODENAME") # whose libraries the package needs
work=$(realpath -m "${RELEASE_TEST_DIR:-.cache/release-test}")
dir=$work/root
log=$work/log
[[ ! -e $work ]] || die "$work is there already: remove it, or name another folder in RELEASE_TEST_DIR"
mkdir -p "$work"

say "building"
RELEASE_DIR=$work/one scripts/release.sh
(cd "$work/one" && sha256sum --quiet -c SHA256SUMS)
if [[ -z ${RELEASE_ONCE:-} ]]; then
    say "building again, elsewhere"
    git clone -q --no-hardlinks . "$work/clone"
    (cd "$work/clone" && GOCACHE=$work/gocache PKG_CONFIG_PATH=$PWD/internal/opencvshim RELEASE_DIR=$work/two scripts/release.sh)
    diff "$work/one/SHA256SUMS" "$work/two/SHA256SUMS" || die "two builds differ"
    rm -rf "$work/clone" "$work/gocache" "$work/two"
fi
package=$(echo "$work"/one/hedge_*_amd64.deb)
version=$(dpkg-deb -f "$package" Version)

trap debian_leave EXIT
debian_make systemd
cp "$package" "$dir/root/hedge.deb"
cp "$work"/one/hedge-*-linux-amd64.tar.gz "$dir/root/hedge.tar.gz"
# there LINE runs a line of shell in the folder.
there() { debian_run DEBIAN_FRONTEND=noninteractive "$1" >>"$log" 2>&1 || die "failed: $1: $(tail -n 3 "$log") (see $log)"; }
install='apt-get install -qy --no-install-recommends --reinstall -o Dpkg::Options::=--force-confold'

say "installing $version"
there 'apt-get update -q && touch /root/before'
there "$install /root/hedge.deb"
programs=$(cd "$dir/usr/bin" && echo hedge-*)
[[ $(wc -w <<<"$programs") == 7 ]] || die "programs $programs"
for program in $programs; do
    there "test \"\$($program -version)\" = '${program#hedge-} $version' -o \"\$($program -version)\" = '$program $version'"
    there "$program -h"
    there "! ldd /usr/bin/$program | grep 'not found'"
done
there '! ldd /usr/lib/hedge/libonnxruntime.so.1 | grep "not found"'
for program in doorbell dashcam virtualcam; do
    there "hedge-$program -config /etc/hedge/$program.yaml -policy /usr/share/doc/hedge/examples/policy.json -check"
done
# One person's outline is not needed: the report says which network looked at every frame.
there 'ffmpeg -v error -f lavfi -i testsrc2=s=640x360:r=5:d=1 /root/clip.mp4'
redact='-in /root/clip.mp4 -policy /usr/share/doc/hedge/examples/policy.json'
there "cd /root && hedge-redact-file $redact -out package.mp4 -report package.json && grep hedge-n package.json && ffprobe -v error package.mp4"
there 'mkdir /opt/hedge && tar -xzf /root/hedge.tar.gz -C /opt/hedge --strip-components=1'
there "mv /usr/lib/hedge /root/away; cd /root && /opt/hedge/bin/hedge-redact-file $redact -out archive.mp4; mv /root/away /usr/lib/hedge; cmp package.mp4 archive.mp4"
there 'systemd-analyze verify --man=no /usr/lib/systemd/system/hedge-*.service'

say "upgrading"
there 'systemctl enable hedge-doorbell hedge-dashcam && test -L /etc/systemd/system/multi-user.target.wants/hedge-doorbell.service'
there 'echo "# mine" >>/etc/hedge/doorbell.yaml && install -d /var/lib/private/hedge-doorbell && touch /var/lib/private/hedge-doorbell/policy.json'
dpkg-deb -R "$package" "$work/higher"
sed -i "s/^Version: .*/&.1/" "$work/higher/DEBIAN/control"
echo "# theirs" | tee -a "$work/higher/etc/hedge/doorbell.yaml" >>"$work/higher/etc/hedge/dashcam.yaml"
dpkg-deb -Znone -b --root-owner-group "$work/higher" "$dir/root/higher.deb" >>"$log"
there "$install /root/higher.deb"
there "test \"\$(dpkg-query -W -f '\${Version}' hedge)\" = '$version.1'"
there 'grep -q "^# mine" /etc/hedge/doorbell.yaml && ! grep -q "^# theirs" /etc/hedge/doorbell.yaml && grep -q "^# theirs" /etc/hedge/dashcam.yaml'
there 'test -L /etc/systemd/system/multi-user.target.wants/hedge-doorbell.service && hedge-doorbell -version'

say "removing"
# left prints files of the package, and whatever else has its name, after removal.
files=$(debian_run 'dpkg -L hedge')
left() {
    local file
    while read -r file; do
        if [[ -L $dir$file || -f $dir$file ]]; then printf '%s\n' "$file"; fi
    done <<<"$files"
    (cd "$dir" && find . -xdev -newer root/before -iname '*hedge*' ! -path './root/*' ! -path './proc/*' ! -path './opt/*' \
        ! -path './var/cache/apt/*' ! -path './var/lib/dpkg/info/*' ! -path './var/lib/private/*' | sed 's|^\.||')
}
there 'apt-get remove -qy hedge'
diff <(left | sort -u) <(printf '%s\n' /etc/hedge /etc/hedge/{dashcam,doorbell,virtualcam}.yaml) || die "removal leaves other files (<) than settings (>)"
there 'apt-get purge -qy hedge'
[[ -z $(left) ]] || die "purging leaves $(left | paste -sd ' ')"
there 'test -f /var/lib/private/hedge-doorbell/policy.json'

say "arm64 under qemu"
sysroot=$(scripts/arm64/sysroot.sh)
dpkg-deb -x "$work"/one/hedge_*_arm64.deb "$work/arm64"
[[ $(dpkg-deb -f "$work"/one/hedge_*_arm64.deb Depends) == $(dpkg-deb -f "$package" Depends) ]] || die "the packages depend on different ones"
for program in $programs; do
    file=$work/arm64/usr/bin/$program
    [[ $(readelf -h "$file") == *AArch64* ]] || die "$program is not for arm64"
    run=(env -i HOME=/nonexistent QEMU_CPU=cortex-a72 qemu-aarch64 -L "$sysroot" "$file")
    "${run[@]}" -help >>"$log" 2>&1 || die "$program -help: $(tail -n 3 "$log")"
    [[ $("${run[@]}" -version) == *" $version" ]] || die "$program -version is not $version"
done
for soname in $(readelf -dW "$work"/arm64/usr/bin/* "$work"/arm64/usr/lib/hedge/* | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | sort -u); do
    compgen -G "$sysroot/lib/$soname" >/dev/null || compgen -G "$sysroot/usr/lib/aarch64-linux-gnu/$soname" >/dev/null ||
        compgen -G "$sysroot/lib/aarch64-linux-gnu/$soname" >/dev/null || die "no $soname in the packages that are built against"
done
[[ $(readelf -h "$work/arm64/usr/lib/hedge/libonnxruntime.so.1") == *AArch64* ]] || die "ONNX Runtime is not for arm64"

say "passed: $version, $(wc -w <<<"$programs") programs; built $([[ -n ${RELEASE_ONCE:-} ]] && echo once || echo twice)"
debian_leave
rm -rf "$work"
