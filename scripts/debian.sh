# shellcheck shell=bash
# A bare Debian in a folder, to try things in; to be sourced. It needs root. dir is the
# folder, log a file beside it, suite which Debian; say and die are the script's own.

# debian_make PACKAGES makes it by debootstrap (minbase, and these packages,
# comma-separated), with this machine's name server and certificates, which are part of
# its network and not of the machine.
debian_make() {
    [[ $(id -u) == 0 ]] || die "debootstrap and chroot need root: run it with sudo"
    command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
    [[ -e $dir ]] && die "$dir is there already: remove it, or name another folder"
    mkdir -p "$dir"
    say "debootstrap $suite into $dir"
    debootstrap --variant=minbase --include="$1" "$suite" "$dir" >"$log" 2>&1 ||
        die "debootstrap failed: $(tail -n 1 "$log") (see $log)"
    mount -t proc proc "$dir/proc"
    local device
    for device in null zero urandom random; do
        [[ -e $dir/dev/$device ]] || : >"$dir/dev/$device"
        mount --bind "/dev/$device" "$dir/dev/$device"
    done
    mkdir -p "$dir/dev/shm"
    mount -t tmpfs tmpfs "$dir/dev/shm"
    cp /etc/resolv.conf "$dir/etc/resolv.conf"
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt -t "$dir/etc/ssl/certs"
}

# debian_run [NAME=VALUE]... COMMAND runs a line of shell there, with an environment of
# its own.
debian_run() {
    chroot "$dir" /usr/bin/env -i HOME=/root PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 "${@:1:$#-1}" sh -c "${*: -1}"
}

# debian_leave unmounts what debian_make has mounted.
debian_leave() {
    local mount
    for mount in proc dev/null dev/zero dev/urandom dev/random dev/shm; do
        mountpoint -q "$dir/$mount" && umount "$dir/$mount"
    done
    return 0
}
