"""Times Timbang beside other engines on the same token ids, and writes the table to docs/performance.md.

One process an engine, bursts in turn, medians of all bursts. Before anything is timed, the logits of the FP32 engines are
compared with PyTorch's, and those of the others must be close to them. A peer's figure is the faster of one padded batch
and one text after the other. Token ids are random, the same for all.

usage: run.py FOLDER [--build DIR] [--engines A,B] [--shapes A,B] [--rounds N] [--seconds S] [--threads N]
              [--level LEVEL] [--write]
FOLDER was made by prepare.py. --level avx2 holds all to AVX2 that can be held.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time

import tables

HERE = pathlib.Path(__file__).resolve().parent
MIXED = [12, 18, 24, 31, 39, 47, 62, 98]  # tokens of eight texts, as sentences of sentiment sets have
SHAPES = {"1x16": [16], "1x32": [32], "1x128": [128], "8x128": [128] * 8, "mixed8": MIXED}
OWN = {"timbang_fp32": "hf", "timbang_int8": "timbang_int8", "timbang_int4": "timbang_int4",
       "timbang_fp16": "timbang_fp16", "timbang_bf16_file": "timbang_bf16"}
PEERS = ["ort_fp32", "ort_int8", "ort_int8_plain", "ort_int4", "torch_fp32", "torch_bf16", "torch_int8", "ov_fp32",
         "ov_bf16", "ov_int8", "ct2_fp32", "ct2_int8"]
REFERENCE = "torch_fp32"
# Largest distance of a logit from PyTorch's FP32, as a part of the largest logit: rounding, and plausible quantization.
TOLERANCE = {"fp32": 1e-4, "fp16": 0.01, "bf16": 0.1, "int8": 0.25, "int4": 0.75}
VOCABULARY = (5, 50000)
# How engines are held to AVX2. ONNX Runtime has no such switch.
HELD = {"avx2": {"TIMBANG_CPU": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
                 "MKL_ENABLE_INSTRUCTIONS": "AVX2", "CT2_FORCE_CPU_ISA": "AVX2"}}
NOT_HELD = {"avx2": ["ort"]}


def precision(engine):
    found = re.search(r"fp32|fp16|bf16|int8|int4", engine)
    return found.group()


class Engine:
    """A process that answers commands, a line of JSON each."""

    def __init__(self, name, command, env, modes):
        self.name, self.modes = name, modes
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        self.facts = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.kill()
            why = self.process.stderr.read().strip().splitlines()
            raise RuntimeError(why[-1] if why else "it ended")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


def start(name, args):
    env = {**os.environ, **HELD.get(args.level, {}), "OMP_NUM_THREADS": str(args.threads)}
    if args.level and args.level not in HELD:
        env["TIMBANG_CPU"] = args.level
    if name in OWN:
        return Engine(name, [args.build / "tests/api/bench_engine", args.folder / OWN[name], args.threads], env,
                      ["packed"])
    return Engine(name, [sys.executable, HERE / "worker.py", args.folder, name, args.threads], env,
                  ["padded", "single"])


def start_all(names, args):
    engines = []
    for name in names:
        try:
            engines.append(start(name, args))
        except (RuntimeError, OSError, json.JSONDecodeError) as error:
            print(f"{name}: not available: {error}", file=sys.stderr)
    return engines


def shape_words(lengths):
    rng = random.Random(1)
    return [len(lengths), *lengths, *(rng.randrange(*VOCABULARY) for _ in range(sum(lengths)))]


def modes_of(engine, lengths):
    return engine.modes if len(lengths) > 1 else engine.modes[:1]


def distance(logits, wanted):
    largest = max(abs(x) for row in wanted for x in row)
    return max(abs(x - y) for row, want in zip(logits, wanted) for x, y in zip(row, want)) / largest


def check_logits(engines, shapes):
    """{engine: distance from PyTorch's FP32}, the largest over shapes and modes; engines too far away are an error."""
    reference = next((e for e in engines if e.name == REFERENCE), None)
    if not reference:
        print(f"{REFERENCE} does not run, so no logits are checked", file=sys.stderr)
        return {}
    far, distances = [], {}
    for shape, lengths in shapes.items():
        wanted = reference.ask("logits", shape, "single")
        for engine in engines:
            for mode in modes_of(engine, lengths):
                got = distance(engine.ask("logits", shape, mode), wanted)
                distances[engine.name] = max(got, distances.get(engine.name, 0))
    for name, got in distances.items():
        if not got <= TOLERANCE[precision(name)]:
            far.append(f"{name}: logits are {got:.3g} of the largest one away from {REFERENCE}'s, more than "
                       f"{TOLERANCE[precision(name)]}")
    if far:
        sys.exit("\n".join(far))
    return distances


def time_shape(engines, shape, lengths, args):
    """{engine: {mode: [ms]}}"""
    times = {e.name: {mode: [] for mode in modes_of(e, lengths)} for e in engines}
    turns = [(e, mode) for e in engines for mode in times[e.name]]
    for turn in range(args.rounds):
        for i in range(len(turns)):
            engine, mode = turns[(i + turn) % len(turns)]
            times[engine.name][mode] += engine.ask("time", shape, mode, args.seconds)
            time.sleep(0.05)  # threads of the one before come to rest
    return times


def summary(modes):
    best = min(modes, key=lambda mode: statistics.median(modes[mode]))
    ms = sorted(modes[best])
    return {"median_ms": statistics.median(ms), "p10_ms": ms[len(ms) // 10], "p90_ms": ms[len(ms) * 9 // 10],
            "passes": len(ms), "mode": best,
            "other_modes_ms": {mode: statistics.median(ms) for mode, ms in modes.items() if mode != best}}


def cpu_facts():
    text = pathlib.Path("/proc/cpuinfo").read_text()

    def first(key):
        found = re.search(rf"^{key}\s*: (.*)$", text, re.M)
        return found.group(1).strip() if found else ""
    flags = first("flags").split()
    known = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]
    return {"name": first("model name"), "family": first("cpu family"), "model": first("model"),
            "mhz": first("cpu MHz"), "features": [f for f in known if f in flags], "cpus": os.cpu_count()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--engines", default=",".join([*OWN, *PEERS]))
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a burst")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--level", help="hold all engines that can be held to this CPU level")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md, the JSON beside")
    args = parser.parse_args()
    shapes = {name: SHAPES[name] for name in args.shapes.split(",")}
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the load average is {load:.1f}: figures of a busy machine mean nothing", file=sys.stderr)
    engines = start_all(args.engines.split(","), args)
    try:
        for engine in engines:
            for shape, lengths in shapes.items():
                engine.ask("shape", shape, *shape_words(lengths))
        print(f"{len(engines)} engines are ready; comparing logits", file=sys.stderr)
        distances = check_logits(engines, shapes)
        results = {}
        for shape, lengths in shapes.items():
            times = time_shape(engines, shape, lengths, args)
            results[shape] = {name: summary(modes) for name, modes in times.items()}
            print(shape, {name: round(r["median_ms"], 2) for name, r in results[shape].items()}, flush=True)
    finally:
        for engine in engines:
            engine.close()
    record = {
        "cpu": cpu_facts(), "date": time.strftime("%Y-%m-%d", time.gmtime()), "threads": args.threads,
        "level": args.level, "not_held": NOT_HELD.get(args.level, []), "rounds": args.rounds,
        "burst_seconds": args.seconds, "load_average_before": load,
        "shapes": shapes, "engines": {e.name: {**e.facts, "distance": distances.get(e.name)} for e in engines},
        "results": results,
    }
    print(tables.markdown(record))
    if args.write:
        tables.write(record, HERE.parents[1] / "docs")


if __name__ == "__main__":
    main()
