"""What a user waits for: `timbang predict` from its start to its answer, files cached, and the memory that it takes.

usage: start.py [--program PROGRAM] [--runs N] [--perf] [MODEL_FOLDER...]     (without folders: the embedded model)
Prints for each model the median, fastest and slowest run, the largest resident memory of a run, the bytes of the weights
in the folder, and their ratio. --perf adds where the processor's time goes, by function (Linux perf, software clock).
Standard library only.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TEXT = "Pelayanannya ramah dan makanannya enak sekali, pasti kembali lagi."
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")


def command(program, folder):
    return [str(program), "predict", *(["--model", str(folder)] if folder else []), "--no-progress", "--quiet", TEXT]


def run_once(words):
    """Milliseconds from start to end, and the peak of resident bytes."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    ms = (time.perf_counter() - begin) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    why = process.stderr.read().decode()
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}: {why.strip()}")
    return ms, usage.ru_maxrss * 1024, (usage.ru_utime + usage.ru_stime) * 1e3


def weight_bytes(folder):
    return sum(p.stat().st_size for p in pathlib.Path(folder).iterdir() if p.suffix in WEIGHTS)


def measure(program, folder, runs):
    words = command(program, folder)
    run_once(words)  # brings the files into the cache
    ms, resident, cpu = zip(*(run_once(words) for _ in range(runs)))
    line = (f"{folder or 'embedded model'}: median {statistics.median(ms):.1f} ms, {min(ms):.1f} to {max(ms):.1f}, "
            f"processor time {statistics.median(cpu):.1f} ms (least {min(cpu):.1f}), peak {max(resident) / 1e6:.1f} MB")
    if folder:
        weights = weight_bytes(folder)
        line += f", weights {weights / 1e6:.1f} MB, ratio {max(resident) / weights:.2f}"
    print(line, flush=True)


def profile(program, folder):
    with tempfile.TemporaryDirectory() as scratch:
        data = f"{scratch}/perf.data"
        subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-o", data,
                        *command(program, folder)], check=True, stdout=subprocess.DEVNULL)
        report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "--fields",
                                 "overhead,symbol", "--percent-limit", "1"], check=True, capture_output=True, text=True).stdout
    print("\n".join("  " + line.strip() for line in report.splitlines() if line.strip() and not line.startswith("#")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--program", type=pathlib.Path, default=HERE.parent / "build/cli/timbang")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--perf", action="store_true")
    args = parser.parse_args()
    for folder in args.folders or [None]:
        measure(args.program, folder, args.runs)
        if args.perf:
            profile(args.program, folder)


if __name__ == "__main__":
    main()
