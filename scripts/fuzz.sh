#!/usr/bin/env bash
# Builds the fuzzers of tests/fuzz with clang in FOLDER and runs each for some seconds, starting from files of the
# repository. What they find new stays in FOLDER/corpus for the next run; an input that breaks one stays in FOLDER/found.
# Usage: scripts/fuzz.sh [FOLDER] [SECONDS] [NAME...], names as in tests/fuzz/meson.build. Last line: how many held.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-fuzz} seconds=${2:-20}
shift $(($# < 2 ? $# : 2))
seeds=$folder/seeds

# seed NAME BYTE FILE: a seed for the fuzzer NAME, the file after one byte (in octal; '' is none) that chooses how it is read.
seed() {
    mkdir -p "$seeds/$1"
    { [ -z "$2" ] || printf '%b' "\\0$2"; cat "$3"; } >"$seeds/$1/$2-$(echo "$3" | tr / _)"
}

# small_safetensors HEADER BYTES: a file with this header and so many bytes of zero. The header ends in spaces, so that it
# stays well-formed when a mutation makes it longer; with them it is below 256 bytes.
small_safetensors() {
    local header="$1        "
    printf '%b' "\\0$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0"
    printf '%s' "$header"
    head -c "$2" /dev/zero
}

make_seeds() {
    local file
    rm -rf "$seeds"
    mkdir -p "$seeds/dataset"
    for file in models/*/config.json tests/golden/model/*/config.json; do
        seed config '' "$file"
    done
    head -n 12 data/ulasan.tsv >"$seeds/some.tsv"
    printf 'id,text,label\n1,"bagus, ""sekali""",positive\r\n2,"dua\nbaris",a\n3,,b\n' >"$seeds/some.csv"
    printf '{"text":"bagus","label":"positive"}\n{"label":2,"text":"\\u00e9 \\ud83d\\ude00","x":[{}]}\n' >"$seeds/some.jsonl"
    for file in "$seeds"/some.*; do
        for byte in 000 001 002 004 010 020 100 241; do
            seed dataset "$byte" "$file"
        done
    done
    for file in examples/gates/*.rules; do
        seed gate 000 "$file"
    done
    printf '[{"model":"a/b","variant":"int?","data":"*","figure":"accuracy","op":">=","bound":"99 %% of fp32"},"ok == true"]' >"$seeds/rules.json"
    seed gate 000 "$seeds/rules.json"
    printf '{"timbang":{"schema":1},"models":[{"name":"m"}],"data":[{"name":"d"}],"variants":[],"results":[{"model":"m","variant":"int8","data":"d","accuracy":0.5,"accuracy_interval":[0.1,0.7],"against_fp32":{"agreement":1},"per_class":{"a.b":{"f1":1}}}],"measured":{"resident":[],"latency":[]},"groups":[{"recipe":"r","results":[]}]}' >"$seeds/results.json"
    seed gate 001 "$seeds/results.json"
    small_safetensors '{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}' 8 >"$seeds/two.safetensors"
    small_safetensors '{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,2]},"classifier.weight":{"dtype":"I8","shape":[],"data_offsets":[2,3]}}' 3 >"$seeds/deep.safetensors"
    for byte in 000 002; do
        seed safetensors "$byte" "$seeds/two.safetensors"
        seed safetensors "$byte" "$seeds/deep.safetensors"
    done
    printf '{"metadata":{},"weight_map":{"a":"1.safetensors"}}' >"$seeds/index.json"
    seed safetensors 001 "$seeds/index.json"
    for file in tests/golden/text/folders/*; do
        [ ! -e "$file/tokenizer.json" ] || seed tokenizer 000 "$file/tokenizer.json"
        [ ! -e "$file/vocab.txt" ] || seed tokenizer 001 "$file/vocab.txt"
        [ ! -e "$file/tokenizer_config.json" ] || seed tokenizer 002 "$file/tokenizer_config.json"
        [ ! -e "$file/special_tokens_map.json" ] || seed tokenizer 003 "$file/special_tokens_map.json"
    done
    head -c 300 data/ulasan.tsv >"$seeds/some.txt"
    seed tokenizer 077 "$seeds/some.txt"
    for file in tests/golden/formats/*.bin; do
        seed torch '' "$file"
    done
}

[ -f "$folder/build.ninja" ] || CC=${CC:-clang} meson setup -Dfuzzers=true -Dtests=false "$folder" >&2
ninja -C "$folder" fuzzers >&2
make_seeds
names=("$@")
[ ${#names[@]} -gt 0 ] || for file in tests/fuzz/fuzz_*.c; do
    file=${file##*/fuzz_}
    names+=("${file%.c}")
done

mkdir -p "$folder/found"
held=0 broken=()
for name in "${names[@]}"; do
    mkdir -p "$folder/corpus/$name"
    log=$folder/fuzz_$name.log
    # A hostile file may ask for at most 1 GiB at once and 10 seconds; anything else is a find.
    if ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 "$folder/tests/fuzz/fuzz_$name" \
        -max_total_time="$seconds" -timeout=10 -malloc_limit_mb=1024 -rss_limit_mb=2048 -print_final_stats=1 \
        -dict=tests/fuzz/words.dict -artifact_prefix="$folder/found/$name-" "$folder/corpus/$name" "$seeds/$name" >"$log" 2>&1; then
        held=$((held + 1))
        state=held
    else
        broken+=("$name")
        state=BROKEN
        grep -v '^#' "$log" | tail -n 50
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 || true)
    echo "fuzz_$name: $state, ${runs:-?} inputs in $seconds s, ${covered:-cov: ?} edges"
done
echo "$held fuzzers held, ${#broken[@]} broken${broken[*]:+: ${broken[*]}}"
[ ${#broken[@]} -eq 0 ]
