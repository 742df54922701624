#!/usr/bin/env python3
"""SmSA from mini-id, five seeds: `timbang train` is not worse than PyTorch with the same recipe.

Usage: train_smsa.py PROGRAM SHARED SCRATCH PYTORCH_JSONL [--keep]
PYTORCH_JSONL was written by tests/oracle/train_smsa.py, a line a seed and epoch. Ours is `timbang train` with its defaults
for small models: the same recipe. Of each seed the epoch with the best validation macro-F1 counts. Criterion: the 95 %
interval of the difference of means (Welch), ours minus PyTorch's, is above -0.015. No test set is read.
Standard library only.
"""
import argparse
import json
import math
import pathlib
import shutil
import statistics
import subprocess
import sys

SEEDS = [42, 123, 456, 789, 1011]
MARGIN = -0.015


def incomplete_beta(a, b, x):
    """Regularized, by its continued fraction (Lentz)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(1 - x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, 300):
        for top in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                    -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / (1 + top * d)
            c = 1 + top / c
            total *= c * d
    return front * total


def student_quantile(p, df):
    """t with P(T <= t) = p > 0.5, by bisection."""
    low, high = 0.0, 1000.0
    for _ in range(200):
        t = (low + high) / 2
        below = 1 - 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t))
        low, high = (t, high) if below < p else (low, t)
    return low


def welch(ours, theirs, level=0.95):
    """(difference of means, low, high)"""
    parts = [statistics.variance(side) / len(side) for side in (ours, theirs)]
    error = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / sum(part ** 2 / (len(side) - 1) for part, side in zip(parts, (ours, theirs)))
    difference = statistics.mean(ours) - statistics.mean(theirs)
    reach = student_quantile(0.5 + level / 2, df) * error
    return difference, difference - reach, difference + reach


def pytorch(path):
    """{seed: best epoch's (macro-F1, accuracy)}"""
    best = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        figures = (row["valid_macro_f1"], row["valid_accuracy"])
        best[row["seed"]] = max(best.get(row["seed"], (0, 0)), figures)
    return best


def ours(args):
    out, data = args.scratch / "smsa", args.shared / "data/smsa"
    if not (args.keep and (out / "seeds.json").exists()):
        shutil.rmtree(out, ignore_errors=True)
        resume = ["--resume"] if pathlib.Path(f"{out}.partial").is_dir() else []
        words = [args.program, "train", args.shared / "models/mini-id", "--data", data / "train.tsv", "--valid",
                 data / "valid.tsv", "--seeds", ",".join(map(str, SEEDS)), "-o", out, "--no-progress", "--json", *resume]
        found = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True)
        if found.returncode:
            sys.exit(f"timbang train ended with {found.returncode}")
    made = json.loads((out / "seeds.json").read_text())
    return {entry["seed"]: (entry["best"]["macro_f1"], entry["best"]["accuracy"]) for entry in made["seeds"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("shared", type=pathlib.Path)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("pytorch", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="compare what an earlier run left in SCRATCH/smsa")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    theirs, mine = pytorch(args.pytorch), ours(args)
    missing = [seed for seed in SEEDS if seed not in theirs or seed not in mine]
    if missing:
        sys.exit(f"no figures of the seeds {missing}")
    for seed in SEEDS:
        print(f"seed {seed}: macro-F1 {mine[seed][0]:.4f}, PyTorch {theirs[seed][0]:.4f}; "
              f"accuracy {mine[seed][1]:.4f}, PyTorch {theirs[seed][1]:.4f}")
    sides = [[figures[seed][0] for seed in SEEDS] for figures in (mine, theirs)]
    for name, side in zip(("timbang", "PyTorch"), sides):
        print(f"{name}: {statistics.mean(side):.4f} sd {statistics.stdev(side):.4f}")
    difference, low, high = welch(*sides)
    print(f"difference {difference:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}: "
          f"{'not inferior' if low > MARGIN else 'FAILED'} at {MARGIN}")
    sys.exit(not low > MARGIN)


if __name__ == "__main__":
    main()
