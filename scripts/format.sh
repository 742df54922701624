#!/usr/bin/env bash
# Formats the C files with clang-format, or only checks them: scripts/format.sh write|check. Generated tables are left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-format >/dev/null || { echo "clang-format is missing (scripts/setup.sh all installs it)" >&2 && exit 2; }
files=()
while IFS= read -r file; do
    head -n 8 "$file" | grep -qiE '(generated|made) by (tests|scripts)/' || files+=("$file")
done < <(find src include cli tests bench -name '*.[ch]' | LC_ALL=C sort)
case ${1:-} in
write) clang-format -i "${files[@]}" ;;
check) clang-format --dry-run --Werror "${files[@]}" && echo "${#files[@]} files are formatted" ;;
*) echo "usage: scripts/format.sh write|check" >&2 && exit 2 ;;
esac
