#!/usr/bin/env bash
# Proves that the tarball of `make dist` runs in an empty chroot and that its library links.
# Usage: scripts/check_dist.sh TARBALL. The chroot needs root, or user namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."

tarball=$(realpath "$1")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
tar -xzf "$tarball" -C "$room" --strip-components=1
enter=(chroot)
[ "$(id -u)" = 0 ] || enter=(unshare --map-root-user chroot)

mkdir "$room/empty"
cp "$room/bin/timbang" "$room/empty/"
"${enter[@]}" "$room/empty" /timbang --version
answer=$("${enter[@]}" "$room/empty" /timbang predict --json "Filmnya bagus sekali")
echo "$answer"
case $answer in *'"positive"'*) ;; *) echo "the embedded model gave no answer in an empty chroot" >&2 && exit 1 ;; esac
[ -z "$(find "$room/empty" -mindepth 1 ! -name timbang)" ] || { echo "it left files behind" >&2 && exit 1; }

cat >"$room/try.c" <<'CODE'
#include "timbang.h"
#include <stdio.h>
int main(void)
{
    timbang_context *ctx = NULL;
    timbang_status status = timbang_context_create(NULL, &ctx);
    printf("libtimbang %s: %s\n", timbang_version(), timbang_status_name(status));
    timbang_context_free(ctx);
    return (int)status;
}
CODE
"${CC:-cc}" -I"$room/include" "$room/try.c" -L"$room/lib" -ltimbang -ljansson -lm -pthread -o "$room/try"
"$room/try"
echo "the tarball ($(du -h "$tarball" | cut -f1)) runs in an empty chroot, its library links"
