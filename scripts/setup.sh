#!/usr/bin/env bash
# Installs what `make demo`, `make test` or `make lint` needs and this machine lacks, from Debian, PyPI and npm.
#
#   scripts/setup.sh demo|test|lint
#
# Says what it installs, asks for sudo when not root, and does nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
demo | test | lint) goal=$1 ;;
*)
    echo "usage: scripts/setup.sh demo|test|lint" >&2
    exit 64
    ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}
lacks() { ! command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Debian keeps servers in sbin, which is not on everybody's path.
PATH="$PATH:/usr/sbin:/sbin"

# The Rust toolchain is the one thing that is not installed from here: its version is the user's business.
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
lacks cargo && die "cargo is not installed: install Rust $wanted or newer with rustup, then run this again"
have=$(rustc --version | cut -d' ' -f2 | cut -d- -f1)
if [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n1)" != "$wanted" ]; then
    die "Rust $have is older than $wanted: run 'rustup update stable', then this again"
fi

packages=()
needs() { if lacks "$1"; then packages+=("$2"); fi; }

needs cc gcc
needs c++ g++     # JPEG-LS and HTJ2K
needs cmake cmake # JPEG and JPEG-LS
needs nasm nasm   # JPEG
if [ ! -e /usr/include/openjph/ojph_codestream.h ]; then packages+=(libopenjph-dev); fi # HTJ2K
if [ ! -e /usr/include/stdlib.h ]; then packages+=(libc6-dev); fi
if [ "$goal" = test ]; then
    needs storescp dcmtk       # sender and receiver most sites know
    needs dcmdump dcmtk        # a foreign reader
    needs Orthanc orthanc      # the PACS
    needs dciodvfy dicom3tools # the referee for objects
    needs strace strace        # shows the order of system calls, and makes them fail
    needs faketime faketime    # a clock that jumps
    needs mkfs.ext4 e2fsprogs  # disks whose power is cut
    needs mkfs.xfs xfsprogs
    needs eatmydata eatmydata  # a gate whose syncs do nothing, which must be found out
    needs node nodejs
    needs npm npm
fi
if [ "$goal" != demo ]; then
    needs python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
fi

if [ ${#packages[@]} -gt 0 ]; then
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    lacks apt-get && die "please install these by the means of your system: ${packages[*]} (here it is done for Debian)"
    if [ "$(id -u)" -ne 0 ] && lacks sudo; then
        die "please run as root: apt-get install ${packages[*]}"
    fi
    say "installing from Debian: ${packages[*]}"
    # Debian starts and enables the server it installs; the tests start their own, so this one stays off.
    policy=/usr/sbin/policy-rc.d
    if [[ " ${packages[*]} " == *" orthanc "* ]] && [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${packages[@]}" >&2
    if [[ " ${packages[*]} " == *" orthanc "* ]] && [ -d /run/systemd/system ]; then
        say "leaving the orthanc service of Debian disabled: systemctl enable --now orthanc starts it"
        as_root systemctl disable --quiet orthanc >&2 || true
    fi
fi

# A Python environment of our own, made again when what it should hold changes.
python_environment() { # $1 folder, $2 requirements
    cmp -s "$2" "$1/.requirements" && return
    say "installing from PyPI into $1: $(grep -v '^#' "$2" | cut -d' ' -f1 | xargs)"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2" >&2
    cp "$2" "$1/.requirements"
}

case "$goal" in
test)
    python_environment .venv tests/peers/requirements.txt
    if ! cmp -s tests/peers/package-lock.json tests/peers/node_modules/.installed; then
        say "installing from npm into tests/peers/node_modules: dcmjs-dimse"
        (cd tests/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
        cp tests/peers/package-lock.json tests/peers/node_modules/.installed
    fi
    ;;
lint)
    python_environment .venv-lint scripts/lint-requirements.txt
    ;;
esac
