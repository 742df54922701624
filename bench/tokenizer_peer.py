# SPDX-License-Identifier: Apache-2.0
"""Times the tokenizer against Hugging Face `tokenizers`, one thread each, and compares the ids.

    python bench/tokenizer_peer.py BUILD/tests/text/bench_tokenize SHARED [--rounds N] [--markdown FILE]

Every line of every file of SHARED/data is a text; the tokenizers are the three of SHARED. A round encodes a file once
with ours (in its own process) and once with each of theirs, in turn; a pass over a small file is repeated until it has
some length. The time is processor time, so other work on the machine disturbs little; ratios are medians over the rounds
of the ratio within a round. Exits 1 where ids differ or a ratio is below 3.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import tokenizers  # noqa: E402

FILES = ["smsa/train.tsv", "smsa/valid.tsv", "smsa/test.tsv", "emot/train.csv", "emot/valid.csv", "emot/test.csv",
         "tweets/film.csv", "tweets/tv.csv", "text/id-lines.txt"]
TOKENIZERS = {
    "indobert-base-p2": "tokenizer/indobert-base-p2",
    "mini-id-smsa": "models/mini-id-smsa",
    "minilm-smsa": "models/minilm-smsa",
}
WANTED = 3.0
PASS_BYTES = 300000  # of text in a pass of a round, at least


def read_lines(path):
    with open(path, "rb") as f:
        data = f.read()
    lines = data.split(b"\n")
    return [line.decode("utf-8") for line in (lines[:-1] if data.endswith(b"\n") else lines)], len(data)


def our_ids(program, folder, path):
    values = np.frombuffer(subprocess.run([program, folder, path, "--ids"], check=True, capture_output=True).stdout, "<i4")
    rows, at = [], 0
    while at < len(values):
        n = int(values[at])
        rows.append(values[at + 1 : at + 1 + n].tolist())
        at += 1 + n
    return rows


class Ours:
    """One process that encodes the file each time it is told to."""

    def __init__(self, program, folder, path, *flags):
        self.process = subprocess.Popen([program, folder, path, "--serve", *flags], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def seconds(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def their_seconds(encode, lines):
    begin = time.process_time()
    result = encode(lines)
    spent = time.process_time() - begin
    del result
    return spent


def measure(program, folder, path, rounds):
    lines, size = read_lines(path)
    theirs = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    same = our_ids(program, folder, path) == [e.ids for e in theirs.encode_batch(lines)]
    passes = max(1, PASS_BYTES // size)
    ours, with_offsets = Ours(program, folder, path), Ours(program, folder, path, "--offsets")
    times = []
    for number in range(rounds + 1):
        row = [0.0, 0.0, 0.0, 0.0]
        for _ in range(passes):
            row[0] += ours.seconds()
            row[1] += with_offsets.seconds()
            row[2] += their_seconds(theirs.encode_batch, lines)
            row[3] += their_seconds(theirs.encode_batch_fast, lines)
        if number > 0:  # the first one warms up
            times.append(row)
    ours.close()
    with_offsets.close()
    median = [statistics.median(row[i] for row in times) for i in range(4)]
    ratio = statistics.median(row[2] / row[0] for row in times)
    return {
        "same": same,
        "speed": [size * passes / t / 1e6 for t in median],
        "ratio": ratio,
        "offsets": statistics.median(row[2] / row[1] for row in times),
        "fast": statistics.median(row[3] / row[0] for row in times),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shared")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--markdown", help="write the table to this file too")
    options = parser.parse_args()
    lines = ["| tokenizer | file | ours MB/s | with offsets | encode_batch MB/s | ratio | ratio with offsets | "
             "ratio to encode_batch_fast | ids |", "|---|---|---|---|---|---|---|---|---|"]
    print("tokenizers %s, %d rounds\n" % (tokenizers.__version__, options.rounds) + "\n".join(lines), flush=True)
    good = True
    for name, place in TOKENIZERS.items():
        for file in FILES:
            m = measure(options.program, os.path.join(options.shared, place), os.path.join(options.shared, "data", file),
                        options.rounds)
            lines.append("| %s | %s | %.0f | %.0f | %.2f | %.1f | %.1f | %.1f | %s |" % (
                name, file, m["speed"][0], m["speed"][1], m["speed"][2], m["ratio"], m["offsets"], m["fast"],
                "equal" if m["same"] else "DIFFER"))
            print(lines[-1], flush=True)
            good = good and m["same"] and m["ratio"] >= WANTED
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
