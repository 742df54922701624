"""compare: studies and other tools' tables side by side, the same figures as the study's own, output formats, mistakes."""
import csv
import io
import json
import math
import random
import shutil
import unittest

from common import LABELS, TEXTS, CliTest


def table(rows, head="text,true_label,pred_label"):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head.split(","))
    writer.writerows(rows)
    return out.getvalue()


def binomial_two_sided(k, n):
    """Exact p of McNemar's test from first principles."""
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, i) for i in range(min(k, n - k) + 1))
    return min(1.0, 2 * tail / 2 ** n)


class Tables(CliTest):
    def pair(self, n=60, seed=1):
        """Two tables with random labels, and what follows from them."""
        rng = random.Random(seed)
        rows = [(f'teks "{i}", nomor {i}', rng.choice(LABELS)) for i in range(n)]
        first = [(t, l, l if rng.random() < .8 else rng.choice(LABELS)) for t, l in rows]
        second = [(t, l, p if rng.random() < .7 else rng.choice(LABELS)) for t, l, p in first]
        turned_wrong = sum(a[2] == a[1] != b[2] for a, b in zip(first, second))
        turned_right = sum(b[2] == b[1] != a[2] for a, b in zip(first, second))
        shuffled = second[:]
        rng.shuffle(shuffled)
        return self.write("fp32.csv", table(first)), self.write("int8.csv", table(shuffled)), turned_wrong, turned_right

    def test_figures(self):
        for seed in range(5):
            a, b, wrong, right = self.pair(seed=seed)
            got = self.json("compare", a, b, "--json", "--bootstrap", 100)
            self.assertEqual(got["kind"], "compare")
            self.assertEqual([e["name"] for e in got["sets"][0]["entries"]], ["fp32", "int8"])
            against = got["sets"][0]["entries"][1]["against_baseline"]
            self.assertEqual((against["right_to_wrong"], against["wrong_to_right"]), (wrong, right))
            self.assertAlmostEqual(against["mcnemar_p"], binomial_two_sided(wrong, wrong + right), places=12)
            self.assertEqual(got["warnings"], [])
            changed = got["sets"][0]["changed"]
            self.assertEqual(changed["total"], against["n"] - against["agree"])
            for text in changed["texts"]:
                self.assertNotEqual(text["labels"]["fp32"], text["labels"]["int8"])
                self.assertRegex(text["text"], '^teks "[0-9]+", nomor')

    def test_same_for_any_number_of_threads(self):
        a, b, *_ = self.pair()
        one, three = (self.ok("compare", a, b, "--json", "--threads", n).stdout for n in (1, 3))
        self.assertEqual(one, three)

    def test_table_for_people(self):
        a, b, wrong, right = self.pair()
        done = self.ok("compare", a, f"lain={b}")
        self.assertIn("always saying", done.stdout)
        self.assertIn("against fp32", done.stdout)
        self.assertIn(f"{wrong} turned wrong, {right} turned right", done.stdout)
        self.assertIn("Stuart-Maxwell", done.stdout)
        self.assertIn("cannot be significant", done.stdout)
        self.assertNotIn("ECE", done.stdout)
        self.assertRegex(done.stdout, "(?m)^truth +60 ")
        self.assertIn("prediction column 'pred_label'", done.stderr)
        self.assertEqual(self.ok("compare", a, b, "--quiet").stderr, "")

    def test_csv(self):
        a, b, wrong, right = self.pair()
        self.assertEqual(self.ok("compare", a, b, "-o", self.dir / "out.csv").stdout, "")
        rows = list(csv.DictReader(io.StringIO((self.dir / "out.csv").read_text())))
        self.assertEqual([r["name"] for r in rows], ["fp32", "int8"])
        self.assertEqual(rows[1]["right_to_wrong"], str(wrong))
        self.assertEqual(rows[0]["mcnemar_p"], "")
        self.assertEqual(sum(int(rows[1]["predicted_" + label]) for label in LABELS), 60)
        self.ok("compare", a, b, "-o", self.dir / "out.json")
        got = json.loads((self.dir / "out.json").read_text())
        self.assertAlmostEqual(float(rows[1]["mcnemar_p"]),
                               got["sets"][0]["entries"][1]["against_baseline"]["mcnemar_p"], places=15)
        self.fails("compare", a, b, "-o", self.dir / "out.tsv", has="out.tsv")

    def test_the_tweets_layout(self):
        """Tab-separated although named .csv, labels as numbers, the truth called sentiment."""
        rows = [("Bagus,  sekali!", 0, 0), ("biasa", 1, 1), ("jelek", 2, 2), ("buruk", 2, 1)]
        a = self.write("a.csv", "Tweet\tsentiment\tpred\n" + "".join(f"{t}\t{l}\t{p}\n" for t, l, p in rows))
        b = self.write("b.csv", table([(t.lower().replace("  ", " "), LABELS[l], LABELS[l]) for t, l, _ in rows]))
        done = self.ok("compare", a, b, "--label-map", "0=positive,1=neutral,2=negative", "--json")
        self.assertIn("in lower case with single spaces", done.stderr)
        against = json.loads(done.stdout)["sets"][0]["entries"][1]["against_baseline"]
        self.assertEqual((against["n"], against["wrong_to_right"]), (4, 1))

    def test_standard_input(self):
        a, b, *_ = self.pair()
        got = self.json("compare", a, "-", "--json", stdin=b.read_text())
        self.assertEqual([e["name"] for e in got["sets"][0]["entries"]], ["fp32", "stdin"])

    def test_mistakes(self):
        a, b, *_ = self.pair()
        self.fails("compare", has="nothing was named")
        self.fails("compare", a, has=["fp32", "two or more"])
        self.fails("compare", a, self.dir / "none.csv", has="none.csv")
        self.fails("compare", a, b, "--pred-column", "hasil", has=["hasil", "text, true_label, pred_label"])
        self.fails("compare", a, self.write("e.csv", ""), has=["e.csv", "empty"])
        self.fails("compare", a, self.write("o.csv", table([("lain", "positive", "positive")])),
                   has=["no text in common", "lain", "teks"])
        self.fails("compare", a, b, "--limit", "5", has="limit")
        self.fails("compare", a, b, "--baseline", "x", has=["--baseline x", "fp32, int8"])
        self.fails("compare", f"x={a}", f"x={b}", has="given twice")
        self.fails("compare", a, self.write("p.csv", table(
            [("a", "x", "x", .5, .4)], "text,true_label,pred_label,prob_x,prob_y")), has=["p.csv: row 2", "0.9"])
        self.fails("compare", a, self.dir, has="results.json")
        self.fails("compare", a, self.write("x.json", "{}"), has="results.json")

    def test_many_rows(self):
        n = 200_000
        labels = [LABELS[i * 7919 % 3] for i in range(n)]
        a = self.write("a.csv", "text,label,pred\n" + "".join(f"teks {i},{l},{l}\n" for i, l in enumerate(labels)))
        b = self.write("b.csv", "text,label,pred\n" + "".join(
            f"teks {i},{l},{'positive' if i % 50 == 0 else l}\n" for i, l in reversed(list(enumerate(labels)))))
        got = self.json("compare", a, b, "--bootstrap", "0", "--json")
        entry = got["sets"][0]["entries"][1]
        self.assertEqual(entry["against_baseline"]["n"], n)
        self.assertEqual(entry["against_baseline"]["wrong_to_right"], 0)
        self.assertEqual(entry["against_baseline"]["right_to_wrong"],
                         sum(labels[i] != "positive" for i in range(0, n, 50)))
        self.assertEqual(got["sets"][0]["changed"]["listed"], 500)


