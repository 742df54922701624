#!/usr/bin/env bash
# Makes dist/timbang-VERSION-linux-ARCH.tar.gz: one static program that needs no file beside it, the header, a static
# library, manual pages and completions. The same sources and compiler give the same bytes.
# Usage: scripts/dist.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-static}
version=$(sed -n "s/^ *version: '\([0-9.]*\)'.*/\1/p" meson.build | head -n 1)
name=timbang-$version-linux-$(uname -m)
scripts/build.sh "$folder" program -Dstatic=true -Dtests=false -Dpdf=disabled

if ldd "$folder/timbang" >/dev/null 2>&1; then
    echo "$folder/timbang is not static" >&2
    exit 1
fi
stage=$folder/stage/$name
rm -rf "$folder/stage"
mkdir -p "$folder/stage"
# One libdir on every system, and a timbang.pc that is right wherever the tarball is unpacked.
meson configure "$folder" -Dprefix=/usr -Dlibdir=lib -Dpkgconfig.relocatable=true >&2
ninja -C "$folder" installed >&2
meson install -C "$folder" --no-rebuild --quiet --destdir "$(realpath "$folder/stage")/all" >&2
mkdir -p dist
mv "$folder/stage/all/usr" "$stage"
strip "$stage/bin/timbang"
strip --strip-debug --enable-deterministic-archives "$stage/lib/libtimbang.a"
cp README.md LICENSE NOTICE "$stage/"
chmod -R u=rwX,go=rX "$stage"
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${epoch:-0}" -C "$folder/stage" -cf - "$name" |
    gzip -n9 >"dist/$name.tar.gz"
echo "dist/$name.tar.gz"
