"""eval, study and bench on tiny models: fields, warnings, options about data, what is written."""
import hashlib
import json
import pathlib
import unittest

from common import LABELS, TEXTS, CliTest
from test_schema import SCHEMA, errors


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
        text = self.ok("eval", self.tiny, "--data", path, "--train", train).stdout
        self.assertIn("repeated      0 exactly, 0 but for case and punctuation\n", text)
        self.assertIn("in --train    1 exactly, 2 but for case and punctuation, 1 of these with another label\n", text)

    def test_training_data_are_read_like_the_data(self):
        rows = "".join(f"{t}\t{i}\t{'xyz'[i % 3]}\n" for i, t in enumerate(TEXTS))
        path = self.write("pairs.tsv", "a\tb\tlabel\n" + rows)
        args = ["--text-column", "a", "--text-pair", "b", "--label-map", "x=positive,y=neutral,z=negative"]
        got = self.eval(path, *args, "--train", path, "--limit", "3")["train_overlap"]
        self.assertEqual((got["exact"], got["conflicting"]), (3, 0))
        other = self.write("t.csv", "id,kind,tweet\n" + "".join(f'{i},positive,"{t}"\n' for i, t in enumerate(TEXTS)))
        named = self.write("n.tsv", "isi\tlabel\n" + "".join(f"{t}\tpositive\n" for t in TEXTS))
        got = self.eval(named, "--text-column", "isi", "--label-column", "label", "--train", other)["train_overlap"]
        self.assertEqual((got["exact"], got["conflicting"]), (len(TEXTS), 0))
        self.ok("study", self.tiny, "--data", named, "--text-column", "isi", "--train", other, "--variants", "fp32", "-o",
                self.dir / "out")

    def test_what_was_done_to_the_data_is_recorded(self):
        path = self.data("a.csv", [])
        path.write_text("no,tweet,label\n" + "".join(f"{i},{t},{LABELS[i % 3]}\n" for i, t in enumerate(["bagus", "biasa saja", "jelek"])))
        got = self.eval(path, "--clean", "urls,lower", "--drop-labels", "neutral")
        self.assertEqual(set(got["clean"].split(",")), {"urls", "lower"})
        self.assertEqual(got["file"]["dropped"], {"neutral": 1})
        self.assertEqual(got["file"]["text_column"], "tweet")
        done = self.ok("eval", self.tiny, "--data", path)
        self.assertIn("text column 'tweet' (guessed), label column 'label' (guessed)", done.stderr)
        self.assertEqual(self.ok("eval", self.tiny, "--data", path, "--quiet").stderr, "")

    def test_mistakes(self):
        path = self.data()
        self.fails("eval", "--model", self.tiny, "--data", path, "--data", path, has="one --data")
        self.fails("eval", "--model", self.tiny, "--data", path, "--text-column", "teks", has=["teks", "data.tsv"])
        self.fails("eval", "--model", self.tiny, "--data", self.dir / "none.tsv", has="none.tsv")


class Headless(CliTest):
    def test_labels_come_from_the_data(self):
        base = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])
        path = self.data(rows=[(t, "yxz"[i % 3]) for i, t in enumerate(TEXTS)])
        got = self.json("eval", "--model", base, "--data", path, "--json")
        self.assertEqual(got["labels"], ["x", "y", "z"])
        self.assertIs(got["untrained_head"], True)
        got = self.json("eval", "--model", base, "--data", path, "--labels", "z,y,x,w", "--json")
        self.assertEqual(got["labels"], ["z", "y", "x", "w"])
        self.fails("eval", "--model", base, "--data", self.data("one.tsv", [("a b", "x"), ("c", "x")]), has="--labels")
        # A model with a head keeps its labels: here the data does not fit them.
        self.fails("eval", "--model", self.model(), "--data", path, has="not one of positive, neutral, negative")


