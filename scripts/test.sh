#!/usr/bin/env bash
# Builds everything in FOLDER and runs all tests there. The last line is "N passed, N failed, N skipped".
# Usage: scripts/test.sh [FOLDER] [arguments of meson test...]. TEST_PATIENCE: factor of the time limits.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build}
shift || true
rm -f "$folder/test-summary.txt"
scripts/build.sh "$folder" all -Dtests=true
status=0
# Limits of single tests are for a fast machine; slow ones get five times as long.
meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier "${TEST_PATIENCE:-5}" "$@" ||
    status=$?
python3 scripts/test_summary.py "$folder/meson-logs/testlog.json" "$status" | tee "$folder/test-summary.txt"
exit "${PIPESTATUS[0]}"
