"""eval, study and bench on tiny models: fields, warnings, options about data, what is written."""
import json
import unittest

from common import LABELS, TEXTS, CliTest


class Eval(CliTest):
    def setUp(self):
        super().setUp()
        self.tiny = self.model()

    def truth(self, texts=TEXTS):
        """Rows with the labels that the model gives, so that figures are known."""
        got = self.json("predict", "--model", self.tiny, "--json", *texts)
        return [(r["text"], r["label"]) for r in got]

    def eval(self, path, *args, **kwargs):
        return self.json("eval", "--model", self.tiny, "--data", path, "--json", "--threads", "1", *args, **kwargs)

    def test_fields(self):
        rows = self.truth()
        wrong = LABELS[(LABELS.index(rows[0][1]) + 1) % 3]
        got = self.eval(self.data(rows=[(rows[0][0], wrong)] + rows[1:]))
        for field in ("n", "accuracy", "macro_f1", "weighted_f1", "per_class", "confusion", "ece", "nll", "brier",
                      "latency_ms"):
            self.assertIn(field, got)
        self.assertEqual(got["n"], len(rows))
        self.assertAlmostEqual(got["accuracy"], (len(rows) - 1) / len(rows))
        self.assertEqual(sum(map(sum, got["confusion"])), len(rows))
        text = self.ok("eval", self.tiny, "--data", self.dir / "data.tsv").stdout
        self.assertIn("accuracy      0.8333", text)
        for label in LABELS:
            self.assertIn(label, text)
        line = self.ok("eval", self.tiny, "--data", self.dir / "data.tsv", "--jsonl").stdout
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(json.loads(line)["n"], len(rows))

    def test_label_names(self):
        rows = self.truth()
        want = self.eval(self.data(rows=rows))["confusion"]
        for name, change in (("case", lambda l: l.upper()), ("number", lambda l: str(LABELS.index(l)))):
            self.assertEqual(self.eval(self.data(name, [(t, change(l)) for t, l in rows]))["confusion"], want)
        mapped = self.data("mapped", [(t, {"positive": "baik", "neutral": "n", "negative": "-"}[l]) for t, l in rows])
        self.assertEqual(self.eval(mapped, "--label-map", "baik=positive,n=neutral,-=negative")["confusion"], want)
        label = mapped.read_text().split("\n")[0].split("\t")[1]
        self.fails("eval", "--model", self.tiny, "--data", mapped, "--label-map", "x=positive", has=["mapped: row 1", f"'{label}'", "positive, neutral, negative"])

    def test_drop_restrict_limit(self):
        rows = [(t, LABELS[i % 3]) for i, t in enumerate(TEXTS * 6)]
        path = self.data(rows=rows)
        self.assertEqual(self.eval(path, "--drop-labels", "neutral")["n"], 24)
        two = self.data("two", [r for r in rows if r[1] != "neutral"])
        self.assertEqual(self.eval(two, "--restrict-labels")["predicted_counts"].get("neutral", 0), 0)
        limited = self.eval(path, "--limit", "9", "--seed", "3")
        self.assertEqual(limited["n"], 9)
        self.assertEqual(set(limited["label_counts"].values()), {3})
        self.assertEqual(self.eval(path, "--limit", "9", "--seed", "3")["confusion"], limited["confusion"])

    def test_overlap_with_training_data(self):
        path = self.data(rows=[(t, "positive") for t in TEXTS])
        train = self.data("train.tsv", [(TEXTS[0], "positive"), (TEXTS[1].upper(), "negative"), ("lain", "neutral")])
        self.assertEqual(self.eval(path, "--train", train)["train_overlap"]["normalized"], 2)

    def test_mistakes(self):
        path = self.data()
        self.fails("eval", "--model", self.tiny, "--data", path, "--data", path, has="one --data")
        self.fails("eval", "--model", self.tiny, "--data", path, "--text-column", "teks", has=["teks", "data.tsv"])
        self.fails("eval", "--model", self.tiny, "--data", self.dir / "none.tsv", has="none.tsv")