class Study(CliTest):
    def study(self, *args, **kwargs):
        return self.ok("study", *args, "-o", self.dir / "out", "--threads", "1", **kwargs)

    def test_results(self):
        one, two = self.model("one", 1), self.model("two", 2)
        a, b = self.data("a.tsv"), self.data("b.csv", [(t, LABELS[i % 2]) for i, t in enumerate(TEXTS)])
        done = self.study("--model", f"satu={one}", "--model", two, "--data", f"bersih={a}", "--data", b,
                          "--variants", "fp32,int4")
        self.assertEqual(sorted(p.name for p in (self.dir / "out").iterdir()),
                         ["figures", "methods.tex", "plan.json", "predictions.jsonl", "references.bib", "report.html",
                          "results.json", "tables"])
        for part in ("satu", "two", "bersih", "int4", str(self.dir / "out" / "report.html")):
            self.assertIn(part, done.stdout)
        results = json.loads((self.dir / "out" / "results.json").read_text())
        self.assertEqual(len(results["results"]), 2 * 2 * 2)
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

    def test_bare_weights(self):
        tiny, data = self.model(), self.data()
        bare = self.dir / "bare" / "qat.safetensors"
        bare.parent.mkdir()
        (tiny / "model.safetensors").rename(bare)
        same = {}
        for args, name in [(["--config", tiny], "qat"), (["--model", f"x={tiny}"], "x")]:
            got = json.loads(self.study("--weights", bare, *args, "--data", data, "--variants", "fp32,int8", "--json",
                                        "--force").stdout)
            self.assertEqual([m["name"] for m in got["models"]], [name])
            self.assertEqual(got["models"][0]["path"], str(tiny))
            self.assertEqual(got["models"][0]["weights"][0]["file"], str(bare))
            self.assertEqual(got["models"][0]["weights"][0]["bytes"], bare.stat().st_size)
            self.assertEqual(got["variants"][0]["parts"]["embeddings"] + got["variants"][0]["parts"]["encoder"]
                             + got["variants"][0]["parts"]["head"], got["variants"][0]["fp32_bytes"])
            same[name] = [r["confusion"] for r in got["results"]]
        bare.rename(tiny / "model.safetensors")
        got = json.loads(self.study(tiny, "--data", data, "--variants", "fp32,int8", "--json", "--force").stdout)
        for confusion in same.values():
            self.assertEqual(confusion, [r["confusion"] for r in got["results"]])
        got = json.loads(self.study("--weights", tiny / "model.safetensors", "--data", data, "--variants", "fp32",
                                    "--json", "--force").stdout)
        self.assertEqual(got["models"][0]["path"], str(tiny))

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
                              (["--weights", self.dir / "w.pt", "--data", data], "w.pt"),
                              (["--weights", tiny / "config.json", "--data", data], "config.json"),
                              (["--config", tiny, "--data", data], "--weights"),
                              (["--weights", tiny / "model.safetensors", "--model", tiny, "--model", f"b={tiny}",
                                "--data", data], "quantize")]:
                self.fails("study", *args, "-o", self.dir / "out", has=has)


