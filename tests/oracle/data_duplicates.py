"""Golden values for duplicates: counts within and between made-up sets, from Python's str.lower and str.isalnum.

Usage: python data_duplicates.py ../golden/data_duplicates.json
"""
import json
import sys

WITHIN = [
    ("Bagus sekali", "positive"), ("bagus sekali!", "positive"), ("BAGUS, SEKALI", "negative"), ("Bagus sekali", "positive"),
    ("bagussekali", "positive"), (":)", "positive"), (":(", "negative"), (":)", "negative"), ("Élan", "neutral"),
    ("élan.", "neutral"), ("e\u0301lan", "neutral"), ("ΑΒΓ 12", "neutral"), ("αβγ-12", "positive"), ("", "neutral"),
    ("", "neutral"), ("   ", "neutral"), ("tidak_apa", "neutral"), ("tidak apa", "neutral"), ("12 3", "neutral"),
    ("123", "neutral"), ("Tidak\u00a0apa", "neutral"), ("日本語", "neutral"), ("日本語。", "negative"), ("İyi", "neutral"),
    ("i\u0307yi", "neutral"),
]
OTHER = [("bagus  sekali", "positive"), ("élan", "positive"), ("Bagus sekali", "negative"), (":)", "positive"),
         ("lain", "neutral"), ("123", "neutral")]


def is_word(char):
    import unicodedata
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Me")


def normal(text):
    words = "".join(c.lower() if is_word(c) else " " for c in text).split()
    return " ".join(words) if words else "\0" + text


def count(rows, other):
    """Rows that repeat an earlier row, or that occur in other."""
    exact = normalized = conflicting = 0
    first = None
    for i, (text, label) in enumerate(rows):
        pool = rows[:i] if other is None else other
        same = [j for j, (t, _) in enumerate(pool) if normal(t) == normal(text)]
        exact += any(t == text for t, _ in pool)
        normalized += bool(same)
        conflicting += any(pool[j][1] != label for j in same)
        if same and first is None:
            first = [i + 1, same[0] + 1]
    return {"exact": exact, "normalized": normalized, "conflicting": conflicting, "first": first}


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"made_by": "tests/oracle/data_duplicates.py", "rows": WITHIN, "other": OTHER,
                   "within": count(WITHIN, None), "between": count(WITHIN, OTHER)}, out, indent=0)
        out.write("\n")


main()