class Studies(CliTest):
    """Two studies are enough for all of it, as a study takes its time: `a` has one set, `b` the same set under another
    name and a second one."""

    @classmethod
    def setUpClass(cls):
        cls.made = CliTest()
        cls.made.setUp()
        cls.tiny = cls.made.model()
        cls.texts = len(TEXTS) * 4
        cls.test = cls.made.data("test.tsv", [(f"{t} {w}", LABELS[(i + j) % 3]) for i, t in enumerate(TEXTS)
                                              for j, w in enumerate("film makanan harga itu".split())])
        tweets = cls.made.data("tweets.tsv", [(f"{w} {t}", LABELS[i % 3]) for i, t in enumerate(TEXTS)
                                              for w in ("saya", "kami")])
        cls.a = cls.study("a", "fp32", f"test={cls.test}")
        cls.b = cls.study("b", "fp32,int8", f"lain={cls.test}", f"tweets={tweets}")

    @classmethod
    def tearDownClass(cls):
        cls.made.doCleanups()

    @classmethod
    def study(cls, name, variants, *sets):
        out = cls.made.dir / name
        cls.made.ok("study", "--model", f"m={cls.tiny}", "--variants", variants, "-o", out, "--threads", "1",
                    "--bootstrap", "100", *(x for s in sets for x in ("--data", s)))
        return out

    def same(self, mine, theirs, where):
        """Every number that both have, to 1e-9."""
        compared = 0
        if isinstance(theirs, dict):
            for key in theirs:
                if key in mine:
                    compared += self.same(mine[key], theirs[key], f"{where}.{key}")
        elif isinstance(theirs, list):
            for i, (a, b) in enumerate(zip(mine, theirs)):
                compared += self.same(a, b, f"{where}[{i}]")
        elif isinstance(theirs, float):
            self.assertAlmostEqual(mine, theirs, delta=1e-9, msg=where)
            compared = 1
        else:
            self.assertEqual(mine, theirs, where)
            compared = 1
        return compared

    def test_the_figures_of_the_study_itself(self):
        results = json.loads((self.b / "results.json").read_text())["results"]
        got = self.json("compare", self.b, "--json", "--bootstrap", "100")
        self.assertEqual([s["data"] for s in got["sets"]], ["lain", "tweets"])
        for s in got["sets"]:
            self.assertEqual([e["name"] for e in s["entries"]], ["m/fp32", "m/int8"])
            for e in s["entries"]:
                theirs = next(r for r in results if r["variant"] == e["variant"] and r["data"] == s["data"])
                self.assertGreater(self.same(e, theirs, e["name"]), 30)
                if theirs["against_fp32"]:
                    self.assertGreater(self.same(e["against_baseline"], theirs["against_fp32"], e["name"]), 40)

    def test_two_studies(self):
        a, b = self.a, self.b
        done = self.ok("compare", a, b / "results.json", "--json")
        got = json.loads(done.stdout)
        # the same texts under another name belong together; the other set stands alone, with its own baseline
        self.assertEqual([[e["name"] for e in s["entries"]] for s in got["sets"]],
                         [["a:m/fp32", "b:m/fp32", "b:m/int8"], ["b:m/fp32", "b:m/int8"]])
        self.assertEqual(got["sets"][0]["entries"][1]["against_baseline"]["agree"], self.texts)
        self.assertEqual(got["sets"][0]["entries"][1]["against_baseline"]["max_abs_dlogit"], 0)
        got = self.json("compare", a, f"baru={b}", "--only", "int8 on x", "--only", "*/int8 on lain", "--only", "fp32",
                        "--baseline", "baru:m/int8", "--json")
        self.assertEqual(got["sets"][0]["baseline"], "baru:m/int8")
        self.assertEqual(len(got["sets"][0]["entries"]), 3)
        self.fails("compare", a, b, "--only", "int4", has=["--only lets no result through", "m/fp32 on test"])

    def test_a_study_and_a_table(self):
        self.ok("predict", "--model", self.tiny, "--data", self.test, "-o", self.dir / "p.tsv")
        self.ok("predict", "--model", self.tiny, "--data", self.test, "-o", self.dir / "p.jsonl")
        done = self.ok("compare", self.b, "--only", "fp32", self.dir / "p.tsv", f"q={self.dir / 'p.jsonl'}", "--json")
        got = json.loads(done.stdout)
        self.assertEqual([[e["name"] for e in s["entries"]] for s in got["sets"]], [["m/fp32", "p", "q"], ["m/fp32"]])
        self.assertIn("no other input is about these texts", done.stderr)
        for e in got["sets"][0]["entries"][1:]:
            self.assertEqual(e["against_baseline"]["agree"], self.texts)
            self.assertAlmostEqual(e["against_baseline"]["mean_kl"], 0, delta=1e-9)
            self.assertAlmostEqual(e["nll"], got["sets"][0]["entries"][0]["nll"], delta=1e-6)

    def test_damaged_studies(self):
        out = shutil.copytree(self.b, self.dir / "b")
        lines = (out / "predictions.jsonl").read_text().splitlines(keepends=True)
        (out / "predictions.jsonl").write_text("".join(lines[:-1]))
        self.fails("compare", out, has=["predictions.jsonl", "1 rows of m/int8 on tweets are missing"])
        (out / "predictions.jsonl").write_text("".join(lines[:-1]) + lines[-1][:40])
        self.fails("compare", out, has=[f"line {len(lines)}"])
        (out / "predictions.jsonl").write_text("".join(lines + lines[-1:]))
        self.fails("compare", out, has="more rows than results.json says")
        (out / "predictions.jsonl").unlink()
        self.fails("compare", out, has="predictions.jsonl")
        (out / "results.json").write_text('{"timbang": {"schema": 7}, "results": []}')
        self.fails("compare", out, has="schema")


if __name__ == "__main__":
    unittest.main()
