# SPDX-License-Identifier: Apache-2.0
"""Compares the C tokenizer with transformers' AutoTokenizer: ids, type ids, character and byte offsets.

    python tests/oracle/text_parity.py BUILD/tests/text/text_dump SHARED [--random N] [--folder DIR ...] [--quick]

Runs every line of every file of SHARED/data and N random texts (100,000) through the three tokenizers of SHARED, and,
with a vocabulary of all code points made for the purpose, every code point alone and random texts under all settings of
the normalizer. Prints the number of differing texts; exits 1 where there is one.
"""

import argparse
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import text_common as common

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()


def run_dump(dump, folder, texts, max_length, pairs=None):
    data = []
    for i, text in enumerate(texts):
        raw = text.encode("utf-8")
        data.append(struct.pack("<I", len(raw)) + raw)
        if pairs is None:
            data.append(b"\xff\xff\xff\xff")
        else:
            raw = pairs[i].encode("utf-8")
            data.append(struct.pack("<I", len(raw)) + raw)
    done = subprocess.run([dump, folder, str(max_length)], input=b"".join(data), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit("text_dump failed on %s" % folder)
    values, at, arrays = np.frombuffer(done.stdout, dtype="<i4"), 0, []
    for _ in texts:
        n = int(values[at])
        arrays.append(values[at + 1 : at + 1 + 6 * n].reshape(6, n))
        at += 1 + 6 * n
    assert at == len(values)
    return arrays


def compare(dump, folder, tokenizer, name, texts, max_length=512, pairs=None):
    ours = run_dump(dump, folder, texts, max_length, pairs)
    theirs = common.encode_all(tokenizer, texts, max_length, pairs)
    bad = [i for i in range(len(texts)) if not np.array_equal(ours[i], theirs[i])]
    print("%-60s %8d texts %10d tokens %6d differ" % (name, len(texts), sum(a.shape[1] for a in theirs), len(bad)))
    for i in bad[:3]:
        print("   text %d %r%s\n   ours   %s\n   theirs %s" % (
            i, texts[i][:200], " + %r" % pairs[i][:200] if pairs else "",
            ours[i][:4].tolist(), theirs[i][:4].tolist()))
    return len(bad)


def all_code_points_folder(path, lower, strip, chinese, clean):
    """A tokenizer that knows every character, at the start of a word and inside."""
    # Not U+10FFFF: in the keys of our JSON it stands for NUL (base/json.h).
    chars = [chr(c) for c in range(0x10FFFF) if not 0xD800 <= c < 0xE000]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = {t: i for i, t in enumerate(words + chars + ["##" + c for c in chars])}
    added = [
        {"id": vocab[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True} for t in words
    ]
    root = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
                       "strip_accents": strip, "lowercase": lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    }
    with open(os.path.join(path, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(root, f)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("shared")
    parser.add_argument("--random", type=int, default=100000)
    parser.add_argument("--quick", action="store_true", help="leave out the vocabulary of all code points")
    parser.add_argument("--folder", action="append", default=[], help="random texts through this folder too")
    options = parser.parse_args()
    bad = 0
    texts = common.random_texts(options.random)
    for name, place in common.TOKENIZERS.items():
        folder = os.path.join(options.shared, place)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        for data in common.DATA_FILES:
            bad += compare(options.dump, folder, tokenizer, name + " " + data, common.data_lines(options.shared, data))
        bad += compare(options.dump, folder, tokenizer, name + " random", texts)
        for most in (3, 4, 7, 16, 33):
            bad += compare(options.dump, folder, tokenizer, "%s random pairs of %d tokens" % (name, most),
                           texts[:2000], most, texts[2000:4000])
    for folder in options.folder:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        bad += compare(options.dump, folder, tokenizer, folder, texts)
    if not options.quick:
        single = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
        for lower, strip, chinese, clean in itertools.product((True, False), (True, False), (True, False), (True, False)):
            if not chinese and not (lower and strip):
                continue
            with tempfile.TemporaryDirectory() as path:
                all_code_points_folder(path, lower, strip, chinese, clean)
                tokenizer = transformers.AutoTokenizer.from_pretrained(path)
                name = "lower %d, strip %d, chinese %d, clean %d" % (lower, strip, chinese, clean)
                bad += compare(options.dump, path, tokenizer, "every code point: " + name, single)
                bad += compare(options.dump, path, tokenizer, "random: " + name, texts)
    print("%d texts differ" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
