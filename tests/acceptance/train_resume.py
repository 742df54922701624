#!/usr/bin/env python3
"""A training killed at random moments and resumed: the same bytes as the training that was never stopped.

Usage: train_resume.py PROGRAM SHARED SCRATCH [--kills N] [--texts N] [--checkpoint-seconds S] [-- TRAIN_OPTION...]
SHARED holds data/ and models/. Trains mini-id on N texts of SmSA (0: all), once as a whole and once killed by SIGKILL N
times, at moments that are random within the whole run's time and reach into reading, training, evaluating and writing.
Every file but run.json must have the same bytes. The work that a kill undoes is the time from the last checkpoint that was
written whole to the kill; none may exceed 60 s. Further options go to `timbang train` (--qat int8, --seeds 1,2, ...).
"""
import argparse
import hashlib
import pathlib
import random
import shutil
import subprocess
import sys
import time

OWN = {"run.json"}  # times and the machine
PROGRESS = {"state.bin", "evaluation.bin", "model.safetensors"}  # what a resumed run goes on from, or a finished seed
MOST_LOST = 60.0


def command(args, out, *more):
    data = args.shared / "data/smsa"
    limit = ["--limit", args.texts] if args.texts else []
    return [str(word) for word in [
        args.program, "train", args.shared / "models/mini-id", "--data", data / "train.tsv", "--valid", data / "valid.tsv",
        "-o", out, "--quiet", "--no-progress", "--checkpoint-seconds", args.checkpoint_seconds, *limit, *args.options,
        *more]]


def files_of(folder):
    """{name: SHA-256} of every file below."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in OWN}


def last_saved(partial, begin):
    """When the newest file that a resumed run goes on from was written; the begin of the run where there is none."""
    times = [path.stat().st_mtime for path in partial.rglob("*") if path.name in PROGRESS] if partial.is_dir() else []
    return max([begin, *times])


def killed_runs(args, out, whole_s):
    """[work lost by a kill, in seconds] and the seconds of all runs together."""
    rng, lost, spent = random.Random(args.seed), [], 0.0
    partial = pathlib.Path(f"{out}.partial")
    while True:
        resume = ["--resume"] if partial.is_dir() else []
        begin, wall = time.monotonic(), time.time()
        process = subprocess.Popen(command(args, out, *resume), stdout=subprocess.DEVNULL)
        kill = len(lost) < args.kills
        # Each run gets a share of the whole that lets about all kills happen before the end.
        patience = rng.uniform(0.0, 2.0) * (whole_s / args.kills + 0.5 * args.checkpoint_seconds) if kill else None
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            lost.append(time.time() - last_saved(partial, wall))
            print(f"kill {len(lost)} after {time.monotonic() - begin:.1f} s: {lost[-1]:.1f} s to be done again", flush=True)
        spent += time.monotonic() - begin
        if process.returncode == 0:
            return lost, spent
        if process.returncode > 0:
            sys.exit(f"run {len(lost) + 1} ended with {process.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("shared", type=pathlib.Path)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--texts", type=int, default=0)
    parser.add_argument("--checkpoint-seconds", type=float, default=45)
    parser.add_argument("--seed", type=int, default=7, help="of the moments")
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:at])
    args.options = words[at + 1:]
    args.scratch.mkdir(parents=True, exist_ok=True)
    whole, parts = args.scratch / "whole", args.scratch / "parts"
    for folder in (whole, parts):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(f"{folder}.partial", ignore_errors=True)
    begin = time.monotonic()
    if subprocess.run(command(args, whole), stdout=subprocess.DEVNULL).returncode:
        sys.exit("the whole training failed")
    whole_s = time.monotonic() - begin
    print(f"whole: {whole_s:.0f} s", flush=True)
    lost, spent = killed_runs(args, parts, whole_s)
    print(f"killed {len(lost)} times: {spent:.0f} s together, {(spent - whole_s) / max(1, len(lost)):.1f} s more a kill; "
          f"most lost at once {max(lost, default=0):.1f} s")
    a, b = files_of(whole), files_of(parts)
    different = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    print(f"{len(a)} files:", "all the same" if not different else "DIFFERENT: " + ", ".join(different))
    sys.exit(bool(different) or not lost or max(lost) > MOST_LOST)


main()
