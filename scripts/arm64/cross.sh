# shellcheck shell=bash
# What builds for ARM64 on an amd64 Debian; to be sourced. After install_tools and
# sysroot=$(scripts/arm64/sysroot.sh), cross runs a command. die, which says why
# and ends, is the script's own.

# install_tools installs a cross compiler and qemu.
install_tools() {
    local missing=() package
    for package in gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user; do
        [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
    done
    command -v python3 >/dev/null || missing+=(python3)
    ((${#missing[@]})) || return 0
    # The dynamic qemu-user, because the static one takes no plugins.
    local line="apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${missing[*]}"
    if [[ -n ${HEDGE_SKIP_PACKAGES:-} ]]; then
        die "needs ${missing[*]}, and HEDGE_SKIP_PACKAGES is set"
    elif [[ $(id -u) == 0 ]]; then
        sh -c "$line"
    elif command -v sudo >/dev/null; then
        sudo sh -c "$line"
    else
        die "this needs root and there is no sudo. As root, run: $line"
    fi
}

# cross runs a command with the environment of the cross build.
cross() {
    env GOOS=linux GOARCH=arm64 CGO_ENABLED=1 \
        CC="aarch64-linux-gnu-gcc --sysroot=$sysroot" CXX="aarch64-linux-gnu-g++ --sysroot=$sysroot" \
        CGO_LDFLAGS="-g -O2 -L$sysroot/usr/lib/aarch64-linux-gnu -Wl,--allow-shlib-undefined" \
        PKG_CONFIG_PATH='' PKG_CONFIG_SYSROOT_DIR="$sysroot" \
        PKG_CONFIG_LIBDIR="$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:$sysroot/usr/share/pkgconfig" \
        "$@"
}
