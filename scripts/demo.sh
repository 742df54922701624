#!/usr/bin/env bash
# What `make demo` runs after the build: a study of the small model on the sample data; the program prints the table and
# where the report is.
# Usage: scripts/demo.sh PROGRAM FOLDER. A second run replaces the first.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$1 out=$2
"$program" study --model models/mini-id-smsa --data data/ulasan.tsv --variants fp32,fp16,int8,int4 --timing-seconds 3 --force -o "$out"
echo
echo "next: $program study --model YOUR-MODEL --data YOUR-DATA.tsv -o my-study"
