#!/usr/bin/env bash
# Runs the README's two commands on a bare Debian: a folder made by debootstrap
# (minbase, git, make, ca-certificates) with this machine's Go and a clone of the
# last commit, and nothing else of this machine. Call it through `make bare`.
#
#   BARE_DIR       where the folder is made (default: .cache/bare); removed when all is well
#   BARE_SUITE     which Debian (default: bookworm)
#   BARE_COMMANDS  what is run there (default: "make demo;make test")
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "bare: $*"; }
die() {
    printf '%s\n' "bare: $*" >&2
    exit 1
}

[[ $(id -u) == 0 ]] || die "debootstrap and chroot need root: sudo make bare"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
[[ -z $(git status --porcelain) ]] || say "what is not committed is not tried"

suite=${BARE_SUITE:-bookworm}
dir=$(realpath -m "${BARE_DIR:-.cache/bare}")
[[ -e $dir ]] && die "$dir is there already: remove it, or name another folder in BARE_DIR"
goroot=$(go env GOROOT)
mkdir -p "$dir"
log=$dir.log

leave() {
    local mount
    for mount in proc dev/null dev/zero dev/urandom dev/random dev/shm; do
        mountpoint -q "$dir/$mount" && umount "$dir/$mount"
    done
    return 0
}
trap leave EXIT

say "debootstrap $suite into $dir"
debootstrap --variant=minbase --include=git,make,ca-certificates "$suite" "$dir" >"$log" 2>&1 ||
    die "debootstrap failed: $(tail -n 1 "$log") (see $log)"
mount -t proc proc "$dir/proc"
for device in null zero urandom random; do
    [[ -e $dir/dev/$device ]] || : >"$dir/dev/$device"
    mount --bind "/dev/$device" "$dir/dev/$device"
done
mkdir -p "$dir/dev/shm"
mount -t tmpfs tmpfs "$dir/dev/shm"
cp /etc/resolv.conf "$dir/etc/resolv.conf"
# A site's own certificates and names are part of its network, not of the machine.
cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/ca-certificates.crt"
cp -r "$goroot" "$dir/usr/local/go"
git clone -q --no-hardlinks . "$dir/root/hedge"

# bare COMMAND runs a line of shell there, with an environment of its own.
bare() {
    chroot "$dir" /usr/bin/env -i HOME=/root PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 ${GOPROXY:+GOPROXY="$GOPROXY"} ${GONOSUMDB:+GONOSUMDB="$GONOSUMDB"} ${GOSUMDB:+GOSUMDB="$GOSUMDB"} \
        sh -c "cd /root/hedge && $1"
}

bare "dpkg-query -W -f '\${Package}\n'" | sort >"$dir.before"
IFS=';' read -ra commands <<<"${BARE_COMMANDS:-make demo;make test}"
for command in "${commands[@]}"; do
    say "$command"
    bare "$command" 2>&1 | tee -a "$log"
done
say "packages that the two commands installed:"
bare "dpkg-query -W -f '\${Package}\n'" | sort | comm -13 "$dir.before" - | tee -a "$log" | paste -sd ' ' | fold -s -w 100
say "passed; the log is $log"
leave
rm -rf "$dir" "$dir.before"