class Roadmap(CliTest):
    """Folders as `train` writes them."""

    def sidecar(self, folder, role, seed, scheme="fp32", parent=None):
        weights = parent and (parent / "model.safetensors").read_bytes()
        record = {"timbang": "0.1.0", "role": role, "scheme": scheme, "recipe": {"what": role}, "recipe_hash": role * 4,
                  "seed": seed, "parent_sha256": weights and hashlib.sha256(weights).hexdigest(), "untrained_head": False}
        (folder / "timbang.json").write_text(json.dumps(record))
        return folder

    def trained(self, name, role, seed, weights, parent=None):
        made = self.model(f"made-{weights}", weights)
        folder = self.dir / name
        folder.parent.mkdir(exist_ok=True)
        made.rename(folder)
        return self.sidecar(folder, role, seed, parent=parent)

    def qat(self, name, seed, weights, parent, scheme="int8"):
        masters, folder = self.model(f"made-{weights}", weights), self.dir / name
        folder.parent.mkdir(exist_ok=True)
        self.ok("quantize", masters, "--to", scheme, "-o", folder)
        masters.rename(folder / "master")
        return self.sidecar(folder, "qat", seed, scheme, parent)

    def seeds(self, name):
        (self.dir / name / "seeds.json").write_text(json.dumps({"seeds": [1, 2]}))

    def folders(self):
        base = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])
        for seed in (1, 2):
            tuned = self.trained(f"tuned/seed-{seed}", "fine-tuned", seed, 10 + seed, base)
            self.qat(f"qat/seed-{seed}", seed, 20 + seed, tuned)
            self.trained(f"more/seed-{seed}", "control", seed, 30 + seed, tuned)
        for name in ("tuned", "qat", "more"):
            self.seeds(name)
        return ["--model", f"base={base}", "--model", f"tuned={self.dir / 'tuned'}", "--model",
                f"qat={self.dir / 'qat'}", "--control", self.dir / "more", "--data", self.data(), "--variants",
                "fp32,int8,int4", "--bootstrap", 50, "--timing-seconds", 0, "-o", self.dir / "out", "--threads", 1]

    def test_the_whole(self):
        args = self.folders()
        done = self.ok("study", *args)
        for part in ("roadmap, macro-F1 on data", "qat      QAT int8", "qat - tuned (PTQ), int8: ",
                     "qat - control, int8: ", "2 seeds"):
            self.assertIn(part, done.stdout)
        record = json.loads((self.dir / "out" / "results.json").read_text())
        self.assertEqual(errors(record, SCHEMA), [])
        self.assertEqual([row["name"] for row in record["roadmap"]["rows"]], ["base", "tuned", "qat", "control"])
        self.assertEqual([m["name"] for m in record["models"]][3:6], ["qat/seed-1", "qat/seed-2", "control/seed-1"])
        self.assertEqual(len(record["roadmap"]["pairs"]), 6)
        for pair in record["roadmap"]["pairs"]:
            self.assertEqual([s["seed"] for s in pair["seeds"]], [1, 2])
        own = [v for v in record["variants"] if v["model"] == "qat/seed-1" and v["variant"] == "int8"][0]
        weights = (self.dir / "qat" / "seed-1" / "model.safetensors").stat().st_size
        self.assertEqual((own["made"], own["file_bytes"]), (False, weights))
        self.assertIn('<section id="roadmap">', (self.dir / "out" / "report.html").read_text())
        self.assertIn("roadmap.csv", [p.name for p in (self.dir / "out" / "tables").iterdir()])
        # Drawn again from the record alone, and repeated from it.
        self.ok("report", self.dir / "out", "-o", self.dir / "again")
        for name in ("roadmap.csv", "roadmap.tex", "roadmap_tests.csv", "roadmap_seeds.csv"):
            self.assertEqual((self.dir / "out" / "tables" / name).read_bytes(),
                             (self.dir / "again" / "tables" / name).read_bytes())
        again = self.json("verify", self.dir / "out", "--json")
        self.assertEqual((again["same"], again["files_changed"]), (again["logits"], []))

    def test_an_anonymous_roadmap_has_no_paths(self):
        self.ok("study", *self.folders(), "--anonymous")
        text = (self.dir / "out" / "results.json").read_text()
        self.assertNotIn(str(self.dir), text)
        self.assertIn('"roadmap"', text)

    def test_mistakes(self):
        args = self.folders()
        masters = self.dir / "qat" / "seed-2" / "master"
        (masters / "model.safetensors").write_bytes((self.dir / "tuned/seed-1/model.safetensors").read_bytes())
        self.fails("study", *args, has=["qat/seed-2", "changed after the training"])
        (masters / "config.json").unlink()
        self.fails("study", *args, "--force", has="config.json")
        for file in masters.iterdir():
            file.unlink()
        masters.rmdir()  # what is left is a quantized folder, which can be run as it is
        done = self.ok("study", *args, "--force")
        self.assertIn("qat/seed-2: its weights are int8 already", done.stderr)
        (self.dir / "qat" / "seeds.json").write_text("{}")
        self.fails("study", *args, "--force", has=["seeds.json", "'seeds'"])
        self.fails("study", self.dir / "tuned", "--data", self.data(), "--control", self.dir / "qat" / "seed-1",
                   has=["--control", "--model takes it"])


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
            for field in ("gops", "weight_bytes", "gb_per_s"):
                self.assertGreater(row[field], 0)
            for field in ("peak_gops", "peak_share", "read_gb_per_s", "read_share", "bound_ms"):
                self.assertIn(field, row)
        self.assertEqual(self.listing(), sorted(self.listing()))
        self.assertIn("median", self.ok("bench", tiny, "--shapes", "1x8", "--min-seconds", "0").stdout)

    def test_columns_line_up(self):
        tiny = self.model()
        text = self.ok("bench", tiny, "--shapes", "1x4,mixed8" if self.positions(tiny) > 97 else "1x4,2x5",
                       "--variants", "as-is,int8", "--levels", "scalar", "--thread-counts", "1,2",
                       "--min-seconds", "0").stdout
        lines = text.splitlines()
        self.assertEqual(len(lines), 1 + 8)
        self.assertEqual(len({len(line) for line in lines}), 1, text)
        self.assertEqual([line.split()[1:4] for line in lines[1:5]],
                         [["as-is", "scalar", "1"], ["as-is", "scalar", "2"], ["int8", "scalar", "1"],
                          ["int8", "scalar", "2"]])

    def test_compute_is_a_column_of_float_variants(self):
        tiny = self.model()
        rows = self.json("bench", tiny, "--shapes", "2x5", "--variants", "fp32,int8", "--compute", "fp32,bf16",
                         "--min-seconds", "0", "--json")
        self.assertEqual([(r["variant"], r.get("compute")) for r in rows],
                         [("fp32", None), ("fp32", "bf16"), ("int8", None)])
        self.fails("bench", tiny, "--compute", "fp32,fp8", has="fp8")

    @staticmethod
    def positions(folder):
        return json.loads((pathlib.Path(folder) / "config.json").read_text())["max_position_embeddings"]

    def test_a_quantized_folder_as_it_is(self):
        tiny, small = self.model(), self.dir / "small"
        self.ok("quantize", tiny, "--to", "int8", "-o", small)
        for options in ([], ["--variants", "as-is"]):
            row, = self.json("bench", small, "--shapes", "1x4", "--min-seconds", "0", *options, "--json")
            self.assertEqual(row["scheme"], "int8")

    def test_mistakes(self):
        tiny = self.model()
        for shapes in ("1", "x8", "1x0", "1x8,", "axb", "1x65"):
            self.fails("bench", tiny, "--shapes", shapes, has=["shape"])
        self.fails("bench", tiny, "--variants", "int9", has="int9")
        self.fails("bench", tiny, "--min-seconds", "nan", has="'nan'")
        self.fails("bench", tiny, "--levels", "scalar,avx9", has="'avx9' cannot be used here")
        for counts in ("0", "1,x", "-1", "2000", "1.5"):
            self.fails("bench", tiny, f"--thread-counts={counts}", has="--thread-counts")


if __name__ == "__main__":
    unittest.main()
