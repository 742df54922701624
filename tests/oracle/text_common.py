# SPDX-License-Identifier: Apache-2.0
"""What the tokenizer's oracles share: the random texts (bit for bit those of tests/text/random_text.c), the lines of the
data folders, and hashes of encodings."""

import hashlib
import json
import os

import numpy as np

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
GOLDEN = os.path.join(ROOT, "tests", "golden", "text")
BLOCK = 100
DATA_FILES = [
    "smsa/train.tsv",
    "smsa/valid.tsv",
    "smsa/test.tsv",
    "emot/train.csv",
    "emot/valid.csv",
    "emot/test.csv",
    "tweets/film.csv",
    "tweets/tv.csv",
    "text/id-lines.txt",
]
TOKENIZERS = {
    "indobert-base-p2": "tokenizer/indobert-base-p2",
    "mini-id-smsa": "models/mini-id-smsa",
    "minilm-smsa": "models/minilm-smsa",
}
MASK = (1 << 64) - 1


class SplitMix:
    """splitmix64 (Steele, Lea, Flood 2014)."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return (self.next() >> 33) % n


def load_recipe():
    with open(os.path.join(GOLDEN, "random_recipe.json"), encoding="utf-8") as f:
        return json.load(f)["pieces"]


def random_text(recipe, index):
    """Text number `index`: a few pieces, each from a range of code points or from a list of strings."""
    rng = SplitMix(index * 0xD1B54A32D192ED03 + 1)
    out = []
    for _ in range(1 + rng.below(24)):
        piece = recipe[rng.below(len(recipe))]
        if "list" in piece:
            out.append(piece["list"][rng.below(len(piece["list"]))])
            continue
        low, high = piece["range"]
        for _ in range(1 + rng.below(piece["most"])):
            c = low + rng.below(high - low + 1)
            out.append(chr(c) if not 0xD800 <= c < 0xE000 else "?")
    return "".join(out)


def random_texts(n, start=0):
    recipe = load_recipe()
    return [random_text(recipe, i) for i in range(start, start + n)]


def data_lines(shared, name):
    """Every line of a file as a text, whatever it holds; a carriage return stays."""
    with open(os.path.join(shared, "data", name), "rb") as f:
        data = f.read()
    lines = data.split(b"\n")
    return [line.decode("utf-8") for line in (lines[:-1] if data.endswith(b"\n") else lines)]


def byte_offsets(text, chars):
    """Byte offset of each character offset."""
    if text.isascii():
        return chars
    sizes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    width = 1 + (sizes >= 0x80).astype(np.int32) + (sizes >= 0x800) + (sizes >= 0x10000)
    starts = np.concatenate([[0], np.cumsum(width)])
    return starts[chars]


def as_arrays(ids, type_ids, offsets, text, pair=None):
    """ids, type ids, character begins and ends, byte begins and ends, as one array of int32."""
    offsets = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    types = np.asarray(type_ids, dtype=np.int64)
    rows = [np.asarray(ids, dtype=np.int64), types, offsets[:, 0], offsets[:, 1]]
    for column in (0, 1):
        places = byte_offsets(text, offsets[:, column]) if pair is None else None
        if pair is not None:
            sequence = np.asarray(types != 0)
            places = offsets[:, column].copy()
            places[~sequence] = byte_offsets(text, offsets[~sequence, column])
            places[sequence] = byte_offsets(pair, offsets[sequence, column])
        rows.append(np.asarray(places, dtype=np.int64))
    return np.stack(rows).astype("<i4")


def block_hashes(arrays):
    """One hash (16 hex digits) for every 100 texts: the number of tokens, then the rows, of each text."""
    hashes = []
    for begin in range(0, len(arrays), BLOCK):
        h = hashlib.sha256()
        for a in arrays[begin : begin + BLOCK]:
            h.update(np.int32(a.shape[1]).tobytes())
            h.update(np.ascontiguousarray(a).tobytes())
        hashes.append(h.hexdigest()[:16])
    return hashes


def encode_all(tokenizer, texts, max_length=512, pairs=None):
    """What AutoTokenizer gives, as arrays. The type ids are those of the encodings, also where the class hides them."""
    arrays = []
    for begin in range(0, len(texts), 2000):
        part = texts[begin : begin + 2000]
        second = pairs[begin : begin + 2000] if pairs else None
        batch = tokenizer(part, second, truncation=True, max_length=max_length, return_offsets_mapping=True)
        for i, text in enumerate(part):
            e = batch.encodings[i]
            arrays.append(as_arrays(e.ids, e.type_ids, e.offsets, text, second[i] if second else None))
    return arrays