class Study(CliTest):
    def study(self, *args, **kwargs):
        return self.ok("study", *args, "-o", self.dir / "out", "--threads", "1", **kwargs)

    def test_results(self):
        one, two = self.model("one", 1), self.model("two", 2)
        a, b = self.data("a.tsv"), self.data("b.csv", [(t, LABELS[i % 2]) for i, t in enumerate(TEXTS)])
        done = self.study("--model", f"satu={one}", "--model", two, "--data", f"bersih={a}", "--data", b,
                          "--variants", "fp32,fp16,int8,int4")
        self.assertEqual(self.listing(self.dir / "out"), ["predictions.jsonl", "report.html", "results.json"])
        for part in ("satu", "two", "bersih", "int4", str(self.dir / "out" / "report.html")):
            self.assertIn(part, done.stdout)
        results = json.loads((self.dir / "out" / "results.json").read_text())
        self.assertEqual(len(results["results"]), 2 * 4 * 2)
        report = (self.dir / "out" / "report.html").read_text()
        self.assertEqual(report[:15].lower(), "<!doctype html>")
        for line in (self.dir / "out" / "predictions.jsonl").read_text().splitlines():
            json.loads(line)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()),
                         ["a.tsv", "b.csv", "one", "one-config", "out", "two", "two-config"])

    def test_json_force_keep(self):
        tiny, data = self.model(), self.data()
        got = json.loads(self.study("--model", tiny, "--data", data, "--variants", "fp32,int8", "--json").stdout)
        self.assertEqual(len(got["results"]), 2)
        with self.leaves_nothing():
            self.fails("study", "--model", tiny, "--data", data, "-o", self.dir / "out", has=["out", "--force"])
        self.study(tiny, "--data", data, "--variants", "fp32,int8", "--force", "--keep-models")
        kept = self.listing(self.dir / "out" / "models")
        self.assertTrue(any(name.endswith("int8/model.safetensors") for name in kept), kept)

    def test_headless_model_takes_labels_of_the_others(self):
        one = self.model("one")
        base = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])
        done = self.study("--model", one, "--model", base, "--data", self.data(), "--variants", "fp32,int8")
        self.assertIn("untrained head", done.stdout)
        self.assertIn("untrained head", (self.dir / "out" / "report.html").read_text())

    def test_mistakes_leave_nothing(self):
        tiny, data = self.model(), self.data()
        bad = self.data("bad.tsv", [("a", "positive"), ("b", "netral")])
        with self.leaves_nothing():
            for args, has in [(["--model", tiny], "--data"), (["--model", self.dir / "x", "--data", data], "x"),
                              (["--model", "org/name", "--data", data], "huggingface-cli download org/name"),
                              (["--model", tiny, "--data", self.dir / "y"], "y"),
                              (["--model", tiny, "--data", bad], ["bad.tsv", "netral"]),
                              (["--model", tiny, "--data", data, "--variants", "fp32,int9"], "int9"),
                              (["--model", f"a={tiny}", "--model", f"a={tiny}", "--data", data], "a"),
                              (["--weights", "w.pt", "--data", data], "quantize")]:
                self.fails("study", *args, "-o", self.dir / "out", has=has)


class Bench(CliTest):
    def test_fields(self):
        tiny = self.model()
        rows = self.json("bench", tiny, "--shapes", "1x8,3x16", "--variants", "fp32,int8", "--min-seconds", "0.02",
                         "--json")
        self.assertEqual({(r["shape"], r["variant"]) for r in rows},
                         {(s, v) for s in ("1x8", "3x16") for v in ("fp32", "int8")})
        for row in rows:
            self.assertGreater(row["median_ms"], 0)
            self.assertGreaterEqual(row["p90_ms"], row["median_ms"])
            self.assertAlmostEqual(row["texts_per_s"], int(row["shape"].split("x")[0]) * 1e3 / row["median_ms"], delta=1)
        self.assertEqual(self.listing(), sorted(self.listing()))
        self.assertIn("median", self.ok("bench", tiny, "--shapes", "1x8", "--min-seconds", "0").stdout)

    def test_mistakes(self):
        tiny = self.model()
        for shapes in ("1", "x8", "1x0", "1x8,", "axb", "1x65"):
            self.fails("bench", tiny, "--shapes", shapes, has=["shape"])
        self.fails("bench", tiny, "--variants", "int9", has="int9")
        self.fails("bench", tiny, "--min-seconds", "nan", has="'nan'")


if __name__ == "__main__":
    unittest.main()
