"""predict and tokenize: every source of texts, every format, the same answers whatever the batches and threads."""
import csv
import json
import math
import struct
import unittest

from common import LABELS, TEXTS, VOCAB, CliTest, run, write_config


class Predict(CliTest):
    def setUp(self):
        super().setUp()
        self.tiny = self.model()

    def predict(self, *args, **kwargs):
        return self.json("predict", "--model", self.tiny, "--json", *args, **kwargs)

    def test_fields(self):
        one = self.predict(TEXTS[0])
        self.assertEqual(one["text"], TEXTS[0])
        self.assertEqual(list(one["probs"]), LABELS)
        self.assertAlmostEqual(sum(one["probs"].values()), 1, places=12)
        self.assertEqual(one["label"], max(one["probs"], key=one["probs"].get))
        self.assertEqual(one["score"], one["probs"][one["label"]])
        self.assertEqual(len(one["logits"]), 3)
        # The text of a logit gives the float back, not the double of its digits.
        logits = struct.unpack("<3f", struct.pack("<3f", *one["logits"]))
        weights = [math.exp(x - max(logits)) for x in logits]
        for label, weight in zip(LABELS, weights):
            self.assertAlmostEqual(one["probs"][label], weight / sum(weights), places=12)

    def test_several_are_an_array_in_order_and_lines(self):
        several = self.predict(*TEXTS)
        self.assertEqual([r["text"] for r in several], TEXTS)
        lines = self.ok("predict", "--model", self.tiny, "--jsonl", *TEXTS).stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], several)
        self.assertEqual([self.predict(t) for t in TEXTS], several)

    def test_batches_threads_and_levels_change_no_bit(self):
        want = self.predict(*TEXTS)
        for args in (["--batch", "1"], ["--batch", "2", "--threads", "3"], ["--threads", "1"]):
            self.assertEqual(self.predict(*TEXTS, *args), want)
        self.assertEqual(self.predict(*TEXTS, env={"TIMBANG_CPU": "scalar"}), want)

    def test_compute(self):
        plain = self.predict(*TEXTS)
        self.assertEqual(self.predict(*TEXTS, "--compute", "fp32"), plain)
        want = self.predict(*TEXTS, "--compute", "bf16")
        self.assertNotEqual(want, plain)
        self.assertEqual(self.predict(*TEXTS, "--compute", "bf16", "--batch", "1", "--threads", "3"), want)
        self.fails("predict", "--model", self.tiny, "--compute", "fp8", TEXTS[0], has=["fp8", "bf16"])
        folder = self.dir / "int8"
        run("quantize", self.tiny, "--to", "int8", "-o", folder)
        self.fails("predict", "--model", folder, "--compute", "bf16", TEXTS[0], has=["int8", "float layers"])

    def test_human_table(self):
        lines = self.ok("predict", "--model", self.tiny, *TEXTS).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["label", "score", *LABELS, "text"])
        self.assertEqual(len(lines), 1 + len(TEXTS))
        self.assertEqual(len({line.index(text) for line, text in zip(lines[1:], TEXTS)}), 1)

    def test_lines_on_standard_input(self):
        want = self.predict(*TEXTS)
        text = "\n".join(TEXTS)
        for source in (["-"], ["--data", "-"]):
            self.assertEqual(self.predict(*source, stdin=text), want)
            self.assertEqual(self.predict(*source, stdin="\ufeff" + text.replace("\n", "\r\n") + "\r\n"), want)
            self.assertEqual(self.predict(*source, "--limit", "2", stdin=text), want[:2])

    def test_a_table_on_standard_input(self):
        rows = "text,label\n" + "".join(f'"{t}",x\n' for t in TEXTS)
        self.assertEqual(self.predict("--data", "-", "--text-column", "text", stdin=rows), self.predict(*TEXTS))

    def test_bad_standard_input(self):
        self.fails("predict", "--model", self.tiny, "-", stdin="", has="empty")
        done = run("predict", "--model", self.tiny, "-", stdin=b"a\nb\xffc\n", binary=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"line 2 is not valid UTF-8: byte 0xff at 1", done.stderr)
        done = run("predict", "--model", self.tiny, "-", stdin=b"a\0b\n", binary=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"line 1 holds a zero byte", done.stderr)

    def test_data_files(self):
        want = self.predict(*TEXTS)
        self.assertEqual(self.predict("--data", self.data(rows=[(t, "x") for t in TEXTS])), want)
        path = self.dir / "d.csv"
        with open(path, "w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(TEXTS))
        self.assertEqual(self.predict("--data", path), want)
        path = self.write("d.jsonl", "".join(json.dumps({"text": t, "label": "x"}) + "\n" for t in TEXTS))
        self.assertEqual(self.predict("--data", path), want)
        self.assertEqual(len(self.predict("--data", path, "--limit", "2")), 2)

    def test_pairs(self):
        path = self.write("p.tsv", "a\tb\n" + "".join(f"{t}\t{u}\n" for t, u in zip(TEXTS, TEXTS[1:])))
        args = ["--data", path, "--text-column", "a", "--text-pair", "b"]
        rows = self.predict(*args)
        self.assertEqual([r["text_pair"] for r in rows], TEXTS[1:])
        self.assertNotEqual(rows[0]["logits"], self.predict(TEXTS[0])["logits"])
        tokens = self.json("tokenize", "--model", self.tiny, "--json", *args)[0]
        self.assertEqual(tokens["tokens"].count("[SEP]"), 2)
        self.assertEqual(set(tokens["type_ids"]), {0, 1})
        self.fails("predict", "--model", self.tiny, "--text-pair", "b", "x", has="--data")
        dirty = self.write("d.tsv", "a\tb\n" + "".join(f"{t} http://a.b\t@c {u}\n" for t, u in zip(TEXTS, TEXTS[1:])))
        got = self.predict("--data", dirty, "--text-column", "a", "--text-pair", "b", "--clean", "urls,mentions,spaces")
        self.assertEqual([r["logits"] for r in got], [r["logits"] for r in rows])

    def test_output_files(self):
        out = self.dir / "out.tsv"
        self.ok("predict", "--model", self.tiny, *TEXTS, "a\tb", "-o", out)
        lines = [line.split("\t") for line in out.read_text().splitlines()]
        self.assertEqual(lines[0], ["text", "label", "score", "p_positive", "p_neutral", "p_negative"])
        self.assertTrue(all(len(line) == 6 for line in lines))
        self.ok("predict", "--model", self.tiny, *TEXTS, "-o", self.dir / "out.json")
        self.assertEqual(json.loads((self.dir / "out.json").read_text()), self.predict(*TEXTS))

    def test_empty_and_long_texts_are_scored_and_warned_about(self):
        done = self.ok("predict", "--model", self.tiny, "--json", "", "bagus")
        self.assertIn("1 of 2 texts is empty", done.stderr)
        self.assertEqual(json.loads(done.stdout)[0]["tokens"], 2)
        done = self.ok("predict", "--model", self.tiny, "--json", "bagus " * 100)
        self.assertIn("truncated", done.stderr)
        self.assertTrue(json.loads(done.stdout)["truncated"])
        self.assertEqual(json.loads(done.stdout)["tokens"], 64)
        self.assertEqual(self.ok("predict", "--model", self.tiny, "--quiet", "").stderr, "")

    def test_max_length(self):
        self.assertEqual(self.predict("bagus " * 30, "--max-length", "8")["tokens"], 8)
        self.fails("predict", "--model", self.tiny, "x", "--max-length", "65", has=["65", "64"])

    def test_clean(self):
        want = self.predict("bagus sekali")
        got = self.predict("@orang  Bagus   sekali http://a.b/c", "--clean", "lower,spaces,urls,mentions")
        self.assertEqual(got["logits"], want["logits"])
        self.fails("predict", "--model", self.tiny, "x", "--clean", "lower,soap", has="soap")

    def test_labels(self):
        plain = self.model("plain", id2label=None, label2id=None, num_labels=3)
        self.assertEqual(list(self.json("predict", "--model", plain, "--json", "x")["probs"]),
                         ["LABEL_0", "LABEL_1", "LABEL_2"])
        named = self.json("predict", "--model", plain, "--json", "x", "--model-labels", "a, b,c")
        self.assertEqual(list(named["probs"]), ["a", "b", "c"])
        self.fails("predict", "--model", plain, "x", "--model-labels", "a,b", has="3")
        self.fails("predict", "--model", plain, "x", "--model-labels", "a,a,b", has="'a' occurs twice")

    def test_untrained_head_is_said_everywhere(self):
        base = self.model("base", id2label=None, label2id=None, architectures=["BertForMaskedLM"])
        self.fails("predict", "--model", base, "x", has="--labels")
        args = ["predict", "--model", base, "--labels", "a,b", "x"]
        self.assertIs(self.json(*args, "--json")["untrained_head"], True)
        self.assertIn("untrained head", self.ok(*args).stdout)
        self.assertIn("untrained head", self.ok(*args).stderr)
        self.assertEqual(self.json(*args, "--json", "--seed", "7"), self.json(*args, "--json", "--seed", "7"))
        self.assertNotEqual(self.json(*args, "--json", "--seed", "7"), self.json(*args, "--json", "--seed", "8"))
        self.assertNotIn("untrained_head", self.predict("x"))
        fresh = self.model("fresh", sidecar=True) # a head that init has drawn is no better
        self.assertIs(self.json("predict", "--model", fresh, "--json", "x")["untrained_head"], True)
        self.assertIn("untrained head", self.ok("predict", "--model", fresh, "x").stdout)

    def test_odd_texts_come_back_as_they_were(self):
        odd = ['"quoted" \\ back', "tab\there", "line\nend", "emoji \U0001F600 é", "\x7f\x01", " "]
        self.assertEqual([r["text"] for r in self.predict(*odd)], odd)

    def test_dash_texts(self):
        self.assertEqual(self.predict("--", "-jelek")["text"], "-jelek")


class Tokenize(CliTest):
    def setUp(self):
        super().setUp()
        self.folder = write_config(self.dir / "tok") # no weights

    def tokenize(self, *args, **kwargs):
        return self.json("tokenize", "--model", self.folder, "--json", *args, **kwargs)

    def test_fields(self):
        got = self.tokenize("Filmnya bagus, zq")
        self.assertEqual(got["tokens"], ["[CLS]", "filmnya", "bagus", ",", "z", "##q", "[SEP]"])
        self.assertEqual(got["ids"], [VOCAB.index(t) for t in got["tokens"]])
        self.assertEqual(got["offsets"], [[0, 0], [0, 7], [8, 13], [13, 14], [15, 16], [16, 17], [0, 0]])

    def test_offsets_count_characters(self):
        got = self.tokenize("\U0001F600 é bagus")
        self.assertEqual(got["tokens"], ["[CLS]", "[UNK]", "e", "bagus", "[SEP]"])
        self.assertEqual(got["offsets"], [[0, 0], [0, 1], [2, 3], [4, 9], [0, 0]])

    def test_truncation(self):
        self.assertEqual(len(self.tokenize("bagus " * 1000)["ids"]), 512)
        self.assertEqual(len(self.tokenize("bagus " * 1000, "--max-length", "10")["ids"]), 10)
        self.assertIs(self.tokenize("bagus " * 1000)["truncated"], True)

    def test_sources_and_formats(self):
        want = [self.tokenize(t) for t in TEXTS]
        self.assertEqual(self.tokenize(*TEXTS), want)
        self.assertEqual(self.tokenize("-", stdin="\n".join(TEXTS)), want)
        lines = self.ok("tokenize", "--model", self.folder, "--jsonl", *TEXTS).stdout.splitlines()
        self.assertEqual([json.loads(x) for x in lines], want)
        self.assertIn("filmnya", self.ok("tokenize", "--model", self.folder, TEXTS[0]).stdout)

    def test_no_tokenizer(self):
        self.write("empty/config.json", "{}")
        self.fails("tokenize", "--model", self.dir / "empty", "x", has="empty")
        self.fails("tokenize", "--model", self.dir / "none", "x", has="none")


if __name__ == "__main__":
    unittest.main()
