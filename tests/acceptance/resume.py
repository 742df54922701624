#!/usr/bin/env python3
"""A large study, whole and killed at random moments: the same results, and little work done twice.

Usage: resume.py PROGRAM SHARED SCRATCH [KILLS [NULL_MODELS]]
SHARED holds data/ and models/. Three models x three sets x six variants with null models and bootstrap. Prints seconds
and peak memory of the whole run, and for the killed one how much longer all its runs together took, for each kill. Of
latencies it prints how many intervals of the two meet and how many are no wider than 5 % on a side: on a machine that
does nothing else.
"""
import json
import pathlib
import random
import resource
import subprocess
import sys
import time


def command(program, shared, out, nulls, *more):
    models, data = shared / "models", shared / "data"
    return [program, "study", "--model", models / "mini-id-smsa", "--model", models / "minilm-smsa",
            "--model", models / "mini-id", "--data", data / "smsa/test.tsv", "--data", f"film={data}/tweets/film.csv",
            "--data", f"tv={data}/tweets/tv.csv", "--variants", "fp32,fp16,int8,int4,int8-pertensor,int4-pertensor",
            "--null", str(nulls), "-o", out, "--quiet", *more]


def comparable(folder):
    results = json.loads((folder / "results.json").read_text())
    for own in ("measured", "host", "time"):
        del results[own]
    del results["options"]["command"]
    return results


def latencies(folder):
    """{(model, variant, set): (mean, low, high)}"""
    entries = json.loads((folder / "results.json").read_text())["measured"]["latency"]
    return {(e["model"], e["variant"], e["data"]): (e["total"]["mean"], *e["interval"]) for e in entries}


def compare_latencies(one, other):
    a, b = latencies(one), latencies(other)
    meet = sum(a[key][1] <= b[key][2] and b[key][1] <= a[key][2] for key in a)
    narrow = sum(high - mean <= 0.05 * mean for side in (a, b) for mean, _, high in side.values())
    print(f"latencies: {meet} of {len(a)} intervals meet, {narrow} of {2 * len(a)} within 5 %")


def killed_run(program, shared, out, nulls, kills, whole_s):
    """Seconds of all runs together, and how many of them were killed."""
    rng, spent = random.Random(7), 0
    for kill in range(kills + 1):
        resume = ["--resume"] if pathlib.Path(f"{out}.partial").is_dir() else []
        begin = time.monotonic()
        process = subprocess.Popen([str(a) for a in command(program, shared, out, nulls, *resume)],
                                   stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=rng.uniform(0.02, 1.8 / kills) * whole_s if kill < kills else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        spent += time.monotonic() - begin
        if process.returncode == 0:
            return spent, kill
        if process.returncode > 0:
            sys.exit(f"run {kill + 1} ended with {process.returncode}")
    return spent, kills


def main():
    program, shared, scratch = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    kills = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    nulls = int(sys.argv[5]) if len(sys.argv) > 5 else 20
    scratch.mkdir(parents=True, exist_ok=True)
    whole, parts = scratch / "whole", scratch / "parts"
    begin = time.monotonic()
    if subprocess.run([str(a) for a in command(program, shared, whole, nulls)], stdout=subprocess.DEVNULL).returncode:
        sys.exit("the whole run failed")
    whole_s = time.monotonic() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"whole: {whole_s:.0f} s, peak {peak:.0f} MiB", flush=True)
    spent, killed = killed_run(program, shared, parts, nulls, kills, whole_s)
    print(f"killed {killed} times: {spent:.0f} s together, {(spent - whole_s) / max(killed, 1):.1f} s more a kill")
    compare_latencies(whole, parts)
    same = comparable(whole) == comparable(parts)
    lines = (whole / "predictions.jsonl").read_bytes() == (parts / "predictions.jsonl").read_bytes()
    print("results:", "the same" if same else "DIFFERENT", "predictions:", "the same" if lines else "DIFFERENT")
    sys.exit(not (same and lines))


main()
