#!/usr/bin/env bash
# What `make test-all` runs after `make test`: the same tests built by clang, under the address, undefined and thread
# sanitizers, for 64-bit ARM under emulation, and the static tarball in an empty chroot. Goes through all parts, then
# prints one line each.
# Usage: scripts/test_all.sh [PART...], parts: clang asan tsan aarch64 dist format
set -uo pipefail
cd "$(dirname "$0")/.." || exit

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(format clang asan tsan aarch64 dist)
lines=() failed=0

run_part() {
    case $1 in
    format) make --no-print-directory check-format ;;
    clang) CC=clang scripts/test.sh build-clang ;;
    asan)
        MESON_ARGS="-Db_sanitize=address,undefined -Db_lundef=false" UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
            ASAN_OPTIONS=detect_leaks=1 TEST_PATIENCE=20 scripts/test.sh build-asan
        ;;
    tsan) # without address randomization, which its fixed shadow mapping cannot bear on newer kernels
        MESON_ARGS="-Db_sanitize=thread -Db_lundef=false" TSAN_OPTIONS=halt_on_error=1 \
            TEST_PATIENCE=40 TEST_WRAPPER="setarch $(uname -m) -R" scripts/test.sh build-tsan
        ;;
    aarch64) TEST_PATIENCE=60 scripts/cross_aarch64.sh build-aarch64 ;;
    dist) scripts/check_dist.sh "$(scripts/dist.sh build-static)" ;;
    *) echo "unknown part '$1'" >&2 && return 2 ;;
    esac
}

for part in "${parts[@]}"; do
    echo "== $part"
    if run_part "$part"; then
        lines+=("$part: ok")
    else
        lines+=("$part: FAILED")
        failed=1
    fi
done
echo
printf '%s\n' "${lines[@]}"
exit $failed
