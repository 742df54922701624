#!/usr/bin/env bash
# Configures FOLDER where needed, builds, and leaves the program as FOLDER/timbang.
# Usage: scripts/build.sh FOLDER [program|all] [-Doption=value...]. Options are applied again only when they changed;
# without any, a new folder builds no tests (and needs no cmocka) and an old one stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1 what=${2:-program}
shift 2 || shift
[ "$what" = all ] || [ "$what" = program ] || { echo "usage: scripts/build.sh FOLDER [program|all] [-D...]" >&2 && exit 2; }

wanted="$*"
if [ ! -f "$folder/build.ninja" ]; then
    [ $# -gt 0 ] || set -- -Dtests=false
    # shellcheck disable=SC2086 # MESON_ARGS holds several words
    meson setup ${MESON_ARGS:-} "$@" "$folder" >&2
elif [ -n "$wanted" ] && [ "$wanted" != "$(cat "$folder/.options" 2>/dev/null)" ]; then
    meson configure "$@" "$folder" >&2
fi
[ -z "$wanted" ] || echo "$wanted" >"$folder/.options"

if [ "$what" = all ]; then
    ninja -C "$folder" >&2
else
    ninja -C "$folder" cli/timbang >&2
fi
# A link, so that build/timbang is the program itself.
ln -f "$folder/cli/timbang" "$folder/timbang" 2>/dev/null || cp -f "$folder/cli/timbang" "$folder/timbang"
