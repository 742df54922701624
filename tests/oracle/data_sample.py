"""Golden values for the stratified limit, from a second implementation of the rule in src/data/sample.h.

Usage: python data_sample.py ../golden/data_sample.json
Philox 4x32-10 is written from Salmon et al. 2011 and checked against that paper's known-answer vectors. Each case: how
labels follow each other (row i has label pattern[i % len(pattern)]), and the rows, from 0, that are kept.
"""
import json
import sys

MASK32, MASK64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK32, (a >> 32) ^ c[3] ^ k[1], a & MASK32]
        k = [(k[0] + 0x9E3779B9) & MASK32, (k[1] + 0xBB67AE85) & MASK32]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([MASK32] * 4, [MASK32] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def words64(seed, stream):
    """Pairs of 32-bit words, low first."""
    counter = 0
    while True:
        block = philox([counter & MASK32, counter >> 32, stream & MASK32, stream >> 32], [seed & MASK32, seed >> 32])
        yield block[0] | block[1] << 32
        yield block[2] | block[3] << 32
        counter += 1


def below(words, n):
    usable = (1 << 64) // n * n
    while True:
        value = next(words)
        if value < usable:
            return value % n


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK64
    return value


def sample(labels, limit, seed):
    n = len(labels)
    names = sorted(set(labels), key=lambda s: s.encode())
    rows = {name: [i for i in range(n) if labels[i] == name] for name in names}
    quota = {name: limit * len(rows[name]) // n for name in names}
    by_remainder = sorted(names, key=lambda name: -(limit * len(rows[name]) % n))  # stable: byte order of equals
    for name in by_remainder[: limit - sum(quota.values())]:
        quota[name] += 1
    kept = []
    for name in names:
        words, r = words64(seed, fnv1a(b"limit:" + name.encode())), rows[name]
        for i in range(quota[name]):
            j = i + below(words, len(r) - i)
            r[i], r[j] = r[j], r[i]
        kept += r[: quota[name]]
    return sorted(kept)


def main():
    cases = []
    for pattern, n, limit, seed in [
        (["a"], 10, 3, 0), (["a", "b"], 10, 4, 1), (["a", "b", "b", "c"], 40, 7, 42), (["b", "a"], 9, 5, 42),
        (["positive"] * 7 + ["neutral"] * 2 + ["negative"] * 4, 130, 50, 2 ** 63 + 5), (["é", "z", "Z"], 31, 30, 3),
        (["x"] * 19 + ["y"], 100, 2, 7), ([""], 1000, 20, 123),
        (["a", "b", "c", "c"], 4, 2, 0), (["c", "b", "a"], 9, 4, 1), (["c", "b", "a"], 9, 5, 1), (["d", "b", "b", "c", "a", "c"], 60, 31, 9),
        (["s", "r", "r", "q", "q", "q", "p"], 97, 53, 4), (["s", "r", "r", "q", "q", "q", "p"], 96, 11, 4),
    ]:
        labels = [pattern[i % len(pattern)] for i in range(n)]
        cases.append({"pattern": pattern, "n": n, "limit": limit, "seed": str(seed),
                      "kept": sample(labels, limit, seed)})
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"made_by": "tests/oracle/data_sample.py", "cases": cases}, out)
        out.write("\n")


main()
