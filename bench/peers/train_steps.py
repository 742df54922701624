"""Texts a second of training steps, Timbang beside PyTorch in one run: a process each, steps in turn.

usage: train_steps.py FOLDER --program BENCH_TRAIN [--texts FILE --tokenizer FILE] [--precisions fp32,bf16]
                      [--shapes 16x64,16x128,lengths,qat] [--rounds N] [--part K] [--threads N] [--json OUT]
FOLDER is a classifier of BERT-base's size (prepare.py); BENCH_TRAIN is bench/train.c. Forward, back, clipping, AdamW and
what follows from it; dropout as the model's config says; batch 16; random token ids.
  16x64, 16x128  equal lengths; medians of the rounds
  lengths        lengths of 2000 texts of FILE (text, tab, label): Timbang on random batches, PyTorch on random batches padded
                 to the longest, and on batches of texts sorted by length. --part K: every K-th batch of each. Texts a second
                 are those of all batches together.
  qat            Timbang's int8 and int4 steps beside its FP32 step at 16x64
Prints a table of ratios, with the peak of resident memory of each process.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 16
EQUAL = {"16x64": 64, "16x128": 128}


class Engine:
    """A process that answers a line of JSON to each command."""

    def __init__(self, label, command, threads):
        self.label, self.times, self.texts, self.tokens = label, [], [], []
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=env)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.label} ended")
        return json.loads(line)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.answer()

    def step(self, counts):
        got = self.ask("step")
        if counts:
            self.times.append(got["seconds"])
            self.texts.append(got["texts"])
            self.tokens.append(got["tokens"])

    def close(self):
        peak = self.ask("peak")["bytes"]
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        return peak


def text_lengths(path, tokenizer, n=2000, longest=128):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    texts = [line.rstrip("\n").split("\t")[0] for line in open(path, encoding="utf-8", newline="\n")]
    return [len(item.ids) for item in tokenizer.encode_batch(random.Random(1).sample(texts, n))]


def cut(lengths, part):
    return [lengths[i:i + BATCH] for i in range(0, len(lengths), BATCH)][part // 2::part]


def make_plan(args):
    plan = {name: [[length] * BATCH] for name, length in EQUAL.items()}
    if "lengths" in args.shapes:
        lengths = text_lengths(args.texts, args.tokenizer)
        plan["random"] = cut(lengths, args.part)
        plan["sorted"] = cut(sorted(lengths), args.part)
    return plan


def run(engines, steps, warm_ups):
    """Steps in turn, the order changing; {label: (texts a second, peak bytes)}"""
    for turn in range(warm_ups + steps):
        for i in range(len(engines)):
            engines[(i + turn) % len(engines)].step(turn >= warm_ups)
            time.sleep(0.02)  # threads of the one before come to rest
    return {e.label: e for e in engines}, {e.label: e.close() for e in engines}


def start(args, plan, name, precision, shape, label):
    if name == "timbang":
        return Engine(label, [args.program, args.folder, plan, shape, args.threads, precision], args.threads)
    return Engine(label, [sys.executable, HERE / "train_worker.py", args.folder, plan, shape, args.threads, precision],
                  args.threads)


def equal_lengths(args, plan, shape, precision):
    engines = [start(args, plan, name, precision, shape, name) for name in ("timbang", "torch")]
    found, peaks = run(engines, args.rounds, 1)
    speed = {label: BATCH / statistics.median(e.times) for label, e in found.items()}
    return rows_of(shape, precision, speed, peaks, {"torch": "equal lengths"})


def real_lengths(args, plan, precision):
    """The engines have their own batches; a warm-up is the first batch once more."""
    engines = [start(args, plan, "timbang", precision, "random", "timbang"),
               start(args, plan, "torch", precision, "sorted", "sorted"),
               start(args, plan, "torch", precision, "random", "random")]
    batches = len(json.loads(pathlib.Path(plan).read_text())["random"])
    found, peaks = run(engines, batches, 1)
    # Texts of the same mean length for all: a part of the batches has not quite the tokens of all.
    tokens = sum(found["sorted"].tokens) / sum(found["sorted"].texts)
    speed = {label: sum(e.tokens) / tokens / sum(e.times) for label, e in found.items()}
    return rows_of("lengths", precision, speed, peaks, {"sorted": "sorted by length", "random": "random, padded"})


def rows_of(shape, precision, speed, peaks, peers):
    return [{"shape": shape, "precision": precision, "against": words, "timbang": speed["timbang"], "peer": speed[peer],
             "ratio": speed["timbang"] / speed[peer], "peak": peaks["timbang"], "peer_peak": peaks[peer]}
            for peer, words in peers.items()]


def qat(args, plan):
    schemes = ["fp32", "int8", "int4"]
    engines = [start(args, plan, "timbang", scheme, "16x64", scheme) for scheme in schemes]
    found, peaks = run(engines, args.rounds, 1)
    median = {label: statistics.median(e.times) for label, e in found.items()}
    return [{"shape": "16x64", "scheme": scheme, "seconds": median[scheme], "over_fp32": median[scheme] / median["fp32"],
             "peak": peaks[scheme]} for scheme in schemes]


def table(rows):
    print("| shape | precision | PyTorch's batches | Timbang, texts/s | PyTorch, texts/s | ratio | peak MiB, Timbang | PyTorch |")
    print("|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['shape']} | {r['precision']} | {r['against']} | {r['timbang']:.2f} | {r['peer']:.2f} | "
              f"**{r['ratio']:.2f}** | {r['peak'] / 2**20:.0f} | {r['peer_peak'] / 2**20:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--program", required=True)
    parser.add_argument("--texts")
    parser.add_argument("--tokenizer")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--shapes", default="16x64,16x128,lengths,qat")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    args.shapes = args.shapes.split(",")
    if "lengths" in args.shapes and not (args.texts and args.tokenizer):
        parser.error("the shape 'lengths' needs --texts and --tokenizer")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the load average is {load:.1f}: figures of a busy machine mean nothing", file=sys.stderr)
    rows, quantized = [], []
    with tempfile.TemporaryDirectory() as scratch:
        plan = f"{scratch}/plan.json"
        json.dump(make_plan(args), open(plan, "w"))
        for precision in args.precisions.split(","):
            for shape in EQUAL:
                if shape in args.shapes:
                    rows += equal_lengths(args, plan, shape, precision)
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            if "lengths" in args.shapes:
                rows += real_lengths(args, plan, precision)
                print(json.dumps(rows[-2:]), file=sys.stderr, flush=True)
        if "qat" in args.shapes:
            quantized = qat(args, plan)
    if rows:
        table(rows)
    for r in quantized:
        print(f"QAT step at {r['shape']}, {r['scheme']}: {r['seconds']:.3f} s, {r['over_fp32']:.2f} of FP32's, "
              f"peak {r['peak'] / 2**20:.0f} MiB")
    if args.json:
        args.json.write_text(json.dumps({"load_average_before": load, "rows": rows, "qat": quantized}, indent=1) + "\n")


if __name__ == "__main__":
    main()
