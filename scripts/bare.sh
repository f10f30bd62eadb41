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

. scripts/debian.sh

[[ -z $(git status --porcelain) ]] || say "what is not committed is not tried"

suite=${BARE_SUITE:-bookworm}
dir=$(realpath -m "${BARE_DIR:-.cache/bare}")
goroot=$(go env GOROOT)
log=$dir.log
trap debian_leave EXIT
debian_make git,make,ca-certificates
cp -r "$goroot" "$dir/usr/local/go"
git clone -q --no-hardlinks . "$dir/root/hedge"

# bare COMMAND runs a line of shell in the clone.
bare() {
    debian_run ${GOPROXY:+GOPROXY="$GOPROXY"} ${GONOSUMDB:+GONOSUMDB="$GONOSUMDB"} ${GOSUMDB:+GOSUMDB="$GOSUMDB"} \
        "cd /root/hedge && $1"
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
debian_leave
rm -rf "$dir" "$dir.before"
