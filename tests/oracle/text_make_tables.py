# SPDX-License-Identifier: Apache-2.0
"""Writes src/text/unicode_tables.c by asking the `tokenizers` library about every code point.

The library carries Unicode tables of several ages (decompositions, categories, letter case), so no Unicode data file
and no `unicodedata` describes it: every property below is what the library itself does. Run it from the repository
root with the versions of tests/oracle/requirements.txt; the output is the same on every machine.

    python tests/oracle/text_make_tables.py src/text/unicode_tables.c
"""

import functools
import itertools
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

REMOVED, SPACE, PUNCTUATION, MARK, CJK, WORD, LETTER = (1 << i for i in range(7))
BLOCK = 128
SURROGATES = range(0xD800, 0xE000)
CODE_POINTS = [c for c in range(0x110000) if c not in SURROGATES]
HANGUL = range(0xAC00, 0xD7A4)


def hangul(c):
    """The algorithmic decomposition of a Hangul syllable (Unicode 3.12)."""
    i = c - 0xAC00
    tail = i % 28
    return [0x1100 + i // 588, 0x1161 + i % 588 // 28] + ([0x11A7 + tail] if tail else [])


def added_token_spans(token, texts):
    """For each text, the character span that the added token takes, or None."""
    tokenizer = Tokenizer(WordPiece({"[UNK]": 0, token.content: 1}, unk_token="[UNK]"))
    tokenizer.add_tokens([token])
    spans = []
    for begin in range(0, len(texts), 10000):
        for encoding in tokenizer.encode_batch(texts[begin : begin + 10000]):
            hits = [o for i, o in zip(encoding.ids, encoding.offsets) if i == 1]
            spans.append(hits[0] if hits else None)
    return spans


def probe_flags():
    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    chinese = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    split = pre_tokenizers.BertPreTokenizer()
    letter = pre_tokenizers.Split(Regex(r"[\p{L}\p{M}]"), "isolated")

    flags = dict.fromkeys(CODE_POINTS, 0)
    for c in CODE_POINTS:
        s = chr(c)
        cleaned = clean.normalize_str(s)
        if cleaned == "":
            flags[c] |= REMOVED
        parts = [p for p, _ in split.pre_tokenize_str("a" + s + "b")]
        if parts == ["a", "b"]:
            flags[c] |= SPACE
        elif parts == ["a", s, "b"]:
            flags[c] |= PUNCTUATION
        else:
            assert parts == ["a" + s + "b"], (c, parts)
        expected = "" if flags[c] & REMOVED else " " if flags[c] & SPACE else s
        assert cleaned == expected, (hex(c), cleaned)
        spaced = chinese.normalize_str(s)
        if spaced != s:
            assert spaced == " " + s + " "
            flags[c] |= CJK
        if strip.normalize_str(s) == "":
            flags[c] |= MARK
        if len(letter.pre_tokenize_str("1" + s + "1")) == 3:
            flags[c] |= LETTER

    texts = ["QX" + chr(c) for c in CODE_POINTS]
    single = added_token_spans(AddedToken("QX", single_word=True, normalized=False), texts)
    right = added_token_spans(AddedToken("QX", rstrip=True, normalized=False), texts)
    left = added_token_spans(AddedToken("QX", lstrip=True, normalized=False), [chr(c) + "QX" for c in CODE_POINTS])
    before = added_token_spans(
        AddedToken("QX", single_word=True, normalized=False), [chr(c) + "QX" for c in CODE_POINTS]
    )
    for c, word, spaces, spaces_before, word_before in zip(CODE_POINTS, single, right, left, before):
        if word is None:
            flags[c] |= WORD
        assert (word is None) == (word_before is None), hex(c)
        # The spaces that lstrip and rstrip take are those at which the pre-tokenizer splits.
        assert (spaces == (0, 3)) == bool(flags[c] & SPACE), hex(c)
        assert (spaces_before == (0, 3)) == bool(flags[c] & SPACE), hex(c)
    return flags


def probe_decompositions():
    nfd = normalizers.NFD()
    found = {}
    for c in CODE_POINTS:
        d = [ord(x) for x in nfd.normalize_str(chr(c))]
        if c in HANGUL:
            assert d == hangul(c), hex(c)
        elif d != [c]:
            found[c] = d
    return found


def probe_lower():
    lower = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=True)
    found = {}
    for c in CODE_POINTS:
        d = [ord(x) for x in lower.normalize_str(chr(c))]
        if d != [c]:
            found[c] = d
    # Letter case is per character in the library: no rule for a final sigma.
    assert lower.normalize_str("ΑΣ ΑΣ") == "ας ας".replace("ς", "σ")
    return found


