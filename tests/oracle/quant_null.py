#!/usr/bin/env python3
"""How independent null models are: correlations of rounding errors between the scheme's own rounding and random ones,
and among random ones, with the ratio of their errors, matrix by matrix.

    quant_null.py QUANTIZE_TOOL MODEL [MODEL ...] [--schemes int8,int4,...] [--models 4]

QUANTIZE_TOOL is tests/quant/quantize_tool of a build. Needs numpy and safetensors. docs/null_models.md quotes it."""
import argparse
import itertools
import os
import re
import subprocess
import tempfile
import time

import numpy as np
from safetensors.numpy import load_file

SCHEMES = "int8,int4,int4-g64,int4-g128,int8-pertensor,int4-pertensor,int4-e4"


def floats(folder):
    """The matrices of a source folder, as float32, with the names that --dump gives them."""
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    return {k if k.startswith(("bert.", "classifier")) else "bert." + k: v.astype(np.float32)
            for k, v in tensors.items() if v.ndim == 2}


def made(tool, source, scheme, folder, jitter=()):
    out = os.path.join(folder, "model")
    begin = time.time()
    text = subprocess.run([tool, source, scheme, out, "0", "", *map(str, jitter)], check=True, capture_output=True,
                          text=True).stdout
    seconds = time.time() - begin
    subprocess.run([tool, "--dump", out, out + ".safetensors"], check=True, capture_output=True)
    return load_file(out + ".safetensors"), float(re.search(r"weight error (\S+)", text)[1]), seconds


def correlation(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def report(tool, source, scheme, count, folder):
    exact = floats(source)
    own, own_total, own_seconds = made(tool, source, scheme, folder)
    nulls = [made(tool, source, scheme, folder, (1, i)) for i in range(count)]
    for kind in ("linear", "embedding"):
        names = [n for n in own if n in exact and ("embeddings" in n) == (kind == "embedding")
                 and np.any(own[n] != exact[n])]
        if not names:
            continue
        real, among, ratios, weights = [], [], [], []
        for name in names:
            error = own[name] - exact[name]
            random = [n[0][name] - exact[name] for n in nulls]
            weights.append(error.size)
            real.append(np.mean([correlation(error, e) for e in random]))
            among.append(np.mean([correlation(a, b) for a, b in itertools.combinations(random, 2)]))
            ratios += [(float((e * e).sum() / (error * error).sum()), name) for e in random]
        low, high = min(ratios), max(ratios)
        total = [n[1] / own_total for n in nulls]
        print(f"{os.path.basename(source):14} {scheme:15} {kind:9} own-null {np.average(real, weights=weights):.3f} "
              f"null-null {np.average(among, weights=weights):.3f} "
              f"error/own {np.mean([r[0] for r in ratios]):.3f} in [{low[0]:.3f}, {high[0]:.3f}] "
              f"total [{min(total):.4f}, {max(total):.4f}] "
              f"seconds {own_seconds:.2f} -> {np.mean([n[2] for n in nulls]):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--schemes", default=SCHEMES)
    parser.add_argument("--models-each", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for source in options.models:
            for scheme in options.schemes.split(","):
                report(options.tool, source, scheme, options.models_each, folder)


if __name__ == "__main__":
    main()
