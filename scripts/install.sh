#!/usr/bin/env bash
# Builds what is missing in FOLDER and installs it below PREFIX: the program, libtimbang shared and static, the header,
# timbang.pc, manual pages, completions for bash, zsh and fish, examples of gates.
# Usage: scripts/install.sh FOLDER [PREFIX]. DESTDIR from the environment goes before PREFIX, for packages.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1 prefix=${2:-/usr/local}
case $prefix in /*) ;; *) echo "PREFIX is '$prefix'; it must begin with /" >&2 && exit 2 ;; esac
[ -f "$folder/build.ninja" ] || scripts/build.sh "$folder" program
meson configure "$folder" -Dprefix="$prefix" >&2
ninja -C "$folder" installed >&2
meson install -C "$folder" --no-rebuild >&2

if [ -z "${DESTDIR:-}" ]; then
    [ "$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
    command -v timbang >/dev/null || echo "note: $prefix/bin is not in PATH" >&2
    PKG_CONFIG_PATH=${PKG_CONFIG_PATH:-} pkg-config --exists timbang ||
        echo "note: pkg-config finds timbang with PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name timbang.pc -print -quit)")" >&2
fi
echo "timbang is installed below ${DESTDIR:-}$prefix"