def probe_classes(decompositions):
    """Ranks (1...) of the canonical combining classes, by what canonical ordering does; 0 for starters."""
    nfd = normalizers.NFD()

    def swaps(a, b):
        """True where a b becomes b a: class(a) > class(b) > 0."""
        return nfd.normalize_str("a" + chr(a) + chr(b)) == "a" + chr(b) + chr(a)

    low, high = 0x0334, 0x0345  # overlay (class 1) and iota below (class 240), the ends of the scale
    marked = [c for c in CODE_POINTS if c not in decompositions and c not in HANGUL]
    marked = [c for c in marked if c in (low, high) or swaps(c, low) or swaps(high, c)]
    order = functools.cmp_to_key(lambda a, b: 1 if swaps(a, b) else -1 if swaps(b, a) else 0)
    ranks, rank, previous = {}, 0, None
    for c in sorted(marked, key=order):
        if previous is None or swaps(c, previous):
            rank += 1
            previous = c
        ranks[c] = rank
    for a, b in itertools.product(set(ranks.values()), repeat=2):  # the ranks explain every pair of classes
        x = next(c for c in ranks if ranks[c] == a)
        y = [c for c in ranks if ranks[c] == b][-1]
        assert swaps(x, y) == (a > b) or x == y
    return ranks


def c_array(name, kind, values, width=118):
    lines, line = [], "   "
    for v in values:
        text = " %d," % v
        if len(line) + len(text) > width:
            lines.append(line)
            line = "   "
        line += text
    lines.append(line)
    return "const %s %s[%d] = {\n%s\n};\n" % (kind, name, len(values), "\n".join(lines))


def main():
    assert tokenizers.__version__ == "0.23.3", "the tables are those of tokenizers 0.23.3"
    flags = probe_flags()
    decompositions = probe_decompositions()
    lower = probe_lower()
    classes = probe_classes(decompositions)

    pool, where = [0], {}

    def pooled(sequence):
        key = tuple(sequence)
        if key not in where:
            where[key] = len(pool)
            pool.append(len(key))
            pool.extend(key)
        return where[key]

    records, record_of, index = [], {}, []
    for c in range(0x110000):
        if c in SURROGATES:
            record = (REMOVED, 0, 0, 0)
        else:
            to = lower.get(c, [c])
            step = to[0] - c if len(to) == 1 else (1 << 24) + pooled(to)
            record = (flags[c], classes.get(c, 0), pooled(decompositions[c]) if c in decompositions else 0, step)
        if record not in record_of:
            record_of[record] = len(records)
            records.append(record)
        index.append(record_of[record])
    assert len(records) < 65536 and len(pool) < 65536

    blocks, block_of, first = [], {}, []
    for begin in range(0, 0x110000, BLOCK):
        block = tuple(index[begin : begin + BLOCK])
        if block not in block_of:
            block_of[block] = len(blocks)
            blocks.append(block)
        first.append(block_of[block])
    assert len(blocks) < 65536

    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0\n *\n")
        out.write(" * Made by tests/oracle/text_make_tables.py from tokenizers %s: do not edit.\n" % tokenizers.__version__)
        out.write(" * Includes: text/unicode.h. Called by: unicode.h. */\n")
        out.write('#include "text/unicode.h"\n\n// clang-format off\n')
        out.write(c_array("tb_unicode_blocks", "uint16_t", first))
        out.write(c_array("tb_unicode_index", "uint16_t", [v for block in blocks for v in block]))
        out.write("const tb_unicode_record tb_unicode_records[%d] = {\n" % len(records))
        line = "   "
        for record in records:
            text = " {%d, %d, %d, %d}," % record
            if len(line) + len(text) > 118:
                out.write(line + "\n")
                line = "   "
            line += text
        out.write(line + "\n};\n")
        out.write(c_array("tb_unicode_pool", "uint32_t", pool))
        out.write("// clang-format on\n")
    print(
        "%d blocks, %d records, pool of %d; %d decompositions, %d lower-case mappings (%d of several), %d marks in %d classes"
        % (
            len(blocks),
            len(records),
            len(pool),
            len(decompositions),
            len(lower),
            sum(len(v) > 1 for v in lower.values()),
            len(classes),
            max(classes.values()),
        )
    )


if __name__ == "__main__":
    main()
