#!/usr/bin/env bash
# Builds for 64-bit ARM with Debian's cross compiler and runs the tests under qemu-user.
# The ARM libraries are unpacked below FOLDER; the system itself is not changed.
# Usage: scripts/cross_aarch64.sh [FOLDER] [arguments of meson test...]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-aarch64}
shift || true
mkdir -p "$folder/sysroot"
root=$(realpath "$folder/sysroot")
libs=$root/usr/lib/aarch64-linux-gnu

if [ ! -e "$libs/libcmocka.so" ] || [ ! -e "$libs/libjansson.so" ]; then
    state=$root/apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    touch "$state/status"
    options=(-o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$state" -o "Dir::State::lists=$state/lists"
        -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=)
    apt-get "${options[@]}" -qq update >&2
    (cd "$state" && apt-get "${options[@]}" -qq download libjansson4 libjansson-dev libcmocka0 libcmocka-dev >&2)
    for package in "$state"/*.deb; do
        dpkg-deb -x "$package" "$root"
    done
fi

# Without the vectorizer: the one of gcc 12 for this machine crashes on a test (tree-vect-loop.cc:7457).
cat >"$folder/cross.ini" <<INI
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
nm = 'aarch64-linux-gnu-nm'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu', '-E', 'LD_LIBRARY_PATH=$libs']

[properties]
sys_root = '$root'
pkg_config_libdir = ['$libs/pkgconfig']

[built-in options]
c_args = ['-isystem', '$root/usr/include', '-fno-tree-vectorize']
c_link_args = ['-L$libs', '-Wl,-rpath-link,$libs']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
INI
# Tests that start the program themselves go through the emulator too.
export TIMBANG_EXE_WRAPPER="qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=$libs"
MESON_ARGS="--cross-file $folder/cross.ini ${MESON_ARGS:-}" scripts/test.sh "$folder" "$@"
