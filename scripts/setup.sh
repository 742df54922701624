#!/usr/bin/env bash
# Installs what is missing to build, test or check Timbang on Debian; quick and silent when nothing is.
# Usage: scripts/setup.sh build|test|all. The one list of packages of the project. As root it asks for nothing;
# as anybody else it prints the command that would install them and stops with 2.
set -euo pipefail

level=${1:-build}
missing=()

need() { # need PACKAGE COMMAND...: PACKAGE is missing when COMMAND fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has() { command -v "$1"; }
includes() { echo "#include <$1>" | "${CC_FOUND:-cc}" -E -; }
cxx() { has c++ || has g++ || has clang++; }
fuzzer_runtime() { compgen -G "$(clang --print-runtime-dir)/libclang_rt.fuzzer*"; }
shared_object() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -F "$1" >/dev/null; }
library() { has pkg-config && pkg-config --exists "$1"; }

case $level in build | test | all) ;; *) echo "usage: scripts/setup.sh build|test|all" >&2 && exit 2 ;; esac

# A compiler: the one named by CC, else the first of these.
CC_FOUND=
for candidate in ${CC:-} cc gcc clang; do
    if has "$candidate" >/dev/null; then CC_FOUND=$candidate && break; fi
done
[ -n "$CC_FOUND" ] || missing+=(gcc)
need libc6-dev includes stdio.h
need make has make
need python3 has python3
need meson has meson
need ninja-build has ninja
need pkg-config has pkg-config
need libjansson-dev library jansson
wanted=() # nothing is built from these; without them a study writes its figures as SVG only
shared_object librsvg-2.so.2 || wanted+=(librsvg2-2 fonts-dejavu-core)
if [ "$level" != build ]; then
    need libcmocka-dev library cmocka
    need g++ cxx # the public header is read as C++ too
fi
if [ "$level" = all ]; then
    need clang has clang
    need libclang-rt-dev fuzzer_runtime
    need clang-format has clang-format
    need binutils has ar
    need gcc-aarch64-linux-gnu has aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
    need qemu-user has qemu-aarch64
fi

if [ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ]; then exit 0; fi
root_of_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
if [ ${#missing[@]} -eq 0 ] && ! root_of_debian; then exit 0; fi

if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (names of Debian packages); please install them with your system's package manager" >&2
    exit 2
fi
if [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]}" >&2
    echo "to install:  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
fi
export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
install() { apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null </dev/null; }
echo "installing: ${missing[*]} ${wanted[*]}" >&2
apt-get update -qq >/dev/null </dev/null || echo "apt-get update failed; trying with the lists that are here" >&2
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
[ ${#wanted[@]} -eq 0 ] || install "${wanted[@]}" || echo "without ${wanted[*]}: figures will be SVG only" >&2
