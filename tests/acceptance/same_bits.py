#!/usr/bin/env python3
"""Logits of real models, byte for byte the same on every CPU level, number of threads, batch size and build.

Usage: same_bits.py DATA_FILE MODEL_DIR[,MODEL_DIR...] PROGRAM [PROGRAM...]
PROGRAMs are builds of timbang (gcc, clang, sanitizers, ...). The first one makes the variants in a temporary folder; the
folders that the others make must have the same bytes. 300 texts; the scalar level runs the first 32 of them.
"""
import filecmp
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SCHEMES = ["fp32", "fp16", "bf16", "int8", "int4", "int4-g64", "int4-g128", "int4-e4", "int8-pertensor",
           "int4-pertensor"]


def run(*args, cpu=None):
    env = dict(os.environ)
    env.pop("TIMBANG_CPU", None)
    if cpu:
        env["TIMBANG_CPU"] = cpu
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def logits(program, folder, texts, cpu, threads, batch):
    size = ["--batch", batch] if batch else []
    out = run(program, "predict", "--model", folder, "--data", texts, "--jsonl", "--threads", threads, *size, "--quiet",
              cpu=cpu)
    return [json.loads(line)["logits"] for line in out.splitlines()]


def write_texts(program, data, n, path):
    rows = [json.loads(line)["text"] for line in
            run(program, "predict", "--data", data, "--jsonl", "--quiet").splitlines()[:n]]
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in rows))


def same_folder(a, b):
    names = sorted(p.name for p in a.iterdir())
    if names != sorted(p.name for p in b.iterdir()):
        return False
    return filecmp.cmpfiles(a, b, names, shallow=False)[0] == names


def settings(levels, first):
    """Level, threads, batch (0: chosen by timbang) for the first program and for the others."""
    best, rows = levels[-1], []
    for level in levels:
        if level == "scalar":
            rows.append((level, 3 if first else 1, 0))
        elif level == best:
            rows += [(best, 2, 0), (best, 3, 7)] if first else [(best, 2, 0)]
        else:
            rows.append((level, 2, 0) if first else (level, 3, 5))
    return rows


def main():
    data, models, programs = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    failures = compared = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        many, few = scratch / "300.jsonl", scratch / "32.jsonl"
        write_texts(programs[0], data, 300, many)
        write_texts(programs[0], data, 32, few)
        levels = json.loads(run(programs[0], "info", "--cpu", "--json"))["levels"]
        print("levels:", ", ".join(levels))
        for model in models:
            for scheme in SCHEMES:
                folder = pathlib.Path(model)
                if scheme != "fp32":
                    folder = scratch / f"{pathlib.Path(model).name}-{scheme}"
                    run(programs[0], "quantize", model, "--to", scheme, "-o", folder, "--quiet")
                    for i, other in enumerate(programs[1:]):
                        copy = scratch / f"copy{i}-{folder.name}"
                        run(other, "quantize", model, "--to", scheme, "-o", copy, "--quiet", "--threads", 3)
                        compared += 1
                        if not same_folder(folder, copy):
                            print(f"DIFFERENT FILES {folder.name}: {other}")
                            failures += 1
                want = logits(programs[0], folder, many, levels[-1], 1, 1)
                for program in programs:
                    for level, threads, batch in settings(levels, program == programs[0]):
                        texts, expected = (few, want[:32]) if level == "scalar" else (many, want)
                        got = logits(program, folder, texts, level, threads, batch)
                        compared += 1
                        if got != expected:
                            print(f"DIFFERENT BITS {folder.name} {program} {level} threads {threads} batch {batch}")
                            failures += 1
                print(f"{pathlib.Path(model).name} {scheme}: done", flush=True)
    print(f"{compared} comparisons, {failures} differences")
    sys.exit(failures > 0)


main()
