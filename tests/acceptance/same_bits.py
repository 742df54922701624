#!/usr/bin/env python3
"""Logits of real models, bit for bit the same on every CPU level, number of threads, batch and build.

Usage: same_bits.py [OPTION]... DATA_FILE MODEL_DIR[,MODEL_DIR...] PROGRAM [PROGRAM...]
PROGRAMs are builds of timbang (gcc, clang, sanitizers, a script that starts one of another machine under emulation,
...). The first one makes the variants in a temporary folder and runs every level with every number of threads and every
batch; the others run each of their own levels once a scheme, and the folders that they make must have the same bytes.

Texts are rows of DATA_FILE, from one word to joined rows of more than 512 tokens. Batches: one text at a time (few rows:
threads split columns, or with long texts rows), some texts, all texts at once (in parts), chosen by timbang; every
second setting has the texts in reverse order. The scalar level runs the first few texts, in one batch for each number
of threads. What is compared with: the best level, one thread, one text at a time, in the order of the file.
"""
import argparse
import filecmp
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

SCHEMES = ["fp32", "fp16", "bf16", "int8", "int4", "int4-g64", "int4-g128", "int4-e4", "int8-pertensor",
           "int4-pertensor"]
THREADS = [1, 2, 3, 7]
CHOSEN = 0


def run(*args, cpu=None):
    env = dict(os.environ)
    env.pop("TIMBANG_CPU", None)
    if cpu:
        env["TIMBANG_CPU"] = cpu
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def levels_of(program):
    return json.loads(run(program, "info", "--cpu", "--json"))["levels"]


def bits(logits):
    return struct.pack(f"<{len(logits)}f", *logits)


class Texts:
    """A list of texts and the files that hold its beginnings, in order and in reverse."""

    def __init__(self, texts, folder):
        self.texts, self.folder = texts, folder

    def file(self, n, reverse):
        path = self.folder / f"texts-{n}{'-reversed' if reverse else ''}.jsonl"
        if not path.exists():
            rows = self.texts[:n][::-1] if reverse else self.texts[:n]
            path.write_text("".join(json.dumps({"text": t}) + "\n" for t in rows))
        return path


def choose_texts(program, data, n):
    """Mostly rows as they are; every fifth one is many of them joined, more and more; every seventh one word."""
    rows = [json.loads(line)["text"] for line in run(program, "predict", "--data", data, "--jsonl",
                                                     "--quiet").splitlines()]
    texts = []
    for i in range(min(n, len(rows))):
        text = rows[i]
        if i % 5 == 4:
            text = " ".join(rows[i:i + 2 + 2 * (i % 19)])
        elif i % 7 == 6:
            text = text.split()[0]
        texts.append(text)
    return texts


def logits(program, folder, texts, n, level, threads, batch, reverse):
    size = ["--batch", batch] if batch != CHOSEN else []
    out = run(program, "predict", "--model", folder, "--data", texts.file(n, reverse), "--jsonl", "--threads", threads,
              *size, "--quiet", cpu=level)
    rows = [json.loads(line) for line in out.splitlines()]
    return [bits(row["logits"]) for row in (rows[::-1] if reverse else rows)], [row["tokens"] for row in rows]


def same_folder(a, b):
    names = sorted(p.name for p in a.iterdir())
    if names != sorted(p.name for p in b.iterdir()):
        return False
    return filecmp.cmpfiles(a, b, names, shallow=False)[0] == names


def settings(levels, args, scheme_index, first):
    """(texts, level, threads, batch, reverse) of one program for one scheme."""
    batches = [1, 7, args.texts, CHOSEN]
    for i, level in enumerate(levels):
        for j, threads in enumerate(THREADS):
            reverse = (i + j + scheme_index) % 2 == 1
            if not first:
                if j == (scheme_index + i) % len(THREADS):
                    yield args.others, level, threads, batches[(scheme_index + j) % len(batches)], reverse
            elif level == "scalar":
                yield args.scalar, level, threads, batches[(scheme_index + j) % len(batches)], reverse
            else:
                for k, batch in enumerate(batches):
                    yield args.texts, level, threads, batch, reverse != (k % 2 == 1)


class Check:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.programs = args.programs
        self.levels = {p: levels_of(p) for p in self.programs}
        self.texts = Texts(choose_texts(self.programs[0], args.data, args.texts), scratch)
        self.failures = self.compared = 0
        self.bits_seen = set()

    def fail(self, what):
        print(what, flush=True)
        self.failures += 1

    def variant(self, model, scheme):
        if scheme == "fp32":
            return pathlib.Path(model)
        folder = self.scratch / f"{pathlib.Path(model).name}-{scheme}"
        run(self.programs[0], "quantize", model, "--to", scheme, "-o", folder, "--quiet")
        for i, other in enumerate(self.programs[1:]):
            copy = self.scratch / f"copy{i}-{folder.name}"
            run(other, "quantize", model, "--to", scheme, "-o", copy, "--quiet", "--threads", 3)
            self.compared += 1
            if not same_folder(folder, copy):
                self.fail(f"DIFFERENT FILES {folder.name}: {other}")
        return folder

    def scheme(self, model, scheme):
        folder, args = self.variant(model, scheme), self.args
        best = self.levels[self.programs[0]][-1]
        want, tokens = logits(self.programs[0], folder, self.texts, args.texts, best, 1, 1, False)
        self.bits_seen.add(tuple(want))
        before = self.compared
        for program in self.programs:
            for n, level, threads, batch, reverse in settings(self.levels[program], args, SCHEMES.index(scheme),
                                                              program == self.programs[0]):
                got, _ = logits(program, folder, self.texts, n, level, threads, batch, reverse)
                self.compared += 1
                different = [i for i in range(len(want[:n])) if i >= len(got) or got[i] != want[i]]
                if different:
                    i = different[0]
                    self.fail(f"DIFFERENT BITS {folder.name} {program} {level} threads {threads} batch {batch} reverse "
                              f"{reverse}: {len(different)} texts, the first one is {i}, of {tokens[i]} tokens")
        print(f"{pathlib.Path(model).name} {scheme}: {self.compared - before} settings, {len(want)} texts of "
              f"{min(tokens)} to {max(tokens)} tokens, {sum(tokens)} in all", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("models")
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--scalar", type=int, default=16, help="texts on the scalar level")
    parser.add_argument("--others", type=int, default=100, help="texts of the other programs")
    parser.add_argument("--schemes", default=",".join(SCHEMES))
    args = parser.parse_args()
    args.scalar, args.others = min(args.scalar, args.texts), min(args.others, args.texts)
    models, schemes = args.models.split(","), args.schemes.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        check = Check(args, pathlib.Path(scratch))
        for program in args.programs:
            print(f"{program}: {', '.join(check.levels[program])}")
        for model in models:
            for scheme in schemes:
                check.scheme(model, scheme)
        if len(check.bits_seen) < len(models) * len(schemes) - 2 * len(models):
            check.fail("the schemes hardly differ: the variants are not what they should be")
    print(f"{check.compared} comparisons, {check.failures} differences")
    sys.exit(check.failures > 0)


main()
