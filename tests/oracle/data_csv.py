"""Golden values for delimited records: what Python's csv module reads from tricky files.

Usage: python data_csv.py ../golden/data_csv.json
Only the standard library is used. Each case has the file, the dialect, and for every record its fields and the physical
line on which it begins. A lone carriage return is left out on purpose: the csv module ends a row there, we do not.
"""
import csv
import io
import json
import random
import sys

HAND_WRITTEN = [
    ("plain", ",", True, "a,b\nc,d\n"),
    ("no final line end", ",", True, "a,b\nc,d"),
    ("crlf", ",", True, "a,b\r\nc,d\r\n"),
    ("crlf, last line without", ",", True, "a,b\r\nc,d"),
    ("last line with a carriage return only", ",", True, "a,b\r\nc,d\r"),
    ("empty fields", ",", True, ",,\na,,\n,,b\n"),
    ("quoted", ",", True, '"a","b"\n"c, d","e"\n'),
    ("doubled quotes", ",", True, '"dia bilang ""bagus""",b\n"""",""""""\n'),
    ("empty quoted fields", ",", True, '"",a\n"",""\n'),
    ("line end in quotes", ",", True, '"satu\ndua\n\ntiga",x\nempat,y\n'),
    ("crlf in quotes", ",", True, '"satu\r\ndua",x\r\nempat,y\r\n'),
    ("quote inside an unquoted field", ",", True, 'a"b"c,d""\n'),
    ("text after a closing quote", ",", True, '"abc" def,x\n"abc"def"ghi",x\n'),
    ("space before a quote", ",", True, ' "abc",x\n'),
    ("blank lines", ",", True, "a,b\n\nc,d\n\n\n"),
    ("unclosed at the end", ",", True, 'a,b\nc,"d\ne\n'),
    ("semicolon", ";", True, 'a;"b;c"\n"d,e";f\n'),
    ("pipe", "|", True, 'a|"b|c"\n'),
    ("tab with quotes", "\t", True, 'a\t"b\tc"\n"d\ne"\tf\n'),
    ("tab, quotes literal", "\t", False, '"a\tb"\n"c"\t"d\n'),
    ("utf-8", ",", True, 'ü,"é, ñ"\n🙂,"🙂""🙂"\n'),
]


def read(text, delimiter, quotes):
    quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    records, begin = [], 1
    for fields in reader:
        if fields:  # blank lines have none
            records.append({"line": begin, "fields": fields})
        begin = reader.line_num + 1
    return records


def case(name, delimiter, quotes, text):
    return {"name": name, "delimiter": delimiter, "quotes": quotes, "text": text,
            "records": read(text, delimiter, quotes)}


def written(rng, number):
    """A table from csv.writer: whatever it holds comes back."""
    delimiter = rng.choice(",;|\t")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=rng.choice(["\n", "\r\n"]),
                        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    for _ in range(rng.randint(1, 6)):
        row = ["".join(rng.choice('ab "\n,;|\té') for _ in range(rng.randint(0, 6))) for _ in range(3)]
        writer.writerow(row)
    return case("written %d" % number, delimiter, True, out.getvalue())


def noise(rng, number):
    """Any sequence of the characters that matter."""
    pieces = ["a", " ", '"', '"', ",", "\n", "\r\n", "é"]
    text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 40)))
    return case("noise %d" % number, ",", True, text)


def main():
    rng = random.Random(3)
    cases = [case(*c) for c in HAND_WRITTEN]
    cases += [written(rng, i) for i in range(60)] + [noise(rng, i) for i in range(300)]
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"made_by": "tests/oracle/data_csv.py", "cases": cases}, out, ensure_ascii=True, indent=0)
        out.write("\n")


main()
