"""Proves the rules that data/README.md states about data/ulasan.tsv. Standard library only."""
import collections
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
COLUMNS = ["text", "label", "domain", "style", "trait"]
LABELS = {"positive", "neutral", "negative"}
STYLES = {"formal", "colloquial", "tweet", "codemix", "regional"}
TRAITS = {"plain", "negated", "mixed", "comparison", "ironic", "factual", "question"}


def words(text):
    """The words of a text: lower case, without punctuation."""
    return re.findall(r"\w+", text.lower())


def shared_runs(texts, length=5):
    """Pairs of texts that share `length` words in a row, with the words."""
    first, found = {}, []
    for i, text in enumerate(texts):
        w = words(text)
        for k in range(len(w) - length + 1):
            run = tuple(w[k:k + length])
            other = first.setdefault(run, i)
            if other != i:
                found.append((other, i, " ".join(run)))
    return found


def template(text):
    """First and last two words and the length: rows that agree in all three come from one template."""
    w = words(text)
    return (tuple(w[:2]), tuple(w[-2:]), len(w))


class SampleData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.raw = (ROOT / "data" / "ulasan.tsv").read_bytes()
        lines = cls.raw.decode("utf-8", errors="strict").split("\n")
        cls.header, cls.lines = lines[0].split("\t"), lines[1:]
        if cls.lines and cls.lines[-1] == "":
            cls.lines.pop()
        cls.rows = [line.split("\t") for line in cls.lines]
        cls.texts = [row[0] for row in cls.rows]

    def test_file_is_plain_tsv(self):
        self.assertFalse(self.raw.startswith(b"\xef\xbb\xbf"), "byte order mark")
        self.assertTrue(self.raw.endswith(b"\n"), "no line break at the end")
        for bad in (b"\r", b'"', b"\0"):
            self.assertNotIn(bad, self.raw)
        self.assertEqual(self.header, COLUMNS)
        for number, row in enumerate(self.rows, 2):
            self.assertEqual(len(row), len(COLUMNS), f"line {number}")
            for field in row:
                self.assertEqual(field, field.strip(), f"line {number}")
                self.assertNotEqual(field, "", f"line {number}")
                self.assertNotIn("  ", field, f"line {number}")
                self.assertTrue(field.isprintable(), f"line {number}: {field!r}")

    def test_values(self):
        for number, (text, label, domain, style, trait) in enumerate(self.rows, 2):
            self.assertIn(label, LABELS, f"line {number}")
            self.assertIn(style, STYLES, f"line {number}")
            self.assertIn(trait, TRAITS, f"line {number}")
            self.assertRegex(domain, r"^[a-z]+$", f"line {number}")
            self.assertTrue(2 <= len(words(text)) <= 60, f"line {number}: {len(words(text))} words")

    def test_size_and_balance(self):
        self.assertGreaterEqual(len(self.rows), 300)
        counts = collections.Counter(row[1] for row in self.rows)
        for label in LABELS:
            share = counts[label] / len(self.rows)
            self.assertTrue(0.25 <= share <= 0.40, f"{label}: {counts[label]} of {len(self.rows)}")

    def test_variety(self):
        for column, values, least in ((3, STYLES, 5), (4, TRAITS, 5)):
            counts = collections.Counter(row[column] for row in self.rows)
            for value in values:
                self.assertGreaterEqual(counts[value], least, value)
        self.assertGreaterEqual(len({row[2] for row in self.rows}), 12, "domains")
        lengths = [len(words(text)) for text in self.texts]
        self.assertGreaterEqual(sum(n <= 6 for n in lengths), 20, "short texts")
        self.assertGreaterEqual(sum(n >= 25 for n in lengths), 5, "long texts")
        for label in LABELS:  # style must not give the label away
            styles = {row[3] for row in self.rows if row[1] == label}
            self.assertEqual(styles, STYLES, label)

    def test_texts_are_unique(self):
        seen = collections.Counter(" ".join(words(text)) for text in self.texts)
        self.assertEqual([text for text, n in seen.items() if n > 1], [])

    def test_no_five_words_in_a_row_are_shared(self):
        self.assertEqual(shared_runs(self.texts), [])

    def test_no_template_gives_more_than_three_rows(self):
        counts = collections.Counter(template(text) for text in self.texts)
        self.assertEqual([t for t, n in counts.items() if n > 3], [])


class TheChecksBite(unittest.TestCase):
    def test_shared_run_is_found_through_case_and_punctuation(self):
        self.assertEqual(len(shared_runs(["Satu, dua tiga empat lima enam", "nol SATU dua: tiga empat LIMA"])), 1)
        self.assertEqual(shared_runs(["satu dua tiga empat lima", "satu dua tiga empat enam"]), [])

    def test_template(self):
        self.assertEqual(template("Saya suka kopi di sini"), template("saya suka teh di sini"))


if __name__ == "__main__":
    unittest.main()
