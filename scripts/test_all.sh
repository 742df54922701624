#!/usr/bin/env bash
# What `make test-all` runs after `make test`: the same tests built by clang, under the address, undefined and thread
# sanitizers, for 64-bit ARM under emulation; the fuzzers for a while; the static tarball in an empty chroot. A warning
# of the compiler fails a part. Goes through all parts, then prints one line each: its last one, and how long it took.
# Usage: scripts/test_all.sh [PART...], parts: format clang asan tsan aarch64 fuzz dist
set -uo pipefail
cd "$(dirname "$0")/.." || exit

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(format clang asan tsan aarch64 fuzz dist)
lines=() failed=0 no_random=()

run_part() {
    case $1 in
    format) make --no-print-directory check-format ;;
    clang) CC=clang MESON_ARGS=--werror scripts/test.sh build-clang ;;
    asan)
        MESON_ARGS="--werror -Db_sanitize=address,undefined -Db_lundef=false" UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
            ASAN_OPTIONS=detect_leaks=1 TEST_PATIENCE=20 scripts/test.sh build-asan
        ;;
    tsan) # without address randomization, which its fixed shadow mapping cannot bear on newer kernels; without the PDF
        # libraries, whose own threads (fontconfig's) it cannot follow
        ! setarch "$(uname -m)" -R true 2>/dev/null || no_random=(setarch "$(uname -m)" -R)
        MESON_ARGS="--werror -Db_sanitize=thread -Db_lundef=false -Dpdf=disabled" TSAN_OPTIONS=halt_on_error=1 \
            TEST_PATIENCE=40 "${no_random[@]}" scripts/test.sh build-tsan
        ;;
    aarch64) MESON_ARGS=--werror TEST_PATIENCE=60 scripts/cross_aarch64.sh build-aarch64 ;;
    fuzz) scripts/fuzz.sh build-fuzz 20 ;;
    dist) scripts/check_dist.sh "$(scripts/dist.sh build-static)" ;;
    *) echo "unknown part '$1'" >&2 && return 2 ;;
    esac
}

said=$(mktemp)
trap 'rm -f "$said"' EXIT
for part in "${parts[@]}"; do
    echo "== $part"
    SECONDS=0
    if run_part "$part" | tee "$said"; then
        state=ok
    else
        state=FAILED failed=1
    fi
    lines+=("$part: $state, $(tail -n 1 "$said") ($SECONDS s)")
done
echo
printf '%s\n' "${lines[@]}"
exit $failed
