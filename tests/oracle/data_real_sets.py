"""Golden values for the public sets: rows, labels and a hash of all rows, read by Python's csv module.

Usage: python data_real_sets.py SHARED ../golden/data_real_sets.json
SHARED is the folder with data/. The golden file holds counts and hashes, no texts.
"""
import collections
import csv
import io
import json
import pathlib
import sys

SETS = {  # file: delimiter, quotes, header, text column, label column
    "smsa/train.tsv": ("\t", False, False, "1", "2"),
    "smsa/valid.tsv": ("\t", False, False, "1", "2"),
    "smsa/test.tsv": ("\t", False, False, "1", "2"),
    "emot/train.csv": (",", True, True, "tweet", "label"),
    "emot/valid.csv": (",", True, True, "tweet", "label"),
    "emot/test.csv": (",", True, True, "tweet", "label"),
    "tweets/film.csv": (",", True, True, "Text Tweet", "Sentiment"),
    "tweets/tv.csv": (",", True, True, "Text Tweet", "Sentiment"),
    "text/id-lines.txt": (None, False, False, "1", None),
}


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return "%016x" % value


def describe(raw, delimiter, quotes, header, text_column, label_column):
    text = raw.decode("utf-8-sig")
    if delimiter is None:
        lines = text.split("\n")
        records = [(i + 1, [line]) for i, line in enumerate(lines[:-1] if lines[-1] == "" else lines)]
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True,
                            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
        records, begin = [], 1
        for fields in reader:
            records.append((begin, fields))
            begin = reader.line_num + 1
    names = records.pop(0)[1] if header else [str(i + 1) for i in range(len(records[0][1]))]
    t, l = names.index(text_column), None if label_column is None else names.index(label_column)
    rows = [(line, fields[t], "" if l is None else fields[l]) for line, fields in records]
    return {
        "rows": len(rows), "format": "text" if delimiter is None else "tsv" if delimiter == "\t" else "csv",
        "header": header, "text_column": text_column, "label_column": label_column,
        "label_counts": None if l is None else dict(sorted(collections.Counter(r[2] for r in rows).items())),
        "empty_texts": sum(not r[1].strip() for r in rows), "bom": raw.startswith(b"\xef\xbb\xbf"),
        "quoting": "rfc4180" if quotes else "none", "crlf": b"\r\n" in raw, "stray_quotes": 0,
        "hash": fnv1a("".join("%d:%s:%s\n" % (line, label, body) for line, body, label in rows).encode()),
    }


def main():
    folder = pathlib.Path(sys.argv[1]) / "data"
    sets = {name: describe((folder / name).read_bytes(), *what) for name, what in SETS.items()}
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({"made_by": "tests/oracle/data_real_sets.py", "sets": sets}, out, indent=1)
        out.write("\n")


main()
